//! Sealed entries: a byte that changes behind the engine's back makes a miss for those who verify, a finding for
//! `check`, and nothing worse. Canary: without the comparison in `Whole::is_whole` the damaged values come out.

use samovar::{Cache, ErrorKind, Swap, Ttl};
use std::os::unix::fs::FileExt;
use std::path::Path;

const KEYS: u32 = 300;
const NEEDLE: &[u8] = b"a value that is easy to find in a file ";

fn value(key: u32) -> Vec<u8> {
    let mut value = NEEDLE.to_vec();
    value.extend(key.to_string().bytes());
    value
}

fn open(path: &Path, verify: bool) -> Cache {
    Cache::options().capacity(4 << 20).seals(true).verify(verify).open(path).unwrap()
}

/// Flips a bit in the value of every third key, in the file.
fn damage(path: &Path) -> Vec<u32> {
    let bytes = std::fs::read(path).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    let mut damaged = Vec::new();
    for key in (0..KEYS).step_by(3) {
        let whole = [&key.to_le_bytes()[..], &value(key)].concat();
        let at = bytes.windows(whole.len()).position(|window| window == whole).unwrap() + 4 + 10;
        file.write_all_at(&[bytes[at] ^ 4], at as u64).unwrap();
        damaged.push(key);
    }
    damaged
}

#[test]
fn a_damaged_value_is_a_miss_for_those_who_verify() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let (cache, trusting) = (open(&path, true), open(&path, false));
    for key in 0..KEYS {
        cache.set_with(&key.to_le_bytes(), &value(key), Ttl::secs(u64::from(key % 2) * 3600 + 60)).unwrap();
    }
    assert!(cache.check().unwrap().is_clean());
    let damaged = damage(&path);
    let reader = Cache::options().read_only(true).verify(true).open(&path).unwrap();
    for key in 0..KEYS {
        let expected = (!damaged.contains(&key)).then(|| value(key));
        for handle in [&cache, &reader] {
            assert!(handle.get(&key.to_le_bytes()).unwrap() == expected, "key {key}");
            let mut found = None;
            handle.get_many(&[key.to_le_bytes()], |_, value| found = value.map(<[u8]>::to_vec)).unwrap();
            assert!(found == expected, "key {key} in a batch");
        }
        assert!(trusting.get(&key.to_le_bytes()).unwrap().is_some());
    }
    let (damaged, report) = (damaged.len() as u64, cache.check().unwrap());
    assert_eq!(report.problem_count, damaged);
    assert!(report.problems[0].contains("seal"), "{report}");
    assert_eq!(cache.stats().unwrap().damaged, 2 * damaged, "the reader counts for itself");
}

#[test]
fn an_operation_that_depends_on_a_damaged_value_finds_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = open(&path, false);
    for key in 0..KEYS {
        cache.set(&key.to_le_bytes(), &value(key)).unwrap();
    }
    let (key, whole) = (damage(&path)[0].to_le_bytes(), 1u32.to_le_bytes());
    assert!(!cache.append(&key, b"more").unwrap() && cache.append(&whole, b"more").unwrap());
    assert!(!cache.touch(&key, Ttl::secs(9)).unwrap());
    assert!(cache.get_with_version(&key).unwrap().is_none());
    let (_, version) = cache.get_with_version(&whole).unwrap().unwrap();
    assert_eq!(cache.compare_and_set(&key, version, b"v", Ttl::NEVER).unwrap(), Swap::Missing);
    cache.set(&key, b"healed").unwrap();
    assert!(cache.get(&key).unwrap().unwrap() == b"healed");
}

#[test]
fn seals_move_with_their_entries_and_broken_ones_stay_broken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = Cache::options().capacity(256 << 10).verify(true).open(&path).unwrap();
    for key in 0..KEYS {
        cache.set(&key.to_le_bytes(), &value(key)).unwrap();
    }
    let damaged = damage(&path);
    let moved = || {
        cache.stats().unwrap().evictions == 0 && cache.check().unwrap().problem_count == damaged.len() as u64
    };
    for round in 0..10_000u32 {
        cache.set(&(KEYS + round % 60).to_le_bytes(), &[7; 600]).unwrap();
    }
    assert!(moved(), "{}", cache.check().unwrap());
    for key in 0..KEYS {
        let expected = (!damaged.contains(&key)).then(|| value(key));
        assert!(cache.get(&key.to_le_bytes()).unwrap() == expected, "key {key}");
    }
}

#[test]
fn verifying_needs_a_file_with_seals() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    Cache::options().capacity(1 << 20).open(&path).unwrap().close().unwrap();
    let error = Cache::options().verify(true).open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("without seals"), "{error}");
}
