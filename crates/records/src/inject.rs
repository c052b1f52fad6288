//! For tests, with the feature `inject`: what a flush is about to make durable, so that a test can lose the power amid it.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

static BEGIN: AtomicUsize = AtomicUsize::new(0);
static END: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn about_to_flush(range: Range<usize>) {
    BEGIN.store(range.start, Ordering::Relaxed);
    END.store(range.end, Ordering::Relaxed);
}

/// The bytes of its file that the flush at hand makes durable. To be asked in a hook, at the event of a flush.
pub fn flushed_range() -> Range<usize> {
    BEGIN.load(Ordering::Relaxed)..END.load(Ordering::Relaxed)
}
