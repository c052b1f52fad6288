//! Short copies whose length the compiler knows, in pieces of up to 32 bytes.

use std::arch::asm;

/// Copies `len` bytes, which had better be a constant.
///
/// # Safety
/// 1. `src` is readable and `dst` is writable for `len` bytes, and `dst` is borrowed by the caller for the call.
/// 2. The two do not overlap.
#[inline(always)]
pub(crate) unsafe fn copy_short(dst: *mut u8, src: *const u8, len: usize) {
    use std::arch::x86_64::{__m128i, _mm_storeu_si128};
    macro_rules! pieces {
        ($load:literal, $class:ident, $type:ty, $store:expr; $($at:expr),+) => {
            $({
                let piece: $type;
                let at = $at;
                // SAFETY: it reads bytes of `src`, and changes nothing but the register that it names.
                unsafe {
                    asm!($load, piece = out($class) piece, from = in(reg) src.wrapping_add(at),
                         options(nostack, preserves_flags, readonly));
                }
                let store = $store;
                store(dst.wrapping_add(at), piece);
            })+
        };
    }
    // SAFETY: sixteen bytes that `dst` is writable for.
    let store16 = |to: *mut u8, piece: __m128i| unsafe { _mm_storeu_si128(to.cast(), piece) };
    // SAFETY: eight bytes that `dst` is writable for.
    let store8 = |to: *mut u8, piece: u64| unsafe { to.cast::<u64>().write_unaligned(piece) };
    // SAFETY: four bytes that `dst` is writable for.
    let store4 = |to: *mut u8, piece: u32| unsafe { to.cast::<u32>().write_unaligned(piece) };
    // SAFETY: a byte that `dst` is writable for.
    let store1 = |to: *mut u8, piece: u8| unsafe { to.write(piece) };
    let mut at = 0;
    while len - at >= 32 {
        let (low, high): (__m128i, __m128i);
        // SAFETY: it reads 32 bytes of `src`, and changes nothing but the registers that it names.
        unsafe {
            asm!("movups {low}, [{from}]", "movups {high}, [{from} + 16]", low = out(xmm_reg) low,
                 high = out(xmm_reg) high, from = in(reg) src.wrapping_add(at),
                 options(nostack, preserves_flags, readonly));
        }
        store16(dst.wrapping_add(at), low);
        store16(dst.wrapping_add(at + 16), high);
        at += 32;
    }
    while len - at >= 16 {
        pieces!("movups {piece}, [{from}]", xmm_reg, __m128i, store16; at);
        at += 16;
    }
    if len - at >= 8 {
        pieces!("mov {piece}, [{from}]", reg, u64, store8; at);
        at += 8;
    }
    if len - at >= 4 {
        pieces!("mov {piece:e}, [{from}]", reg, u32, store4; at);
        at += 4;
    }
    while at < len {
        pieces!("mov {piece}, [{from}]", reg_byte, u8, store1; at);
        at += 1;
    }
}

/// Stores `len` bytes, which had better be a constant.
///
/// # Safety
/// 1. `src` is readable and `dst` is writable for `len` bytes, and `src` is borrowed by the caller for the call.
/// 2. The two do not overlap.
#[inline(always)]
pub(crate) unsafe fn store_short(dst: *mut u8, src: *const u8, len: usize) {
    use std::arch::x86_64::_mm_loadu_si128;
    macro_rules! piece {
        ($store:literal, $class:ident, $load:expr; $at:expr) => {{
            // SAFETY: bytes that `src` is readable for.
            let piece = unsafe { $load(src.wrapping_add($at)) };
            // SAFETY: it writes bytes of `dst`, and changes nothing else.
            unsafe {
                asm!($store, piece = in($class) piece, to = in(reg) dst.wrapping_add($at),
                     options(nostack, preserves_flags));
            }
        }};
    }
    let mut at = 0;
    while len - at >= 16 {
        piece!("movups [{to}], {piece}", xmm_reg, |from: *const u8| _mm_loadu_si128(from.cast()); at);
        at += 16;
    }
    if len - at >= 8 {
        piece!("mov [{to}], {piece}", reg, |from: *const u8| from.cast::<u64>().read_unaligned(); at);
        at += 8;
    }
    if len - at >= 4 {
        piece!("mov [{to}], {piece:e}", reg, |from: *const u8| from.cast::<u32>().read_unaligned(); at);
        at += 4;
    }
    while at < len {
        piece!("mov [{to}], {piece}", reg_byte, |from: *const u8| from.read(); at);
        at += 1;
    }
}
