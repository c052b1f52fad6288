//! Half a cache is kept. While the data is at most half the capacity, and an entry at most a sixteenth of a shard's
//! main ring, nothing is evicted. That holds for overwrites in any number, any order and of any sizes.
//!
//! Canary, tried and found: without the reserve in `evict::headroom`, entries that meet a gap smaller than themselves
//! are evicted.

use crate::common::{Rng, seed};
use samovar::Cache;

const CAPACITY: u64 = 2 << 20;
/// Within a sixteenth of the main ring, which is nine tenths of what the head of the file and the index leave: 98,144 bytes.
const LARGEST: u64 = 98_000;

/// Overwrites keys of fixed sizes at random, half the capacity in all.
fn churn(seed: u64, least: u64, largest: u64, rounds: u64) {
    let dir = tempfile::tempdir().unwrap();
    let options = Cache::options().capacity(CAPACITY).max_value_size(largest);
    let cache = options.open(dir.path().join("c.samovar")).unwrap();
    let mut rng = Rng::new(seed);
    let (mut sizes, mut total) = (Vec::new(), 0);
    while total < CAPACITY / 2 {
        let size = least + rng.below(largest - least + 1);
        sizes.push(usize::try_from(size).unwrap());
        total += size + 16;
    }
    sizes.pop();
    let keys = sizes.len() as u64;
    let mut versions = vec![0u8; sizes.len()];
    for round in 0..rounds.max(3 * keys) {
        let key = if round < keys { round } else { rng.below(keys) };
        let at = usize::try_from(key).unwrap();
        versions[at] = versions[at].wrapping_add(1);
        cache.set(&key.to_le_bytes(), &vec![versions[at]; sizes[at]]).unwrap();
    }
    let context = || format!("SAMOVAR_SEED={seed}, {keys} entries of {least} to {largest} bytes");
    assert_eq!(cache.stats().unwrap().evictions, 0, "{}", context());
    for (key, size) in (0u64..).zip(sizes) {
        let value = cache.get(&key.to_le_bytes()).unwrap();
        let version = versions[usize::try_from(key).unwrap()];
        assert!(value.is_some_and(|value| value == vec![version; size]), "{}: key {key}", context());
    }
    assert!(cache.check().unwrap().is_clean());
}

/// Nearly all of it lives, too much for a large value to fit beside it, too little for eviction to be the rule.
#[test]
fn a_large_value_takes_the_place_of_some_and_not_of_all() {
    // Of every size, so that in some run all that lives fills the ring but for too little, wherever exactly the rings meet.
    for len in (8_000..24_000).step_by(500) {
        let dir = tempfile::tempdir().unwrap();
        let options = Cache::options().capacity(256 << 10).max_value_size(24 << 10);
        let cache = options.open(dir.path().join("c.samovar")).unwrap();
        // As many as are below what is roomy, and all of them overwritten in place, so that they are in the main ring.
        let many = u8::try_from(110_000 / len).unwrap();
        for round in 0..4u8 {
            (0..many).for_each(|key| cache.set(&[key], &vec![round; len]).unwrap());
        }
        for key in 100..110u8 {
            cache.set(&[key], &vec![key; 24 << 10]).unwrap();
            assert_eq!(
                cache.stats().unwrap().resets,
                0,
                "the shard was emptied to make room among values of {len}"
            );
            assert_eq!(cache.get(&[key]).unwrap().map(|value| value.len()), Some(24 << 10));
        }
        assert!(cache.check().unwrap().is_clean());
    }
}

#[test]
fn half_a_cache_of_small_and_large_entries_is_kept() {
    let seed = seed();
    for (least, largest) in
        [(100, 200), (1, 4_000), (1, 30_000), (29_000, 30_000), (1, LARGEST), (90_000, LARGEST)]
    {
        for extra in 0..3 {
            churn(seed.wrapping_add(extra), least, largest, 4_000);
        }
    }
}
