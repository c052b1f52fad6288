//! Copy, compare and zero byte by byte, by relaxed atomics, for targets without the assembly.
//!
//! All accesses to shared bytes have one size, as the memory model asks of all that race. Bytes that the caller has alone are
//! accessed as such: they may be borrowed, and not all of them may be written.
//!
//! Nothing here notices a fault: the handler puts a page of zeroes there and poisons the map, and the caller asks.

use super::terms::Unreachable;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// # Safety
/// `at` can be read, and is accessed by atomics alone for the call; written too, if the caller stores.
#[inline(always)]
unsafe fn shared<'a>(at: *const u8) -> &'a AtomicU8 {
    // SAFETY: 1. valid, as the caller promises; 2. outside every Rust allocation, and accessed by atomics of this size alone;
    // 3. a reference to an atomic does not promise that it can be written.
    unsafe { &*at.cast::<AtomicU8>() }
}

/// Whether a fault leaves by an exit of its own.
pub(crate) const HAS_EXITS: bool = false;

/// Nothing to choose.
pub(crate) fn choose() {}

/// Eight shared bytes, as they lie in memory.
///
/// # Safety
/// `src` is readable for eight bytes.
#[inline]
pub(crate) unsafe fn load(src: *const u8) -> Result<[u8; 8], Unreachable> {
    let mut bytes = [0; 8];
    // SAFETY: the caller's promise, and an array of eight bytes.
    unsafe { copy_out(bytes.as_mut_ptr(), src, 8) }?;
    Ok(bytes)
}

/// Stores eight shared bytes, as they are to lie in memory.
///
/// # Safety
/// `dst` is writable for eight bytes.
#[inline]
pub(crate) unsafe fn store(dst: *mut u8, bytes: [u8; 8]) -> Result<(), Unreachable> {
    // SAFETY: the caller's promise, and an array of eight bytes.
    unsafe { copy_in(dst, bytes.as_ptr(), 8) }
}

/// Copies `len` shared bytes to the caller's own.
///
/// # Safety
/// 1. `src` is readable and `dst` is writable for `len` bytes.
/// 2. The two do not overlap.
/// 3. The caller borrows `dst` for the call.
pub(crate) unsafe fn copy_out(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Unreachable> {
    for i in 0..len {
        // SAFETY: 1.
        let byte = unsafe { shared(src.wrapping_add(i)) }.load(Relaxed);
        // SAFETY: 1 and 3.
        unsafe { dst.wrapping_add(i).write(byte) };
    }
    Ok(())
}

/// Copies `len` bytes of the caller's own to shared ones.
///
/// # Safety
/// 1. `src` is readable and `dst` is writable for `len` bytes.
/// 2. The two do not overlap.
/// 3. The caller borrows `src` for the call.
pub(crate) unsafe fn copy_in(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Unreachable> {
    for i in 0..len {
        // SAFETY: 1 and 3.
        let byte = unsafe { src.wrapping_add(i).read() };
        // SAFETY: 1.
        unsafe { shared(dst.wrapping_add(i)) }.store(byte, Relaxed);
    }
    Ok(())
}

/// Copies `len` shared bytes to others.
///
/// # Safety
/// 1. `src` is readable and `dst` is writable for `len` bytes.
/// 2. The two do not overlap.
pub(crate) unsafe fn copy_across(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Unreachable> {
    for i in 0..len {
        // SAFETY: 1.
        let byte = unsafe { shared(src.wrapping_add(i)) }.load(Relaxed);
        // SAFETY: 1.
        unsafe { shared(dst.wrapping_add(i)) }.store(byte, Relaxed);
    }
    Ok(())
}

/// No way past the caches is known to be faster.
pub(crate) use self::copy_in as stream;

/// Whether `len` shared bytes are equal to the caller's own.
///
/// # Safety
/// 1. Both are readable for `len` bytes.
/// 2. The caller borrows `own` for the call.
pub(crate) unsafe fn equals(at: *const u8, own: *const u8, len: usize) -> Result<bool, Unreachable> {
    for i in 0..len {
        // SAFETY: 1.
        let byte = unsafe { shared(at.wrapping_add(i)) }.load(Relaxed);
        // SAFETY: 1 and 2.
        if byte != unsafe { own.wrapping_add(i).read() } {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Writes `len` zeroes over shared bytes.
///
/// # Safety
/// `dst` is writable for `len` bytes.
pub(crate) unsafe fn zero(dst: *mut u8, len: usize) -> Result<(), Unreachable> {
    for i in 0..len {
        // SAFETY: the caller's promise.
        unsafe { shared(dst.wrapping_add(i)) }.store(0, Relaxed);
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
