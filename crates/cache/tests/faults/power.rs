//! Power loss: at a random store, of every page some version since the last flush is what the disk has. What is found after
//! the restart is cold, or exactly what had been flushed.
//!
//! `SAMOVAR_LOSSES` is how many losses (60; 1,000 in CI), `SAMOVAR_SEED` repeats the choices.
//!
//! Canary, tried and found: the clean word cleared without making that durable before the first write. (This
//! model assumes that `flush` has written everything before it says so; it cannot show that.)

use crate::common::disk::{Disk, restart};
use crate::common::{Label, Rng, number, seed};
use samovar::Cache;
use std::collections::BTreeMap;
use std::path::Path;

const CAPACITY: u64 = 256 << 10;
/// The power fails at one of so many stores.
const STORES: u64 = 2500;
const KEYS: u64 = 80;

type Model = BTreeMap<u64, Vec<u8>>;

/// Writes and flushes until the power fails; what had been flushed when it did, or was being flushed.
fn until_power_fails(path: &Path, disk: &Disk, seed: u64) -> [Model; 2] {
    let mut rng = Rng::new(seed);
    let (mut model, mut flushed) = (Model::new(), [Model::new(), Model::new()]);
    let cache = Cache::options().capacity(CAPACITY).open(path).unwrap();
    for sequence in 0.. {
        if disk.is_lost() {
            break;
        }
        let key = rng.below(KEYS);
        match rng.below(15) {
            0 => {
                flushed = [flushed[1].clone(), model.clone()];
                disk.expect_full_flushes(2);
                cache.flush().unwrap();
                // Reads leave traces, but none that make the file less clean.
                (0..rng.below(150)).for_each(|_| drop(cache.get(&rng.below(KEYS).to_le_bytes()).unwrap()));
            }
            1..=5 => {
                cache.remove(&key.to_le_bytes()).unwrap();
                model.remove(&key);
            }
            // It becomes another size, which holds everything still.
            7 => drop(cache.resize(228 * 1024 + rng.below(28 * 1024)).unwrap()),
            // Somebody else comes and goes: not the last one out, who alone may say that all is on disk.
            6 => drop(Cache::options().open(path).unwrap()),
            _ => {
                let len = usize::try_from(rng.below(1200)).unwrap();
                let value = Label { key, writer: 0, sequence }.value(len);
                cache.set(&key.to_le_bytes(), &value).unwrap();
                model.insert(key, value);
            }
        }
    }
    flushed
}

/// Another boot of a machine with this disk: whether the cache is warm. Fails if it is neither cold nor right.
fn after_restart(path: &Path, bytes: Vec<u8>, flushed: &[Model; 2], context: &str) -> bool {
    restart(path, bytes);
    let cache = Cache::options().open(path).unwrap_or_else(|error| panic!("{context}: {error}"));
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "{context}:\n{report}");
    if !cache.attachment().warm {
        // An emptied cache is as large as it says.
        let (capacity, used) = (cache.capacity().unwrap(), cache.stats().unwrap().file_bytes);
        assert!(!capacity.pending && used <= capacity.bytes, "{context}: {capacity:?}, {used} bytes used");
    }
    let keys = 0..KEYS;
    let found: Model = keys.filter_map(|key| Some((key, cache.get(&key.to_le_bytes()).unwrap()?))).collect();
    let warm = cache.attachment().warm;
    let right = if warm { flushed.contains(&found) } else { found.is_empty() };
    assert!(right, "{context}: warm {warm}, and neither of what was flushed:\n{report}");
    cache.set(b"after", b"restart").unwrap();
    assert_eq!(cache.get(b"after").unwrap().as_deref(), Some(&b"restart"[..]));
    warm
}

#[test]
fn what_the_disk_has_is_cold_or_right() {
    let (seed, losses) = (seed(), number("SAMOVAR_LOSSES", 60));
    let dir = tempfile::tempdir().unwrap();
    let mut warm = 0;
    for loss in 0..losses {
        let seed = seed.wrapping_add(loss);
        let path = dir.path().join("c.samovar");
        drop(Cache::options().capacity(CAPACITY).open(&path).unwrap());
        let disk = Disk::under(&path, seed, STORES);
        let flushed = until_power_fails(&path, &disk, seed);
        let bytes = disk.into_bytes();
        warm += u64::from(after_restart(&path, bytes, &flushed, &format!("SAMOVAR_SEED={seed}")));
        std::fs::remove_file(&path).unwrap();
    }
    println!("{losses} losses: {warm} warm and right, {} cold", losses - warm);
    assert!(warm > 0 && warm < losses, "one of the two was never met");
}
