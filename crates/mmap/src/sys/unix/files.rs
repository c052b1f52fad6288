//! Files: opening, identity, names.

use super::call::off_standard_streams;
use super::system;
use crate::access::Access;
use crate::identity::FileId;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

pub(crate) fn file_id(file: &File) -> io::Result<FileId> {
    let metadata = file.metadata()?;
    Ok(FileId { device: metadata.dev(), inode: metadata.ino() })
}

/// Blocks are counted in 512 bytes, whatever those of the file system are.
pub(crate) fn disk_bytes(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.blocks().saturating_mul(512))
}

/// The one place where files are opened. `std` sets close-on-exec.
pub(crate) fn open_by(options: &OpenOptions, path: &Path) -> io::Result<File> {
    off_standard_streams(options.open(path)?)
}

pub(crate) fn open(path: &Path, access: Access) -> io::Result<File> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let is_written = access == Access::ReadWrite;
    open_by(OpenOptions::new().read(true).write(is_written).custom_flags(flags), path)
}

/// The same, without following a link.
pub(crate) fn open_no_link(path: &Path, access: Access) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let is_written = access == Access::ReadWrite;
    open_by(OpenOptions::new().read(true).write(is_written).custom_flags(flags), path)
}

/// Is it neither root's nor that of the user as whom this process acts?
pub(crate) fn is_foreign(file: &File) -> io::Result<bool> {
    let owner = file.metadata()?.uid();
    // SAFETY: asks for a number.
    Ok(owner != 0 && owner != unsafe { libc::geteuid() })
}

/// May anybody make files there, and nobody remove those of others?
pub(crate) fn is_shared_folder(path: &Path) -> io::Result<bool> {
    const STICKY_FOR_ALL: u32 = 0o1002;
    Ok(std::fs::metadata(path)?.mode() & STICKY_FOR_ALL == STICKY_FOR_ALL)
}

pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    open_by(OpenOptions::new().read(true).write(true).create_new(true).mode(0o600), path)
}

/// Opens what may be anything, and may be somebody else's, without following a link or waiting.
pub(crate) fn open_unchecked(path: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    open_by(OpenOptions::new().read(true).custom_flags(flags), path)
}

pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    open_by(OpenOptions::new().read(true), path)?.sync_all()
}

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
