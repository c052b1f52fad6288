//! Copies in a model of weak memory, for tests. Eight aligned bytes are a location, loaded and stored whole (relaxed). Each
//! is loaded for itself, so that a copy may find any mix of old and new ones.
//!
//! Without a model they are the copies that they are named after. With one nobody else uses the memory meanwhile, since all
//! flows of a model share a thread.

use super::{Unreachable, copy_in, copy_out, load};
use crate::hooks;

/// Bytes of a location.
const CHUNK: usize = 8;

/// The locations that some bytes lie in: where each begins, and its offset from the first byte.
///
/// A location lies in one page, so that all of it is mapped if one of its bytes is.
fn chunks(at: *const u8, len: usize) -> impl Iterator<Item = (*const u8, isize)> {
    let before = at.addr() % CHUNK;
    (0..before + len).step_by(CHUNK).map(move |offset| {
        (at.wrapping_sub(before).wrapping_add(offset), offset.cast_signed() - before.cast_signed())
    })
}

/// [`copy_out`].
///
/// # Safety
/// That of [`copy_out`].
pub(crate) unsafe fn out(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Unreachable> {
    if !hooks::is_modelled() {
        // SAFETY: the caller's promises.
        return unsafe { super::copy_out(dst, src, len) };
    }
    let mut bytes = vec![0; len];
    for (at, offset) in chunks(src, len) {
        // SAFETY: readable for eight bytes, since one of them is, and they lie in one page.
        let seen = hooks::copied_out(at.addr(), unsafe { load(at) }?);
        for (byte, to) in seen.into_iter().zip(offset..) {
            if let Some(place) = usize::try_from(to).ok().and_then(|to| bytes.get_mut(to)) {
                *place = byte;
            }
        }
    }
    // SAFETY: `dst` is writable for `len` bytes, as the caller promises, and borrowed; the vector lies elsewhere.
    unsafe { copy_out(dst, bytes.as_ptr(), len) }
}

/// [`copy_in`].
///
/// # Safety
/// That of [`copy_in`].
pub(crate) unsafe fn into(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Unreachable> {
    if !hooks::is_modelled() {
        // SAFETY: the caller's promises.
        return unsafe { super::copy_in(dst, src, len) };
    }
    let mut old = Vec::new();
    for (at, _) in chunks(dst, len) {
        // SAFETY: readable for eight bytes, as above.
        old.push(unsafe { load(at) }?);
    }
    // SAFETY: the caller's promises.
    unsafe { copy_in(dst, src, len) }?;
    for ((at, _), old) in chunks(dst, len).zip(old) {
        // SAFETY: readable for eight bytes, as above.
        hooks::copied_in(at.addr(), [old, unsafe { load(at) }?]);
    }
    Ok(())
}

/// [`copy_across`](super::copy_across).
///
/// # Safety
/// That of [`copy_across`](super::copy_across).
pub(crate) unsafe fn across(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Unreachable> {
    if !hooks::is_modelled() {
        // SAFETY: the caller's promises.
        return unsafe { super::copy_across(dst, src, len) };
    }
    let mut bytes = vec![0; len];
    // SAFETY: `src` is readable, as the caller promises; the vector is our own.
    unsafe { out(bytes.as_mut_ptr(), src, len) }?;
    // SAFETY: `dst` is writable, as the caller promises; the vector is our own.
    unsafe { into(dst, bytes.as_ptr(), len) }
}

/// [`equals`](super::equals).
///
/// # Safety
/// That of [`equals`](super::equals).
pub(crate) unsafe fn equals(at: *const u8, own: *const u8, len: usize) -> Result<bool, Unreachable> {
    if !hooks::is_modelled() {
        // SAFETY: the caller's promises.
        return unsafe { super::equals(at, own, len) };
    }
    let mut bytes = vec![0; len];
    // SAFETY: `at` is readable, as the caller promises; the vector is our own.
    unsafe { out(bytes.as_mut_ptr(), at, len) }?;
    // SAFETY: `own` is readable and borrowed, as the caller promises; the vector has as many bytes.
    unsafe { super::equals(bytes.as_ptr(), own, len) }
}

/// [`zero`](super::zero).
///
/// # Safety
/// That of [`zero`](super::zero).
pub(crate) unsafe fn zero(dst: *mut u8, len: usize) -> Result<(), Unreachable> {
    if !hooks::is_modelled() {
        // SAFETY: the caller's promises.
        return unsafe { super::zero(dst, len) };
    }
    let zeroes = vec![0; len];
    // SAFETY: `dst` is writable, as the caller promises; the vector is our own.
    unsafe { into(dst, zeroes.as_ptr(), len) }
}
