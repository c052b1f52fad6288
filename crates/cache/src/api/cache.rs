//! The cache as its users see it: a handle that is cheap to clone and may be shared by threads.

use crate::api::handle::{Cache, check_key};
use crate::api::ttl::Ttl;
use crate::error::Result;
use crate::file::clock::Clock;
use crate::file::counters::Counter;
use crate::format::geometry::Policy;
use crate::format::hash::KeyHash;
use crate::read::reader::{Reader, Sink, Trace, Whole};
use crate::shard::locked::LockedShard;
use crate::write::item::Item;
use crate::write::writer;
use std::mem;

impl Cache {
    /// The value stored for `key`; none if there is none, or no longer.
    ///
    /// # Errors
    /// `KeyTooLong`; `Busy` if the key is rewritten faster than it can be copied; `Fault` if the file was cut short.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut value = Vec::new();
        Ok(self.get_into(key, &mut value)?.then_some(value))
    }

    /// Replaces the content of `out` with the value stored for `key`; false, and `out` empty, if there is none. With a
    /// buffer that is large enough it allocates nothing.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// let mut value = Vec::new();
    /// cache.set(b"k", b"v")?;
    /// assert!(cache.get_into(b"k", &mut value)?);
    /// assert_eq!(value, b"v");
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn get_into(&self, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        out.clear();
        if self.inner.verify { self.get_verified_into(key, out) } else { self.get_taking(key, out) }
    }

    #[inline(never)]
    fn get_verified_into(&self, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        let mut found = Whole::with(mem::take(out));
        let hit = self.verify_taking(key, &mut found);
        *out = found.value;
        if !matches!(hit, Ok(true)) {
            out.clear();
        }
        hit
    }

    /// The key's entry, if its seal says that it is as it was set, and counts a hit or a miss.
    pub(crate) fn get_verified(&self, key: &[u8]) -> Result<Option<Whole>> {
        let mut found = Whole::default();
        Ok(self.verify_taking(key, &mut found)?.then_some(found))
    }

    fn verify_taking(&self, key: &[u8], found: &mut Whole) -> Result<bool> {
        check_key(key)?;
        let reader = self.reader(key)?;
        let hit = reader.get(|| self.clock().now_ms(), found)?;
        self.believe()?;
        let whole = hit && found.is_whole(reader.shard, key);
        self.count(if whole { Counter::Hits } else { Counter::Misses })?;
        if hit && !whole {
            self.count(Counter::Damaged)?;
        }
        Ok(whole)
    }

    /// Hands the key's entry to `out`, which is empty, and counts a hit or a miss.
    #[inline]
    pub(crate) fn get_taking<S: Sink>(&self, key: &[u8], out: &mut S) -> Result<bool> {
        check_key(key)?;
        let hit = self.reader(key)?.get(|| self.clock().now_ms(), out)?;
        self.believe()?;
        self.count(if hit { Counter::Hits } else { Counter::Misses })?;
        Ok(hit)
    }

    /// A look at a key that leaves no trace.
    pub(crate) fn glimpse<'a, 'k>(&'a self, key: &'k [u8]) -> Result<Reader<'a, 'k>> {
        Ok(Reader { trace: Trace::Nothing, ..self.reader(key)? })
    }

    #[inline(always)]
    pub(crate) fn reader<'a, 'k>(&'a self, key: &'k [u8]) -> Result<Reader<'a, 'k>> {
        self.reader_of(self.hash(key), key)
    }

    #[inline(always)]
    pub(crate) fn reader_of<'a, 'k>(&'a self, hash: KeyHash, key: &'k [u8]) -> Result<Reader<'a, 'k>> {
        let attached = &self.inner.attached;
        let counts = attached.is_writer() && attached.header.geometry.policy != Policy::Fifo;
        let trace = if counts { Trace::Frequency } else { Trace::Nothing };
        Ok(Reader { shard: self.shard_of(hash)?, key, hash, trace })
    }

    /// Stores `value` for `key` until it is evicted, removed or replaced.
    ///
    /// # Errors
    /// As [`set_with`](Self::set_with).
    pub fn set(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.set_with(key, value, Ttl::NEVER)
    }

    /// Stores `value` for `key` for at most `ttl`.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set_with(b"k", b"v", samovar::Ttl::millis(0))?;
    /// assert_eq!(cache.get(b"k")?, None);
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// `ValueTooLarge`, which also removes what was stored for the key; `KeyTooLong`; `ReadOnly` for a read-only
    /// handle. `Busy` if other writers hold the key's shard for longer than this handle's `lock_timeout`;
    /// `OwnerStopped` if the holder is stopped. `Fault`, `Io`, `NoSpace` of the file. A refused write is counted in
    /// [`Stats::refusals`](crate::Stats::refusals) and changes nothing else.
    pub fn set_with(&self, key: &[u8], value: &[u8], ttl: Ttl) -> Result<()> {
        self.refusable(|| self.store(key, value, ttl))?;
        self.count_stored()
    }

    fn store(&self, key: &[u8], value: &[u8], ttl: Ttl) -> Result<()> {
        self.check_writable(key)?;
        let clock = self.clock();
        let terms = ttl.terms(&clock)?;
        let item = Item { hash: self.hash(key), key, value, terms, version: None };
        let shard = self.shard_of(item.hash)?;
        shard.index.prefetch_of(item.hash);
        let locked = self.lock_to_write(&shard)?;
        self.store_locked(&locked, &clock, &item)
    }

    /// Stores an item in its shard, which is locked to be written. An item that is too large still removes the one before.
    #[inline]
    pub(crate) fn store_locked(
        &self,
        locked: &LockedShard<'_>,
        clock: &Clock<'_>,
        item: &Item<'_>,
    ) -> Result<()> {
        if let Err(error) = self.check_value(item.key, item.value, item.terms.extras()) {
            self.write_locked(locked, clock, |writer| writer.remove(item.hash, item.key))?;
            return Err(error);
        }
        let attached = &self.inner.attached;
        if writer::set_at_once(locked, item, |span| attached.prepare(locked.shard().number, span))? {
            return attached.believe();
        }
        self.write_locked(locked, clock, |writer| writer.set(item))
    }

    /// Forgets what is stored for `key`; true if there was something.
    ///
    /// # Errors
    /// `KeyTooLong`, `ReadOnly`, `Busy`, `Fault` as for [`set_with`](Self::set_with): a removal that did not happen is an error,
    /// never `false`.
    pub fn remove(&self, key: &[u8]) -> Result<bool> {
        let removed = self.refusable(|| {
            self.check_writable(key)?;
            let hash = self.hash(key);
            let clock = self.clock();
            self.write(hash, &clock, |writer| writer.remove(hash, key))
        })?;
        if removed {
            self.count(Counter::Removes)?;
        }
        Ok(removed)
    }
}
