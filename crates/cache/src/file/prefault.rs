//! Which parts of the data areas the system has made ready for the writes of this process.
//!
//! The first write to a page of a mapped file is a page fault. On some file systems the fault costs as much for one
//! page as for sixteen; on ext4 it costs twenty times as much a page. So pages are asked for a window at a time, ahead
//! of the first byte that is written there. It is only an optimisation. Where the system refuses, pages come one by one
//! as they are written. So do some pages of a forked child, since its page table is its own.

use crate::format::layout::at;
use samovar_mmap::{Access, Pages, SharedMap};
use std::ops::{Range, RangeInclusive};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of a window: enough that asking costs little for each page, few enough that no write waits for long.
const WINDOW: usize = 64 << 10;
const BITS: usize = usize::BITS as usize;

/// One bit for each window of the file from where the data areas begin.
pub(crate) struct PrefaultBitmap {
    first: usize,
    done: Box<[AtomicUsize]>,
}

impl PrefaultBitmap {
    /// Of a file of this length, whose data areas begin at this offset.
    pub(crate) fn new(data_offset: u64, file_bytes: u64) -> Self {
        let (first, end) = (at(data_offset) / WINDOW, at(file_bytes).div_ceil(WINDOW));
        let words = (end - first).div_ceil(BITS);
        PrefaultBitmap { first, done: (0..words).map(|_| AtomicUsize::new(0)).collect() }
    }

    /// Has the bytes from one offset of the file to another made ready, unless they are. `within` are the offsets that
    /// the cache uses there: outside of them the file may have holes, which must stay holes.
    #[inline(always)]
    pub(crate) fn populate(
        &self,
        map: &SharedMap,
        bytes: Range<usize>,
        within: impl FnOnce() -> Range<usize>,
    ) {
        let (first, last) = (bytes.start / WINDOW, bytes.end.saturating_sub(1) / WINDOW);
        if (first..=last).any(|window| !self.is_done(window)) {
            self.populate_windows(map, first..=last, within());
        }
    }

    /// These bytes are ready: what lies wholly in them need not be asked for.
    pub(crate) fn mark_ready(&self, bytes: Range<usize>) {
        self.mark(bytes.start.div_ceil(WINDOW)..bytes.end / WINDOW);
    }

    fn mark(&self, windows: Range<usize>) {
        for (word, bit) in windows.filter_map(|window| self.bit(window)) {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// The word of a window, and its bit there; what lies outside of the data areas has none.
    #[inline]
    fn bit(&self, window: usize) -> Option<(&AtomicUsize, usize)> {
        let index = window.wrapping_sub(self.first);
        self.done.get(index / BITS).map(|word| (word, 1 << (index % BITS)))
    }

    #[inline]
    fn is_done(&self, window: usize) -> bool {
        // Relaxed: it orders nothing, here and below.
        self.bit(window).is_none_or(|(word, bit)| word.load(Ordering::Relaxed) & bit != 0)
    }

    #[cold]
    fn populate_windows(&self, map: &SharedMap, windows: RangeInclusive<usize>, within: Range<usize>) {
        let start = (windows.start() * WINDOW).max(within.start);
        let end = ((windows.end() + 1) * WINDOW).min(within.end).max(start);
        // A refusal does no harm: the write meets the same failure, and returns it.
        let _ = map.populate(Access::ReadWrite, start, end - start);
        self.mark(*windows.start()..windows.end() + 1);
    }
}
