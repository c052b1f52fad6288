//! A cache line of a map: eight words side by side, checked once; and a block of several lines.
//!
//! Invariant: the bytes of a line, or of a block, are aligned and mapped for `'a`.

use crate::access::Access;
use crate::copy;
use crate::hooks::{self, Event};
use crate::machine::{self, Wanted};
use crate::word::{Word32, Word64};
use std::marker::PhantomData;

/// Words in a line.
const WORDS: usize = machine::LINE_WORDS;

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
/// assert!(line.matches(0xff00, 0x7700).eq([3, 5]));
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

    /// Asks the processor to fetch it, since it is needed soon.
    #[inline(always)]
    pub fn prefetch(self) {
        copy::prefetch(self.base.cast());
    }

    /// All eight words, each loaded whole (relaxed), in no particular order.
    ///
    /// ```
    /// # use samovar_mmap::{Access, SharedMap};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let file = tempfile::tempfile()?;
    /// # file.set_len(4096)?;
    /// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
    /// let line = map.view().line(64)?;
    /// line.store_all([1, 2, 3, 4, 5, 6, 7, 8]);
    /// assert_eq!(line.load_all(), [1, 2, 3, 4, 5, 6, 7, 8]);
    /// # Ok(())
    /// # }
    /// ```
    #[inline(always)]
    pub fn load_all(self) -> [u64; WORDS] {
        let words = std::array::from_fn(|index| self.word(index).load_quietly());
        hooks::report(Event::Load);
        words
    }

    /// Stores all eight words, each whole (relaxed), lowest first.
    ///
    /// # Panics
    /// If the map is read-only.
    #[inline(always)]
    pub fn store_all(self, words: [u64; WORDS]) {
        for (index, word) in words.into_iter().enumerate() {
            self.word(index).store(word);
        }
    }

    /// Stores what another line holds: each word is loaded and stored whole (relaxed), in no particular order.
    ///
    /// ```
    /// # use samovar_mmap::{Access, SharedMap};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let file = tempfile::tempfile()?;
    /// # file.set_len(4096)?;
    /// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
    /// map.view().line(64)?.store_all([1, 2, 3, 4, 5, 6, 7, 8]);
    /// map.view().line(128)?.copy_from(map.view().line(64)?);
    /// assert_eq!(map.view().line(128)?.load_all(), [1, 2, 3, 4, 5, 6, 7, 8]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// If the map is read-only.
    #[inline(always)]
    pub fn copy_from(self, other: Line<'_>) {
        if hooks::ON || self.access == Access::ReadOnly {
            return self.store_all(other.load_all());
        }
        // SAFETY: two lines, mapped and aligned as `new` was promised, the latter writable, as was seen.
        unsafe { machine::copy_line(self.base, other.base) };
    }

    /// The words that, under `mask`, are `wanted`, lowest first. Each is loaded whole (relaxed), in no particular order.
    #[inline(always)]
    pub fn matches(self, mask: u64, wanted: u64) -> Matches {
        if hooks::is_modelled() {
            return self.matches_of_loads(mask, wanted);
        }
        // SAFETY: a line, mapped and aligned as `new` was promised.
        let found = unsafe { machine::matches_in_line(self.base, Wanted { mask, value: wanted }) };
        hooks::report(Event::Load);
        Matches(found)
    }

    /// The same by a load of each word, for a model of the memory.
    fn matches_of_loads(self, mask: u64, wanted: u64) -> Matches {
        let fits = |index| u32::from(self.word(index).load_quietly() & mask == wanted);
        let found = (0..WORDS).fold(0, |found, index| found | fits(index) << (2 * index));
        hooks::report(Event::Load);
        Matches(found)
    }
}

/// Lines side by side, checked once, whose words are then used without further checks. Got from
/// [`View::block`](crate::View::block).
///
/// ```
/// use samovar_mmap::{Access, SharedMap};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = tempfile::tempfile()?;
/// # file.set_len(4096)?;
/// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
/// let head = map.view().block::<2>(128)?;
/// head.word64(72).store(7);
/// assert_eq!(head.line(1).word(1).load(), 7);
/// assert_eq!(head.word32(72).load(), 7);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Block<'a, const LINES: usize> {
    first: Line<'a>,
}

impl<'a, const LINES: usize> Block<'a, LINES> {
    /// # Safety
    /// As for [`Line::new`], of `LINES` lines from `base` on.
    #[inline(always)]
    pub(crate) unsafe fn new(base: *mut u64, access: Access) -> Self {
        // SAFETY: the first of them, as promised.
        Block { first: unsafe { Line::new(base, access) } }
    }

    /// Line `index`, modulo how many there are.
    #[inline(always)]
    pub fn line(self, index: usize) -> Line<'a> {
        let base = self.first.base.wrapping_add(index % LINES * WORDS);
        // SAFETY: one of the lines, as `new` was promised.
        unsafe { Line::new(base, self.first.access) }
    }

    /// The word of eight bytes at this many bytes from the block's start, rounded down to a multiple of eight, modulo
    /// the block's length.
    ///
    /// # Contract
    /// Nobody accesses these bytes in another size meanwhile: see [words and bytes](crate#words-and-bytes).
    #[inline(always)]
    pub fn word64(self, offset: usize) -> Word64<'a> {
        self.line(offset / 64).word(offset / 8)
    }

    /// The word of four bytes at this many bytes from the block's start, rounded down to a multiple of four, modulo
    /// the block's length.
    ///
    /// # Contract
    /// Nobody accesses these bytes in another size meanwhile: see [words and bytes](crate#words-and-bytes).
    #[inline(always)]
    pub fn word32(self, offset: usize) -> Word32<'a> {
        let at = self.first.base.cast::<u32>().wrapping_add(offset / 4 % (LINES * WORDS * 2));
        // SAFETY: four bytes of the block, so mapped, aligned, and writable if `access` says so.
        unsafe { Word32::new(at, self.first.access) }
    }
}

impl<const LINES: usize> std::fmt::Debug for Block<'_, LINES> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries((0..LINES).map(|index| self.line(index))).finish()
    }
}

/// Which words of a line [matched](Line::matches), lowest first.
#[derive(Clone, Copy, Debug)]
pub struct Matches(u32);

impl Iterator for Matches {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let index = self.0.trailing_zeros() / 2;
        self.0 &= self.0 - 1;
        Some(index as usize)
    }

    #[inline(always)]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), Some(self.len()))
    }
}

impl ExactSizeIterator for Matches {
    #[inline(always)]
    fn len(&self) -> usize {
        self.0.count_ones() as usize
    }
}

impl std::fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries((0..WORDS).map(|index| self.word(index))).finish()
    }
}
