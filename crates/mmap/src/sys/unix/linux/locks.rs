//! Locks of open file descriptions.

use crate::sys::request::{ByteLock, LockQuery, LockRequest};
use crate::sys::unix::call::{page_size, retry};
use libc::off64_t as off_t;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::ptr::{self, NonNull};

/// A page of a file, mapped by the description that has the locks, and which nobody can read or write. Locks end with
/// their file description, and that lives while a map made by it lives. So they last though a program closes
/// descriptors that are not its own. A forked child does not inherit the page, or it would keep its parent's locks.
#[derive(Debug)]
pub(crate) struct Hold {
    page: NonNull<libc::c_void>,
}

// SAFETY: the page belongs to this value alone, and no thread of its own.
unsafe impl Send for Hold {}
// SAFETY: nothing is done with the page until it is dropped.
unsafe impl Sync for Hold {}

impl Hold {
    /// None if the system has no room for it.
    pub(crate) fn of(file: &File) -> Option<Hold> {
        let (len, flags) = (page_size(), libc::MAP_PRIVATE | libc::MAP_NORESERVE);
        // SAFETY: no address is asked for, so that nothing that is mapped is touched; the descriptor is open.
        let page = unsafe { libc::mmap64(ptr::null_mut(), len, libc::PROT_NONE, flags, file.as_raw_fd(), 0) };
        let hold = Hold { page: NonNull::new(page).filter(|_| page != libc::MAP_FAILED)? };
        // SAFETY: advice on the page that was just mapped.
        let is_ours_alone = unsafe { libc::madvise(page, len, libc::MADV_DONTFORK) } == 0;
        is_ours_alone.then_some(hold)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // SAFETY: mapped in `of`, by this process, and nobody has a pointer to it.
        unsafe { libc::munmap(self.page.as_ptr(), page_size()) };
    }
}

/// The lock with offsets of 64 bits.
#[cfg(target_pointer_width = "64")]
use libc::flock as Lock;
#[cfg(not(target_pointer_width = "64"))]
use libc::flock64 as Lock;

fn lock_of(bytes: Range<u64>, lock: ByteLock) -> io::Result<Lock> {
    let start = off_t::try_from(bytes.start).ok().filter(|start| *start < off_t::MAX);
    let len = off_t::try_from(bytes.end - bytes.start).map_err(|_| io::ErrorKind::InvalidInput)?;
    let kind = match lock {
        ByteLock::Exclusive => libc::F_WRLCK,
        ByteLock::Shared => libc::F_RDLCK,
        ByteLock::Unlocked => libc::F_UNLCK,
    };
    let kind = libc::c_short::try_from(kind).map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: a C struct of integers, for which zeroes are a value.
    let mut lock: Lock = unsafe { std::mem::zeroed() };
    lock.l_type = kind;
    lock.l_whence = 0; // SEEK_SET
    lock.l_start = start.ok_or(io::ErrorKind::InvalidInput)?;
    lock.l_len = len;
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
    let mut lock = lock_of(request.byte..request.byte + 1, request.lock)?;
    let fd = request.file.as_raw_fd();
    match retry(|| set_lock(fd, libc::F_OFD_SETLK, &mut lock)) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => Ok(false),
        Err(error) => Err(error),
    }
}

pub(crate) fn is_locked_elsewhere(query: &LockQuery<'_>) -> io::Result<bool> {
    let mut lock = lock_of(query.bytes.clone(), query.lock)?;
    let fd = query.file.as_raw_fd();
    retry(|| set_lock(fd, libc::F_OFD_GETLK, &mut lock))?;
    Ok(libc::c_int::from(lock.l_type) != libc::F_UNLCK)
}
