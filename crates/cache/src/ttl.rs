//! How long an entry lives, and what time it is.

use crate::error::Result;
use crate::layout::WATERMARK;
use samovar_mmap::View;

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

    /// When an entry set now dies, in wall milliseconds.
    pub(crate) fn expiry_ms(self, now_ms: impl Fn() -> u64) -> Option<u64> {
        self.0.map(|ttl_ms| now_ms().saturating_add(ttl_ms).min(u64::MAX - 1))
    }
}

/// The time that expiry is judged by: the wall clock, but never before what any writer has seen, so that a clock stepped
/// back revives nothing. Milliseconds.
pub(crate) fn now_ms(file: View<'_>) -> Result<u64> {
    Ok(samovar_mmap::wall_ms().max(file.word64(WATERMARK)?.load()))
}

/// Lets every process know that this time was seen.
pub(crate) fn note_now(file: View<'_>, now_ms: u64) -> Result<()> {
    let watermark = file.word64(WATERMARK)?;
    if watermark.load() < now_ms {
        watermark.store(now_ms);
    }
    Ok(())
}
