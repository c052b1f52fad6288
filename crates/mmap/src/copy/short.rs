//! Short copies out of mapped memory, and into it, whose length the compiler knows: a few instructions where they are called.
//!
//! They lie outside the assembly, which has an exit for faults. So a fault is one of a word: the handler puts a page of
//! zeroes there and poisons the map, and the caller asks whether it is poisoned.

use super::Unreachable;
#[cfg(all(not(miri), target_arch = "x86_64"))]
use crate::machine;

/// Longer ones are worth a call.
pub(crate) const LONGEST: usize = 128;

/// Copies `len` bytes, at most [`LONGEST`], which had better be a constant.
///
/// # Safety
/// 1. `src` is readable and `dst` is writable for `len` bytes, and `dst` is borrowed by the caller for the call.
/// 2. The two do not overlap.
#[inline(always)]
pub(crate) unsafe fn copy_short(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Unreachable> {
    #[cfg(all(not(miri), target_arch = "x86_64"))]
    {
        // SAFETY: the caller's promises.
        unsafe { machine::copy_short(dst, src, len) };
        Ok(())
    }
    #[cfg(not(all(not(miri), target_arch = "x86_64")))]
    // SAFETY: the caller's promises.
    unsafe {
        super::copy_out(dst, src, len)
    }
}

/// Stores `len` bytes, at most [`LONGEST`], which had better be a constant.
///
/// # Safety
/// 1. `src` is readable and `dst` is writable for `len` bytes, and `src` is borrowed by the caller for the call.
/// 2. The two do not overlap.
#[inline(always)]
pub(crate) unsafe fn store_short(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Unreachable> {
    #[cfg(all(not(miri), target_arch = "x86_64"))]
    {
        // SAFETY: the caller's promises.
        unsafe { machine::store_short(dst, src, len) };
        Ok(())
    }
    #[cfg(not(all(not(miri), target_arch = "x86_64")))]
    // SAFETY: the caller's promises.
    unsafe {
        super::copy_in(dst, src, len)
    }
}
