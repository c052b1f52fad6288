//! A cache that is resized while it is used: what fits stays, what does not goes by the policy, and everyone sees it.

use crate::common::{FILE, Label, ROLE, Rng, seed, this_program};
use samovar::{Cache, ErrorKind, Options, Policy};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

const MIB: u64 = 1 << 20;

fn home() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    (dir, path)
}

fn value(key: u64, len: usize) -> Vec<u8> {
    Label { key, writer: 0, sequence: 0 }.value(len)
}

/// Sets keys of this range to values of about this length.
fn fill(cache: &Cache, keys: std::ops::Range<u64>, len: usize) {
    for key in keys {
        cache.set(&key.to_le_bytes(), &value(key, len + (key % 7) as usize * 8)).unwrap();
    }
}

/// How many of the keys are there, each with its own value.
fn count(cache: &Cache, keys: std::ops::Range<u64>, len: usize) -> u64 {
    keys.filter(|key| {
        let found = cache.get(&key.to_le_bytes()).unwrap();
        assert!(found.as_ref().is_none_or(|found| *found == value(*key, len + (key % 7) as usize * 8)));
        found.is_some()
    })
    .count() as u64
}

fn expect_clean(cache: &Cache) {
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "{report}");
    assert!(!report.resize_pending);
    assert_eq!(cache.stats().unwrap().resets, 0);
}

/// What the cache takes on the disk is what it says that it does, where the file system has holes.
fn expect_space(cache: &Cache) {
    let (capacity, used) = (cache.capacity().unwrap(), cache.stats().unwrap().file_bytes);
    assert!(!capacity.pending && used <= capacity.bytes, "{capacity:?}, {used} bytes used");
    if cfg!(target_os = "linux") {
        let disk = capacity.disk_bytes;
        assert!(disk <= used + used / 64 + 65_536, "{disk} bytes on the disk for {used}");
        assert!(disk + 65_536 >= used, "{disk} bytes on the disk for {used}: not reserved");
    }
}

#[test]
fn up_and_down_and_up_again_loses_nothing_that_fits() {
    for (capacity, max, small) in [(4, 16, 2), (64, 64, 24), (2, 2, 1)] {
        let (_dir, path) = home();
        let options = Cache::options().capacity(capacity * MIB).max_capacity(max * MIB);
        let cache = options.max_value_size(16 << 10).expected_entry_size(1000).open(path).unwrap();
        // Half of the smallest.
        let keys = small * MIB / 2 / 1100;
        fill(&cache, 0..keys, 1000);
        expect_space(&cache);
        for to in [max, small, capacity, small, max] {
            let resized = cache.resize(to * MIB).unwrap();
            assert_eq!((resized.to, resized.evictions, resized.complete), (to * MIB, 0, true), "{resized:?}");
            assert_eq!(count(&cache, 0..keys, 1000), keys, "{capacity} MiB to {to} MiB");
            expect_clean(&cache);
            expect_space(&cache);
            fill(&cache, 0..keys, 1000);
        }
        assert_eq!(cache.stats().unwrap().evictions, 0);
    }
}

#[test]
fn a_larger_cache_holds_more_and_a_smaller_one_keeps_what_was_read() {
    let (_dir, path) = home();
    let options = Cache::options().capacity(2 * MIB).max_capacity(8 * MIB).max_value_size(16 << 10);
    let cache = options.expected_entry_size(1000).open(path).unwrap();
    let keys = 5 * MIB / 1100;
    fill(&cache, 0..keys, 1000);
    assert!(count(&cache, 0..keys, 1000) * 1100 < 2 * MIB);
    assert_eq!(cache.resize(8 * MIB).unwrap().evictions, 0);
    fill(&cache, 0..keys, 1000);
    assert_eq!(count(&cache, 0..keys, 1000), keys, "five of eight fit");
    // A tenth is hot.
    for _ in 0..4 {
        assert_eq!(count(&cache, 0..keys / 10, 1000), keys / 10);
    }
    let before = cache.stats().unwrap();
    let resized = cache.resize(3 * MIB).unwrap();
    let kept = count(&cache, 0..keys, 1000);
    assert_eq!(before.entries - kept, resized.evictions, "{resized:?}");
    assert_eq!(cache.stats().unwrap().evictions - before.evictions, resized.evictions);
    assert!(kept * 1100 > 3 * MIB * 6 / 10, "{kept} entries of 1.1 kB fill 3 MiB");
    assert!(count(&cache, 0..keys / 10, 1000) >= keys / 10 * 9 / 10, "what was read goes last");
    expect_clean(&cache);
    expect_space(&cache);
}

/// What does not fit goes, and little more.
#[test]
fn a_full_cache_that_shrinks_a_little_loses_a_little() {
    let (_dir, path) = home();
    let cache = Cache::options().capacity(16 * MIB).max_value_size(4096).open(path).unwrap();
    fill(&cache, 0..40_000, 1000);
    let full = cache.stats().unwrap();
    let resized = cache.resize(15 * MIB).unwrap();
    let lost = resized.evictions as f64 / full.entries as f64;
    assert!(lost < 0.12, "{lost:.3} of the entries went for a sixteenth of the space: {resized:?}");
    expect_clean(&cache);
    expect_space(&cache);
}

#[test]
fn first_in_first_out_shrinks_too() {
    let (_dir, path) = home();
    let cache = Cache::options().capacity(4 * MIB).policy(Policy::Fifo).max_value_size(4096);
    let cache = cache.open(path).unwrap();
    fill(&cache, 0..10_000, 1000);
    cache.resize(2 * MIB).unwrap();
    let kept: Vec<u64> =
        (0..10_000).filter(|key: &u64| cache.contains(&key.to_le_bytes()).unwrap()).collect();
    assert!(kept.len() > 1200, "{} are left", kept.len());
    assert!(kept.iter().all(|key| *key > 5_000), "what came first went first");
    expect_clean(&cache);
    cache.resize(4 * MIB).unwrap();
    fill(&cache, 0..10_000, 1000);
    expect_clean(&cache);
}

fn refused(cache: &Cache, capacity: u64, kind: ErrorKind, words: &[&str]) {
    let (before, stats) = (cache.capacity().unwrap(), cache.stats().unwrap());
    let error = cache.resize(capacity).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    for word in words {
        assert!(error.to_string().contains(word), "{error} does not say {word:?}");
    }
    assert_eq!(cache.capacity().unwrap(), before);
    assert_eq!(
        (cache.stats().unwrap().entries, cache.stats().unwrap().data_bytes),
        (stats.entries, stats.data_bytes)
    );
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let (_dir, path) = home();
    let made = Cache::options().capacity(4 * MIB).max_capacity(8 * MIB).max_value_size(64 << 10);
    let cache = made.clone().open(&path).unwrap();
    fill(&cache, 0..500, 1000);
    refused(&cache, 8 * MIB + 1, ErrorKind::InvalidArgument, &["above", "8388608"]);
    for small in [0, 1, 100_000, 300_000] {
        refused(&cache, small, ErrorKind::InvalidArgument, &["too small", "65536 bytes", "least"]);
    }
    let told = cache.resize(1).unwrap_err().to_string();
    let least: u64 = told.rsplit(' ').next().unwrap().parse().unwrap();
    refused(&cache, least - 1, ErrorKind::InvalidArgument, &[&least.to_string()]);
    cache.resize(least).unwrap();
    cache.set(b"largest", &vec![1; 64 << 10]).unwrap();
    expect_clean(&cache);
    let reader = Cache::options().read_only(true).open(&path).unwrap();
    assert_eq!(reader.resize(MIB).unwrap_err().kind(), ErrorKind::ReadOnly);
    let counted = Cache::options().capacity_entries(100, 8, 64).open(path.with_extension("counted"));
    refused(&counted.unwrap(), MIB, ErrorKind::InvalidArgument, &["number of entries"]);
}

#[test]
fn a_maximum_that_cannot_be_is_refused() {
    let (_dir, path) = home();
    let refuse = |options: Options| options.open(&path).unwrap_err();
    let below = refuse(Cache::options().capacity(2 * MIB).max_capacity(MIB));
    assert_eq!(below.kind(), ErrorKind::InvalidArgument, "{below}");
    let counted = refuse(Cache::options().capacity_entries(100, 8, 64).max_capacity(MIB));
    assert_eq!(counted.kind(), ErrorKind::InvalidArgument, "{counted}");
    let index = refuse(Cache::options().capacity(MIB).max_capacity(64 * MIB));
    assert_eq!(index.kind(), ErrorKind::InvalidArgument, "{index}");
    assert!(index.to_string().contains("the index for a maximum of 67108864"), "{index}");
    assert!(!path.exists());
}

#[test]
fn a_later_open_names_the_size_that_it_has_now() {
    let (_dir, path) = home();
    let made = Cache::options().capacity(2 * MIB).max_capacity(8 * MIB);
    let cache = made.clone().open(&path).unwrap();
    cache.set(b"k", b"v").unwrap();
    cache.resize(4 * MIB).unwrap();
    cache.close().unwrap();
    let old = made.open(&path).unwrap_err();
    assert_eq!(old.kind(), ErrorKind::CapacityMismatch, "{old}");
    assert!(old.to_string().contains(&(4 * MIB).to_string()), "{old}");
    let most = Cache::options().max_capacity(9 * MIB).open(&path).unwrap_err();
    assert_eq!(most.kind(), ErrorKind::CapacityMismatch, "{most}");
    let cache = Cache::options().capacity(4 * MIB).max_capacity(8 * MIB).open(&path).unwrap();
    assert!(cache.attachment().warm);
    assert_eq!(cache.get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
    expect_clean(&cache);
}

/// A value that fits a large cache alone goes with it; a smaller cache refuses it.
#[test]
fn entries_that_only_a_large_cache_takes_go_when_it_shrinks() {
    let (_dir, path) = home();
    let cache = Cache::options().capacity(4 * MIB).max_value_size(16 << 10).open(path).unwrap();
    let key = vec![7; 65_535];
    cache.set(&key, &[1; 9_000]).unwrap();
    fill(&cache, 0..100, 1000);
    let told = cache.resize(1).unwrap_err().to_string();
    let least: u64 = told.rsplit(' ').next().unwrap().parse().unwrap();
    cache.resize(least).unwrap();
    assert_eq!(cache.get(&key).unwrap(), None);
    assert_eq!(cache.set(&key, &[1; 9_000]).unwrap_err().kind(), ErrorKind::ValueTooLarge);
    expect_clean(&cache);
    cache.resize(4 * MIB).unwrap();
    cache.set(&key, &[1; 9_000]).unwrap();
    expect_clean(&cache);
}

#[test]
fn a_read_only_handle_and_another_process_see_it() {
    let (_dir, path) = home();
    let options = Cache::options().capacity(MIB).max_capacity(4 * MIB).max_value_size(16 << 10);
    let cache = options.expected_entry_size(1000).open(&path).unwrap();
    let reader = Cache::options().read_only(true).open(&path).unwrap();
    let mut other = this_program!(other_process, "fill", &path).spawn().unwrap();
    assert!(other.wait().unwrap().success());
    assert_eq!(count(&reader, 0..300, 1000), 300);
    assert_eq!(cache.resize(4 * MIB).unwrap().evictions, 0);
    for to in [4, 1] {
        cache.resize(to * MIB).unwrap();
        assert_eq!(reader.capacity().unwrap().bytes, to * MIB);
        assert_eq!(reader.stats().unwrap().data_bytes, cache.stats().unwrap().data_bytes);
        assert_eq!(count(&reader, 0..300, 1000), 300);
        assert!(reader.check().unwrap().is_clean());
        let status = this_program!(other_process, &format!("see {}", to * MIB), &path).status().unwrap();
        assert!(status.success(), "{to} MiB");
    }
}

/// Fills the cache, or sees how large it is. It does nothing in a plain run.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn other_process() {
    let (Ok(role), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let cache = Cache::options().open(Path::new(&file)).unwrap();
    match role.strip_prefix("see ") {
        None => fill(&cache, 0..300, 1000),
        Some(bytes) => {
            assert_eq!(cache.capacity().unwrap().bytes, bytes.parse::<u64>().unwrap());
            assert_eq!(count(&cache, 0..300, 1000), 300);
            expect_clean(&cache);
        }
    }
}

#[test]
fn what_readers_hold_stays_until_they_let_go() {
    let (_dir, path) = home();
    let cache = Cache::options().capacity(4 * MIB).max_value_size(16 << 10).open(path).unwrap();
    let keys = 2 * MIB / 1100;
    fill(&cache, 0..keys, 1000);
    let held: Vec<_> = (0..keys)
        .step_by(keys as usize / 6)
        .map(|key| cache.get_ref(&key.to_le_bytes()).unwrap().unwrap())
        .collect();
    let expected: Vec<_> = held.iter().map(|held| held.to_vec().unwrap()).collect();
    let resized = cache.resize(MIB).unwrap();
    assert!(!resized.complete, "{resized:?}");
    assert!(cache.capacity().unwrap().pending);
    assert!(cache.check().unwrap().resize_pending);
    fill(&cache, keys..2 * keys, 1000);
    for (held, expected) in held.iter().zip(&expected) {
        assert!(held.to_vec().unwrap() == *expected, "a pinned value changed");
    }
    assert!(cache.check().unwrap().is_clean());
    // The same again, with pins still there: larger, and smaller.
    assert!(cache.resize(2 * MIB).unwrap().to == 2 * MIB && cache.resize(MIB).unwrap().to == MIB);
    for (held, expected) in held.iter().zip(&expected) {
        assert!(held.to_vec().unwrap() == *expected, "a pinned value changed");
    }
    drop(held);
    let again = cache.resize(MIB).unwrap();
    assert_eq!((again.evictions, again.complete), (0, true));
    expect_clean(&cache);
    expect_space(&cache);
}

/// Ends the others, whatever happens to who has it.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Readers and writers go on in threads while the cache goes up and down.
#[test]
fn others_read_and_write_meanwhile() {
    let seed = seed();
    let (_dir, path) = home();
    let options = Cache::options().capacity(2 * MIB).max_capacity(8 * MIB).max_value_size(16 << 10);
    let cache = options.expected_entry_size(1000).open(path).unwrap();
    fill(&cache, 0..400, 1000);
    let done = AtomicBool::new(false);
    let done = &done;
    std::thread::scope(|scope| {
        for me in 1..3u64 {
            let cache = cache.clone();
            scope.spawn(move || {
                let mut rng = Rng::new(seed ^ me);
                let mut model: HashMap<u64, Vec<u8>> = HashMap::new();
                while !done.load(Ordering::Relaxed) {
                    let key = 1000 * me + rng.below(600);
                    if rng.below(2) == 0 {
                        let new = value(key, usize::try_from(200 + rng.below(2000)).unwrap());
                        cache.set(&key.to_le_bytes(), &new).unwrap();
                        model.insert(key, new);
                    } else if let Some(found) = cache.get(&key.to_le_bytes()).unwrap() {
                        assert!(model.get(&key) == Some(&found), "key {key}");
                    }
                }
            });
        }
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                count(&cache, 0..400, 1000);
            }
        });
        let (mut rng, _ends) = (Rng::new(seed), Ends(done));
        for _ in 0..30 {
            let to = MIB + rng.below(7 * MIB);
            assert_eq!(cache.resize(to).unwrap().to, to);
            expect_clean(&cache);
        }
    });
    expect_space(&cache);
    assert_eq!(cache.stats().unwrap().refusals, 0);
}

#[test]
fn one_resize_at_a_time() {
    let (_dir, path) = home();
    let options = Cache::options().capacity(64 * MIB).max_value_size(16 << 10);
    let cache = options.open(&path).unwrap();
    let other = Cache::options().open(&path).unwrap();
    let mut met = 0;
    cache
        .resize_with(32 * MIB, |_, _| {
            for handle in [&cache, &other] {
                let error = handle.resize(16 * MIB).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Busy, "{error}");
                assert!(handle.capacity().unwrap().pending);
            }
            met += 1;
        })
        .unwrap();
    assert!(met >= 2, "one shard at a time is told");
    assert_eq!(other.resize(16 * MIB).unwrap().from, 32 * MIB);
    expect_space(&other);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_refuses_to_grow_and_leaves_everything_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=34m", "tmpfs"])
        .arg(dir.path())
        .output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        return;
    }
    // Two shards: the first one gets its space, and the second does not.
    let options = Cache::options().capacity(16 * MIB).max_capacity(64 * MIB).max_value_size(16 << 10);
    let cache = options.expected_entry_size(1000).open(dir.path().join("c.samovar")).unwrap();
    fill(&cache, 0..1000, 1000);
    let before = cache.capacity().unwrap();
    refused(&cache, 40 * MIB, ErrorKind::NoSpace, &["room"]);
    assert_eq!(cache.capacity().unwrap().disk_bytes, before.disk_bytes);
    assert_eq!(cache.resize(20 * MIB).unwrap().evictions, 0);
    assert_eq!(count(&cache, 0..1000, 1000), 1000);
    expect_clean(&cache);
    cache.close().unwrap();
    assert!(std::process::Command::new("umount").arg(dir.path()).status().unwrap().success());
}
