//! The clean word: whether everything is on disk, and nothing was written since.
//!
//! ```text
//!   DIRTY, SYNCING(m) --flush n begins--> SYNCING(n) --nobody wrote, everything is synced--> CLEAN
//!   SYNCING(n) --somebody is about to write--> DIRTY
//!   CLEAN --the next writer, under the dirtying byte--> CLEARING --that is synced--> DIRTY
//!   any --the cache is deleted--> REMOVED
//! ```
//!
//! On the disk, `SYNCING` and `CLEARING` mean what `DIRTY` means. Why a file is called clean only if it is: a flush stores
//! `SYNCING`, then takes and releases each shard's lock, then syncs. A writer looks at this word under its shard's lock,
//! before its first store. If it had the lock before the flush, all that it wrote is synced. Otherwise it finds `SYNCING`,
//! and exchanges it for `DIRTY`, so that the flush's exchange for `CLEAN` fails. Flushes have numbers, so that no flush takes
//! the `SYNCING` of a later one for its own.
//!
//! There is no edge from `CLEAN` to `DIRTY`: nobody writes before the disk knows that the file is no longer clean. Only
//! one edge leads out of `REMOVED`: the next first opener empties the file.

use crate::error::Result;
use crate::format::layout::{CLEAN as CLEAN_AT, FLUSHES};
use samovar_mmap::{View, Word64};

const DIRTY: u64 = 0;
const CLEAN: u64 = 1;
const CLEARING: u64 = 2;
const REMOVED: u64 = 3;
const SYNCING: u64 = 4;
/// Above the state: the number of the flush.
const STATE_BITS: u32 = 3;
const STATE_MASK: u64 = (1 << STATE_BITS) - 1;

/// The word in the file.
#[derive(Clone, Copy)]
pub(crate) struct CleanWord<'a>(Word64<'a>);

/// The word of one flush under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Syncing(u64);

/// What a writer has to do before its first store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BeforeWrite {
    /// Nothing.
    Go,
    /// To make durable that the file is no longer clean.
    Clear,
}

impl<'a> CleanWord<'a> {
    #[inline(always)]
    pub(crate) fn of(file: View<'a>) -> Result<Self> {
        Ok(CleanWord(file.word64(CLEAN_AT)?))
    }

    /// May a writer go on without more ado?
    #[inline(always)]
    pub(crate) fn is_dirty(self) -> bool {
        // Acquire, with the release in `finish_clearing`: the disk knows by now.
        self.0.load_acquire() == DIRTY
    }

    pub(crate) fn is_clean(self) -> bool {
        self.0.load() == CLEAN
    }

    /// Is the cache deleted, or about to be?
    #[inline(always)]
    pub(crate) fn is_removed(self) -> bool {
        // Acquire, with the release in `remove`.
        self.0.load_acquire() == REMOVED
    }

    /// Everything is on the disk, and the caller is alone with the file.
    pub(crate) fn set_clean(self) {
        self.0.store(CLEAN);
    }

    pub(crate) fn remove(self) {
        // Release, with the acquire in `is_removed`.
        self.0.store_release(REMOVED);
    }

    /// Begins flush `number`. None if the file is clean, being cleared or deleted: then there is nothing to become clean.
    fn begin_syncing(self, number: u64) -> Option<Syncing> {
        let syncing = number << STATE_BITS | SYNCING;
        loop {
            let seen = self.0.load();
            if !matches!(seen & STATE_MASK, DIRTY | SYNCING) {
                return None;
            }
            if self.0.compare_exchange(seen, syncing).is_ok() {
                return Some(Syncing(syncing));
            }
        }
    }

    /// Everything that was there when the flush began is on the disk: the file is clean if nobody wrote since.
    pub(crate) fn finish_syncing(self, syncing: Syncing) -> bool {
        // canary: written amid a flush
        self.0.compare_exchange(syncing.0, CLEAN).is_ok()
    }

    /// A writer that holds its shard's lock is about to write.
    pub(crate) fn before_write(self) -> BeforeWrite {
        loop {
            let seen = self.0.load_acquire();
            match seen & STATE_MASK {
                CLEAN | CLEARING => return BeforeWrite::Clear,
                SYNCING if self.0.compare_exchange(seen, DIRTY).is_err() => {}
                _ => return BeforeWrite::Go,
            }
        }
    }

    /// The file is about to be written; true if the caller has to make that durable first. The caller holds the dirtying byte.
    pub(crate) fn begin_clearing(self) -> bool {
        // `CLEARING` may have been left by a process that died.
        self.0.compare_exchange(CLEAN, CLEARING).is_ok() || self.0.load() == CLEARING
    }

    /// The disk knows that the file is no longer clean.
    pub(crate) fn finish_clearing(self) {
        // Release, with the acquire in `is_dirty`. It fails if the cache was deleted meanwhile, and stays so.
        let _ = self.0.compare_exchange(CLEARING, DIRTY);
    }

    /// Forgets a clearing that nobody finished. Only the first opener calls it, while it is alone with the file.
    pub(crate) fn recover(self) {
        if !self.is_clean() {
            self.0.store(DIRTY);
        }
    }
}

/// Begins a flush of the file: until somebody writes, the clean word says that this flush is under way. None as for a file that is
/// clean.
pub(crate) fn begin_syncing(file: View<'_>) -> Result<Option<Syncing>> {
    let number = file.word64(FLUSHES)?.fetch_add(1);
    Ok(CleanWord::of(file)?.begin_syncing(number))
}

#[cfg(test)]
mod tests;
