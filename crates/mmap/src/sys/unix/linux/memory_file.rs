//! Files in memory, and their seals.

use crate::seal::Seal;
use crate::sys::unix::call::{check, off_standard_streams};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};

pub(crate) fn memory_file() -> io::Result<File> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: a string that ends in zero and lives for the call. (By number, since not every libc has the function.)
    let fd = unsafe { libc::syscall(libc::SYS_memfd_create, c"samovar".as_ptr(), flags) };
    let fd = libc::c_int::try_from(fd).map_err(|_| io::ErrorKind::InvalidData)?;
    check(fd)?;
    // SAFETY: the call succeeded, and nobody else has the descriptor.
    off_standard_streams(unsafe { File::from_raw_fd(fd) })
}

pub(crate) fn seal(file: &File, seal: Seal) -> io::Result<()> {
    let seals = match seal {
        Seal::Shrink => libc::F_SEAL_SHRINK,
        Seal::Resize => libc::F_SEAL_SHRINK | libc::F_SEAL_GROW,
        Seal::Write => libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE,
        Seal::FutureWrite => libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_FUTURE_WRITE,
    };
    // SAFETY: the descriptor is open; no byte is changed.
    check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) }).map_err(unsealable)
}

pub(crate) fn is_sealed(file: &File) -> io::Result<bool> {
    // SAFETY: the descriptor is open; the call asks only.
    let seals = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GET_SEALS) };
    check(seals).map_err(unsealable)?;
    let needed = libc::F_SEAL_SHRINK | libc::F_SEAL_WRITE;
    Ok(seals & needed == needed)
}

/// What a file says that is not one in memory.
fn unsealable(error: io::Error) -> io::Error {
    if error.raw_os_error() == Some(libc::EINVAL) { io::ErrorKind::Unsupported.into() } else { error }
}
