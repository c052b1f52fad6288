//! Copy, compare and zero by relaxed atomics, for targets without the assembly.
//!
//! Nothing here notices a fault: the handler puts a page of zeroes there and poisons the map, and who calls asks.

use super::outcome::Unreachable;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed};

const WORD: usize = size_of::<usize>();

#[inline]
unsafe fn byte<'a>(at: *const u8) -> &'a AtomicU8 {
    // SAFETY: aligned to 1; valid and accessed by atomics alone for the call, as the caller promises.
    unsafe { AtomicU8::from_ptr(at.cast_mut()) }
}

#[inline]
unsafe fn word<'a>(at: *const u8) -> &'a AtomicUsize {
    // SAFETY: the caller checked the alignment; valid and accessed by atomics alone for the call, as it
    // promises.
    unsafe { AtomicUsize::from_ptr(at.cast_mut().cast()) }
}

/// How many bytes the step at `i` takes: a word where both sides are aligned for one and it fits.
fn step(a: *const u8, b: *const u8, i: usize, len: usize) -> usize {
    let co_aligned = a.addr() & (WORD - 1) == b.addr() & (WORD - 1);
    let here = a.wrapping_add(i).addr() & (WORD - 1) == 0;
    if co_aligned && here && len - i >= WORD { WORD } else { 1 }
}

/// Whether a fault leaves by an exit of its own.
pub(crate) const HAS_EXITS: bool = false;

/// Nothing to choose.
pub(crate) fn choose() {}

/// Eight bytes, as they lie in memory.
///
/// # Safety
/// `src` is readable for eight bytes.
#[inline]
pub(crate) unsafe fn load(src: *const u8) -> Result<[u8; 8], Unreachable> {
    let mut bytes = [0; 8];
    // SAFETY: the caller's promise, and an array of eight bytes.
    unsafe { copy(bytes.as_mut_ptr(), src, 8) }?;
    Ok(bytes)
}

/// Stores eight bytes, as they are to lie in memory.
///
/// # Safety
/// `dst` is writable for eight bytes.
#[inline]
pub(crate) unsafe fn store(dst: *mut u8, bytes: [u8; 8]) -> Result<(), Unreachable> {
    // SAFETY: the caller's promise, and an array of eight bytes.
    unsafe { copy(dst, bytes.as_ptr(), 8) }
}

/// Copies `len` bytes.
///
/// # Safety
/// 1. `src` is readable and `dst` is writable for `len` bytes.
/// 2. The two do not overlap.
/// 3. Bytes that no other thread or process shares are borrowed by the caller for the call.
pub(crate) unsafe fn copy(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Unreachable> {
    let mut i = 0;
    while i < len {
        let (to, from) = (dst.wrapping_add(i), src.wrapping_add(i));
        let n = step(dst, src, i, len);
        if n == WORD {
            // SAFETY: 1 and 3; `step` found it aligned.
            let value = unsafe { word(from) }.load(Relaxed);
            // SAFETY: 1 and 3; `step` found it aligned.
            unsafe { word(to) }.store(value, Relaxed);
        } else {
            // SAFETY: 1 and 3.
            let value = unsafe { byte(from) }.load(Relaxed);
            // SAFETY: 1 and 3.
            unsafe { byte(to) }.store(value, Relaxed);
        }
        i += n;
    }
    Ok(())
}

/// No way past the caches is known to be faster.
pub(crate) use self::copy as stream;

/// Whether `len` bytes are equal.
///
/// # Safety
/// 1. Both are readable for `len` bytes.
/// 2. Bytes that no other thread or process shares are borrowed by the caller for the call.
pub(crate) unsafe fn equals(a: *const u8, b: *const u8, len: usize) -> Result<bool, Unreachable> {
    let mut i = 0;
    while i < len {
        let (left, right) = (a.wrapping_add(i), b.wrapping_add(i));
        let n = step(a, b, i, len);
        let same = if n == WORD {
            // SAFETY: 1 and 2; `step` found it aligned.
            let value = unsafe { word(left) }.load(Relaxed);
            // SAFETY: 1 and 2; `step` found it aligned.
            value == unsafe { word(right) }.load(Relaxed)
        } else {
            // SAFETY: 1 and 2.
            let value = unsafe { byte(left) }.load(Relaxed);
            // SAFETY: 1 and 2.
            value == unsafe { byte(right) }.load(Relaxed)
        };
        if !same {
            return Ok(false);
        }
        i += n;
    }
    Ok(true)
}

/// Writes `len` zeroes.
///
/// # Safety
/// `dst` is writable for `len` bytes.
pub(crate) unsafe fn zero(dst: *mut u8, len: usize) -> Result<(), Unreachable> {
    let mut i = 0;
    while i < len {
        let to = dst.wrapping_add(i);
        let n = step(dst, dst, i, len);
        if n == WORD {
            // SAFETY: writable by the caller's promise; `step` found it aligned.
            unsafe { word(to) }.store(0, Relaxed);
        } else {
            // SAFETY: writable by the caller's promise.
            unsafe { byte(to) }.store(0, Relaxed);
        }
        i += n;
    }
    Ok(())
}

/// No hint on this target.
#[inline(always)]
pub(crate) fn prefetch(_at: *const u8) {}

/// None.
#[cfg_attr(not(unix), allow(dead_code))] // asked by signal handlers alone
pub(crate) fn error_exit(_pc: usize) -> Option<usize> {
    None
}
