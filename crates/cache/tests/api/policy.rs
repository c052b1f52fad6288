//! What each policy evicts first, and that it stays with the file.
//!
//! Canary, tried and found: a main ring that keeps what was read under `Policy::Fifo`.

use samovar::{Cache, Policy};

const ENTRIES: u64 = 100;

/// Fills a cache, reads the first ten keys often, and adds as many keys again in two openings. Returns which of the ten
/// stayed, and the oldest of the others that did.
fn survivors(policy: Policy) -> (usize, u64) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = Cache::options().capacity_entries(ENTRIES, 8, 100).policy(policy).open(&path).unwrap();
    let set = |cache: &Cache, key: u64| cache.set(&key.to_le_bytes(), &[7; 100]).unwrap();
    let has = |cache: &Cache, key: u64| cache.get(&key.to_le_bytes()).unwrap().is_some();
    (0..ENTRIES / 2).for_each(|key| set(&cache, key));
    for _ in 0..5 {
        assert!((0..10).all(|key| has(&cache, key)));
    }
    (ENTRIES / 2..ENTRIES).for_each(|key| set(&cache, key));
    drop(cache);
    let cache = Cache::options().open(&path).unwrap();
    (ENTRIES..2 * ENTRIES).for_each(|key| set(&cache, key));
    assert!(cache.check().unwrap().is_clean());
    let hot = (0..10).filter(|key| has(&cache, *key)).count();
    let oldest = (10..2 * ENTRIES).find(|key| has(&cache, *key)).unwrap();
    if policy == Policy::Fifo {
        let held = cache.stats().unwrap().entries;
        assert!(held > ENTRIES * 9 / 10, "it holds {held} entries only");
        assert!((oldest..2 * ENTRIES).all(|key| has(&cache, key)), "not in the order of their coming");
    }
    (hot, oldest)
}

#[test]
fn first_in_is_first_out_however_often_it_is_read() {
    let (hot, oldest) = survivors(Policy::Fifo);
    assert_eq!(hot, 0);
    assert!(oldest >= ENTRIES, "key {oldest} outlived its turn");
}

#[test]
fn what_is_read_stays_under_the_usual_policy() {
    assert_eq!(survivors(Policy::S3Fifo).0, 10);
}
