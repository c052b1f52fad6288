//! Locks of open file descriptions.

use crate::sys::request::{ByteLock, LockRequest};
use crate::sys::unix::call::retry;
use libc::off64_t as off_t;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

/// The lock with offsets of 64 bits.
#[cfg(target_pointer_width = "64")]
use libc::flock as Lock;
#[cfg(not(target_pointer_width = "64"))]
use libc::flock64 as Lock;

fn lock_of(byte: u64, kind: libc::c_int) -> io::Result<Lock> {
    let start = off_t::try_from(byte).ok().filter(|start| *start < off_t::MAX);
    let kind = libc::c_short::try_from(kind).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: a C struct of integers, for which zeroes are a value.
    let mut lock: Lock = unsafe { std::mem::zeroed() };
    lock.l_type = kind;
    lock.l_whence = 0; // SEEK_SET
    lock.l_start = start.ok_or(io::ErrorKind::InvalidInput)?;
    lock.l_len = 1;
    Ok(lock)
}

#[cfg(target_pointer_width = "64")]
fn set_lock(fd: libc::c_int, command: libc::c_int, lock: &mut Lock) -> libc::c_int {
    // SAFETY: the descriptor is open, and the lock is ours to be written for the call.
    unsafe { libc::fcntl(fd, command, &raw mut *lock) }
}

/// The system's call itself, since not every libc passes such a lock on as it is.
#[cfg(not(target_pointer_width = "64"))]
fn set_lock(fd: libc::c_int, command: libc::c_int, lock: &mut Lock) -> libc::c_int {
    // SAFETY: the descriptor is open, and the lock is ours to be written for the call.
    let outcome = unsafe { libc::syscall(libc::SYS_fcntl64, fd, command, &raw mut *lock) };
    if outcome == -1 { -1 } else { 0 }
}

pub(crate) fn lock(request: &LockRequest<'_>) -> io::Result<bool> {
    let kind = match request.lock {
        ByteLock::Exclusive => libc::F_WRLCK,
        ByteLock::Shared => libc::F_RDLCK,
        ByteLock::Unlocked => libc::F_UNLCK,
    };
    let mut lock = lock_of(request.byte, kind)?;
    let fd = request.file.as_raw_fd();
    match retry(|| set_lock(fd, libc::F_OFD_SETLK, &mut lock)) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(error) => Err(error),
    }
}

pub(crate) fn is_locked_elsewhere(file: &File, byte: u64) -> io::Result<bool> {
    let mut lock = lock_of(byte, libc::F_WRLCK)?;
    let fd = file.as_raw_fd();
    retry(|| set_lock(fd, libc::F_OFD_GETLK, &mut lock))?;
    Ok(libc::c_int::from(lock.l_type) != libc::F_UNLCK)
}
