//! The platform: the only place that knows which one it is.
//!
//! `unix`, `windows` and `none` have the same functions, which take one request and return what the system
//! says. Everything above is the same code everywhere.

#![cfg_attr(not(unix), allow(dead_code))] // requests that nobody reads

#[cfg(not(unix))]
pub(crate) mod fork;
#[cfg(unix)]
pub(crate) use unix::fork;

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{
    LockTable, MAPS_BEYOND_THE_END, Mapping, boot_id, boot_ms, create_new, disk_bytes, file_id, give_name,
    granularity, guard, is_locked_elsewhere, is_remote, is_sealed, keeps_reserved_space, lock, lock_limit,
    memory_file, open, open_for_sweep, page_size, pid_namespace, process_age_ms, process_start_of, punch,
    reserve, reserve_range, seal, start_writeback, store_fault, sync_directory, synchronise_code, unlocked,
    wait, wake, wall_ms,
};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::{
    LockTable, MAPS_BEYOND_THE_END, Mapping, boot_id, boot_ms, create_new, disk_bytes, file_id, give_name,
    granularity, guard, is_locked_elsewhere, is_remote, is_sealed, keeps_reserved_space, lock, lock_limit,
    memory_file, open, open_for_sweep, page_size, pid_namespace, process_age_ms, process_start_of, punch,
    reserve, reserve_range, seal, start_writeback, store_fault, sync_directory, synchronise_code, unlocked,
    wait, wake, wall_ms,
};

#[cfg(not(any(unix, windows)))]
mod none;
#[cfg(not(any(unix, windows)))]
pub(crate) use none::{
    LockTable, MAPS_BEYOND_THE_END, Mapping, boot_id, boot_ms, create_new, disk_bytes, file_id, give_name,
    granularity, guard, is_locked_elsewhere, is_remote, is_sealed, keeps_reserved_space, lock, lock_limit,
    memory_file, open, open_for_sweep, page_size, pid_namespace, process_age_ms, process_start_of, punch,
    reserve, reserve_range, seal, start_writeback, store_fault, sync_directory, synchronise_code, unlocked,
    wait, wake, wall_ms,
};

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod sleep;

use crate::access::Access;
use std::fs::File;
use std::time::Duration;

/// What may be done with mapped pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Protection {
    Read,
    ReadWrite,
    ReadExecute,
}

impl Protection {
    pub(crate) fn access(self) -> Access {
        if self == Protection::ReadWrite { Access::ReadWrite } else { Access::ReadOnly }
    }
}

impl From<Access> for Protection {
    fn from(access: Access) -> Protection {
        match access {
            Access::ReadOnly => Protection::Read,
            Access::ReadWrite => Protection::ReadWrite,
        }
    }
}

/// Whose writes are whose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sharing {
    Shared,
    Private,
}

/// Map `len` bytes of the file from `offset`, a multiple of the granularity, or `len` zeroes of no file. `len` is not
/// 0.
pub(crate) struct MapRequest<'a> {
    pub(crate) file: Option<&'a File>,
    pub(crate) sharing: Sharing,
    pub(crate) protection: Protection,
    pub(crate) offset: u64,
    pub(crate) len: usize,
}

/// Map a part of the file, in whole pages, into reserved address space at the same place.
pub(crate) struct GrowRequest<'a> {
    pub(crate) file: &'a File,
    pub(crate) access: Access,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// Bytes of a mapping, which begins at a page. Never empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PageRange {
    pub(crate) offset: usize,
    pub(crate) len: usize,
}

impl PageRange {
    /// All pages that it touches.
    pub(crate) fn outwards(self) -> PageRange {
        let page = page_size();
        let offset = self.offset - self.offset % page;
        PageRange { offset, len: (self.offset + self.len).next_multiple_of(page) - offset }
    }

    /// All pages that it covers, if there are any.
    pub(crate) fn inwards(self) -> Option<PageRange> {
        let page = page_size();
        let offset = self.offset.next_multiple_of(page);
        let end = (self.offset + self.len) / page * page;
        (offset < end).then(|| PageRange { offset, len: end - offset })
    }
}

/// Make the file, which has `before` bytes, at least `len` long, with space.
pub(crate) struct ReserveRequest<'a> {
    pub(crate) file: &'a File,
    pub(crate) before: u64,
    pub(crate) len: u64,
}

/// Bytes of a file, within its length. Never empty.
pub(crate) struct RangeRequest<'a> {
    pub(crate) file: &'a File,
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

/// What a byte's lock is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LockMode {
    Exclusive,
    Shared,
    Unlocked,
}

/// Lock or unlock one byte, without waiting. The table is that of this file alone.
pub(crate) struct LockRequest<'a> {
    pub(crate) file: &'a File,
    #[cfg_attr(not(windows), allow(dead_code))] // other systems remember for themselves
    pub(crate) table: &'a LockTable,
    pub(crate) byte: u64,
    pub(crate) mode: LockMode,
}

/// Sleep while the word is `expected` (as it lies in memory); `None` is for ever.
#[allow(clippy::disallowed_types)] // a word of the map, on its way from `word` to the system
pub(crate) struct WaitRequest<'a> {
    pub(crate) word: &'a std::sync::atomic::AtomicU32,
    pub(crate) expected: u32,
    pub(crate) timeout: Option<Duration>,
}

/// Why a sleep ended.
pub(crate) enum Waited {
    /// Somebody woke us, or the word is another.
    Woken,
    /// The time ran out or a signal came: look at the clock.
    Interrupted,
}
