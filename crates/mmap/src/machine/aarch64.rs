//! Copy, compare and zero in assembly for aarch64: pairs of registers of 16 bytes, no stack.
//!
//! All code lies between the labels `asm_start` and `asm_end`, and the error exit `asm_fault` lies inside: a
//! fault handler that finds the program counter between the two sets it to the exit, and the function returns
//! [`FAULT`]. No function touches the stack pointer or the link register, so the exit is valid from every
//! instruction.

use super::outcome::Unreachable;
use super::symbols::{hidden, label, symbol};
use std::arch::{asm, global_asm};

/// What the functions return in `w0`.
const DONE: u32 = 0;
const DIFFERENT: u32 = 1;
const FAULT: u32 = 2;

/// `x0`, and in `x1` 0 or the address of a fault.
#[repr(C)]
struct Loaded {
    value: u64,
    address: usize,
}

/// `w0`, and in `x1` the address of a fault (else anything).
#[repr(C)]
struct Outcome {
    code: u32,
    address: usize,
}

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
    #[link_name = symbol!("asm_start")]
    static ASM_START: u8;
    #[link_name = symbol!("asm_fault")]
    static ASM_FAULT: u8;
    #[link_name = symbol!("asm_end")]
    static ASM_END: u8;
}

/// Whether a fault leaves by an exit of its own.
pub(crate) const HAS_EXITS: bool = true;

/// Every processor has the same.
pub(crate) fn choose() {}

/// Eight bytes, as they lie in memory.
///
/// # Safety
/// `src` is readable for eight bytes (or mapped, and a fault handler is installed).
#[inline(always)]
pub(crate) unsafe fn load(src: *const u8) -> Result<[u8; 8], Unreachable> {
    // SAFETY: the caller's promise; the assembly accesses these bytes and no others.
    let loaded = unsafe { asm_load(src) };
    if loaded.address == 0 { Ok(loaded.value.to_le_bytes()) } else { Err(Unreachable(loaded.address)) }
}

/// Stores eight bytes, as they are to lie in memory.
///
/// # Safety
/// `dst` is writable for eight bytes (or mapped, and a fault handler is installed).
#[inline(always)]
pub(crate) unsafe fn store(dst: *mut u8, bytes: [u8; 8]) -> Result<(), Unreachable> {
    // SAFETY: the caller's promise; the assembly accesses these bytes and no others.
    let outcome = unsafe { asm_store(dst, u64::from_le_bytes(bytes)) };
    if outcome.code == DONE { Ok(()) } else { Err(Unreachable(outcome.address)) }
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
    let outcome = unsafe { asm_copy(dst, src, len) };
    if outcome.code == DONE { Ok(()) } else { Err(Unreachable(outcome.address)) }
}

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
    let outcome = unsafe { asm_equals(a, b, len) };
    match outcome.code {
        DONE => Ok(true),
        DIFFERENT => Ok(false),
        FAULT.. => Err(Unreachable(outcome.address)),
    }
}

/// Writes `len` zeroes.
///
/// # Safety
/// `dst` is writable for `len` bytes (or mapped, and a fault handler is installed).
#[inline]
pub(crate) unsafe fn zero(dst: *mut u8, len: usize) -> Result<(), Unreachable> {
    // SAFETY: the caller's promise; the assembly accesses these bytes and no others.
    let outcome = unsafe { asm_zero(dst, len) };
    if outcome.code == DONE { Ok(()) } else { Err(Unreachable(outcome.address)) }
}

/// Where a fault at this instruction leaves to, if it is one of ours. The address of the fault has to be in `x1`
/// then.
pub(crate) fn error_exit(pc: usize) -> Option<usize> {
    let code = (&raw const ASM_START).addr()..(&raw const ASM_END).addr();
    code.contains(&pc).then(|| (&raw const ASM_FAULT).addr())
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
    concat!(".globl ", label!("asm_start")),
    hidden!("asm_start"),
    concat!(label!("asm_start"), ":"),
    // copy: x0 = to, x1 = from, x2 = length.
    concat!(".globl ", label!("copy")),
    hidden!("copy"),
    concat!(label!("copy"), ":"),
    "cmp x2, #16",
    "b.lo 4f",
    "cmp x2, #32",
    "b.hi 2f",
    "add x4, x1, x2",
    "add x5, x0, x2",
    "ldr q0, [x1]",
    "ldur q1, [x4, #-16]",
    "str q0, [x0]",
    "stur q1, [x5, #-16]",
    "mov w0, wzr",
    "ret",
    // More than 32: 64 bytes a round, then the last 64 again, or as many as there are.
    "2:",
    "add x4, x1, x2",
    "add x5, x0, x2",
    "cmp x2, #64",
    "b.hi 3f",
    "ldp q0, q1, [x1]",
    "ldp q2, q3, [x4, #-32]",
    "stp q0, q1, [x0]",
    "stp q2, q3, [x5, #-32]",
    "mov w0, wzr",
    "ret",
    "3:",
    "ldp q0, q1, [x1], #32",
    "ldp q2, q3, [x1], #32",
    "stp q0, q1, [x0], #32",
    "stp q2, q3, [x0], #32",
    "sub x2, x2, #64",
    "cmp x2, #64",
    "b.hi 3b",
    "ldp q0, q1, [x4, #-64]",
    "ldp q2, q3, [x4, #-32]",
    "stp q0, q1, [x5, #-64]",
    "stp q2, q3, [x5, #-32]",
    "mov w0, wzr",
    "ret",
    // Fewer than 16.
    "4:",
    "add x4, x1, x2",
    "add x5, x0, x2",
    "tbz x2, #3, 5f",
    "ldr x6, [x1]",
    "ldur x7, [x4, #-8]",
    "str x6, [x0]",
    "stur x7, [x5, #-8]",
    "mov w0, wzr",
    "ret",
    "5:",
    "tbz x2, #2, 6f",
    "ldr w6, [x1]",
    "ldur w7, [x4, #-4]",
    "str w6, [x0]",
    "stur w7, [x5, #-4]",
    "mov w0, wzr",
    "ret",
    // 0 to 3: first, middle and last byte.
    "6:",
    "cbz x2, 7f",
    "lsr x3, x2, #1",
    "ldrb w6, [x1]",
    "ldrb w7, [x1, x3]",
    "ldurb w8, [x4, #-1]",
    "strb w6, [x0]",
    "strb w7, [x0, x3]",
    "sturb w8, [x5, #-1]",
    "7:",
    "mov w0, wzr",
    "ret",
    // load: x0 = from. store: x0 = to, x1 = value.
    concat!(".globl ", label!("load")),
    hidden!("load"),
    concat!(label!("load"), ":"),
    "ldr x0, [x0]",
    "mov x1, xzr",
    "ret",
    concat!(".globl ", label!("store")),
    hidden!("store"),
    concat!(label!("store"), ":"),
    "str x1, [x0]",
    "mov w0, wzr",
    "ret",
    // equals: x0, x1 = the two, x2 = length.
    ".p2align 5",
    concat!(".globl ", label!("equals")),
    hidden!("equals"),
    concat!(label!("equals"), ":"),
    "add x4, x0, x2",
    "add x5, x1, x2",
    "cmp x2, #8",
    "b.lo 4f",
    // Words forward while more than eight bytes are left, then the last eight.
    "2:",
    "cmp x2, #8",
    "b.ls 3f",
    "ldr x6, [x0], #8",
    "ldr x7, [x1], #8",
    "sub x2, x2, #8",
    "cmp x6, x7",
    "b.eq 2b",
    "b 8f",
    "3:",
    "ldur x6, [x4, #-8]",
    "ldur x7, [x5, #-8]",
    "cmp x6, x7",
    "cset w0, ne",
    "ret",
    "4:",
    "tbz x2, #2, 5f",
    "ldr w6, [x0]",
    "ldr w7, [x1]",
    "ldur w8, [x4, #-4]",
    "ldur w9, [x5, #-4]",
    "cmp w6, w7",
    "ccmp w8, w9, #0, eq",
    "cset w0, ne",
    "ret",
    "5:",
    "cbz x2, 7f",
    "ldrb w6, [x0], #1",
    "ldrb w7, [x1], #1",
    "sub x2, x2, #1",
    "cmp w6, w7",
    "b.eq 5b",
    "8:",
    "mov w0, {different}",
    "ret",
    "7:",
    "mov w0, wzr",
    "ret",
    // zero: x0 = to, x1 = length.
    ".p2align 5",
    concat!(".globl ", label!("zero")),
    hidden!("zero"),
    concat!(label!("zero"), ":"),
    "movi v0.2d, #0",
    "add x5, x0, x1",
    "cmp x1, #16",
    "b.lo 4f",
    "2:",
    "cmp x1, #16",
    "b.ls 3f",
    "str q0, [x0], #16",
    "sub x1, x1, #16",
    "b 2b",
    "3:",
    "stur q0, [x5, #-16]",
    "mov w0, wzr",
    "ret",
    "4:",
    "cbz x1, 5f",
    "strb wzr, [x0], #1",
    "sub x1, x1, #1",
    "b 4b",
    "5:",
    "mov w0, wzr",
    "ret",
    // Where a fault handler leaves: from every instruction above, the link register holds the return address.
    concat!(".globl ", label!("asm_fault")),
    hidden!("asm_fault"),
    concat!(label!("asm_fault"), ":"),
    "mov w0, {fault}",
    "ret",
    concat!(".globl ", label!("asm_end")),
    hidden!("asm_end"),
    concat!(label!("asm_end"), ":"),
    different = const DIFFERENT,
    fault = const FAULT,
);
