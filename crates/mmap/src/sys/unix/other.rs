//! Unix systems other than Linux. What only Apple's have is in `apple`; what they have no common way for says that it
//! cannot.

#[cfg(target_vendor = "apple")]
#[path = "apple.rs"]
mod own;
#[cfg(not(target_vendor = "apple"))]
#[path = "bsd.rs"]
mod own;

pub(crate) use super::super::sleep::{wait, wake};
pub(super) use own::{Backing, HUGE_PAGE, NO_RESERVE, leave_out_of_dumps};
pub(crate) use own::{Hold, is_locked_elsewhere, lock, punch, rename_without_replacing};

pub(super) use libc::{mmap, off_t};

use crate::access::Access;
use crate::advice::{Advice, Discard};
use crate::fault::FaultKind;
use crate::seal::Seal;
use crate::sys::request::{RangeRequest, ReserveRequest, unsupported};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

/// Space where the system has a call for it, and then zeroes written behind the old end.
pub(crate) fn reserve(request: &ReserveRequest<'_>) -> io::Result<()> {
    static ZEROES: [u8; 1 << 16] = [0; 1 << 16];
    if request.before < request.len {
        own::preallocate(request)?;
    }
    let mut at = request.before;
    while at < request.len {
        let len = usize::try_from((request.len - at).min(1 << 16)).unwrap_or(1);
        request.file.write_all_at(&ZEROES[..len], at)?;
        at += len as u64;
    }
    Ok(())
}

/// A range within a file cannot be reserved; it gets its space when it is written.
pub(crate) fn reserve_range(_request: &RangeRequest<'_>) -> io::Result<()> {
    unsupported()
}

/// Nothing is promised: these systems' file systems write elsewhere what is written again, or do not say.
pub(crate) fn keeps_reserved_space(_file: &File, _len: u64) -> io::Result<bool> {
    Ok(false)
}

#[cfg(any(target_vendor = "apple", target_os = "freebsd", target_os = "dragonfly", target_os = "openbsd"))]
pub(crate) fn is_remote(file: &File) -> io::Result<bool> {
    let mut found = std::mem::MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the descriptor is open, and there is room for the answer.
    super::call::check(unsafe { libc::fstatfs(file.as_raw_fd(), found.as_mut_ptr()) })?;
    // SAFETY: the call succeeded, and so it filled the answer.
    let found = unsafe { found.assume_init() };
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)] // its type differs; it is a set of bits
    Ok(found.f_flags as u64 & libc::MNT_LOCAL as u64 == 0)
}

#[cfg(not(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "openbsd"
)))]
pub(crate) fn is_remote(_file: &File) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn wall_ms() -> u64 {
    std::time::UNIX_EPOCH.elapsed().map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// On these systems the monotonic clock goes on while the machine sleeps.
pub(crate) fn boot_ms() -> Option<u64> {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: there is room for the answer.
    let outcome = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    let seconds = u64::try_from(now.tv_sec).ok().filter(|_| outcome == 0)?;
    Some(seconds * 1000 + u64::try_from(now.tv_nsec / 1_000_000).unwrap_or(0))
}

pub(crate) fn boot_id() -> Option<[u8; 16]> {
    own::boot_id()
}

pub(crate) fn process_start_of(pid: u32) -> Option<u64> {
    own::process_start_of(pid)
}

pub(crate) fn process_age_ms(pid: u32) -> Option<u64> {
    own::process_age_ms(pid)
}

pub(super) fn most_maps() -> Option<u64> {
    None
}

pub(crate) fn pid_namespace() -> Option<u64> {
    None
}

/// Nothing tells why.
pub(crate) fn store_fault(_address: usize) -> FaultKind {
    FaultKind::Missing
}

pub(crate) fn start_writeback(_file: &File, _offset: u64, _len: u64) -> io::Result<()> {
    unsupported()
}

pub(crate) fn memory_file() -> io::Result<File> {
    unsupported()
}

pub(crate) fn seal(_file: &File, _seal: Seal) -> io::Result<()> {
    unsupported()
}

pub(crate) fn is_sealed(_file: &File) -> io::Result<bool> {
    unsupported()
}

pub(super) fn advice(_advice: Advice) -> Option<libc::c_int> {
    None
}

pub(super) fn discard(discard: Discard) -> Option<libc::c_int> {
    match discard {
        Discard::DontNeed => Some(libc::MADV_DONTNEED),
        Discard::Free => Some(libc::MADV_FREE),
        _ => None,
    }
}

pub(super) fn populate(_access: Access) -> Option<libc::c_int> {
    None
}

pub(super) fn lock_on_fault(_from: *mut u8, _len: usize) -> io::Result<()> {
    unsupported()
}

pub(super) fn huge_bytes(_base: usize, _len: usize) -> io::Result<usize> {
    unsupported()
}
