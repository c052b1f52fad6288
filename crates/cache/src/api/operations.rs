//! The operations on a cache that read before they write, each atomic across threads and processes; those on many keys,
//! and those that copy no value.

use crate::api::handle::{Cache, check_key};
use crate::api::ttl::Ttl;
use crate::error::Result;
use crate::file::clock::Clock;
use crate::file::counters::Counter;
use crate::read::reader::Presence;
use crate::write::alteration::{self, Decision, End, Step, Successor};
use crate::write::item::Item;
use std::fmt;

/// Writes of one shard that a batch makes before others may have a turn.
const TURN: usize = 64;

/// The version of a value: what [`Cache::compare_and_set`] compares. It counts the values stored in one part of the
/// cache, modulo 2^32, so only equality means something. Touching a value leaves its version as it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version(u32);

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({})", self.0)
    }
}

impl Version {
    /// The version as a number, to be kept or sent.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set(b"k", b"v")?;
    /// let (_, version) = cache.get_with_version(b"k")?.unwrap();
    /// assert_eq!(samovar::Version::from_number(version.number()), version);
    /// # Ok::<(), samovar::Error>(())
    /// ```
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The version that [`number`](Self::number) was asked of.
    pub const fn from_number(number: u32) -> Self {
        Version(number)
    }
}

/// How a [`Cache::compare_and_set`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The value was of the version compared with, and is now the new one.
    Stored,
    /// The key has a value of another version; nothing was changed.
    Changed,
    /// The key has no value; nothing was changed.
    Missing,
}

impl Cache {
    /// Stores `value` for `key` unless it has a value already; true if it was stored.
    ///
    /// ```
    /// # use samovar::Ttl;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// assert!(cache.add(b"k", b"first", Ttl::NEVER)?);
    /// assert!(!cache.add(b"k", b"second", Ttl::NEVER)?);
    /// assert_eq!(cache.get(b"k")?.as_deref(), Some(&b"first"[..]));
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`set_with`](Self::set_with), but a value that is too large changes nothing.
    pub fn add(&self, key: &[u8], value: &[u8], ttl: Ttl) -> Result<bool> {
        self.alter(key, |current, clock| {
            if current.is_some() {
                return Ok((None, false));
            }
            Ok((Some(Successor::new(value, ttl.terms(clock)?)), true))
        })
    }

    /// Stores `value` for `key` only if it has a value already; true if it was stored.
    ///
    /// ```
    /// # use samovar::Ttl;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// assert!(!cache.replace(b"k", b"first", Ttl::NEVER)?);
    /// cache.set(b"k", b"second")?;
    /// assert!(cache.replace(b"k", b"third", Ttl::NEVER)?);
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn replace(&self, key: &[u8], value: &[u8], ttl: Ttl) -> Result<bool> {
        self.alter(key, |current, clock| {
            if current.is_none() {
                return Ok((None, false));
            }
            Ok((Some(Successor::new(value, ttl.terms(clock)?)), true))
        })
    }

    /// Puts `more` behind the value of `key`, which keeps its time to live; false if the key has no value.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set(b"log", b"a")?;
    /// assert!(cache.append(b"log", b",b")?);
    /// assert_eq!(cache.get(b"log")?.as_deref(), Some(&b"a,b"[..]));
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn append(&self, key: &[u8], more: &[u8]) -> Result<bool> {
        self.alter(key, |current, _| Ok(alteration::extend(current, more, End::Back)))
    }

    /// Puts `more` before the value of `key`, which keeps its time to live; false if the key has no value.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set(b"path", b"b")?;
    /// assert!(cache.prepend(b"path", b"a/")?);
    /// assert_eq!(cache.get(b"path")?.as_deref(), Some(&b"a/b"[..]));
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn prepend(&self, key: &[u8], more: &[u8]) -> Result<bool> {
        self.alter(key, |current, _| Ok(alteration::extend(current, more, End::Front)))
    }

    /// Adds `delta` to the decimal number stored for `key`, wrapping around at 2^64, and returns the sum. Returns none
    /// and stores nothing if the key has no value. The time to live stays.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// assert_eq!(cache.incr(b"hits", 1)?, None);
    /// cache.set(b"hits", b"9")?;
    /// assert_eq!(cache.incr(b"hits", 1)?, Some(10));
    /// assert_eq!(cache.get(b"hits")?.as_deref(), Some(&b"10"[..]));
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NotANumber` if the value is not a decimal number below 2^64; else as [`add`](Self::add).
    pub fn incr(&self, key: &[u8], delta: u64) -> Result<Option<u64>> {
        self.alter(key, |current, _| alteration::step(current, Step::Up(delta)))
    }

    /// Takes `delta` from the decimal number stored for `key`, stopping at 0, and returns the difference. Returns none
    /// and stores nothing if the key has no value. The time to live stays.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set(b"left", b"2")?;
    /// assert_eq!(cache.decr(b"left", 5)?, Some(0));
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`incr`](Self::incr).
    pub fn decr(&self, key: &[u8], delta: u64) -> Result<Option<u64>> {
        self.alter(key, |current, _| alteration::step(current, Step::Down(delta)))
    }

    /// The value of `key` and its version, for a later [`compare_and_set`](Self::compare_and_set).
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_with_version(&self, key: &[u8]) -> Result<Option<(Vec<u8>, Version)>> {
        let found = self.get_verified(key)?;
        Ok(found.and_then(|found| Some((found.value, Version(found.preface?.version)))))
    }

    /// Stores `value` for `key` if what is stored is still of this version.
    ///
    /// ```
    /// use samovar::{Swap, Ttl};
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set(b"k", b"old")?;
    /// let (_, version) = cache.get_with_version(b"k")?.unwrap();
    /// assert_eq!(cache.compare_and_set(b"k", version, b"new", Ttl::NEVER)?, Swap::Stored);
    /// assert_eq!(cache.compare_and_set(b"k", version, b"late", Ttl::NEVER)?, Swap::Changed);
    /// assert_eq!(cache.compare_and_set(b"none", version, b"v", Ttl::NEVER)?, Swap::Missing);
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn compare_and_set(&self, key: &[u8], version: Version, value: &[u8], ttl: Ttl) -> Result<Swap> {
        self.alter(key, |current, clock| {
            Ok(match current {
                None => (None, Swap::Missing),
                Some(current) if current.preface.version != version.0 => (None, Swap::Changed),
                Some(_) => (Some(Successor::new(value, ttl.terms(clock)?)), Swap::Stored),
            })
        })
    }

    /// Gives the value of `key` a new time to live, from now; false if the key has no value. It copies the value within
    /// the cache.
    ///
    /// ```
    /// # use samovar::Ttl;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set_with(b"k", b"v", Ttl::secs(1))?;
    /// assert!(cache.touch(b"k", Ttl::secs(60))?);
    /// assert!(!cache.touch(b"none", Ttl::secs(60))?);
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn touch(&self, key: &[u8], ttl: Ttl) -> Result<bool> {
        self.alter(key, |current, clock| {
            let Some(current) = current else { return Ok((None, false)) };
            Ok((Some(current.under(ttl.terms(clock)?)), true))
        })
    }

    /// The value of `key`, which is given a new time to live, from now; none if it has no value.
    ///
    /// ```
    /// # use samovar::Ttl;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set_with(b"k", b"v", Ttl::secs(1))?;
    /// assert_eq!(cache.get_and_touch(b"k", Ttl::secs(60))?.as_deref(), Some(&b"v"[..]));
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn get_and_touch(&self, key: &[u8], ttl: Ttl) -> Result<Option<Vec<u8>>> {
        let found = self.alter(key, |current, clock| {
            let Some(current) = current else { return Ok((None, None)) };
            let value = current.value.clone();
            Ok((Some(current.under(ttl.terms(clock)?)), Some(value)))
        })?;
        self.count(if found.is_some() { Counter::Hits } else { Counter::Misses })?;
        Ok(found)
    }

    /// Does `key` have a value? Nothing is copied. It counts as no hit, and does not keep the entry from eviction.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set(b"k", b"v")?;
    /// assert!(cache.contains(b"k")? && !cache.contains(b"none")?);
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn contains(&self, key: &[u8]) -> Result<bool> {
        check_key(key)?;
        let found = self.glimpse(key)?.get(|| self.clock().now_ms(), &mut Presence)?;
        self.believe()?;
        Ok(found)
    }

    /// Stores many values for at most `ttl`. Each writer lock is taken once for many of them. Each value is stored for
    /// itself: the batch is not one moment. If a key comes twice, its last value stays.
    ///
    /// ```
    /// # use samovar::Ttl;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set_many(&[("a", "1"), ("b", "2")], Ttl::secs(60))?;
    /// assert_eq!(cache.get(b"b")?.as_deref(), Some(&b"2"[..]));
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`set_with`](Self::set_with). Every item is tried; the first error is told.
    pub fn set_many<K: AsRef<[u8]>, V: AsRef<[u8]>>(&self, items: &[(K, V)], ttl: Ttl) -> Result<()> {
        let clock = self.clock();
        let terms = ttl.terms(&clock)?;
        let mut items: Vec<(u64, Item<'_>)> = items
            .iter()
            .map(|(key, value)| {
                let (key, value) = (key.as_ref(), value.as_ref());
                let hash = self.hash(key);
                (self.shard_number(hash), Item { hash, key, value, terms, version: None })
            })
            .collect();
        items.sort_by_key(|(shard, _)| *shard);
        let turns = items.chunk_by(|one, next| one.0 == next.0).flat_map(|run| run.chunks(TURN));
        turns.map(|turn| self.store_turn(turn, &clock)).reduce(Result::and).unwrap_or(Ok(()))
    }

    /// Stores items of one shard under one hold of its lock.
    fn store_turn(&self, turn: &[(u64, Item<'_>)], clock: &Clock<'_>) -> Result<()> {
        let Some((number, _)) = turn.first() else { return Ok(()) };
        let shard = self.inner.attached.shard(*number)?;
        let locked = self.refusable(|| {
            // The memory of all of them, before any of it is waited for.
            turn.iter().for_each(|(_, item)| shard.index.prefetch_of(item.hash));
            let locked = self.lock_to_write(&shard)?;
            turn.iter().try_for_each(|(_, item)| shard.foresee(item.hash).map(|_| ()))?;
            Ok(locked)
        })?;
        let stored = turn.iter().map(|(_, item)| {
            self.refusable(|| {
                self.check_writable(item.key)?;
                self.store_locked(&locked, clock, item)
            })?;
            self.count_stored()
        });
        stored.reduce(Result::and).unwrap_or(Ok(()))
    }

    /// What all alterations have in common: `decide` may be asked again if the shard had to be emptied first.
    fn alter<T>(
        &self,
        key: &[u8],
        decide: impl Fn(Option<alteration::Current>, &Clock<'_>) -> Result<Decision<T>>,
    ) -> Result<T> {
        let (stored, told) = self.refusable(|| {
            self.check_writable(key)?;
            let clock = self.clock();
            let hash = self.hash(key);
            self.write(hash, &clock, |writer| {
                let (next, told) = decide(writer.current(hash, key)?, &clock)?;
                let Some(Successor { value, terms, version }) = next else { return Ok((false, told)) };
                self.check_value(key, &value, terms.extras())?;
                writer.set(&Item { hash, key, value: &value, terms, version })?;
                Ok((true, told))
            })
        })?;
        if stored {
            self.count_stored()?;
        }
        Ok(told)
    }
}
