//! The space of a file: `fallocate`, and beginning to write it out.

use crate::sys::request::{RangeRequest, ReserveRequest};
use crate::sys::unix::call::retry;
use libc::off64_t as off_t;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

/// `fallocate`, or where the file system has none, zeroes written behind the old end.
pub(crate) fn reserve(request: &ReserveRequest<'_>) -> io::Result<()> {
    let ReserveRequest { file, before, len } = *request;
    if len == 0 {
        return Ok(());
    }
    let end = off_t::try_from(len).map_err(|_| io::Error::from_raw_os_error(libc::EFBIG))?;
    let fd = file.as_raw_fd();
    // SAFETY: the descriptor is open; the call changes the file's size and space, and no byte that it holds.
    match retry(|| unsafe { libc::fallocate64(fd, 0, 0, end) }) {
        Err(error) if lacks(&error) => write_zeroes(file, before, len),
        Err(error) => Err(error),
        // A store behind the end through a map comes to light when the file grows; only tmpfs lets it.
        Ok(()) if before < len => write_zeroes(file, before, len.min(before.next_multiple_of(1 << 16))),
        Ok(()) => Ok(()),
    }
}

/// `fallocate` alone: what the range held stays, so that nothing may be written there instead.
pub(crate) fn reserve_range(request: &RangeRequest<'_>) -> io::Result<()> {
    allocate(request, 0)
}

/// The range keeps its place in the file, and reads as zeroes.
pub(crate) fn punch(request: &RangeRequest<'_>) -> io::Result<()> {
    allocate(request, libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE)
}

fn allocate(request: &RangeRequest<'_>, mode: libc::c_int) -> io::Result<()> {
    let too_far = |_| io::Error::from_raw_os_error(libc::EFBIG);
    let offset = off_t::try_from(request.offset).map_err(too_far)?;
    let len = off_t::try_from(request.len).map_err(too_far)?;
    let fd = request.file.as_raw_fd();
    // SAFETY: the descriptor is open; what is mapped there stays mapped.
    match retry(|| unsafe { libc::fallocate64(fd, mode, offset, len) }) {
        Err(error) if lacks(&error) => Err(io::ErrorKind::Unsupported.into()),
        done => done,
    }
}

pub(super) fn lacks(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::ENOSYS | libc::EINVAL))
}

fn write_zeroes(file: &File, from: u64, to: u64) -> io::Result<()> {
    static ZEROES: [u8; 1 << 16] = [0; 1 << 16];
    let mut at = from;
    while at < to {
        let len = usize::try_from((to - at).min(1 << 16)).unwrap_or(1);
        file.write_all_at(&ZEROES[..len], at)?;
        at += len as u64;
    }
    Ok(())
}

#[cfg(target_os = "android")]
pub(crate) fn start_writeback(_file: &File, _offset: u64, _len: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(not(target_os = "android"))]
pub(crate) fn start_writeback(file: &File, offset: u64, len: u64) -> io::Result<()> {
    let range = (off_t::try_from(offset), off_t::try_from(len));
    let (Ok(offset), Ok(len)) = range else { return Err(io::ErrorKind::InvalidInput.into()) };
    // SAFETY: the descriptor is open; no byte is changed.
    crate::sys::unix::call::check(unsafe {
        libc::sync_file_range(file.as_raw_fd(), offset, len, libc::SYNC_FILE_RANGE_WRITE)
    })
}
