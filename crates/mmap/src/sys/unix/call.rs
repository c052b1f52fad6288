//! How a call of the system is made and its result read, and the size of a page.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a call that answers -1 for a failure says.
pub(super) fn check(outcome: libc::c_int) -> io::Result<()> {
    if outcome == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Calls again while a signal interrupts.
#[allow(dead_code)] // not every system has such calls
pub(super) fn retry(mut call: impl FnMut() -> libc::c_int) -> io::Result<()> {
    loop {
        match check(call()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// The file under a descriptor that is none of the standard streams'. If a program has closed one of those, the next
/// file that is opened gets its number, and printed text goes into that file.
pub(super) fn off_standard_streams(file: File) -> io::Result<File> {
    const FIRST: libc::c_int = 3;
    if file.as_raw_fd() >= FIRST {
        return Ok(file);
    }
    // SAFETY: the descriptor is open; the new one is of the same file, and no program that is started inherits it.
    let descriptor = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, FIRST) };
    check(descriptor)?;
    // SAFETY: the call succeeded, and nobody else has the descriptor.
    Ok(unsafe { File::from_raw_fd(descriptor) })
}

/// Maps begin at multiples of this.
#[inline]
pub(crate) fn granularity() -> u64 {
    page_size() as u64
}

/// Bytes of a page, asked for once.
#[inline]
pub(crate) fn page_size() -> usize {
    static SIZE: AtomicUsize = AtomicUsize::new(0);
    match SIZE.load(Ordering::Relaxed) {
        0 => {
            // SAFETY: asks for a number.
            let asked = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
            let size = usize::try_from(asked).unwrap_or(1 << 16);
            SIZE.store(size, Ordering::Relaxed);
            size
        }
        size => size,
    }
}
