//! A platform without maps: everything compiles, and says that it cannot.

use super::request::{
    GrowRequest, LockQuery, LockRequest, MapRequest, PageRange, Protection, RangeRequest, ReserveRequest,
};
use crate::access::Access;
use crate::advice::{Advice, Discard, LockMode};
use crate::durability::Durability;
use crate::fault::FaultKind;
use crate::identity::FileId;
use crate::seal::Seal;
use crate::sys::request::{MapLimits, unsupported};
use std::fs::File;
use std::io;
use std::path::Path;

pub(crate) use super::single as fork;
pub(crate) use super::sleep::{wait, wake};

/// Whether a map may be longer than its file.
pub(crate) const MAPS_BEYOND_THE_END: bool = false;

/// There is no value of it.
pub(crate) enum Mapping {}

impl Mapping {
    pub(crate) fn new(_request: &MapRequest<'_>) -> io::Result<Mapping> {
        unsupported()
    }

    pub(crate) fn reserve(_len: usize, _file: &File, _access: Access) -> io::Result<Mapping> {
        unsupported()
    }

    pub(crate) fn grow(&self, _request: &GrowRequest<'_>) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn base(&self) -> *mut u8 {
        match *self {}
    }

    pub(crate) fn flush(&self, _range: PageRange) -> io::Result<Durability> {
        match *self {}
    }

    pub(crate) fn advise(&self, _range: PageRange, _advice: Advice) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn discard(&self, _range: PageRange, _discard: Discard) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn populate(&self, _range: PageRange, _access: Access) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn residency(&self, _range: PageRange) -> io::Result<Vec<bool>> {
        match *self {}
    }

    pub(crate) fn lock(&self, _range: PageRange, _mode: LockMode) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn unlock(&self, _range: PageRange) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn protect(&self, _protection: Protection) -> io::Result<()> {
        match *self {}
    }

    pub(crate) fn huge_bytes(&self) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn unmap(self) -> io::Result<()> {
        match self {}
    }
}

/// Nothing is ever locked.
#[derive(Default, Debug)]
pub(crate) struct LockTable(());

impl LockTable {
    pub(crate) fn of(_file: &File) -> LockTable {
        LockTable(())
    }
}

pub(crate) fn granularity() -> u64 {
    1 << 16
}

pub(crate) fn reserve(_request: &ReserveRequest<'_>) -> io::Result<()> {
    unsupported()
}

pub(crate) fn reserve_range(_request: &RangeRequest<'_>) -> io::Result<()> {
    unsupported()
}

pub(crate) fn punch(_request: &RangeRequest<'_>) -> io::Result<()> {
    unsupported()
}

pub(crate) fn disk_bytes(_file: &File) -> io::Result<u64> {
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

pub(crate) fn open_by(_options: &std::fs::OpenOptions, _path: &Path) -> io::Result<File> {
    unsupported()
}

pub(crate) fn open(_path: &Path, _access: Access) -> io::Result<File> {
    unsupported()
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

pub(crate) fn create_new(_path: &Path) -> io::Result<File> {
    unsupported()
}

pub(crate) fn open_unchecked(_path: &Path) -> io::Result<File> {
    unsupported()
}

pub(crate) fn give_name(_from: &Path, _to: &Path) -> io::Result<()> {
    unsupported()
}

pub(crate) fn sync_directory(_path: &Path) -> io::Result<()> {
    unsupported()
}

pub(crate) fn lock(_table: &LockTable, _request: &LockRequest<'_>) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn is_locked_elsewhere(_table: &LockTable, _query: &LockQuery<'_>) -> io::Result<bool> {
    unsupported()
}

/// Nothing tells one boot from another here, so that the time since one means nothing.
pub(crate) fn boot_ms() -> Option<u64> {
    None
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

pub(crate) fn process_age_ms(_pid: u32) -> Option<u64> {
    None
}

pub(crate) fn pid_namespace() -> Option<u64> {
    None
}

/// Files grow as far as there is room.
pub(crate) fn file_size_limit() -> Option<u64> {
    None
}

/// None that a program could ask for.
pub(crate) fn map_limits() -> MapLimits {
    MapLimits { address_bytes: None, maps: None }
}

pub(crate) fn is_too_many_files(_error: &io::Error) -> bool {
    false
}

/// Nothing tells why.
pub(crate) fn store_fault(_address: usize) -> FaultKind {
    FaultKind::Missing
}

/// No faults, since there are no maps.
pub(crate) mod guard {
    use crate::fault::GuardState;
    use std::io;

    /// There is nothing to be sent anywhere.
    pub(crate) const FINDS_EXITS: bool = false;

    pub(crate) fn install() -> io::Result<()> {
        crate::sys::request::unsupported()
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

pub(crate) fn lock_limit() -> Option<u64> {
    None
}

pub(crate) fn synchronise_code(_base: *const u8, _len: usize) {}

pub(crate) fn start_writeback(_file: &File, _offset: u64, _len: u64) -> io::Result<()> {
    unsupported()
}

pub(crate) fn memory_file() -> io::Result<File> {
    unsupported()
}

pub(crate) fn seal(_file: &File, _seal: Seal) -> io::Result<()> {
    unsupported()
}

pub(crate) fn is_sealed(_file: &File) -> io::Result<bool> {
    unsupported()
}

pub(crate) fn unlocked(_file: File, _path: &Path) -> io::Result<File> {
    unsupported()
}
