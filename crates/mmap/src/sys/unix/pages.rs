//! What each system calls the things that can be asked of pages.

use crate::access::Access;
use crate::advice::{Advice, Discard};
use std::io;

/// What only some systems have.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod more {
    use super::super::check;
    use super::{Access, Advice, Discard, io};

    const POPULATE_READ: libc::c_int = 22;
    const POPULATE_WRITE: libc::c_int = 23;
    const COLLAPSE: libc::c_int = 25;

    pub(crate) fn advice(advice: Advice) -> Option<libc::c_int> {
        Some(match advice {
            Advice::Cold => libc::MADV_COLD,
            Advice::PageOut => libc::MADV_PAGEOUT,
            Advice::HugePage => libc::MADV_HUGEPAGE,
            Advice::NoHugePage => libc::MADV_NOHUGEPAGE,
            Advice::Collapse => COLLAPSE,
            Advice::Mergeable => libc::MADV_MERGEABLE,
            Advice::Unmergeable => libc::MADV_UNMERGEABLE,
            Advice::DontFork => libc::MADV_DONTFORK,
            Advice::DoFork => libc::MADV_DOFORK,
            Advice::DontDump => libc::MADV_DONTDUMP,
            Advice::DoDump => libc::MADV_DODUMP,
            Advice::KeepOnFork => libc::MADV_KEEPONFORK,
            _ => return None,
        })
    }

    pub(crate) fn discard(discard: Discard) -> Option<libc::c_int> {
        Some(match discard {
            Discard::DontNeed => libc::MADV_DONTNEED,
            Discard::Free => libc::MADV_FREE,
            Discard::Remove => libc::MADV_REMOVE,
            Discard::WipeOnFork => libc::MADV_WIPEONFORK,
        })
    }

    #[allow(clippy::unnecessary_wraps)] // other systems have none
    pub(crate) fn populate(access: Access) -> Option<libc::c_int> {
        Some(if access == Access::ReadOnly { POPULATE_READ } else { POPULATE_WRITE })
    }

    pub(crate) fn lock_on_fault(from: *mut u8, len: usize) -> io::Result<()> {
        const ON_FAULT: libc::c_int = 1;
        // SAFETY: the range lies within a mapping, as the caller sees to. (By number, since not every libc has it.)
        let outcome = unsafe { libc::syscall(libc::SYS_mlock2, from, len, ON_FAULT) };
        check(if outcome == 0 { 0 } else { -1 })
    }

    /// Adds up what `smaps` says of the areas that lie in this range.
    pub(crate) fn huge_bytes(base: usize, len: usize) -> io::Result<usize> {
        const KINDS: [&str; 3] = ["AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:"];
        let (mut within, mut kilobytes) = (false, 0);
        for line in std::fs::read_to_string("/proc/self/smaps")?.lines() {
            let first = line.split_ascii_whitespace().next().unwrap_or_default();
            if let Some((start, end)) = area(first) {
                within = start < base + len && end > base;
            } else if within && KINDS.contains(&first) {
                let number = line.split_ascii_whitespace().nth(1).and_then(|number| number.parse().ok());
                kilobytes += number.unwrap_or(0);
            }
        }
        Ok((kilobytes * 1024).min(len.next_multiple_of(super::super::page_size())))
    }

    fn area(word: &str) -> Option<(usize, usize)> {
        let (start, end) = word.split_once('-')?;
        Some((usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod more {
    use super::{Access, Advice, Discard, io};

    pub(crate) fn advice(_advice: Advice) -> Option<libc::c_int> {
        None
    }

    pub(crate) fn discard(discard: Discard) -> Option<libc::c_int> {
        match discard {
            Discard::DontNeed => Some(libc::MADV_DONTNEED),
            Discard::Free => Some(libc::MADV_FREE),
            _ => None,
        }
    }

    pub(crate) fn populate(_access: Access) -> Option<libc::c_int> {
        None
    }

    pub(crate) fn lock_on_fault(_from: *mut u8, _len: usize) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn huge_bytes(_base: usize, _len: usize) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

pub(super) use more::{discard, huge_bytes, lock_on_fault, populate};

pub(super) fn advice(advice: Advice) -> Option<libc::c_int> {
    match advice {
        Advice::Normal => Some(libc::MADV_NORMAL),
        Advice::Random => Some(libc::MADV_RANDOM),
        Advice::Sequential => Some(libc::MADV_SEQUENTIAL),
        Advice::WillNeed => Some(libc::MADV_WILLNEED),
        other => more::advice(other),
    }
}

/// Nothing to do: what was written as data is seen as code.
#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
pub(super) fn synchronise_code(_base: *const u8, _len: usize) {}

#[cfg(all(target_arch = "aarch64", target_vendor = "apple"))]
pub(super) fn synchronise_code(base: *const u8, len: usize) {
    unsafe extern "C" {
        fn sys_icache_invalidate(start: *const u8, len: usize);
    }
    // SAFETY: the range is mapped; no byte is changed.
    unsafe { sys_icache_invalidate(base, len) };
}

/// Cleans the data caches of each line, and then forgets it in the instruction caches.
#[cfg(all(target_arch = "aarch64", not(target_vendor = "apple")))]
pub(super) fn synchronise_code(base: *const u8, len: usize) {
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
pub(super) fn synchronise_code(_base: *const u8, _len: usize) {}
