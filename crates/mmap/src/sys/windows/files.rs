//! Files: opening, space, identity, names.

use super::call::check;
use crate::access::Access;
use crate::identity::FileId;
use crate::sys::request::{RangeRequest, ReserveRequest};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ALLOCATION_INFO, FILE_ATTRIBUTE_COMPRESSED, FILE_ATTRIBUTE_SPARSE_FILE,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_REMOTE_PROTOCOL_INFO, FILE_STANDARD_INFO, FileAllocationInfo,
    FileRemoteProtocolInfo, FileStandardInfo, GetFileInformationByHandle, GetFileInformationByHandleEx,
    GetVolumeInformationByHandleW, MOVEFILE_WRITE_THROUGH, MoveFileExW, SetFileInformationByHandle,
};

/// Space first, then the length; what is new is zero.
pub(crate) fn reserve(request: &ReserveRequest<'_>) -> io::Result<()> {
    let ReserveRequest { file, before, len } = *request;
    if len <= before {
        return Ok(());
    }
    let wanted = i64::try_from(len).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let info = FILE_ALLOCATION_INFO { AllocationSize: wanted };
    let size = u32::try_from(size_of_val(&info)).unwrap_or(0);
    let (handle, info) = (file.as_raw_handle(), &raw const info);
    // SAFETY: the handle is open; a structure of that kind, and its size.
    match check(unsafe { SetFileInformationByHandle(handle, FileAllocationInfo, info.cast(), size) }) {
        // Not every file system can; its files get their space with their length.
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => file.set_len(len),
    }
}

/// A file that is not sparse has its space by its length.
#[allow(clippy::unnecessary_wraps)] // elsewhere it may fail
pub(crate) fn reserve_range(_request: &RangeRequest<'_>) -> io::Result<()> {
    Ok(())
}

/// Only sparse files have holes here, and those are never promised their space.
pub(crate) fn punch(_request: &RangeRequest<'_>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn disk_bytes(file: &File) -> io::Result<u64> {
    let mut found = FILE_STANDARD_INFO::default();
    let size = u32::try_from(size_of_val(&found)).unwrap_or(0);
    let (handle, told) = (file.as_raw_handle(), &raw mut found);
    // SAFETY: the handle is open, and there is room for the answer.
    check(unsafe { GetFileInformationByHandleEx(handle, FileStandardInfo, told.cast(), size) })?;
    Ok(u64::try_from(found.AllocationSize).unwrap_or(0))
}

fn information(file: &File) -> io::Result<BY_HANDLE_FILE_INFORMATION> {
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open, and there is room for the answer.
    check(unsafe { GetFileInformationByHandle(file.as_raw_handle(), &raw mut found) })?;
    Ok(found)
}

/// NTFS writes in place what is neither compressed nor sparse. Of all others nothing is known or promised.
pub(crate) fn keeps_reserved_space(file: &File, _len: u64) -> io::Result<bool> {
    let attributes = information(file)?.dwFileAttributes;
    if attributes & (FILE_ATTRIBUTE_COMPRESSED | FILE_ATTRIBUTE_SPARSE_FILE) != 0 {
        return Ok(false);
    }
    let mut name = [0_u16; 32];
    let (null, none) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the handle is open; there is room for a name of so many letters, and nothing else is asked for.
    let outcome = unsafe {
        GetVolumeInformationByHandleW(file.as_raw_handle(), null, 0, none, none, none, name.as_mut_ptr(), 32)
    };
    let ntfs: Vec<u16> = "NTFS\0".encode_utf16().collect();
    Ok(outcome != 0 && name.starts_with(&ntfs))
}

pub(crate) fn file_id(file: &File) -> io::Result<FileId> {
    let found = information(file)?;
    Ok(FileId {
        device: found.dwVolumeSerialNumber.into(),
        inode: u64::from(found.nFileIndexHigh) << 32 | u64::from(found.nFileIndexLow),
    })
}

/// Only files on another machine have a protocol.
pub(crate) fn is_remote(file: &File) -> io::Result<bool> {
    let mut found = FILE_REMOTE_PROTOCOL_INFO::default();
    let size = u32::try_from(size_of_val(&found)).unwrap_or(0);
    let (handle, found) = (file.as_raw_handle(), &raw mut found);
    // SAFETY: the handle is open, and there is room for the answer.
    let outcome = unsafe { GetFileInformationByHandleEx(handle, FileRemoteProtocolInfo, found.cast(), size) };
    Ok(outcome != 0)
}

/// Handles have no numbers that programs give a meaning to.
pub(crate) fn open_by(options: &OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}

pub(crate) fn open(path: &Path, access: Access) -> io::Result<File> {
    OpenOptions::new().read(true).write(access == Access::ReadWrite).open(path)
}

/// Links are followed: only some users can make them here.
pub(crate) fn open_no_link(path: &Path, access: Access) -> io::Result<File> {
    open(path, access)
}

/// Owners are not asked for here.
#[allow(clippy::unnecessary_wraps)] // elsewhere it may fail
pub(crate) fn is_foreign(_file: &File) -> io::Result<bool> {
    Ok(false)
}

#[allow(clippy::unnecessary_wraps)] // as above
pub(crate) fn is_shared_folder(_path: &Path) -> io::Result<bool> {
    Ok(false)
}

pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).open(path)
}

/// Opens what may be anything, without following a link.
pub(crate) fn open_unchecked(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)
}

/// Renames it, which works while it is open, and replaces nothing.
pub(crate) fn give_name(from: &Path, to: &Path) -> io::Result<()> {
    let wide = |path: &Path| path.as_os_str().encode_wide().chain([0]).collect::<Vec<u16>>();
    let (from, to) = (wide(from), wide(to));
    // SAFETY: two strings that end in zero and live for the call.
    check(unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), MOVEFILE_WRITE_THROUGH) })
}

/// Directories are not synced here: their file system logs what happens to them.
#[allow(clippy::unnecessary_wraps)] // elsewhere it may fail
pub(crate) fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// The file without its maker's lock, opened anew, since a handle may remember the name that it was opened by.
pub(crate) fn unlocked(file: File, path: &Path) -> io::Result<File> {
    let anew = open(path, Access::ReadWrite)?;
    if file_id(&anew)?.inode == file_id(&file)?.inode {
        Ok(anew) // and the lock goes with the old handle
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}
