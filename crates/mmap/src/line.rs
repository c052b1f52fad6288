//! A cache line of a map: eight words side by side, checked once.
//!
//! Invariant: the line's 64 bytes are aligned and mapped for `'a`.

use crate::map::Access;
use crate::seam::{self, Event};
use crate::word::Word64;
use std::marker::PhantomData;

/// Words in a line.
pub(crate) const WORDS: usize = 8;

/// Eight words that share a cache line, used in place by all who map it. Got from [`View::line`](crate::View::line).
///
/// ```
/// use samovar_mmap::{Access, SharedMap};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = tempfile::tempfile()?;
/// # file.set_len(4096)?;
/// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
/// let line = map.view().line(128)?;
/// line.word(3).store(0x7700);
/// line.word(5).store(0x77ff);
/// assert_eq!(line.matches(0xff00, 0x7700), 0b10_1000);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Line<'a> {
    base: *mut u64,
    access: Access,
    map: PhantomData<&'a ()>,
}

// SAFETY: every access is atomic, and the map outlives the line.
unsafe impl Send for Line<'_> {}
// SAFETY: as above.
unsafe impl Sync for Line<'_> {}

impl<'a> Line<'a> {
    /// # Safety
    /// 1. `base` is aligned to 64, and 64 bytes from it are mapped for `'a`.
    /// 2. They are writable if `access` says so.
    /// 3. No Rust reference covers them.
    #[inline(always)]
    pub(crate) unsafe fn new(base: *mut u64, access: Access) -> Self {
        Line { base, access, map: PhantomData }
    }

    /// Word `index`, modulo eight.
    #[inline(always)]
    pub fn word(self, index: usize) -> Word64<'a> {
        let at = self.base.wrapping_add(index % WORDS);
        // SAFETY: an eighth of the line, so mapped, aligned, and writable if `access` says so, as `new` was promised.
        unsafe { Word64::new(at, self.access) }
    }

    /// Which words, under `mask`, are `wanted`: bit `i` for word `i`. Each is loaded whole (relaxed), in no particular
    /// order.
    #[inline(always)]
    pub fn matches(self, mask: u64, wanted: u64) -> u32 {
        let mut found = 0;
        for index in 0..WORDS {
            found |= u32::from(self.word(index).load_silent() & mask == wanted) << index;
        }
        seam::hit(Event::Load);
        found
    }
}

impl std::fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries((0..WORDS).map(|index| self.word(index))).finish()
    }
}
