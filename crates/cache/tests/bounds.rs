//! Rings whose bounds move while they are used: nothing is lost that fits, nothing false is read, `check` stays clean.
//!
//! Canaries, each tried, each found by these tests: a small ring whose bound sinks before its lap has ended below it; a
//! main ring whose bound rises past its tail; a walk that takes the present start of a ring for the start of its next
//! lap.
#![cfg(feature = "inject")]

mod common;

use common::{Rng, Stamp, seed};
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
                let value = Stamp { key, writer: 0, sequence }.value(len);
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
        assert_eq!(cache.stats().resets, 0, "SAMOVAR_SEED={seed}");
    }
}
