//! Windows: sections and views, locks of byte ranges, in-page errors.
//!
//! What differs from other systems: maps begin at multiples of 64 KiB. A mapped file cannot be cut shorter or renamed
//! over. Locks are mandatory, so locked bytes lie beyond the end of the file.

mod call;
mod files;
pub(crate) mod guard;
mod host;
mod locks;
mod mapping;

pub(crate) use super::single as fork;
pub(crate) use super::sleep::{wait, wake};
pub(crate) use call::{granularity, page_size};
pub(crate) use files::{
    create_new, disk_bytes, file_id, give_name, is_foreign, is_remote, is_shared_folder,
    keeps_reserved_space, open, open_by, open_no_link, open_unchecked, punch, reserve, reserve_range,
    sync_directory, unlocked,
};
pub(crate) use host::{boot_id, boot_ms, pid_namespace, process_age_ms, process_start_of, wall_ms};
pub(crate) use locks::{LockTable, is_locked_elsewhere, lock};
pub(crate) use mapping::{Mapping, lock_limit, synchronise_code};

use crate::fault::FaultKind;
use crate::seal::Seal;
use crate::sys::request::{MapLimits, unsupported};
use std::fs::File;
use std::io;
use windows_sys::Win32::Foundation::ERROR_TOO_MANY_OPEN_FILES;

/// Whether a map may be longer than its file.
pub(crate) const MAPS_BEYOND_THE_END: bool = false;

/// Files grow as far as there is room.
pub(crate) fn file_size_limit() -> Option<u64> {
    None
}

/// None that a program could ask for.
pub(crate) fn map_limits() -> MapLimits {
    MapLimits { address_bytes: None, maps: None }
}

pub(crate) fn is_too_many_files(error: &io::Error) -> bool {
    error.raw_os_error().and_then(|code| u32::try_from(code).ok()) == Some(ERROR_TOO_MANY_OPEN_FILES)
}

/// Nothing tells why.
pub(crate) fn store_fault(_address: usize) -> FaultKind {
    FaultKind::Missing
}

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
