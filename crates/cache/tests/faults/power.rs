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
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

const CAPACITY: u64 = 256 << 10;
/// The power fails at one of so many stores.
const STORES: u64 = 2500;
const KEYS: u64 = 80;

type Model = BTreeMap<u64, Vec<u8>>;

/// What is stored, and what a disk may hold that says that it is clean: nothing, once a write was acknowledged since.
#[derive(Default)]
struct Known {
    stored: Model,
    clean: Vec<Model>,
}

/// Writes and flushes until the power fails.
struct Life {
    cache: Cache,
    /// Another opening, which writes amid flushes.
    other: Rc<Cache>,
    disk: Disk,
    rng: Rng,
    known: Rc<RefCell<Known>>,
    sequence: u64,
}

impl Life {
    fn new(path: &Path, disk: &Disk, seed: u64) -> Self {
        let known = Known { stored: Model::new(), clean: vec![Model::new()] };
        Life {
            cache: Cache::options().capacity(CAPACITY).open(path).unwrap(),
            other: Rc::new(Cache::options().lock_timeout(Duration::from_millis(1)).open(path).unwrap()),
            disk: disk.clone(),
            rng: Rng::new(seed),
            known: Rc::new(RefCell::new(known)),
            sequence: 0,
        }
    }

    fn compose(&mut self, key: u64) -> Vec<u8> {
        self.sequence += 1;
        let len = usize::try_from(self.rng.below(1200)).unwrap();
        Label { key, writer: 0, sequence: self.sequence }.value(len)
    }

    /// A write was acknowledged, unless the power failed meanwhile.
    fn acknowledge(known: &RefCell<Known>, disk: &Disk, stored: Model) {
        if !disk.is_lost() {
            *known.borrow_mut() = Known { stored, clean: Vec::new() };
        }
    }

    fn flush(&mut self) {
        let stored = self.known.borrow().stored.clone();
        self.known.borrow_mut().clean.push(stored.clone());
        if self.rng.below(2) == 0 {
            self.cache.flush().unwrap();
            if !self.disk.is_lost() {
                self.known.borrow_mut().clean = vec![stored];
            }
            return;
        }
        // Somebody writes meanwhile, or shortly after.
        let (stores, key) = (self.rng.below(14), self.rng.below(KEYS));
        let (value, other) = (self.compose(key), Rc::clone(&self.other));
        let (disk, known) = (self.disk.clone(), Rc::clone(&self.known));
        let write = move || {
            let mut stored = known.borrow().stored.clone();
            stored.insert(key, value.clone());
            // Before the flush began it belongs to what is flushed.
            known.borrow_mut().clean.push(stored.clone());
            match other.set(&key.to_le_bytes(), &value) {
                Ok(()) => {
                    Life::acknowledge(&known, &disk, stored.clone());
                    known.borrow_mut().clean.push(stored);
                }
                // The flush has the lock just then.
                Err(_) => known.borrow_mut().clean.retain(|clean| *clean != stored),
            }
        };
        self.disk.amid(stores, write, || self.cache.flush().unwrap());
    }

    fn step(&mut self) {
        let key = self.rng.below(KEYS);
        let mut stored = self.known.borrow().stored.clone();
        match self.rng.below(15) {
            0 => {
                self.flush();
                // Reads leave traces, but none that make the file less clean.
                for _ in 0..self.rng.below(150) {
                    drop(self.cache.get(&self.rng.below(KEYS).to_le_bytes()).unwrap());
                }
                return;
            }
            1..=5 => {
                self.cache.remove(&key.to_le_bytes()).unwrap();
                if stored.remove(&key).is_none() {
                    return;
                }
            }
            // It becomes another size, which holds everything still.
            7 => {
                let resized = self.cache.resize(228 * 1024 + self.rng.below(28 * 1024)).unwrap();
                if resized.from == resized.to {
                    return;
                }
            }
            // Somebody else comes and goes: not the last one out, who alone may say that all is on disk.
            6 => return drop(Cache::options().open(self.disk.path()).unwrap()),
            _ => {
                let value = self.compose(key);
                self.cache.set(&key.to_le_bytes(), &value).unwrap();
                stored.insert(key, value);
            }
        }
        Life::acknowledge(&self.known, &self.disk, stored);
    }
}

/// What a disk may hold, that says that it is clean, when its power has failed.
fn until_power_fails(path: &Path, disk: &Disk, seed: u64) -> Vec<Model> {
    let mut life = Life::new(path, disk, seed);
    while !disk.is_lost() {
        life.step();
    }
    life.known.take().clean
}

/// Another boot of a machine with this disk: whether the cache is warm. Fails if it is neither cold nor right.
fn after_restart(path: &Path, bytes: Vec<u8>, flushed: &[Model], context: &str) -> bool {
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
