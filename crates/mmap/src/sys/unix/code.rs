//! Code that was just made is what will be executed.

/// Nothing to do: what was written as data is seen as code.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
pub(crate) fn synchronise_code(_base: *const u8, _len: usize) {}

#[cfg(all(target_arch = "aarch64", target_vendor = "apple"))]
pub(crate) fn synchronise_code(base: *const u8, len: usize) {
    unsafe extern "C" {
        fn sys_icache_invalidate(start: *const u8, len: usize);
    }
    // SAFETY: the range is mapped; no byte is changed.
    unsafe { sys_icache_invalidate(base, len) };
}

/// Cleans the data caches of each line, and then forgets it in the instruction caches.
#[cfg(all(target_arch = "aarch64", not(target_vendor = "apple")))]
pub(crate) fn synchronise_code(base: *const u8, len: usize) {
    use std::arch::asm;
    const SMALLEST_LINE: usize = 16;
    let lines = || (0..len).step_by(SMALLEST_LINE).map(|offset| base.wrapping_add(offset));
    for line in lines() {
        // SAFETY: the line is mapped; no byte is changed.
        unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack)) };
    }
    // SAFETY: a barrier.
    unsafe { asm!("dsb ish", options(nostack)) };
    for line in lines() {
        // SAFETY: the line is mapped; no byte is changed.
        unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack)) };
    }
    // SAFETY: barriers.
    unsafe { asm!("dsb ish", "isb", options(nostack)) };
}

/// Not known for this processor: its system calls flush the caches when pages become executable.
#[cfg(not(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64")))]
pub(crate) fn synchronise_code(_base: *const u8, _len: usize) {}
