//! The racy copy: bytes that others may write meanwhile, moved by assembly, or where there is none by relaxed
//! atomics.
//!
//! Every function takes raw pointers and reports a fault instead of dying of it where a handler is there to
//! say so. Only `view` calls them, after its bounds checks. No function forms a reference to the bytes.

#[cfg(feature = "inject")]
pub(crate) mod modelled;
pub(crate) mod short;

pub(crate) use crate::machine::{Unreachable, choose, prefetch};

use crate::machine;
use crate::registry;
use crate::sys;
use std::sync::atomic::{Ordering, fence};

/// Whether a fault of a copy is sent to the copy's own exit. Where it is not, the handler puts a page of zeroes there
/// and poisons the map. So the copy asks afterwards, and its bytes count for nothing if the map is poisoned, wherever
/// the fault was.
const FAULTS_EXIT: bool = machine::HAS_EXITS && sys::guard::FINDS_EXITS;

/// An error if these bytes lie in a map that is poisoned, though it cannot be told from the bytes.
///
/// The handler poisons the map before it puts its page there. The fence keeps this question behind the copy and its stores.
/// So a copy that met such a page finds the map poisoned, in whichever thread the fault was.
#[inline(always)]
fn reached(at: *const u8, len: usize) -> Result<(), Unreachable> {
    if FAULTS_EXIT || len == 0 {
        return Ok(());
    }
    fence(Ordering::SeqCst);
    match registry::poison_of(at.addr()) {
        None => Ok(()),
        Some((address, _)) => Err(Unreachable(address)),
    }
}

/// Eight bytes, as they lie in memory.
///
/// # Safety
/// `src` is readable for eight bytes.
#[inline(always)]
pub(crate) unsafe fn load(src: *const u8) -> Result<[u8; 8], Unreachable> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { machine::load(src) }?;
    reached(src, 8)?;
    Ok(bytes)
}

/// Stores eight bytes, as they are to lie in memory.
///
/// # Safety
/// `dst` is writable for eight bytes.
#[inline(always)]
pub(crate) unsafe fn store(dst: *mut u8, bytes: [u8; 8]) -> Result<(), Unreachable> {
    // SAFETY: the caller's promise.
    unsafe { machine::store(dst, bytes) }?;
    reached(dst, 8)
}

/// Copies `len` bytes of a map to the caller's own.
///
/// # Safety
/// 1. `src` is readable and `dst` is writable for `len` bytes.
/// 2. The two do not overlap.
/// 3. The caller borrows `dst` for the call, and it is shared with nobody.
#[inline(always)]
pub(crate) unsafe fn copy_out(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Unreachable> {
    // SAFETY: the caller's promises.
    unsafe { machine::copy_out(dst, src, len) }?;
    reached(src, len)?;
    reached(dst, len)
}

/// Copies `len` bytes of the caller's own into a map.
///
/// # Safety
/// 1. `src` is readable and `dst` is writable for `len` bytes.
/// 2. The two do not overlap.
/// 3. The caller borrows `src` for the call, and it is not written meanwhile.
#[inline(always)]
pub(crate) unsafe fn copy_in(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Unreachable> {
    // SAFETY: the caller's promises.
    unsafe { machine::copy_in(dst, src, len) }?;
    reached(src, len)?;
    reached(dst, len)
}

/// Copies `len` bytes of a map to others of a map.
///
/// # Safety
/// 1. `src` is readable and `dst` is writable for `len` bytes.
/// 2. The two do not overlap.
#[inline(always)]
pub(crate) unsafe fn copy_across(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Unreachable> {
    // SAFETY: the caller's promises.
    unsafe { machine::copy_across(dst, src, len) }?;
    reached(src, len)?;
    reached(dst, len)
}

/// Copies `len` bytes past the processor's caches where it can, because nobody reads them soon. A thread that sees a later
/// store of this one sees the bytes too.
///
/// # Safety
/// Those of [`copy_in`].
#[inline(always)]
pub(crate) unsafe fn stream(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Unreachable> {
    // SAFETY: the caller's promises.
    unsafe { machine::stream(dst, src, len) }?;
    reached(src, len)?;
    reached(dst, len)
}

/// Whether `len` bytes of a map are equal to the caller's own.
///
/// # Safety
/// 1. Both are readable for `len` bytes.
/// 2. The caller borrows `own` for the call.
#[inline(always)]
pub(crate) unsafe fn equals(at: *const u8, own: *const u8, len: usize) -> Result<bool, Unreachable> {
    // SAFETY: the caller's promises.
    let equal = unsafe { machine::equals(at, own, len) }?;
    reached(at, len)?;
    reached(own, len)?;
    Ok(equal)
}

/// Writes `len` zeroes.
///
/// # Safety
/// `dst` is writable for `len` bytes.
#[inline(always)]
pub(crate) unsafe fn zero(dst: *mut u8, len: usize) -> Result<(), Unreachable> {
    // SAFETY: the caller's promise.
    unsafe { machine::zero(dst, len) }?;
    reached(dst, len)
}

#[cfg(test)]
mod tests;
