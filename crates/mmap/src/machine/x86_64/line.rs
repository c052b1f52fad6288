//! Lines of 64 bytes, sixteen at a time. Aligned loads and stores of sixteen bytes move their halves whole, on every processor
//! that has them.

use crate::machine::terms::Wanted;
use std::arch::asm;
use std::arch::x86_64::_mm_set1_epi64x;

/// Copies a line: each word is loaded and stored whole, in no particular order.
///
/// # Safety
/// 1. Both are aligned to 64; 64 bytes from `src` are readable, and from `dst` writable.
/// 2. No reference to them is anything but an atomic of eight bytes.
#[inline(always)]
pub(crate) unsafe fn copy_line(dst: *mut u64, src: *const u64) {
    // SAFETY: it reads the 64 bytes of one line and writes those of the other, as the caller promises. It changes
    // nothing else but the named registers.
    unsafe {
        asm!(
            "movdqa {a}, [{from}]",
            "movdqa {b}, [{from} + 16]",
            "movdqa {c}, [{from} + 32]",
            "movdqa {d}, [{from} + 48]",
            "movdqa [{to}], {a}",
            "movdqa [{to} + 16], {b}",
            "movdqa [{to} + 32], {c}",
            "movdqa [{to} + 48], {d}",
            from = in(reg) src, to = in(reg) dst,
            a = out(xmm_reg) _, b = out(xmm_reg) _, c = out(xmm_reg) _, d = out(xmm_reg) _,
            options(nostack, preserves_flags),
        );
    }
}

/// Bit `2 * i` for each word `i` of the line that is wanted. Each is loaded whole, in no particular order.
///
/// # Safety
/// 1. `at` is aligned to 64, and 64 bytes from it are readable.
/// 2. No reference to them is anything but an atomic of eight bytes.
#[inline(always)]
pub(crate) unsafe fn matches_in_line(at: *const u64, wanted: Wanted) -> u32 {
    let halves: u32;
    // SAFETY: SSE2 is part of x86-64.
    let [mask, value] =
        [wanted.mask, wanted.value].map(|word| unsafe { _mm_set1_epi64x(word.cast_signed()) });
    // SAFETY: it reads the line's 64 bytes, as the caller promises, and changes nothing but the registers that it names.
    unsafe {
        asm!(
            "movdqa {a}, [{at}]",
            "movdqa {b}, [{at} + 16]",
            "movdqa {c}, [{at} + 32]",
            "movdqa {d}, [{at} + 48]",
            "pand {a}, {mask}",
            "pand {b}, {mask}",
            "pand {c}, {mask}",
            "pand {d}, {mask}",
            "pcmpeqd {a}, {value}",
            "pcmpeqd {b}, {value}",
            "pcmpeqd {c}, {value}",
            "pcmpeqd {d}, {value}",
            "packssdw {a}, {b}",
            "packssdw {c}, {d}",
            "packsswb {a}, {c}",
            "pmovmskb {halves:e}, {a}",
            at = in(reg) at, mask = in(xmm_reg) mask, value = in(xmm_reg) value,
            halves = lateout(reg) halves,
            a = out(xmm_reg) _, b = out(xmm_reg) _, c = out(xmm_reg) _, d = out(xmm_reg) _,
            options(nostack, preserves_flags, readonly),
        );
    }
    halves & halves >> 1 & 0x5555
}
