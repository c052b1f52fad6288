//! Lines of 64 bytes, word by word, for processors that have no wider loads of whole words.

#![allow(clippy::disallowed_types)] // words of the map, on their way to the processor

use super::terms::{LINE_WORDS, Wanted};
use super::word::load_u64;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Copies a line: each word is loaded and stored whole, in no particular order.
///
/// # Safety
/// 1. Both are aligned to 64; 64 bytes from `src` are readable, and from `dst` writable.
/// 2. No reference to them is anything but an atomic of eight bytes.
#[inline(always)]
pub(crate) unsafe fn copy_line(dst: *mut u64, src: *const u64) {
    for index in 0..LINE_WORDS {
        // SAFETY: a word of the line.
        let value = load_u64(unsafe { &*src.wrapping_add(index).cast::<AtomicU64>() });
        // SAFETY: a word of the line.
        unsafe { &*dst.wrapping_add(index).cast::<AtomicU64>() }.store(value, Relaxed);
    }
}

/// Bit `2 * i` for each word `i` of the line that is wanted. Each is loaded whole, in no particular order.
///
/// # Safety
/// 1. `at` is aligned to 64, and 64 bytes from it are readable.
/// 2. No reference to them is anything but an atomic of eight bytes.
#[inline(always)]
pub(crate) unsafe fn matches_in_line(at: *const u64, wanted: Wanted) -> u32 {
    let mut found = 0;
    for index in 0..LINE_WORDS {
        // SAFETY: a word of the line.
        let value = u64::from_le(load_u64(unsafe { &*at.wrapping_add(index).cast::<AtomicU64>() }));
        found |= u32::from(value & wanted.mask == wanted.value) << (2 * index);
    }
    found
}
