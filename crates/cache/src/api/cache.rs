//! The cache as its users see it: a handle that is cheap to clone and may be shared by threads.

use crate::api::handle::{Cache, check_key, read_only};
use crate::api::ttl::Ttl;
use crate::error::{Error, ErrorKind, Result};
use crate::file::clock::Clock;
use crate::file::counters::Counter;
use crate::format::geometry::Policy;
use crate::format::hash::KeyHash;
use crate::read::copy::{Reader, Sink, Trace, Whole};
use crate::repair::check::{Recount, Report};
use crate::repair::recover;
use crate::shard::lock::{Claim, Held};
use crate::shard::shard::Shard;
use crate::write::shortcut;
use crate::write::writer::{Item, Process, Writer};
use std::mem;

/// Of a writer that writes no entries, and so meets no pins.
const IDLE: Process<'static> = Process { is_dead: &|_| Ok(false), prepare: &|_| () };
/// Tries at an undisturbed look at a shard that a read-only handle cannot lock.
const LOOKS: u32 = 100;

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
    /// `ValueTooLarge`, which also removes what was stored for the key; `KeyTooLong`; `ReadOnly` for a read-only handle; `Busy`
    /// if other writers hold the key's shard for longer than this handle's lock_timeout, `OwnerStopped` if one does that does
    /// not get on; `Fault`, `Io`, `NoSpace` of
    /// the file. A refused write is counted in [`Stats::refusals`] and changes nothing else.
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
        let held = self.hold_shard(&shard, self.shard_number(item.hash))?;
        self.store_held(&held, &shard, &clock, &item)
    }

    /// Stores an item in its shard, whose writer lock is held. What is too large removes what it was to replace.
    #[inline]
    pub(crate) fn store_held(
        &self,
        held: &Held<'_>,
        shard: &Shard<'_>,
        clock: &Clock<'_>,
        item: &Item<'_>,
    ) -> Result<()> {
        let number = self.shard_number(item.hash);
        if let Err(error) = self.check_value(item.key, item.value, item.terms.extras()) {
            self.write_held(held, number, clock, |writer| writer.remove(item.hash, item.key))?;
            return Err(error);
        }
        let attached = &self.inner.attached;
        attached.before_write()?;
        if shortcut::set(shard, item, |extent| attached.prepare(number, extent))? {
            return attached.believe();
        }
        self.write_held(held, number, clock, |writer| writer.set(item))
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

    /// Recounts everything from the bytes up and compares it with the accounts, one shard at a time, keeping writers of
    /// that shard waiting meanwhile.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// assert!(cache.check()?.is_clean());
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Busy` if a shard cannot be had for long enough; `Fault` if the file was cut short. What does not add up is no
    /// error of this call: it is in the [`Report`].
    pub fn check(&self) -> Result<Report> {
        let (mut report, size_record) = (Report::default(), self.inner.attached.size_record()?);
        report.resize_pending = size_record.pending;
        for number in 0..self.inner.attached.header.geometry.shards() {
            if self.inner.attached.is_writer() {
                self.check_held(number, &mut report)?;
            } else {
                self.check_watched(number, &mut report)?;
            }
            let bounds = self.inner.attached.shard(number)?.bounds();
            if !size_record.pending && self.inner.attached.size_record()? == size_record {
                report.compare_end(number, &bounds, size_record.units);
            }
        }
        self.inner.attached.believe()?;
        Ok(report)
    }

    fn check_held(&self, number: u64, report: &mut Report) -> Result<()> {
        let shard = self.inner.attached.shard(number)?;
        let _held = self.hold(number)?;
        let clock = self.clock();
        let mut writer = Writer::new(shard, &clock, IDLE);
        if !writer.is_in_order() {
            // What a dead writer left, or damage, is about to be repaired: that is a write.
            self.inner.attached.before_write()?;
        }
        writer.begin()?;
        Recount::new(shard, number, report).run(writer.metadata())
    }

    /// A read-only handle cannot keep writers out: it counts only if none came in between.
    fn check_watched(&self, number: u64, report: &mut Report) -> Result<()> {
        let shard = self.inner.attached.shard(number)?;
        for _ in 0..LOOKS {
            let before = recover::outlook(shard)?;
            let pending = recover::outlook_on_spaces(shard, &before)?;
            let mut trial = report.clone();
            Recount::new(shard, number, &mut trial).with_pending(pending).run(&before)?;
            samovar_mmap::fence_acquire();
            let after = recover::outlook(shard)?;
            if after == before && recover::outlook_on_spaces(shard, &after)? == pending {
                *report = trial;
                return Ok(());
            }
        }
        Err(Error::new(
            ErrorKind::Busy,
            "the cache is written too fast to be counted; check it from a writing handle",
        ))
    }

    /// Has the small ring of every shard become this part of its data, as soon as the rings come round.
    #[cfg(feature = "inject")]
    #[doc(hidden)]
    pub fn wish_small_percent(&self, percent: u64) -> Result<()> {
        let clock = self.clock();
        for number in 0..self.inner.attached.header.geometry.shards() {
            let _held = self.hold(number)?;
            let shard = self.inner.attached.shard(number)?;
            let mut writer = Writer::new(shard, &clock, IDLE);
            writer.begin()?;
            writer.wish_percent(percent);
        }
        Ok(())
    }

    /// How large the small ring of each shard is now, in percent of its data.
    #[cfg(feature = "inject")]
    #[doc(hidden)]
    pub fn small_percents(&self) -> Result<Vec<u64>> {
        let shards = 0..self.inner.attached.header.geometry.shards();
        let percent = |number| -> Result<u64> {
            let bounds = self.inner.attached.shard(number)?.bounds();
            Ok(bounds.boundary * 100 / bounds.end)
        };
        shards.map(percent).collect()
    }

    /// Keeps all writers out.
    pub(crate) fn hold_all(&self) -> Result<Vec<Held<'_>>> {
        (0..self.inner.attached.header.geometry.shards()).map(|number| self.hold(number)).collect()
    }

    pub(crate) fn hold(&self, shard: u64) -> Result<Held<'_>> {
        self.hold_shard(&self.inner.attached.shard(shard)?, shard)
    }

    /// The same, of a shard that is at hand, by its number.
    #[inline(always)]
    fn hold_shard<'a>(&'a self, shard: &Shard<'a>, number: u64) -> Result<Held<'a>> {
        let attached = &self.inner.attached;
        let seat = attached.place()?.seat().ok_or_else(read_only)?;
        let claim = Claim { head: shard.head, shard: number, owner: seat.owner };
        claim.acquire(&self.inner.waiting, |holder| attached.is_dead(holder))
    }

    /// Does something under the key's writer lock.
    pub(crate) fn write<T>(
        &self,
        hash: KeyHash,
        clock: &Clock<'_>,
        act: impl Fn(&mut Writer<'_>) -> Result<T>,
    ) -> Result<T> {
        let shard = self.shard_number(hash);
        let held = self.hold(shard)?;
        self.write_held(&held, shard, clock, act)
    }

    /// Does something in a shard whose writer lock is held. A shard whose bytes make no sense is emptied, and it is done
    /// again.
    #[inline]
    pub(crate) fn write_held<T>(
        &self,
        _: &Held<'_>,
        shard: u64,
        clock: &Clock<'_>,
        act: impl Fn(&mut Writer<'_>) -> Result<T>,
    ) -> Result<T> {
        self.inner.attached.before_write()?;
        self.inner.attached.keep_horizon(shard)?;
        let is_dead = |owner| self.inner.attached.is_dead(owner);
        let prepare = |extent| self.inner.attached.prepare(shard, extent);
        let process = Process { is_dead: &is_dead, prepare: &prepare };
        let once = || {
            let mut writer = Writer::new(self.inner.attached.shard(shard)?, clock, process);
            writer.begin()?;
            writer.enter(self.namespace)?;
            act(&mut writer)
        };
        let done = match once() {
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                recover::reset(self.inner.attached.shard(shard)?)?;
                once()
            }
            done => done,
        };
        self.inner.attached.believe()?;
        done
    }
}
