//! POSIX: maps, files, and the clock. What only one system has is in `linux` (or, for all others, in
//! `other`).

#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "linux.rs")]
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "other.rs")]
mod system;

mod context;
mod errno;
pub(crate) mod fork;
pub(crate) mod guard;
mod mapping;
mod pages;

pub(crate) use mapping::{Mapping, lock_limit, synchronise_code};

pub(crate) use system::{
    boot_id, boot_ms, is_locked_elsewhere, is_remote, is_sealed, keeps_reserved_space, lock, memory_file,
    pid_namespace, process_age_ms, process_start_of, punch, reserve, reserve_range, seal, start_writeback,
    store_fault, wait, wake, wall_ms,
};

use crate::access::Access;
use crate::identity::FileId;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a call that answers -1 for a failure says.
fn check(outcome: libc::c_int) -> io::Result<()> {
    if outcome == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Calls again while a signal interrupts.
#[allow(dead_code)] // not every system has such calls
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

/// Whether a map may be longer than its file.
pub(crate) const MAPS_BEYOND_THE_END: bool = true;

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

/// Blocks are counted in 512 bytes, whatever those of the file system are.
pub(crate) fn disk_bytes(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.blocks().saturating_mul(512))
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

/// The system remembers what a file has locked.
#[derive(Default, Debug)]
pub(crate) struct LockTable(());

/// The file without its maker's lock.
pub(crate) fn unlocked(file: File, _path: &Path) -> io::Result<File> {
    file.unlock()?;
    Ok(file)
}

/// Links it, which replaces nothing, or where there are no links, renames it so. The old name may stay.
pub(crate) fn give_name(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::hard_link(from, to) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            system::rename_without_replacing(from, to)
        }
        other => other,
    }
}
