//! The space of a file: `fallocate`, and beginning to write it out.

use crate::sys::request::{RangeRequest, ReserveRequest};
use crate::sys::unix::call;
use libc::off64_t as off_t;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};

/// `fallocate`, or where the file system has none, zeroes written behind the old end.
pub(crate) fn reserve(request: &ReserveRequest<'_>) -> io::Result<()> {
    let ReserveRequest { file, before, len } = *request;
    match allocate(file, 0..len, 0) {
        Err(error) if lacks(&error) => write_zeroes(file, before, len),
        Err(error) => Err(error),
        // A store behind the end through a map comes to light when the file grows; only tmpfs lets it.
        Ok(()) if before < len => write_zeroes(file, before, len.min(before.next_multiple_of(1 << 16))),
        Ok(()) => Ok(()),
    }
}

/// `fallocate` alone: what the range held stays, so that nothing may be written there instead.
pub(crate) fn reserve_range(request: &RangeRequest<'_>) -> io::Result<()> {
    allocate_or_lack(request, 0)
}

/// The range keeps its place in the file, and reads as zeroes.
pub(crate) fn punch(request: &RangeRequest<'_>) -> io::Result<()> {
    allocate_or_lack(request, libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE)
}

fn allocate_or_lack(request: &RangeRequest<'_>, mode: libc::c_int) -> io::Result<()> {
    let range = request.offset..request.offset.saturating_add(request.len);
    match allocate(request.file, range, mode) {
        Err(error) if lacks(&error) => Err(io::ErrorKind::Unsupported.into()),
        done => done,
    }
}

fn allocate(file: &File, range: Range<u64>, mode: libc::c_int) -> io::Result<()> {
    let fd = file.as_raw_fd();
    if mode == 0 && range.end.saturating_sub(range.start) > LONGEST_STEP {
        expect_room(file, &range)?;
    }
    in_steps(range, |step| {
        let too_far = |_| io::Error::from_raw_os_error(libc::EFBIG);
        let offset = off_t::try_from(step.start).map_err(too_far)?;
        let len = off_t::try_from(step.end - step.start).map_err(too_far)?;
        // SAFETY: the descriptor is open; no byte changes but those that the caller gives up, and what is mapped stays mapped.
        call::check(unsafe { libc::fallocate64(fd, mode, offset, len) })
    })
}

/// Fails at once where all free space is too little. Without this, others on the device would have no room until the last step
/// fails. The range may have all the space that the file has.
fn expect_room(file: &File, range: &Range<u64>) -> io::Result<()> {
    let mut answer = MaybeUninit::<libc::statvfs64>::uninit();
    // SAFETY: the descriptor is open, and there is room for the answer.
    call::check(unsafe { libc::fstatvfs64(file.as_raw_fd(), answer.as_mut_ptr()) })?;
    // SAFETY: the call succeeded, and so it filled the answer.
    let answer = unsafe { answer.assume_init() };
    #[allow(clippy::unnecessary_cast)] // 32 bits wide on some systems
    let free = (answer.f_bfree as u64).saturating_mul(answer.f_frsize as u64);
    let has = file.metadata()?.blocks().saturating_mul(512);
    let wanted = (range.end - range.start).saturating_sub(has);
    if wanted > free { Err(io::Error::from_raw_os_error(libc::ENOSPC)) } else { Ok(()) }
}

const LONGEST_STEP: u64 = 256 << 20;
const SHORTEST_STEP: u64 = 64 << 10;
/// Interruptions one after another, most of them of the shortest step, after which the call is given up.
const MOST_INTERRUPTIONS: u32 = 1000;

/// Makes a call for a long range step by step. A signal may make a file system undo all of a step. So each interruption
/// halves the step, and a call goes on even under endless signals.
fn in_steps(range: Range<u64>, mut call: impl FnMut(Range<u64>) -> io::Result<()>) -> io::Result<()> {
    let (mut at, mut step, mut interruptions) = (range.start, LONGEST_STEP, 0);
    while at < range.end {
        let end = range.end.min(at.saturating_add(step));
        match call(at..end) {
            Ok(()) => (at, step, interruptions) = (end, LONGEST_STEP.min(step * 2), 0),
            Err(error)
                if error.kind() == io::ErrorKind::Interrupted && interruptions < MOST_INTERRUPTIONS =>
            {
                (step, interruptions) = (SHORTEST_STEP.max(step / 2), interruptions + 1);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
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
    call::check(unsafe { libc::sync_file_range(file.as_raw_fd(), offset, len, libc::SYNC_FILE_RANGE_WRITE) })
}

#[cfg(test)]
mod tests;
