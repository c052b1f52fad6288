//! Loads of whole words from memory that may be impossible to write.

#![allow(clippy::disallowed_types)] // a word of the map, on its way to the processor

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Whether words of eight bytes can be loaded from a map that cannot be written. On other 32-bit processors such a load
/// may be an exchange, which stores.
pub(crate) const LOADS_EIGHT_BYTES: bool =
    cfg!(any(target_pointer_width = "64", all(target_arch = "x86", target_feature = "sse2")));

/// Relaxed.
#[inline(always)]
pub(crate) fn load_u32(word: &AtomicU32) -> u32 {
    word.load(Ordering::Relaxed)
}

/// Relaxed.
#[cfg(any(miri, not(all(target_arch = "x86", target_feature = "sse2"))))]
#[inline(always)]
pub(crate) fn load_u64(word: &AtomicU64) -> u64 {
    word.load(Ordering::Relaxed)
}

/// Relaxed: one load of eight bytes, which this processor makes whole where they are aligned. What the compiler makes of an
/// atomic load might be an exchange.
#[cfg(all(not(miri), target_arch = "x86", target_feature = "sse2"))]
#[inline(always)]
pub(crate) fn load_u64(word: &AtomicU64) -> u64 {
    use std::arch::x86::{__m128i, _mm_cvtsi128_si32, _mm_srli_epi64};
    let value: __m128i;
    // SAFETY: it reads the word's eight bytes, and changes nothing but the register that it names.
    unsafe {
        std::arch::asm!("movq {value}, qword ptr [{at}]", value = out(xmm_reg) value, at = in(reg) word.as_ptr(),
            options(nostack, preserves_flags, readonly));
    }
    // SAFETY: SSE2 is part of this target.
    let low = unsafe { _mm_cvtsi128_si32(value) }.cast_unsigned();
    // SAFETY: SSE2 is part of this target.
    let rest = unsafe { _mm_srli_epi64::<32>(value) };
    // SAFETY: SSE2 is part of this target.
    let high = unsafe { _mm_cvtsi128_si32(rest) }.cast_unsigned();
    u64::from(high) << 32 | u64::from(low)
}
