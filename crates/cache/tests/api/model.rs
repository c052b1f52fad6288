//! Random operations against a model. A hit is exactly the last value set; `check` is clean after every step. A missing
//! entry was evicted, once, for want of room.
//!
//! How much must be there follows from three promises. What was just written is there. While all that lives is at most
//! half of the capacity, nothing is evicted. And an eviction makes room for one entry, of at most a quarter of the main
//! ring. So whenever something is evicted, a quarter of the data area is in use.

use proptest::prelude::*;
use samovar::{Cache, ErrorKind, Options, Swap, Ttl, Version};
use std::collections::HashMap;
use std::path::Path;

/// The most that an entry takes beside its key and value: header, version, expiry, and what fills its last unit.
const OVERHEAD: usize = 40;

/// One step of a sequence.
#[derive(Clone, Debug)]
enum Op {
    Set { key: u16, len: usize },
    Expiring { key: u16, len: usize },
    Remove { key: u16 },
    Get { key: u16 },
    Add { key: u16, len: usize },
    Replace { key: u16, len: usize },
    Append { key: u16, len: usize },
    Prepend { key: u16, len: usize },
    Step { key: u16, by: u64, up: bool },
    Swap { key: u16, len: usize, late: bool },
    Touch { key: u16 },
    SetMany { key: u16, len: usize },
    Resize { percent: u64 },
    Reopen,
}

fn op(keys: u16, longest: usize) -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (0..keys, 0..longest).prop_map(|(key, len)| Op::Set { key, len }),
        1 => (0..keys, 0..longest).prop_map(|(key, len)| Op::Expiring { key, len }),
        2 => (0..keys).prop_map(|key| Op::Remove { key }),
        8 => (0..keys).prop_map(|key| Op::Get { key }),
        1 => (0..keys, 0..longest).prop_map(|(key, len)| Op::Add { key, len }),
        1 => (0..keys, 0..longest).prop_map(|(key, len)| Op::Replace { key, len }),
        1 => (0..keys, 0..longest).prop_map(|(key, len)| Op::Append { key, len }),
        1 => (0..keys, 0..longest).prop_map(|(key, len)| Op::Prepend { key, len }),
        2 => (0..keys, any::<u64>(), any::<bool>()).prop_map(|(key, by, up)| Op::Step { key, by, up }),
        1 => (0..keys, 0..longest, any::<bool>()).prop_map(|(key, len, late)| Op::Swap { key, len, late }),
        1 => (0..keys).prop_map(|key| Op::Touch { key }),
        1 => (0..keys, 0..longest).prop_map(|(key, len)| Op::SetMany { key, len }),
        1 => (75..=100u64).prop_map(|percent| Op::Resize { percent }),
        1 => Just(Op::Reopen),
    ]
}

fn key_bytes(key: u16) -> Vec<u8> {
    // Lengths from 2 to 300, so that keys of every alignment and keys longer than any buffer on a stack occur.
    let mut bytes = key.to_le_bytes().to_vec();
    bytes.resize(2 + usize::from(key) % 299, 0x6b);
    bytes
}

fn value_bytes(key: u16, version: usize, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| at.wrapping_mul(31).wrapping_add(usize::from(key)).wrapping_add(version).to_le_bytes()[0])
        .collect()
}

struct Checked {
    cache: Cache,
    model: HashMap<u16, Vec<u8>>,
    lossless: bool,
    /// Keys that the model had and the cache had not: each was evicted.
    lost: u64,
    /// Evictions that were counted before the step at hand.
    evictions: u64,
    /// The most bytes that lived at once, as their entries lie in the log.
    most_bytes: u64,
}

impl Checked {
    fn step(&mut self, op: Op, version: usize, reopen: impl Fn() -> Cache) {
        match op {
            Op::Set { key, len } => {
                let value = value_bytes(key, version, len);
                self.cache.set(&key_bytes(key), &value).unwrap();
                self.model.insert(key, value);
                self.expect_there(key);
            }
            Op::Expiring { key, len } => {
                self.cache
                    .set_with(&key_bytes(key), &value_bytes(key, version, len), Ttl::millis(0))
                    .unwrap();
                self.model.remove(&key);
            }
            Op::Remove { key } => {
                let removed = self.cache.remove(&key_bytes(key)).unwrap();
                let expected = self.model.remove(&key).is_some();
                assert!(if self.lossless { removed == expected } else { expected || !removed });
            }
            Op::Get { key } => drop(self.stored(key)),
            Op::SetMany { key, len } => {
                let (next, value) = (key + 1, value_bytes(key, version, len));
                let items = [(key_bytes(key), value.clone()), (key_bytes(next), value.clone())];
                self.cache.set_many(&items, Ttl::NEVER).unwrap();
                self.model.insert(key, value.clone());
                self.model.insert(next, value);
                self.expect_there(next);
            }
            Op::Resize { percent } => self.resize(percent),
            Op::Reopen => self.cache = reopen(),
            alteration => self.alter(alteration, version),
        }
        let report = self.cache.check().unwrap();
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.entries, self.cache.stats().unwrap().entries);
        self.expect_evictions_for_want_of_room();
    }
}

impl Checked {
    /// To a part of what it may become, if it was made for a capacity.
    fn resize(&mut self, percent: u64) {
        let most = self.cache.capacity().unwrap().max_bytes;
        match self.cache.resize(most * percent / 100) {
            Ok(resized) => assert!(resized.complete && (resized.evictions == 0 || !self.lossless)),
            Err(error) => assert!(error.kind() == ErrorKind::InvalidArgument && !self.lossless, "{error}"),
        }
    }

    /// What is stored, and is what the model says, or was evicted.
    fn stored(&mut self, key: u16) -> Option<Vec<u8>> {
        let found = self.cache.get(&key_bytes(key)).unwrap();
        let expected = self.model.get(&key);
        assert!(found.is_none() || found.as_ref() == expected, "key {key}: a foreign or stale value");
        if found.is_none() && expected.is_some() {
            assert!(!self.lossless, "key {key} was lost");
            self.model.remove(&key);
            self.lost += 1;
        }
        found
    }

    /// What was just written is there. (This counts as no read, and so changes nothing.)
    fn expect_there(&self, key: u16) {
        assert!(self.cache.contains(&key_bytes(key)).unwrap(), "key {key} was written, and is not there");
    }

    /// Nothing was evicted while all fitted, nor while the cache was nearly empty.
    fn expect_evictions_for_want_of_room(&mut self) {
        let entry = |(key, value): (&u16, &Vec<u8>)| (key_bytes(*key).len() + value.len() + OVERHEAD) as u64;
        self.most_bytes = self.most_bytes.max(self.model.iter().map(entry).sum());
        let stats = self.cache.stats().unwrap();
        if stats.evictions > self.evictions {
            assert!(
                !self.lossless && self.most_bytes * 2 > stats.data_bytes,
                "evicted while all fitted: {stats:#?}"
            );
            assert!(
                stats.live_bytes * 4 >= stats.data_bytes,
                "evicted from a cache that was nearly empty: {stats:#?}"
            );
        }
        self.evictions = stats.evictions;
    }

    /// All that is missing was evicted, and all that is there is counted.
    fn expect_all_that_was_kept(&mut self) {
        let keys: Vec<u16> = self.model.keys().copied().collect();
        keys.into_iter().for_each(|key| drop(self.stored(key)));
        let stats = self.cache.stats().unwrap();
        assert!(self.lost <= stats.evictions, "{} keys were lost: {stats:#?}", self.lost);
        assert!(stats.entries >= self.model.len() as u64 && stats.resets == 0, "{stats:#?}");
        let kept: usize = self.model.iter().map(|(key, value)| key_bytes(*key).len() + value.len()).sum();
        assert!(stats.live_bytes >= kept as u64, "{kept} bytes were kept: {stats:#?}");
    }

    /// An operation that depends on what is stored: its answer, then what it left.
    fn alter(&mut self, op: Op, version: usize) {
        let hour = Ttl::secs(3600);
        let (key, next) = match op {
            Op::Add { key, len } => {
                let (old, new) = (self.stored(key), value_bytes(key, version, len));
                assert_eq!(self.cache.add(&key_bytes(key), &new, hour).unwrap(), old.is_none());
                (key, Some(old.unwrap_or(new)))
            }
            Op::Replace { key, len } => {
                let (old, new) = (self.stored(key), value_bytes(key, version, len));
                assert_eq!(self.cache.replace(&key_bytes(key), &new, hour).unwrap(), old.is_some());
                (key, old.map(|_| new))
            }
            Op::Append { key, len } => {
                let (old, more) = (self.short(key), value_bytes(key, version, len));
                assert_eq!(self.cache.append(&key_bytes(key), &more).unwrap(), old.is_some());
                (key, old.map(|old| [old, more].concat()))
            }
            Op::Prepend { key, len } => {
                let (old, more) = (self.short(key), value_bytes(key, version, len));
                assert_eq!(self.cache.prepend(&key_bytes(key), &more).unwrap(), old.is_some());
                (key, old.map(|old| [more, old].concat()))
            }
            Op::Step { key, by, up } => (key, self.step_number(key, by, up)),
            Op::Swap { key, len, late } => (key, self.swap(key, value_bytes(key, version, len), late)),
            Op::Touch { key } => {
                let old = self.stored(key);
                assert!(self.cache.get_and_touch(&key_bytes(key), hour).unwrap() == old);
                (key, old)
            }
            other => unreachable!("{other:?}"),
        };
        match next {
            Some(value) => {
                self.model.insert(key, value);
                self.expect_there(key);
            }
            None => drop(self.model.remove(&key)),
        }
        self.stored(key);
    }

    /// As `stored`, of a value that may grow.
    fn short(&mut self, key: u16) -> Option<Vec<u8>> {
        let old = self.stored(key)?;
        if old.len() <= 90 {
            return Some(old);
        }
        self.cache.set(&key_bytes(key), b"short").unwrap();
        self.model.insert(key, b"short".to_vec());
        Some(b"short".to_vec())
    }

    fn step_number(&mut self, key: u16, by: u64, up: bool) -> Option<Vec<u8>> {
        let old = self.stored(key);
        let number: Option<u64> = old.as_ref().and_then(|old| std::str::from_utf8(old).ok()?.parse().ok());
        let told =
            if up { self.cache.incr(&key_bytes(key), by) } else { self.cache.decr(&key_bytes(key), by) };
        match (old, number) {
            (None, _) => assert_eq!(told.unwrap(), None),
            (Some(old), None) => {
                assert_eq!(told.unwrap_err().kind(), ErrorKind::NotANumber);
                // A number for the next time.
                let fresh = old.len().to_string().into_bytes();
                self.cache.set(&key_bytes(key), &fresh).unwrap();
                return Some(fresh);
            }
            (Some(_), Some(number)) => {
                let expected = if up { number.wrapping_add(by) } else { number.saturating_sub(by) };
                assert_eq!(told.unwrap(), Some(expected));
                return Some(expected.to_string().into_bytes());
            }
        }
        None
    }

    fn swap(&mut self, key: u16, new: Vec<u8>, late: bool) -> Option<Vec<u8>> {
        let old = self.stored(key);
        let found = self.cache.get_with_version(&key_bytes(key)).unwrap();
        assert!(found.as_ref().map(|(value, _)| value) == old.as_ref());
        let (old, version) = found?;
        let stale = Version::from_number(version.number().wrapping_sub(u32::from(late)));
        let swap = self.cache.compare_and_set(&key_bytes(key), stale, &new, Ttl::NEVER).unwrap();
        assert_eq!(swap, if late { Swap::Changed } else { Swap::Stored });
        Some(if late { old } else { new })
    }
}

/// Makes the cache, and later opens it, however large it is by then.
fn open(path: &Path, made: Options) -> Cache {
    let options = if path.exists() { Cache::options() } else { made };
    options.open(path).unwrap()
}

fn run(ops: Vec<Op>, lossless: bool, open: impl Fn() -> Cache) {
    let (cache, model) = (open(), HashMap::new());
    let mut checked = Checked { cache, model, lossless, lost: 0, evictions: 0, most_bytes: 0 };
    for (version, op) in ops.into_iter().enumerate() {
        checked.step(op, version, &open);
    }
    checked.expect_all_that_was_kept();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn a_roomy_cache_is_a_map(ops in prop::collection::vec(op(100, 900), 1..600)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        run(ops, true, || open(&path, Cache::options().capacity(512 << 10)));
    }

    #[test]
    fn a_tight_cache_forgets_but_never_lies(ops in prop::collection::vec(op(400, 700), 1..800)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        run(ops, false, || open(&path, Cache::options().capacity_entries(40, 2, 900)));
    }

    #[test]
    fn entries_of_very_different_sizes_share_a_ring(ops in prop::collection::vec(op(200, 4000), 1..400)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        run(ops, false, || open(&path, Cache::options().capacity(256 << 10)));
    }
}
