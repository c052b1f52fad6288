//! The BSDs and the rest: maps, copies and the fault guard; no locks that end with an open file description.

use crate::access::Access;
use crate::durability::Durability;
use crate::sys::request::{LockQuery, LockRequest, RangeRequest, ReserveRequest, unsupported};
use std::fs::File;
use std::io;
use std::path::Path;

/// Pages without protection take no memory by themselves.
pub(crate) const NO_RESERVE: libc::c_int = 0;

/// None for maps of files.
pub(crate) const HUGE_PAGE: Option<usize> = None;

/// A flushed map is as far as the system's `msync` brings it.
pub(crate) struct Backing;

impl Backing {
    pub(crate) fn none() -> Backing {
        Backing
    }

    #[allow(clippy::unnecessary_wraps)] // elsewhere it may fail
    pub(crate) fn of(_file: &File, _access: Access) -> io::Result<Backing> {
        Ok(Backing)
    }

    #[allow(clippy::unnecessary_wraps, clippy::unused_self)] // elsewhere it may fail
    pub(crate) fn flush(&self) -> io::Result<Durability> {
        Ok(Durability::Data)
    }
}

#[cfg(target_os = "freebsd")]
pub(crate) fn leave_out_of_dumps(base: *mut u8, len: usize) {
    // SAFETY: advice on a range that was just mapped; it changes no byte.
    unsafe { libc::madvise(base.cast(), len, libc::MADV_NOCORE) };
}

#[cfg(not(target_os = "freebsd"))]
pub(crate) fn leave_out_of_dumps(_base: *mut u8, _len: usize) {}

#[allow(clippy::unnecessary_wraps)] // elsewhere it may fail
pub(super) fn preallocate(_request: &ReserveRequest<'_>) -> io::Result<()> {
    Ok(())
}

pub(crate) fn punch(request: &RangeRequest<'_>) -> io::Result<()> {
    let RangeRequest { file, offset, len } = request;
    let message = format!("this system gives no part of a file back: {len} bytes at {offset} of {file:?}");
    Err(io::Error::new(io::ErrorKind::Unsupported, message))
}

pub(crate) fn rename_without_replacing(_from: &Path, _to: &Path) -> io::Result<()> {
    unsupported()
}

/// There are no locks to keep.
#[derive(Debug)]
pub(crate) enum Hold {}

impl Hold {
    pub(crate) fn of(_file: &File) -> Option<Hold> {
        None
    }
}

pub(crate) fn lock(request: &LockRequest<'_>) -> io::Result<bool> {
    let LockRequest { file, byte, lock } = request;
    let message = format!("this system has no lock for byte {byte:#x} of {file:?} ({lock:?}) alone");
    Err(io::Error::new(io::ErrorKind::Unsupported, message))
}

pub(crate) fn is_locked_elsewhere(query: &LockQuery<'_>) -> io::Result<bool> {
    let LockQuery { file, bytes, lock } = query;
    let message = format!("this system has no lock for bytes {bytes:#x?} of {file:?} ({lock:?}) alone");
    Err(io::Error::new(io::ErrorKind::Unsupported, message))
}

pub(super) fn boot_id() -> Option<[u8; 16]> {
    None
}

pub(super) fn process_start_of(_pid: u32) -> Option<u64> {
    None
}

pub(super) fn process_age_ms(_pid: u32) -> Option<u64> {
    None
}
