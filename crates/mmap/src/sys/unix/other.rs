//! Unix systems other than Linux. What they have no common way for says that it cannot.

pub(crate) use super::super::sleep::{wait, wake};
use super::super::{LockRequest, ReserveRequest};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn leave_out_of_dumps(_base: *mut u8, _len: usize) {}

/// Zeroes written behind the old end.
pub(crate) fn reserve(request: &ReserveRequest<'_>) -> io::Result<()> {
    static ZEROES: [u8; 1 << 16] = [0; 1 << 16];
    let mut at = request.before;
    while at < request.len {
        let len = usize::try_from((request.len - at).min(1 << 16)).unwrap_or(1);
        request.file.write_all_at(&ZEROES[..len], at)?;
        at += len as u64;
    }
    Ok(())
}

pub(crate) fn keeps_reserved_space(_file: &File, _len: u64) -> io::Result<bool> {
    Ok(false)
}

pub(crate) fn is_remote(_file: &File) -> io::Result<bool> {
    Ok(false)
}

pub(crate) fn rename_without_replacing(_from: &Path, _to: &Path) -> io::Result<()> {
    unsupported()
}

pub(crate) fn lock(_request: &LockRequest<'_>) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn is_locked_elsewhere(_file: &File, _byte: u64) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn wall_ms() -> u64 {
    std::time::UNIX_EPOCH.elapsed().map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

pub(crate) fn boot_id() -> Option<[u8; 16]> {
    None
}

pub(crate) fn process_start_of(_pid: u32) -> Option<u64> {
    None
}

pub(crate) fn pid_namespace() -> Option<u64> {
    None
}

pub(crate) fn can_be_read(_address: usize) -> bool {
    false
}
