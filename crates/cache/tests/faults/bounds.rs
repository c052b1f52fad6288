//! Rings whose bounds move while they are used: nothing is lost that fits, nothing false is read, `check` stays clean.
//!
//! Canaries, each tried, each found by these tests: a small ring whose bound sinks before its lap has ended below it; a
//! main ring whose bound rises past its tail. Also a walk that takes the present start of a ring for the start of its
//! next lap.

use crate::common::{Label, Rng, seed};
use samovar::Cache;
use std::collections::HashMap;

/// Sets and gets keys at random, with the boundary moved now and then; how many different places it was seen at.
fn wander(cache: &Cache, rng: &mut Rng, longest: u64, rounds: u64) -> usize {
    let mut model: HashMap<u64, Vec<u8>> = HashMap::new();
    let mut places = std::collections::BTreeSet::new();
    for sequence in 0..rounds {
        if rng.below(150) == 0 {
            cache.wish_small_percent(rng.below(60)).unwrap();
        }
        // Few keys, often, so that some are promoted, and many, seldom.
        let key = if rng.below(2) == 0 { rng.below(60) } else { rng.below(600) };
        let name = key.to_le_bytes();
        match rng.below(4) {
            0 | 1 => {
                let found = cache.get(&name).unwrap();
                assert!(found.is_none() || found.as_ref() == model.get(&key), "key {key}: {found:?}");
            }
            2 => {
                let len = usize::try_from(rng.below(longest)).unwrap();
                let value = Label { key, writer: 0, sequence }.value(len);
                cache.set(&name, &value).unwrap();
                assert!(cache.get(&name).unwrap().as_ref() == Some(&value), "key {key} was not stored");
                model.insert(key, value);
            }
            _ if rng.below(8) == 0 => {
                cache.remove(&name).unwrap();
                model.remove(&key);
            }
            _ => {}
        }
        places.extend(cache.small_percents().unwrap());
        if sequence % 16 == 0 {
            let report = cache.check().unwrap();
            assert!(report.is_clean(), "{report}");
        }
    }
    places.len()
}

#[test]
fn the_boundary_wanders_and_nothing_false_is_read() {
    let seed = seed();
    let mut rng = Rng::new(seed);
    for (options, longest) in [
        (Cache::options().capacity_entries(100, 8, 200), 200),
        (Cache::options().capacity_entries(40, 8, 2_000), 2_000),
        (Cache::options().capacity(256 << 10), 4_000),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let cache = options.open(dir.path().join("c.samovar")).unwrap();
        let places = wander(&cache, &mut rng, longest, 20_000);
        assert!(places > 5, "SAMOVAR_SEED={seed}: the boundary was seen at {places} places only");
        assert_eq!(cache.stats().unwrap().resets, 0, "SAMOVAR_SEED={seed}");
    }
}

#[test]
fn half_a_cache_is_kept_beside_a_small_ring_that_grew() {
    let seed = seed();
    let mut rng = Rng::new(seed);
    let dir = tempfile::tempdir().unwrap();
    let capacity = 2 << 20;
    let cache = Cache::options().capacity(capacity).open(dir.path().join("c.samovar")).unwrap();
    // Keys that come back soon after their eviction: they take the main ring round, and make the small ring grow.
    for round in 0..400_000u64 {
        let key = if round % 3 == 0 { round } else { round.saturating_sub(1_000 + rng.below(3_000)) };
        if cache.get(&key.to_le_bytes()).unwrap().is_none() {
            cache.set(&key.to_le_bytes(), &[7; 200]).unwrap();
        }
        if cache.small_percents().unwrap()[0] >= 20 {
            break;
        }
    }
    let grown = cache.small_percents().unwrap();
    assert!(grown[0] >= 20, "SAMOVAR_SEED={seed}: the small ring has {grown:?} percent");
    cache.clear().unwrap();
    let evicted = cache.stats().unwrap().evictions;
    let keys = capacity / 2 / 2_000;
    for round in 0..20 * keys {
        let key = if round < keys { round } else { rng.below(keys) };
        cache.set(&key.to_le_bytes(), &vec![8; 1_980]).unwrap();
    }
    assert_eq!(cache.stats().unwrap().evictions, evicted, "SAMOVAR_SEED={seed}");
    assert!(cache.check().unwrap().is_clean());
}
