//! Many gets at once answer as single gets do, in the order of the keys. That holds for batches and caches of any size:
//! in a small cache the keys are looked up one by one.

use samovar::{Cache, ErrorKind, Ttl};
use std::path::Path;

/// Does the same with a small cache and with one that the processor's caches are too small for.
fn with_caches(act: impl Fn(&Cache, &Path)) {
    for capacity in [1 << 20, 4 << 20] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        act(&Cache::options().capacity(capacity).open(&path).unwrap(), &path);
    }
}

#[test]
fn a_batch_answers_like_single_gets() {
    with_caches(|cache, path| {
        for key in (0u32..1000).step_by(3) {
            cache.set(&key.to_le_bytes(), &vec![7; key as usize]).unwrap();
        }
        cache.set_with(&1u32.to_le_bytes(), b"gone", Ttl::millis(0)).unwrap();
        let reader = Cache::options().read_only(true).open(path).unwrap();
        for len in [0u32, 1, 63, 64, 65, 300] {
            let keys: Vec<[u8; 4]> = (0..len).map(|key| (key * 7 % 1000).to_le_bytes()).collect();
            for handle in [cache, &reader] {
                let mut found = Vec::new();
                let each = |number, value: Option<&[u8]>| found.push((number, value.map(<[u8]>::to_vec)));
                handle.get_many(&keys, each).unwrap();
                let single: Vec<_> = keys.iter().map(|key| handle.get(key).unwrap()).enumerate().collect();
                assert_eq!(found, single, "a batch of {len}");
            }
        }
    });
}

#[test]
fn a_batch_counts_its_hits_and_misses() {
    with_caches(|cache, _| {
        cache.set(b"a", b"1").unwrap();
        cache.get_many(&[&b"a"[..], b"b", b"a"], |_, _| ()).unwrap();
        assert_eq!((cache.stats().unwrap().hits, cache.stats().unwrap().misses), (2, 1));
    });
}

#[test]
fn a_batch_refuses_a_key_too_long() {
    with_caches(|cache, _| {
        let long = vec![0; 70_000];
        for before in [0, 1, 30, 100] {
            let mut keys = vec![&b"a"[..]; before];
            keys.extend([&long[..], b"b"]);
            let mut handed_over = 0;
            let error = cache.get_many(&keys, |_, _| handed_over += 1).unwrap_err();
            let expected = (ErrorKind::KeyTooLong, before);
            assert_eq!((error.kind(), handed_over), expected, "those before it, and no more");
        }
    });
}
