//! Gets of many keys, whose waits for memory overlap.
//!
//! ```text
//!   key hashed, first bucket asked for
//!     --ENTRY keys later--> that bucket looked at: its entry asked for, else the second bucket
//!     --SECOND keys later--> the second bucket looked at, if need be: its entry asked for
//!     --LOOK keys later--> the key looked up like any other, and its value handed over
//! ```
//!
//! Each step touches memory that the step before it asked for, some keys ago. So the processor always waits for as many
//! lines at once as it can, from the first key to the last. In a file that stays in the processor's caches there is
//! nothing to wait for, and keys are looked up one after the other.

use crate::api::handle::{Cache, check_key};
use crate::error::{Error, Result};
use crate::file::clock::Clock;
use crate::file::counters::Counter;
use crate::format::hash::KeyHash;

/// Keys from one step to the next.
const ENTRY: usize = 8;
const SECOND: usize = 4;
const LOOK: usize = 8;
/// Keys on their way at a time, at most; a power of two.
const WINDOW: usize = 32;

/// A file of no more bytes stays in the processor's own caches while it is in use.
const IN_CACHES: u64 = 1 << 20;

/// Keys on their way.
struct Flight<'c, 'k, K> {
    cache: &'c Cache,
    keys: &'k [K],
    clock: Clock<'c>,
    hashes: [KeyHash; WINDOW],
    /// Bits of keys that do not seem to be in their first bucket.
    elsewhere: u64,
    hits: usize,
    /// Where the keys end; before the first that cannot be looked up.
    end: usize,
    failed: Option<Error>,
}

impl Cache {
    /// Looks up many keys, and hands `each` the number of the key and its value, or none, in the order of the keys.
    ///
    /// It asks for the memory of a whole batch before it waits for any of it. Where data is larger than the processor's
    /// caches, nearly the whole cost of a get is waiting for memory. There a batch is several times as fast as single
    /// gets. In a file up to 1 MiB, keys are looked up one by one. Each key is looked up for itself: the batch is not
    /// one moment.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set(b"a", b"1")?;
    /// let mut found = Vec::new();
    /// cache.get_many(&[b"a", b"b"], |_, value| found.push(value.map(<[u8]>::to_vec)))?;
    /// assert_eq!(found, [Some(b"1".to_vec()), None]);
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`get`](Self::get), at the first key that has one: those before it were handed over.
    pub fn get_many<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        mut each: impl FnMut(usize, Option<&[u8]>),
    ) -> Result<()> {
        if self.inner.verify {
            for (number, key) in keys.iter().enumerate() {
                each(number, self.get_verified(key.as_ref())?.map(|found| found.value).as_deref());
            }
            return Ok(());
        }
        if self.inner.attached.header.geometry.file_bytes <= IN_CACHES {
            return self.get_in_turn(keys, each);
        }
        let mut flight = Flight {
            cache: self,
            keys,
            clock: self.clock(),
            hashes: [KeyHash::default(); WINDOW],
            elsewhere: 0,
            hits: 0,
            end: keys.len(),
            failed: None,
        };
        let looked = flight.run(&mut each);
        self.count_many(Counter::Hits, flight.hits)?;
        self.count_many(Counter::Misses, looked? - flight.hits)?;
        flight.failed.map_or(Ok(()), Err)
    }

    /// One after the other, where there is nothing to wait for.
    fn get_in_turn<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        mut each: impl FnMut(usize, Option<&[u8]>),
    ) -> Result<()> {
        let mut value = Vec::new();
        for (number, key) in keys.iter().enumerate() {
            value.clear();
            let hit = self.get_taking(key.as_ref(), &mut value)?;
            each(number, hit.then_some(&value));
        }
        Ok(())
    }
}

impl<K: AsRef<[u8]>> Flight<'_, '_, K> {
    /// Takes all keys through all steps; how many were looked up.
    fn run(&mut self, each: &mut impl FnMut(usize, Option<&[u8]>)) -> Result<usize> {
        let (mut value, mut step) = (Vec::new(), 0);
        loop {
            if step < self.end {
                self.ask(step);
            }
            if let Some(number) = self.arrived(step, ENTRY) {
                self.ask_for_entry(number)?;
            }
            if let Some(number) = self.arrived(step, ENTRY + SECOND) {
                self.ask_elsewhere(number)?;
            }
            match step.checked_sub(ENTRY + SECOND + LOOK) {
                Some(number) if number >= self.end => return Ok(self.end),
                Some(number) => {
                    let found = self.look(number, &mut value)?;
                    each(number, found.then_some(&value));
                    // The receiver may take its time: the expiry of what comes next is checked when it is handed over.
                    // canary: batch clock
                    self.clock.forget();
                }
                None => {}
            }
            step += 1;
        }
    }

    /// The key that is so many steps behind, if there is one.
    #[inline(always)]
    fn arrived(&self, step: usize, behind: usize) -> Option<usize> {
        step.checked_sub(behind).filter(|number| *number < self.end)
    }

    #[inline(always)]
    fn hash(&self, number: usize) -> KeyHash {
        self.hashes[number % WINDOW]
    }

    #[inline(always)]
    fn ask(&mut self, number: usize) {
        let key = self.keys[number].as_ref();
        let hash = check_key(key).map(|()| self.cache.hash(key));
        let asked = hash.and_then(|hash| Ok((hash, self.cache.shard_of(hash)?)));
        match asked {
            Ok((hash, shard)) => {
                shard.index.prefetch_first_of(hash);
                self.hashes[number % WINDOW] = hash;
            }
            Err(error) => (self.end, self.failed) = (number, Some(error)),
        }
    }

    #[inline(always)]
    fn ask_for_entry(&mut self, number: usize) -> Result<()> {
        let (hash, bit) = (self.hash(number), 1 << (number % WINDOW));
        if self.cache.shard_of(hash)?.foresee_first(hash)? {
            self.elsewhere &= !bit;
        } else {
            self.elsewhere |= bit;
        }
        Ok(())
    }

    #[inline(always)]
    fn ask_elsewhere(&mut self, number: usize) -> Result<()> {
        if self.elsewhere & 1 << (number % WINDOW) != 0 {
            let hash = self.hash(number);
            self.cache.shard_of(hash)?.foresee(hash)?;
        }
        Ok(())
    }

    #[inline(always)]
    fn look(&mut self, number: usize, value: &mut Vec<u8>) -> Result<bool> {
        value.clear();
        let reader = self.cache.reader_of(self.hash(number), self.keys[number].as_ref())?;
        let hit = reader.get_foreseen(|| self.clock.now_ms(), value)?;
        self.cache.believe()?;
        self.hits += usize::from(hit);
        Ok(hit)
    }
}

const _: () = assert!(ENTRY + SECOND + LOOK < WINDOW);
