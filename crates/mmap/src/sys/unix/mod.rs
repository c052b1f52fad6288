//! POSIX: maps, files, and the clock. What only one system has is in `linux` (or, for all others, in
//! `other`).

#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "linux.rs")]
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "other.rs")]
mod system;

mod context;
mod errno;
pub(crate) mod guard;

pub(crate) use system::{
    boot_id, can_be_read, is_locked_elsewhere, is_remote, keeps_reserved_space, lock, pid_namespace,
    process_start_of, rename_without_replacing, reserve, wait, wake, wall_ms,
};

use super::MapRequest;
use crate::file::FileId;
use crate::map::Access;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Mapped pages, unmapped on drop.
pub(crate) struct Mapping {
    base: *mut u8,
    len: usize,
}

impl Mapping {
    pub(crate) fn new(request: &MapRequest<'_>) -> io::Result<Mapping> {
        let protection = match request.access {
            Access::ReadOnly => libc::PROT_READ,
            Access::ReadWrite => libc::PROT_READ | libc::PROT_WRITE,
        };
        let offset = libc::off_t::try_from(request.offset).map_err(|_| io::ErrorKind::InvalidInput)?;
        let fd = request.file.as_raw_fd();
        // SAFETY: no address is asked for, so that nothing that is mapped is touched; the descriptor is open.
        let base =
            unsafe { libc::mmap(ptr::null_mut(), request.len, protection, libc::MAP_SHARED, fd, offset) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let mapping = Mapping { base: base.cast(), len: request.len };
        system::leave_out_of_dumps(mapping.base, mapping.len);
        Ok(mapping)
    }

    pub(crate) fn base(&self) -> *mut u8 {
        self.base
    }

    /// Writes the pages of this range and waits for them.
    pub(crate) fn flush(&self, offset: usize, len: usize) -> io::Result<()> {
        let page = page_size();
        let skipped = offset % page;
        let from = self.base.wrapping_add(offset - skipped);
        // SAFETY: the range lies within the mapping, and begins at a page.
        check(unsafe { libc::msync(from.cast(), len + skipped, libc::MS_SYNC) })
    }

    pub(crate) fn unmap(self) -> io::Result<()> {
        let (base, len) = (self.base, self.len);
        std::mem::forget(self);
        // SAFETY: exactly what was mapped; the caller owned it, and no view of it lives.
        check(unsafe { libc::munmap(base.cast(), len) })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly what was mapped; we own it, and no view of it lives.
        unsafe { libc::munmap(self.base.cast(), self.len) };
    }
}

/// What a call that answers -1 for a failure says.
fn check(outcome: libc::c_int) -> io::Result<()> {
    if outcome == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Calls again while a signal interrupts.
fn retry(mut call: impl FnMut() -> libc::c_int) -> io::Result<()> {
    loop {
        match check(call()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
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

pub(crate) fn file_id(file: &File) -> io::Result<FileId> {
    let metadata = file.metadata()?;
    Ok(FileId { device: metadata.dev(), inode: metadata.ino() })
}

/// `std` sets close-on-exec.
pub(crate) fn open(path: &Path, access: Access) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(access == Access::ReadWrite)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Opens what may be anything, and may be somebody else's, without following a link or waiting.
pub(crate) fn open_for_sweep(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
}

pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
