//! What only Linux can be asked of pages.

use crate::access::Access;
use crate::advice::{Advice, Discard};
use crate::fault::FaultKind;
use crate::sys::unix::call::{check, page_size};
use std::io;

const POPULATE_READ: libc::c_int = 22;
const POPULATE_WRITE: libc::c_int = 23;
const COLLAPSE: libc::c_int = 25;

pub(in crate::sys::unix) fn advice(advice: Advice) -> Option<libc::c_int> {
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

pub(in crate::sys::unix) fn discard(discard: Discard) -> Option<libc::c_int> {
    Some(match discard {
        Discard::DontNeed => libc::MADV_DONTNEED,
        Discard::Free => libc::MADV_FREE,
        Discard::Remove => libc::MADV_REMOVE,
        Discard::WipeOnFork => libc::MADV_WIPEONFORK,
    })
}

#[allow(clippy::unnecessary_wraps)] // other systems have none
pub(in crate::sys::unix) fn populate(access: Access) -> Option<libc::c_int> {
    Some(if access == Access::ReadOnly { POPULATE_READ } else { POPULATE_WRITE })
}

pub(in crate::sys::unix) fn lock_on_fault(from: *mut u8, len: usize) -> io::Result<()> {
    const ON_FAULT: libc::c_int = 1;
    // SAFETY: the range lies within a mapping, as the caller sees to. (By number, since not every libc has it.)
    let outcome = unsafe { libc::syscall(libc::SYS_mlock2, from, len, ON_FAULT) };
    check(if outcome == 0 { 0 } else { -1 })
}

/// Adds up what `smaps` says of the areas that lie in this range.
pub(in crate::sys::unix) fn huge_bytes(base: usize, len: usize) -> io::Result<usize> {
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
    Ok((kilobytes * 1024).min(len.next_multiple_of(page_size())))
}

fn area(word: &str) -> Option<(usize, usize)> {
    let (start, end) = word.split_once('-')?;
    Some((usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?))
}

/// How many maps a process may have.
pub(in crate::sys::unix) fn most_maps() -> Option<u64> {
    std::fs::read_to_string("/proc/sys/vm/max_map_count").ok()?.trim().parse().ok()
}

/// A map of gigabytes has no place in a core dump. Not vital, and not worth the call for a small one.
pub(in crate::sys::unix) fn leave_out_of_dumps(base: *mut u8, len: usize) {
    const SMALL: usize = 1 << 20;
    if len < SMALL {
        return;
    }
    // SAFETY: advice on a range that was just mapped; it changes no byte.
    unsafe { libc::madvise(base.cast(), len, libc::MADV_DONTDUMP) };
}

/// Why a store into the page of this address fails: whether the page can be read is found out without a signal. `Missing` on
/// kernels that cannot say (before 5.14). To be asked soon, since the answer may change. May be called by a signal handler.
pub(crate) fn store_fault(address: usize) -> FaultKind {
    let page = page_size();
    let base = std::ptr::without_provenance_mut(address & !(page - 1));
    // SAFETY: brings a page of ours in and changes no byte.
    let can_be_read = unsafe { libc::madvise(base, page, libc::MADV_POPULATE_READ) == 0 };
    if can_be_read { FaultKind::NoSpace } else { FaultKind::Missing }
}
