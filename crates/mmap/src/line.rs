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

    /// The words that, under `mask`, are `wanted`, lowest first. Each is loaded whole (relaxed), in no particular order.
    #[inline(always)]
    pub fn matches(self, mask: u64, wanted: u64) -> Matches {
        let found = self.compare(mask, wanted);
        seam::hit(Event::Load);
        Matches(found)
    }

    /// Bit `2 * i` for word `i`. Four aligned loads of sixteen bytes: every processor with these instructions loads their
    /// halves whole.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn compare(self, mask: u64, wanted: u64) -> u32 {
        let halves: u32;
        // SAFETY: it reads the line's 64 bytes, mapped and aligned as `new` was promised, and changes nothing but the
        // registers that it names.
        unsafe {
            std::arch::asm!(
                "movq {mask_x}, {mask}",
                "punpcklqdq {mask_x}, {mask_x}",
                "movq {wanted_x}, {wanted}",
                "punpcklqdq {wanted_x}, {wanted_x}",
                "movdqa {a}, [{at}]",
                "movdqa {b}, [{at} + 16]",
                "movdqa {c}, [{at} + 32]",
                "movdqa {d}, [{at} + 48]",
                "pand {a}, {mask_x}",
                "pand {b}, {mask_x}",
                "pand {c}, {mask_x}",
                "pand {d}, {mask_x}",
                "pcmpeqd {a}, {wanted_x}",
                "pcmpeqd {b}, {wanted_x}",
                "pcmpeqd {c}, {wanted_x}",
                "pcmpeqd {d}, {wanted_x}",
                "packssdw {a}, {b}",
                "packssdw {c}, {d}",
                "packsswb {a}, {c}",
                "pmovmskb {halves:e}, {a}",
                at = in(reg) self.base, mask = in(reg) mask, wanted = in(reg) wanted,
                halves = lateout(reg) halves,
                mask_x = out(xmm_reg) _, wanted_x = out(xmm_reg) _,
                a = out(xmm_reg) _, b = out(xmm_reg) _, c = out(xmm_reg) _, d = out(xmm_reg) _,
                options(nostack, preserves_flags, readonly),
            );
        }
        halves & halves >> 1 & 0x5555
    }

    #[cfg(not(target_arch = "x86_64"))]
    #[inline(always)]
    fn compare(self, mask: u64, wanted: u64) -> u32 {
        let equal = |index: usize| u32::from(self.word(index).load_silent() & mask == wanted) << (2 * index);
        (0..WORDS).map(equal).sum()
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
}

impl std::fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries((0..WORDS).map(|index| self.word(index))).finish()
    }
}
