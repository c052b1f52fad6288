//! The writer lock of a shard: one 4-byte word in the file that names its owner.
//!
//! ```text
//!   free --cas by anyone--> owned          owned --cas by its owner--> free (and wakes a waiter if the bit is set)
//!   owned --cas from exactly the dead owner's word--> owned by the taker, who repairs before it writes
//! ```
//!
//! No edge takes the lock from a living owner, stopped or not. Waiters give up after a bounded time; later ones give up
//! almost at once, until the shard looks different. The kernel tells whether an owner lives, by the lock on the byte of
//! its process slot.

use crate::error::{Error, ErrorKind, Result};
use crate::event;
use crate::format::hash::checksum;
use crate::format::layout::{self, FRONTIERS, LOCK, SHARD_HEAD_LEN};
use crate::format::owner::{Owner, WAITERS};
use crate::shard::head::Head;
use crate::shard::view::Shard;
use samovar_mmap::Word32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Looks at the word before going to sleep.
const SPINS: u32 = 100;
/// How often a waiter asks whether the owner lives, within the time in which a dead one is replaced.
const PROBES: u32 = 10;
const SHORTEST_PROBE: Duration = Duration::from_millis(1);

/// A held writer lock; dropping it lets the next one in.
pub(crate) struct Held<'a> {
    word: Word32<'a>,
    owner: Owner,
}

/// How long the writers of a handle wait, and the owners for which they no longer do.
pub(crate) struct Waiting {
    lock_timeout: Duration,
    /// How often a waiter asks whether the owner lives.
    probe_every: Duration,
    /// For each shard 0, or its look at the time when a writer's `lock_timeout` ran out while its owner lived.
    stalled: Vec<AtomicUsize>,
}

impl Waiting {
    pub(crate) fn new(shards: u64, lock_timeout: Duration, owner_probe: Duration) -> Self {
        let probe_every = (owner_probe / PROBES).max(SHORTEST_PROBE);
        Waiting { lock_timeout, probe_every, stalled: (0..shards).map(|_| AtomicUsize::new(0)).collect() }
    }

    /// How long a write waits for others.
    pub(crate) fn lock_timeout(&self) -> Duration {
        self.lock_timeout
    }
}

/// A shard's lock, as a writer that wants it sees it.
#[derive(Clone, Copy)]
pub(crate) struct Claim<'a> {
    pub(crate) shard: &'a Shard<'a>,
    pub(crate) owner: Owner,
}

impl<'a> Claim<'a> {
    /// Takes the lock. `is_dead` is asked at intervals about the holder.
    #[inline(always)]
    pub(crate) fn acquire(
        self,
        waiting: &Waiting,
        is_dead: impl Fn(Owner) -> Result<bool>,
    ) -> Result<Held<'a>> {
        let word = self.shard.head.word32(LOCK);
        // Acquire, with the release in `drop`: the last owner's stores are seen.
        if word.compare_exchange(0, self.owner.word()).is_err() {
            self.acquire_slow(word, waiting, is_dead)?;
        }
        Ok(Held { word, owner: self.owner })
    }

    #[cold]
    fn acquire_slow(
        self,
        word: Word32<'a>,
        waiting: &Waiting,
        is_dead: impl Fn(Owner) -> Result<bool>,
    ) -> Result<()> {
        for _ in 0..SPINS {
            std::hint::spin_loop();
            // Acquire, as above.
            // canary: lock
            if word.compare_exchange(0, self.owner.word()).is_ok() {
                return Ok(());
            }
        }
        let begun_with = self.fingerprint(word.load());
        let stalled = &waiting.stalled[layout::at(self.shard.number) % waiting.stalled.len()];
        let is_known = stalled.load(Ordering::Relaxed) == begun_with;
        let give_up = Instant::now() + if is_known { waiting.probe_every } else { waiting.lock_timeout };
        loop {
            let seen = word.load();
            match Owner::of_word(seen) {
                // A waiter that has slept keeps the bit set, because others may still sleep.
                None if word.compare_exchange(seen, self.owner.word() | WAITERS).is_ok() => return Ok(()),
                None => continue,
                // canary: robbery
                Some(holder) if holder != self.owner && is_dead(holder)? => {
                    // canary: takeover
                    if word.compare_exchange(seen, self.owner.word() | WAITERS).is_ok() {
                        event::taken_over(self.shard.number, holder.slot());
                        return Ok(());
                    }
                    continue;
                }
                Some(_) => {}
            }
            if Instant::now() >= give_up {
                let look = self.fingerprint(seen);
                stalled.store(look, Ordering::Relaxed);
                if look != begun_with {
                    return Err(busy());
                }
                event::owner_stopped(self.shard.number, Owner::from_word(seen).slot());
                return Err(stopped());
            }
            if seen & WAITERS != 0 || word.compare_exchange(seen, seen | WAITERS).is_ok() {
                word.wait(seen | WAITERS, waiting.probe_every);
            }
        }
    }

    /// What the shard looks like while this holder has it: another look means that the holder gets on. Never 0.
    fn fingerprint(self, lock: u32) -> usize {
        let mut bytes = (lock & !WAITERS).to_le_bytes().to_vec();
        for line in (FRONTIERS..SHARD_HEAD_LEN).step_by(64) {
            bytes.extend(self.shard.head.line(line).load_all().into_iter().flat_map(u64::to_le_bytes));
        }
        layout::at(checksum(&bytes)) | 1
    }
}

#[cold]
fn busy() -> Error {
    Error::new(
        ErrorKind::Busy,
        "other writers held the shard for longer than this one may wait; try again, or wait longer",
    )
}

#[cold]
fn stopped() -> Error {
    Error::new(
        ErrorKind::OwnerStopped,
        "the process that holds the shard is alive but does not get on (stopped, or its disk is stuck); let it go on, or end it",
    )
}

/// Who holds the lock just now.
pub(crate) fn holder(head: Head<'_>) -> Option<Owner> {
    Owner::of_word(head.word32(LOCK).load())
}

/// Forgets the holder of the lock: for the first opener, when nobody else can have it.
pub(crate) fn reset(head: Head<'_>) {
    head.word32(LOCK).store(0);
}

impl Held<'_> {
    /// Does another writer sleep until it is free? Asked by a holder that could pause.
    pub(crate) fn is_wanted(&self) -> bool {
        self.word.load() & WAITERS != 0
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // Release, with the acquire in `acquire`. A word that is no longer ours was taken over: leave it alone.
        match self.word.compare_exchange(self.owner.word(), 0) {
            Ok(_) => {}
            Err(found) if found == self.owner.word() | WAITERS => {
                if self.word.compare_exchange(found, 0).is_ok() {
                    self.word.wake_one();
                }
            }
            Err(_) => {}
        }
    }
}
