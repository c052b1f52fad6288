//! The writer lock of a shard: one 4-byte word in the file that names its owner.
//!
//! ```text
//!   31          14 13       1   0
//!  | incarnation | slot + 1 | waiters |
//!
//!   free --cas by anyone--> owned          owned --cas by its owner--> free (and wakes a waiter if the bit is set)
//!   owned --cas from exactly the dead owner's word--> owned by the taker, who repairs before it writes
//! ```
//!
//! No edge takes the lock from a living owner, stopped or not: those who wait give up after a bounded time. Whether an
//! owner lives is asked of the kernel, by its lock on the byte of its process slot.

use crate::error::{Error, ErrorKind, Result};
use crate::layout::LOCK;
use samovar_mmap::{View, Word32};
use std::time::{Duration, Instant};

const WAITERS: u32 = 1;
const SLOT_SHIFT: u32 = 1;
const SLOT_BITS: u32 = 13;
const INCARNATION_SHIFT: u32 = SLOT_SHIFT + SLOT_BITS;
const INCARNATION_MASK: u32 = (1 << (32 - INCARNATION_SHIFT)) - 1;
/// Looks at the word before going to sleep.
const SPINS: u32 = 100;
/// How long to sleep between looks at whether the owner lives.
const PROBE_EVERY: Duration = Duration::from_millis(10);

/// Who holds a lock: a process slot in one of its incarnations. A reused slot never looks like its old owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner(u32);

impl Owner {
    pub(crate) fn new(slot: u32, incarnation: u32) -> Self {
        Owner((slot + 1) << SLOT_SHIFT | (incarnation & INCARNATION_MASK) << INCARNATION_SHIFT)
    }

    /// The owner's process slot; none if the word names no slot, as damage might.
    pub(crate) fn slot(self) -> Option<u32> {
        (self.0 >> SLOT_SHIFT & ((1 << SLOT_BITS) - 1)).checked_sub(1)
    }

    /// Was the word written by this incarnation of its slot?
    pub(crate) fn is_incarnation(self, incarnation: u32) -> bool {
        self.0 >> INCARNATION_SHIFT == incarnation & INCARNATION_MASK
    }

    fn of_word(word: u32) -> Option<Self> {
        (word & !WAITERS != 0).then_some(Owner(word & !WAITERS))
    }
}

/// A held writer lock; dropping it lets the next one in.
pub(crate) struct Held<'a> {
    word: Word32<'a>,
    owner: Owner,
}

/// Takes the lock of the shard with this head. `is_dead` is asked at intervals about whoever holds it.
pub(crate) fn acquire<'a>(
    head: View<'a>,
    owner: Owner,
    patience: Duration,
    is_dead: impl Fn(Owner) -> Result<bool>,
) -> Result<Held<'a>> {
    let word = head.word32(LOCK)?;
    for _ in 0..SPINS {
        // Acquire, with the release in `drop`: the last owner's stores are seen.
        if word.compare_exchange(0, owner.0).is_ok() {
            return Ok(Held { word, owner });
        }
        std::hint::spin_loop();
    }
    acquire_slow(word, owner, patience, is_dead)
}

#[cold]
fn acquire_slow(
    word: Word32<'_>,
    owner: Owner,
    patience: Duration,
    is_dead: impl Fn(Owner) -> Result<bool>,
) -> Result<Held<'_>> {
    let give_up = Instant::now() + patience;
    loop {
        let seen = word.load();
        match Owner::of_word(seen) {
            // Whoever has slept keeps the bit set, for the others who may still sleep.
            None if word.compare_exchange(seen, owner.0 | WAITERS).is_ok() => {
                return Ok(Held { word, owner });
            }
            None => continue,
            Some(holder) if holder != owner && is_dead(holder)? => {
                if word.compare_exchange(seen, owner.0 | WAITERS).is_ok() {
                    return Ok(Held { word, owner });
                }
                continue;
            }
            Some(_) => {}
        }
        if Instant::now() >= give_up {
            return Err(Error::new(
                ErrorKind::Busy,
                "another writer held the shard for longer than this one may wait; try again",
            ));
        }
        if seen & WAITERS != 0 || word.compare_exchange(seen, seen | WAITERS).is_ok() {
            word.wait(seen | WAITERS, PROBE_EVERY);
        }
    }
}

/// Forgets whoever held the lock: for the first opener, when nobody else can.
pub(crate) fn reset(head: View<'_>) -> Result<()> {
    head.word32(LOCK)?.store(0);
    Ok(())
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // Release, with the acquire in `acquire`. A word that is no longer ours was taken over: leave it alone.
        match self.word.compare_exchange(self.owner.0, 0) {
            Ok(_) => {}
            Err(found) if found == self.owner.0 | WAITERS => {
                if self.word.compare_exchange(found, 0).is_ok() {
                    self.word.wake_one();
                }
            }
            Err(_) => {}
        }
    }
}
