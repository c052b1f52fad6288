//! Copy, compare and zero in assembly for aarch64: pairs of registers of 16 bytes, no stack.
//!
//! All code lies between the labels `asm_start` and `asm_end`, with the error exit `asm_fault`. A fault handler that
//! finds the program counter between the two sets it to the exit, and the function returns [`FAULT`]. No function
//! touches the stack pointer or the link register, so the exit is valid from every instruction.

pub(crate) use super::assembly::{HAS_EXITS, error_exit};

use super::assembly::{DIFFERENT, FAULT, Loaded, Outcome, mark, routine, symbol};
use super::terms::Unreachable;
use std::arch::{asm, global_asm};

unsafe extern "C" {
    #[link_name = symbol!("copy")]
    fn asm_copy(dst: *mut u8, src: *const u8, len: usize) -> Outcome;
    #[link_name = symbol!("equals")]
    fn asm_equals(a: *const u8, b: *const u8, len: usize) -> Outcome;
    #[link_name = symbol!("zero")]
    fn asm_zero(dst: *mut u8, len: usize) -> Outcome;
    #[link_name = symbol!("load")]
    fn asm_load(src: *const u8) -> Loaded;
    #[link_name = symbol!("store")]
    fn asm_store(dst: *mut u8, value: u64) -> Outcome;
}

/// Every processor has the same.
pub(crate) fn choose() {}

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
    // SAFETY: 1 to 3 are the caller's promises; the assembly accesses these bytes and no others.
    unsafe { asm_copy(dst, src, len) }.done()
}

/// The instructions are the same, whichever side others may access.
pub(crate) use self::{copy as copy_across, copy as copy_in, copy as copy_out};

/// No way past the caches is known to be faster.
pub(crate) use self::copy as stream;

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
    // SAFETY: a prefetch of any address whatever has no effect that a program can see.
    unsafe { asm!("prfm pldl1keep, [{}]", in(reg) at, options(nostack, readonly, preserves_flags)) };
}

global_asm!(
    ".text",
    ".p2align 6",
    mark!("asm_start"),
    routine!("copy", "aarch64/copy.s"),
    routine!("load", "aarch64/load.s"),
    routine!("store", "aarch64/store.s"),
    routine!("equals", "aarch64/equals.s"),
    routine!("zero", "aarch64/zero.s"),
    // Where a fault handler leaves: from every instruction above, the link register holds the return address.
    mark!("asm_fault"),
    "mov w0, {fault}",
    "ret",
    mark!("asm_end"),
    different = const DIFFERENT,
    fault = const FAULT,
);
