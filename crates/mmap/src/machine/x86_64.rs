//! Copy, compare and zero in assembly for x86-64: SSE2, and AVX where the processor has it. It uses no stack, and no
//! `rep movs`, which on some processors is very slow at some alignments.
//!
//! All code lies between the labels `asm_start` and `asm_end`, with the error exit `asm_fault`. A fault handler that
//! finds the program counter between the two sets it to the exit, and the function returns [`FAULT`]. No function
//! touches the stack pointer, so the exit is valid from every instruction.

#[path = "x86_64/line.rs"]
mod line;
#[path = "x86_64/short.rs"]
mod short;

pub(crate) use super::assembly::{HAS_EXITS, error_exit};
pub(crate) use line::{copy_line, matches_in_line};
pub(crate) use short::{copy_short, store_short};

use super::assembly::{DIFFERENT, FAULT, Loaded, Outcome, mark, routine, symbol};
use super::terms::Unreachable;
use std::arch::global_asm;
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
use std::sync::atomic::{AtomicPtr, Ordering};

unsafe extern "sysv64" {
    #[link_name = symbol!("copy")]
    fn asm_copy(dst: *mut u8, src: *const u8, len: usize) -> Outcome;
    #[link_name = symbol!("copy_avx")]
    fn asm_copy_avx(dst: *mut u8, src: *const u8, len: usize) -> Outcome;
    #[link_name = symbol!("stream")]
    fn asm_stream(dst: *mut u8, src: *const u8, len: usize) -> Outcome;
    #[link_name = symbol!("equals")]
    fn asm_equals(a: *const u8, b: *const u8, len: usize) -> Outcome;
    #[link_name = symbol!("zero")]
    fn asm_zero(dst: *mut u8, len: usize) -> Outcome;
    #[link_name = symbol!("load")]
    fn asm_load(src: *const u8) -> Loaded;
    #[link_name = symbol!("store")]
    fn asm_store(dst: *mut u8, value: u64) -> Outcome;
}

type Copy = unsafe extern "sysv64" fn(*mut u8, *const u8, usize) -> Outcome;

/// The copy for this processor: one of the two, and the one without AVX until that is known.
static COPY: AtomicPtr<()> = AtomicPtr::new(asm_copy as Copy as *mut ());

/// Chooses the instructions. Until it is called, those that every processor has are used.
pub(crate) fn choose() {
    let chosen: Copy = if std::is_x86_feature_detected!("avx") { asm_copy_avx } else { asm_copy };
    COPY.store(chosen as *mut (), Ordering::Relaxed);
}

/// Chooses the instructions that every processor has, for a test.
#[cfg(test)]
pub(crate) fn choose_the_oldest() {
    COPY.store(asm_copy as Copy as *mut (), Ordering::Relaxed);
}

/// Eight bytes, as they lie in memory.
///
/// # Safety
/// `src` is readable for eight bytes (or mapped, and a fault handler is installed).
#[inline(always)]
pub(crate) unsafe fn load(src: *const u8) -> Result<[u8; 8], Unreachable> {
    // SAFETY: the caller's promise; the assembly accesses these bytes and no others.
    unsafe { asm_load(src) }.bytes()
}

/// Stores eight bytes, as they are to lie in memory.
///
/// # Safety
/// `dst` is writable for eight bytes (or mapped, and a fault handler is installed).
#[inline(always)]
pub(crate) unsafe fn store(dst: *mut u8, bytes: [u8; 8]) -> Result<(), Unreachable> {
    // SAFETY: the caller's promise; the assembly accesses these bytes and no others.
    unsafe { asm_store(dst, u64::from_le_bytes(bytes)) }.done()
}

/// Copies `len` bytes.
///
/// # Safety
/// 1. `src` is readable and `dst` is writable for `len` bytes (or mapped, and a fault handler is installed).
/// 2. The two do not overlap.
/// 3. Bytes that no other thread or process shares are borrowed by the caller for the call.
#[inline]
pub(crate) unsafe fn copy(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Unreachable> {
    // SAFETY: `COPY` only ever holds functions of this type.
    let chosen = unsafe { std::mem::transmute::<*mut (), Copy>(COPY.load(Ordering::Relaxed)) };
    // SAFETY: 1 to 3 are the caller's promises; the assembly accesses these bytes and no others.
    unsafe { chosen(dst, src, len) }.done()
}

/// The instructions are the same, whichever side others may access.
pub(crate) use self::{copy as copy_across, copy as copy_in, copy as copy_out};

/// Bytes from which on there is a way past the caches.
const SHORTEST_STREAM: usize = 256;

/// Copies `len` bytes with stores that go past the caches, all of them done before any that follows.
///
/// # Safety
/// Those of [`copy`].
#[inline]
pub(crate) unsafe fn stream(dst: *mut u8, src: *const u8, len: usize) -> Result<(), Unreachable> {
    if len < SHORTEST_STREAM {
        // SAFETY: the caller's promises.
        return unsafe { copy(dst, src, len) };
    }
    // SAFETY: the caller's promises, and enough bytes; the assembly accesses these and no others.
    unsafe { asm_stream(dst, src, len) }.done()
}

/// Whether `len` bytes are equal.
///
/// # Safety
/// 1. Both are readable for `len` bytes (or mapped, and a fault handler is installed).
/// 2. Bytes that no other thread or process shares are borrowed by the caller for the call.
#[inline]
pub(crate) unsafe fn equals(a: *const u8, b: *const u8, len: usize) -> Result<bool, Unreachable> {
    // SAFETY: 1 and 2 are the caller's promises; the assembly accesses these bytes and no others.
    unsafe { asm_equals(a, b, len) }.equal()
}

/// Writes `len` zeroes.
///
/// # Safety
/// `dst` is writable for `len` bytes (or mapped, and a fault handler is installed).
#[inline]
pub(crate) unsafe fn zero(dst: *mut u8, len: usize) -> Result<(), Unreachable> {
    // SAFETY: the caller's promise; the assembly accesses these bytes and no others.
    unsafe { asm_zero(dst, len) }.done()
}

/// Asks the processor to fetch the line at `at`, which may be any address.
#[inline(always)]
pub(crate) fn prefetch(at: *const u8) {
    // SAFETY: SSE is part of x86-64, and a prefetch of any address whatever has no effect that a program can
    // see.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) }
}

global_asm!(
    ".text",
    ".p2align 6",
    mark!("asm_start"),
    routine!("copy_avx", "x86_64/copy_avx.s", "x86_64/copy_short.s"),
    routine!("stream", "x86_64/stream.s"),
    routine!("copy", "x86_64/copy_sse2.s", "x86_64/copy_short.s"),
    routine!("load", "x86_64/load.s"),
    routine!("store", "x86_64/store.s"),
    routine!("equals", "x86_64/equals.s"),
    routine!("zero", "x86_64/zero.s"),
    // Where a fault handler leaves: from every instruction above, the stack holds only the return address.
    mark!("asm_fault"),
    "mov eax, {fault}",
    "ret",
    mark!("asm_end"),
    different = const DIFFERENT,
    fault = const FAULT,
);
