//! The init lock, held while a process attaches, detaches or deletes.
//!
//! It is a byte lock, which the kernel frees when its owner dies. Thousands may wait for it. They sleep on a word of the control
//! page, and each owner wakes the next. In case an owner died they look at the byte themselves, now and then.
//!
//! ```text
//!   the word:  turns taken 31 | waiters 1
//!   byte locked --let go--> byte free, one turn more, no waiters; one is woken if there were any
//! ```
//!
//! An owner that slept wakes another one in any case: the bit was cleared when it was woken, and others may still sleep. Who
//! may only read the file cannot mark that it waits, and only looks.

use crate::error::{Error, ErrorKind, Result};
use crate::format::layout::{INIT_TURN, lock_byte};
use samovar_mmap::{ByteLocks, View, Word32};
use std::time::{Duration, Instant};

const WAITERS: u32 = 1;
const TURN: u32 = 2;
const FIRST_SLEEP: Duration = Duration::from_micros(100);
const LONGEST_SLEEP: Duration = Duration::from_millis(400);
/// How long to wait while nobody takes a turn.
const STUCK: Duration = Duration::from_secs(10);
/// How long to wait in all.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The init lock, held until this is dropped.
pub(crate) struct InitLock<'a> {
    locks: &'a ByteLocks,
    word: Word32<'a>,
    holder: Holder,
    has_slept: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Holder {
    /// Alone.
    Owner,
    /// Together with others who only read.
    Reader,
}

impl<'a> InitLock<'a> {
    /// Waits while another process opens or closes the file: for ten seconds in which none of them gets on, for a minute in all.
    pub(crate) fn acquire(locks: &'a ByteLocks, file: View<'a>) -> Result<Self> {
        Self::wait_for(locks, file, Holder::Owner)
    }

    /// The same, together with others who share it.
    pub(crate) fn share(locks: &'a ByteLocks, file: View<'a>) -> Result<Self> {
        Self::wait_for(locks, file, Holder::Reader)
    }

    fn wait_for(locks: &'a ByteLocks, file: View<'a>, holder: Holder) -> Result<Self> {
        let mut lock = InitLock { locks, word: file.word32(INIT_TURN)?, holder, has_slept: false };
        // canary: init
        if lock.attempt()? {
            return Ok(lock);
        }
        let (begun, mut turn_began, mut turn) = (Instant::now(), Instant::now(), lock.word.load() & !WAITERS);
        let mut sleep = FIRST_SLEEP;
        loop {
            // Before the attempt: who lets go after it changes the word after this.
            let seen = lock.word.load();
            if lock.attempt()? {
                return Ok(lock);
            }
            if seen & !WAITERS != turn {
                (turn, turn_began) = (seen & !WAITERS, Instant::now());
            }
            if turn_began.elapsed() >= STUCK || begun.elapsed() >= TIMEOUT {
                return Err(lock.refusal());
            }
            lock.sleep(seen, sleep);
            sleep = (sleep * 4).min(LONGEST_SLEEP);
        }
    }

    fn attempt(&self) -> Result<bool> {
        Ok(match self.holder {
            Holder::Owner => self.locks.try_exclusive(lock_byte::INIT)?,
            Holder::Reader => self.locks.try_shared(lock_byte::INIT)?,
        })
    }

    /// Sleeps for so long, or until somebody lets go.
    fn sleep(&mut self, seen: u32, time: Duration) {
        let marked = match self.holder {
            Holder::Owner => seen | WAITERS,
            Holder::Reader => seen,
        };
        if seen == marked || self.word.compare_exchange(seen, marked).is_ok() {
            self.word.wait(marked, time);
            self.has_slept = true;
        }
    }

    /// Why it cannot be had.
    fn refusal(&self) -> Error {
        let bytes = lock_byte::INIT..lock_byte::INIT + 1;
        match self.locks.is_held_exclusively_elsewhere(bytes) {
            Ok(false) if self.holder == Holder::Owner => read_locked(),
            _ => busy(),
        }
    }
}

impl Drop for InitLock<'_> {
    fn drop(&mut self) {
        // What fails here is mended when the file of the locks is closed.
        let _ = self.locks.unlock(lock_byte::INIT);
        if self.holder == Holder::Reader {
            return;
        }
        let mut seen = self.word.load();
        while let Err(now) = self.word.compare_exchange(seen, (seen & !WAITERS).wrapping_add(TURN)) {
            seen = now;
        }
        if seen & WAITERS != 0 || self.has_slept {
            self.word.wake_one();
        }
    }
}

#[cold]
pub(crate) fn busy() -> Error {
    Error::new(
        ErrorKind::Busy,
        "another process is opening or closing the cache and does not finish; try again",
    )
}

#[cold]
pub(crate) fn read_locked() -> Error {
    Error::new(
        ErrorKind::Busy,
        "a program that reads the cache file has locked it, as a backup may; end that program, or take the permission to read from it",
    )
}
