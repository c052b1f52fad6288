//! How long an entry lives, and what time it is.

use crate::entry::Terms;
use crate::error::Result;
use crate::layout::WATERMARK;
use samovar_mmap::View;
use std::cell::Cell;

/// How long an entry lives after it was set. Milliseconds; the clock behind it ticks every few of them.
///
/// ```
/// use samovar::Ttl;
/// assert_eq!(Ttl::secs(2), Ttl::millis(2_000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ttl(Option<u64>);

impl Ttl {
    /// The entry stays until it is evicted, removed or replaced.
    pub const NEVER: Ttl = Ttl(None);

    /// The entry is gone this many seconds from now.
    pub const fn secs(seconds: u64) -> Ttl {
        Ttl(Some(seconds.saturating_mul(1000)))
    }

    /// The entry is gone this many milliseconds from now.
    pub const fn millis(milliseconds: u64) -> Ttl {
        Ttl(Some(milliseconds))
    }

    /// The terms of an entry set now. Where they tell a time, every process is let know what time it is.
    pub(crate) fn terms(self, clock: &Clock<'_>) -> Result<Terms> {
        let expiry_ms = self.0.map(|ttl_ms| clock.now_ms().saturating_add(ttl_ms).min(u64::MAX - 1));
        if expiry_ms.is_some() {
            clock.note()?;
        }
        Ok(Terms { expiry_ms, ..Terms::default() })
    }
}

/// The time that expiry is judged by: the wall clock, but never before what any writer has seen, so that a clock stepped
/// back revives nothing. Read at most once, and only if somebody asks.
pub(crate) struct Clock<'a> {
    file: View<'a>,
    read_ms: Cell<u64>,
}

impl<'a> Clock<'a> {
    pub(crate) fn new(file: View<'a>) -> Self {
        Clock { file, read_ms: Cell::new(0) }
    }

    /// Wall milliseconds.
    pub(crate) fn now_ms(&self) -> u64 {
        if self.read_ms.get() == 0 {
            // The watermark's offset is a constant inside every file: without it there would be no mapping.
            let watermark_ms = self.file.word64(WATERMARK).map_or(0, samovar_mmap::Word64::load);
            self.read_ms.set(samovar_mmap::wall_ms().max(watermark_ms));
        }
        self.read_ms.get()
    }

    /// Lets every process know that this time was seen.
    pub(crate) fn note(&self) -> Result<()> {
        let watermark = self.file.word64(WATERMARK)?;
        if watermark.load() < self.now_ms() {
            watermark.store(self.now_ms());
        }
        Ok(())
    }
}
