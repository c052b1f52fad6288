//! A platform without maps: everything compiles, and says that it cannot.

use super::{LockRequest, MapRequest, ReserveRequest};
use crate::file::FileId;
use crate::map::Access;
use std::fs::File;
use std::io;
use std::path::Path;

pub(crate) use super::sleep::{wait, wake};

/// There is no value of it.
pub(crate) enum Mapping {}

impl Mapping {
    pub(crate) fn new(_request: &MapRequest<'_>) -> io::Result<Mapping> {
        unsupported()
    }

    pub(crate) fn base(&self) -> *mut u8 {
        match *self {}
    }

    pub(crate) fn flush(&self, _offset: usize, _len: usize) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn unmap(self) -> io::Result<()> {
        match self {}
    }
}

fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(crate) fn granularity() -> u64 {
    1 << 16
}

pub(crate) fn reserve(_request: &ReserveRequest<'_>) -> io::Result<()> {
    unsupported()
}

pub(crate) fn keeps_reserved_space(_file: &File, _len: u64) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn file_id(_file: &File) -> io::Result<FileId> {
    unsupported()
}

pub(crate) fn is_remote(_file: &File) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn open(_path: &Path, _access: Access) -> io::Result<File> {
    unsupported()
}

pub(crate) fn create_new(_path: &Path) -> io::Result<File> {
    unsupported()
}

pub(crate) fn open_for_sweep(_path: &Path) -> io::Result<File> {
    unsupported()
}

pub(crate) fn rename_without_replacing(_from: &Path, _to: &Path) -> io::Result<()> {
    unsupported()
}

pub(crate) fn sync_directory(_path: &Path) -> io::Result<()> {
    unsupported()
}

pub(crate) fn lock(_request: &LockRequest<'_>) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn is_locked_elsewhere(_file: &File, _byte: u64) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn boot_id() -> Option<[u8; 16]> {
    None
}

pub(crate) fn wall_ms() -> u64 {
    std::time::UNIX_EPOCH.elapsed().map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
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

/// No faults, since there are no maps.
pub(crate) mod guard {
    use crate::fault::GuardState;
    use std::io;

    pub(crate) fn install() -> io::Result<()> {
        super::unsupported()
    }

    pub(crate) fn remove() -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn state() -> GuardState {
        GuardState::Absent
    }
}

pub(crate) fn page_size() -> usize {
    1 << 12
}
