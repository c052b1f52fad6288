//! The clean word: whether everything is on disk, and nothing was written since.
//!
//! ```text
//!   DIRTY --everything synced, writers kept out--> CLEAN
//!   CLEAN --the next writer, under the dirtying byte--> CLEARING --that is durable--> DIRTY
//!   any --the cache is deleted--> REMOVED
//! ```
//!
//! There is no edge from `CLEAN` to `DIRTY`: nobody writes before the disk knows that the file is no longer clean. Only
//! one edge leads out of `REMOVED`: the next first opener empties the file.

use crate::error::Result;
use crate::format::layout::CLEAN as CLEAN_AT;
use samovar_mmap::{View, Word64};

const DIRTY: u64 = 0;
const CLEAN: u64 = 1;
const CLEARING: u64 = 2;
const REMOVED: u64 = 3;

/// The word in the file.
#[derive(Clone, Copy)]
pub(crate) struct CleanWord<'a>(Word64<'a>);

impl<'a> CleanWord<'a> {
    #[inline(always)]
    pub(crate) fn of(file: View<'a>) -> Result<Self> {
        Ok(CleanWord(file.word64(CLEAN_AT)?))
    }

    /// May a writer go on?
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

    pub(crate) fn set_clean(self) {
        self.0.store(CLEAN);
    }

    pub(crate) fn remove(self) {
        // Release, with the acquire in `is_removed`.
        self.0.store_release(REMOVED);
    }

    /// The file is about to be written; true if the caller has to make that durable first. The caller holds the dirtying byte.
    pub(crate) fn begin_clearing(self) -> bool {
        let seen = self.0.load();
        seen != DIRTY && seen != REMOVED && self.0.compare_exchange(seen, CLEARING).is_ok()
    }

    /// The disk knows that the file is no longer clean.
    pub(crate) fn finish_clearing(self) {
        // Release, with the acquire in `is_dirty`. It fails if the cache was deleted meanwhile, and stays so.
        let _ = self.0.compare_exchange(CLEARING, DIRTY);
    }

    /// Forgets a clearing that nobody finished. Only the first opener calls it, while it is alone with the file.
    pub(crate) fn recover(self) {
        if matches!(self.0.load(), CLEARING | REMOVED) {
            self.0.store(DIRTY);
        }
    }
}
