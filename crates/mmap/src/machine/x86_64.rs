//! Copy, compare and zero in assembly for x86-64: SSE2, and AVX where the processor has it; no stack, no `rep movs`
//! (which on some processors is very slow at some alignments).
//!
//! All code lies between the labels `asm_start` and `asm_end`, and the error exit `asm_fault` lies inside: a
//! fault handler that finds the program counter between the two sets it to the exit, and the function returns
//! [`FAULT`]. No function touches the stack pointer, so the exit is valid from every instruction.

use super::outcome::Unreachable;
use super::symbols::{hidden, label, symbol};
use std::arch::global_asm;
use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
use std::sync::atomic::{AtomicPtr, Ordering};

/// What the functions return in `eax`.
const DONE: u32 = 0;
const DIFFERENT: u32 = 1;
const FAULT: u32 = 2;

/// `rax`, and in `rdx` 0 or the address of a fault.
#[repr(C)]
struct Loaded {
    value: u64,
    address: usize,
}

/// `eax`, and in `rdx` the address of a fault (else anything).
#[repr(C)]
struct Outcome {
    code: u32,
    address: usize,
}

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
    #[link_name = symbol!("asm_start")]
    static ASM_START: u8;
    #[link_name = symbol!("asm_fault")]
    static ASM_FAULT: u8;
    #[link_name = symbol!("asm_end")]
    static ASM_END: u8;
}

type Copy = unsafe extern "sysv64" fn(*mut u8, *const u8, usize) -> Outcome;

/// The copy for this processor: one of the two, and the one without AVX until that is known.
static COPY: AtomicPtr<()> = AtomicPtr::new(asm_copy as Copy as *mut ());

/// Whether a fault leaves by an exit of its own.
pub(crate) const HAS_EXITS: bool = true;

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
    // SAFETY: `COPY` only ever holds functions of this type.
    let chosen = unsafe { std::mem::transmute::<*mut (), Copy>(COPY.load(Ordering::Relaxed)) };
    // SAFETY: 1 to 3 are the caller's promises; the assembly accesses these bytes and no others.
    let outcome = unsafe { chosen(dst, src, len) };
    if outcome.code == DONE { Ok(()) } else { Err(Unreachable(outcome.address)) }
}

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
    let outcome = unsafe { asm_stream(dst, src, len) };
    if outcome.code == DONE { Ok(()) } else { Err(Unreachable(outcome.address)) }
}

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

/// Where a fault at this instruction leaves to, if it is one of ours. The address of the fault has to be in `rdx`
/// then.
pub(crate) fn error_exit(pc: usize) -> Option<usize> {
    let code = (&raw const ASM_START).addr()..(&raw const ASM_END).addr();
    code.contains(&pc).then(|| (&raw const ASM_FAULT).addr())
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
    concat!(".globl ", label!("asm_start")),
    hidden!("asm_start"),
    concat!(label!("asm_start"), ":"),
    // copy: rdi = to, rsi = from, rdx = length.
    // copy_avx. 32 and more: first and last half, twice as many registers with every doubling.
    concat!(".globl ", label!("copy_avx")),
    hidden!("copy_avx"),
    concat!(label!("copy_avx"), ":"),
    "cmp rdx, 32",
    "jb 2f",
    "cmp rdx, 64",
    "ja 3f",
    "vmovups ymm0, [rsi]",
    "vmovups ymm1, [rsi + rdx - 32]",
    "vmovups [rdi], ymm0",
    "vmovups [rdi + rdx - 32], ymm1",
    "vzeroupper",
    "xor eax, eax",
    "ret",
    ".p2align 4",
    "3:",
    "cmp rdx, 128",
    "ja 9f",
    "vmovups ymm0, [rsi]",
    "vmovups ymm1, [rsi + 32]",
    "vmovups ymm2, [rsi + rdx - 64]",
    "vmovups ymm3, [rsi + rdx - 32]",
    "vmovups [rdi], ymm0",
    "vmovups [rdi + 32], ymm1",
    "vmovups [rdi + rdx - 64], ymm2",
    "vmovups [rdi + rdx - 32], ymm3",
    "vzeroupper",
    "xor eax, eax",
    "ret",
    ".p2align 4",
    "9:",
    "cmp rdx, 256",
    "ja 10f",
    "vmovups ymm0, [rsi]",
    "vmovups ymm1, [rsi + 32]",
    "vmovups ymm2, [rsi + 64]",
    "vmovups ymm3, [rsi + 96]",
    "vmovups ymm4, [rsi + rdx - 128]",
    "vmovups ymm5, [rsi + rdx - 96]",
    "vmovups ymm6, [rsi + rdx - 64]",
    "vmovups ymm7, [rsi + rdx - 32]",
    "vmovups [rdi], ymm0",
    "vmovups [rdi + 32], ymm1",
    "vmovups [rdi + 64], ymm2",
    "vmovups [rdi + 96], ymm3",
    "vmovups [rdi + rdx - 128], ymm4",
    "vmovups [rdi + rdx - 96], ymm5",
    "vmovups [rdi + rdx - 64], ymm6",
    "vmovups [rdi + rdx - 32], ymm7",
    "vzeroupper",
    "xor eax, eax",
    "ret",
    // More than 256: stores aligned to 32, 128 bytes a round, then the last 128 again.
    ".p2align 4",
    "10:",
    "vmovups ymm0, [rsi]",
    "vmovups [rdi], ymm0",
    "mov ecx, edi",
    "and ecx, 31",
    "mov eax, 32",
    "sub rax, rcx",
    "add rsi, rax",
    "add rdi, rax",
    "sub rdx, rax",
    ".p2align 5",
    "11:",
    "vmovups ymm0, [rsi]",
    "vmovups ymm1, [rsi + 32]",
    "vmovups ymm2, [rsi + 64]",
    "vmovups ymm3, [rsi + 96]",
    "sub rsi, -128",
    "vmovaps [rdi], ymm0",
    "vmovaps [rdi + 32], ymm1",
    "vmovaps [rdi + 64], ymm2",
    "vmovaps [rdi + 96], ymm3",
    "sub rdi, -128",
    "add rdx, -128",
    "cmp rdx, 128",
    "ja 11b",
    "vmovups ymm0, [rsi + rdx - 128]",
    "vmovups ymm1, [rsi + rdx - 96]",
    "vmovups ymm2, [rsi + rdx - 64]",
    "vmovups ymm3, [rsi + rdx - 32]",
    "vmovups [rdi + rdx - 128], ymm0",
    "vmovups [rdi + rdx - 96], ymm1",
    "vmovups [rdi + rdx - 64], ymm2",
    "vmovups [rdi + rdx - 32], ymm3",
    "vzeroupper",
    "xor eax, eax",
    "ret",
    ".p2align 4",
    "2:",
    "cmp edx, 16",
    "jb 4f",
    "movups xmm0, [rsi]",
    "movups xmm1, [rsi + rdx - 16]",
    "movups [rdi], xmm0",
    "movups [rdi + rdx - 16], xmm1",
    "xor eax, eax",
    "ret",
    // Fewer than 16.
    "4:",
    "cmp edx, 8",
    "jb 5f",
    "mov rax, [rsi]",
    "mov rcx, [rsi + rdx - 8]",
    "mov [rdi], rax",
    "mov [rdi + rdx - 8], rcx",
    "xor eax, eax",
    "ret",
    "5:",
    "cmp edx, 4",
    "jb 6f",
    "mov eax, [rsi]",
    "mov ecx, [rsi + rdx - 4]",
    "mov [rdi], eax",
    "mov [rdi + rdx - 4], ecx",
    "xor eax, eax",
    "ret",
    // 0 to 3: first, middle and last byte.
    "6:",
    "test edx, edx",
    "je 7f",
    "mov r8, rdx",
    "shr r8",
    "movzx eax, byte ptr [rsi]",
    "movzx r9d, byte ptr [rsi + r8]",
    "movzx ecx, byte ptr [rsi + rdx - 1]",
    "mov [rdi], al",
    "mov [rdi + r8], r9b",
    "mov [rdi + rdx - 1], cl",
    "7:",
    "xor eax, eax",
    "ret",
    // stream: as copy, 256 and more. The first 64 as they lie, then whole lines past the caches, then the last 64 as they
    // lie. The fence at the end is what makes it a copy like the other: its stores are not otherwise in order.
    ".p2align 5",
    concat!(".globl ", label!("stream")),
    hidden!("stream"),
    concat!(label!("stream"), ":"),
    "movups xmm0, [rsi]",
    "movups xmm1, [rsi + 16]",
    "movups xmm2, [rsi + 32]",
    "movups xmm3, [rsi + 48]",
    "movups [rdi], xmm0",
    "movups [rdi + 16], xmm1",
    "movups [rdi + 32], xmm2",
    "movups [rdi + 48], xmm3",
    "mov ecx, edi",
    "and ecx, 63",
    "mov eax, 64",
    "sub rax, rcx",
    "add rsi, rax",
    "add rdi, rax",
    "sub rdx, rax",
    ".p2align 5",
    "2:",
    "movups xmm0, [rsi]",
    "movups xmm1, [rsi + 16]",
    "movups xmm2, [rsi + 32]",
    "movups xmm3, [rsi + 48]",
    "movntdq [rdi], xmm0",
    "movntdq [rdi + 16], xmm1",
    "movntdq [rdi + 32], xmm2",
    "movntdq [rdi + 48], xmm3",
    "add rsi, 64",
    "add rdi, 64",
    "sub rdx, 64",
    "cmp rdx, 64",
    "jae 2b",
    "movups xmm0, [rsi + rdx - 64]",
    "movups xmm1, [rsi + rdx - 48]",
    "movups xmm2, [rsi + rdx - 32]",
    "movups xmm3, [rsi + rdx - 16]",
    "sfence",
    "movups [rdi + rdx - 64], xmm0",
    "movups [rdi + rdx - 48], xmm1",
    "movups [rdi + rdx - 32], xmm2",
    "movups [rdi + rdx - 16], xmm3",
    "xor eax, eax",
    "ret",
    // copy, with what every processor has.
    ".p2align 5",
    concat!(".globl ", label!("copy")),
    hidden!("copy"),
    concat!(label!("copy"), ":"),
    "cmp rdx, 32",
    "jb 2f",
    // 32 and more with what every processor has.
    "cmp rdx, 64",
    "ja 21f",
    "movups xmm0, [rsi]",
    "movups xmm1, [rsi + 16]",
    "movups xmm2, [rsi + rdx - 32]",
    "movups xmm3, [rsi + rdx - 16]",
    "movups [rdi], xmm0",
    "movups [rdi + 16], xmm1",
    "movups [rdi + rdx - 32], xmm2",
    "movups [rdi + rdx - 16], xmm3",
    "xor eax, eax",
    "ret",
    // Long ones align their stores to 16 first, then 64 bytes a round, then the last 64 again.
    "21:",
    "cmp rdx, 256",
    "jb 8f",
    "movups xmm0, [rsi]",
    "movups [rdi], xmm0",
    "mov ecx, edi",
    "and ecx, 15",
    "mov eax, 16",
    "sub rax, rcx",
    "add rsi, rax",
    "add rdi, rax",
    "sub rdx, rax",
    ".p2align 5",
    "8:",
    "movups xmm0, [rsi]",
    "movups xmm1, [rsi + 16]",
    "movups xmm2, [rsi + 32]",
    "movups xmm3, [rsi + 48]",
    "movups [rdi], xmm0",
    "movups [rdi + 16], xmm1",
    "movups [rdi + 32], xmm2",
    "movups [rdi + 48], xmm3",
    "add rsi, 64",
    "add rdi, 64",
    "sub rdx, 64",
    "cmp rdx, 64",
    "ja 8b",
    "movups xmm0, [rsi + rdx - 64]",
    "movups xmm1, [rsi + rdx - 48]",
    "movups xmm2, [rsi + rdx - 32]",
    "movups xmm3, [rsi + rdx - 16]",
    "movups [rdi + rdx - 64], xmm0",
    "movups [rdi + rdx - 48], xmm1",
    "movups [rdi + rdx - 32], xmm2",
    "movups [rdi + rdx - 16], xmm3",
    "xor eax, eax",
    "ret",
    ".p2align 4",
    "2:",
    "cmp edx, 16",
    "jb 4f",
    "movups xmm0, [rsi]",
    "movups xmm1, [rsi + rdx - 16]",
    "movups [rdi], xmm0",
    "movups [rdi + rdx - 16], xmm1",
    "xor eax, eax",
    "ret",
    // Fewer than 16.
    "4:",
    "cmp edx, 8",
    "jb 5f",
    "mov rax, [rsi]",
    "mov rcx, [rsi + rdx - 8]",
    "mov [rdi], rax",
    "mov [rdi + rdx - 8], rcx",
    "xor eax, eax",
    "ret",
    "5:",
    "cmp edx, 4",
    "jb 6f",
    "mov eax, [rsi]",
    "mov ecx, [rsi + rdx - 4]",
    "mov [rdi], eax",
    "mov [rdi + rdx - 4], ecx",
    "xor eax, eax",
    "ret",
    // 0 to 3: first, middle and last byte.
    "6:",
    "test edx, edx",
    "je 7f",
    "mov r8, rdx",
    "shr r8",
    "movzx eax, byte ptr [rsi]",
    "movzx r9d, byte ptr [rsi + r8]",
    "movzx ecx, byte ptr [rsi + rdx - 1]",
    "mov [rdi], al",
    "mov [rdi + r8], r9b",
    "mov [rdi + rdx - 1], cl",
    "7:",
    "xor eax, eax",
    "ret",
    // load: rdi = from. store: rdi = to, rsi = value.
    ".p2align 4",
    concat!(".globl ", label!("load")),
    hidden!("load"),
    concat!(label!("load"), ":"),
    "mov rax, [rdi]",
    "xor edx, edx",
    "ret",
    ".p2align 4",
    concat!(".globl ", label!("store")),
    hidden!("store"),
    concat!(label!("store"), ":"),
    "mov [rdi], rsi",
    "xor eax, eax",
    "ret",
    // equals: rdi, rsi = the two, rdx = length.
    ".p2align 5",
    concat!(".globl ", label!("equals")),
    hidden!("equals"),
    concat!(label!("equals"), ":"),
    "cmp rdx, 16",
    "jb 4f",
    "cmp rdx, 32",
    "ja 9f",
    "movups xmm0, [rdi]",
    "movups xmm1, [rsi]",
    "movups xmm2, [rdi + rdx - 16]",
    "movups xmm3, [rsi + rdx - 16]",
    "pcmpeqb xmm0, xmm1",
    "pcmpeqb xmm2, xmm3",
    "pand xmm0, xmm2",
    "pmovmskb ecx, xmm0",
    "xor eax, eax",
    "sub ecx, 0xffff",
    "setne al",
    "ret",
    "9:",
    "cmp rdx, 64",
    "ja 10f",
    "movups xmm0, [rdi]",
    "movups xmm1, [rsi]",
    "movups xmm2, [rdi + 16]",
    "movups xmm3, [rsi + 16]",
    "movups xmm4, [rdi + rdx - 32]",
    "movups xmm5, [rsi + rdx - 32]",
    "pcmpeqb xmm0, xmm1",
    "pcmpeqb xmm2, xmm3",
    "pcmpeqb xmm4, xmm5",
    "movups xmm1, [rdi + rdx - 16]",
    "movups xmm3, [rsi + rdx - 16]",
    "pcmpeqb xmm1, xmm3",
    "pand xmm0, xmm2",
    "pand xmm4, xmm1",
    "pand xmm0, xmm4",
    "pmovmskb ecx, xmm0",
    "xor eax, eax",
    "sub ecx, 0xffff",
    "setne al",
    "ret",
    "10:",
    "lea r8, [rdx - 16]",
    "xor ecx, ecx",
    "2:",
    "cmp rcx, r8",
    "jae 3f",
    "movups xmm0, [rdi + rcx]",
    "movups xmm1, [rsi + rcx]",
    "pcmpeqb xmm0, xmm1",
    "pmovmskb eax, xmm0",
    "cmp eax, 0xffff",
    "jne 8f",
    "add rcx, 16",
    "jmp 2b",
    "3:",
    "movups xmm0, [rdi + r8]",
    "movups xmm1, [rsi + r8]",
    "pcmpeqb xmm0, xmm1",
    "pmovmskb eax, xmm0",
    "cmp eax, 0xffff",
    "jne 8f",
    "xor eax, eax",
    "ret",
    "4:",
    "cmp edx, 8",
    "jb 5f",
    "mov rax, [rdi]",
    "xor rax, [rsi]",
    "mov rcx, [rdi + rdx - 8]",
    "xor rcx, [rsi + rdx - 8]",
    "or rax, rcx",
    "jne 8f",
    "ret",
    "5:",
    "cmp edx, 4",
    "jb 6f",
    "mov eax, [rdi]",
    "xor eax, [rsi]",
    "mov ecx, [rdi + rdx - 4]",
    "xor ecx, [rsi + rdx - 4]",
    "or eax, ecx",
    "jne 8f",
    "ret",
    "6:",
    "test edx, edx",
    "je 7f",
    "mov r8, rdx",
    "shr r8",
    "mov al, [rdi]",
    "xor al, [rsi]",
    "mov cl, [rdi + r8]",
    "xor cl, [rsi + r8]",
    "or al, cl",
    "mov cl, [rdi + rdx - 1]",
    "xor cl, [rsi + rdx - 1]",
    "or al, cl",
    "jne 8f",
    "7:",
    "xor eax, eax",
    "ret",
    "8:",
    "mov eax, {different}",
    "ret",
    // zero: rdi = to, rsi = length.
    ".p2align 5",
    concat!(".globl ", label!("zero")),
    hidden!("zero"),
    concat!(label!("zero"), ":"),
    "xor eax, eax",
    "pxor xmm0, xmm0",
    "cmp rsi, 16",
    "jb 4f",
    "2:",
    "cmp rsi, 64",
    "jbe 3f",
    "movups [rdi], xmm0",
    "movups [rdi + 16], xmm0",
    "movups [rdi + 32], xmm0",
    "movups [rdi + 48], xmm0",
    "add rdi, 64",
    "sub rsi, 64",
    "jmp 2b",
    // 1 to 64 left, or all of 16 to 64.
    "3:",
    "cmp rsi, 16",
    "jbe 8f",
    "movups [rdi], xmm0",
    "add rdi, 16",
    "sub rsi, 16",
    "jmp 3b",
    // 1 to 16 left, with at least 16 - left written before, or exactly 16.
    "8:",
    "movups [rdi + rsi - 16], xmm0",
    "ret",
    "4:",
    "cmp esi, 8",
    "jb 5f",
    "mov [rdi], rax",
    "mov [rdi + rsi - 8], rax",
    "ret",
    "5:",
    "test esi, esi",
    "je 7f",
    "6:",
    "mov [rdi], al",
    "inc rdi",
    "dec esi",
    "jne 6b",
    "7:",
    "ret",
    // Where a fault handler leaves: from every instruction above, the stack holds only the return address.
    concat!(".globl ", label!("asm_fault")),
    hidden!("asm_fault"),
    concat!(label!("asm_fault"), ":"),
    "mov eax, {fault}",
    "ret",
    concat!(".globl ", label!("asm_end")),
    hidden!("asm_end"),
    concat!(label!("asm_end"), ":"),
    different = const DIFFERENT,
    fault = const FAULT,
);
