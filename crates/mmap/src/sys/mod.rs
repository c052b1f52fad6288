//! The platform: the only place that knows which one it is.
//!
//! `unix`, `windows` and `none` have the same functions, which take one request and return what the system
//! says. Everything above is the same code everywhere.

mod request;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod sleep;

#[cfg(not(any(unix, windows)))]
mod none;
#[cfg(not(unix))]
pub(crate) mod single;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(not(any(unix, windows)))]
use none as platform;
#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
use windows as platform;

pub(crate) use platform::{
    LockTable, MAPS_BEYOND_THE_END, Mapping, boot_id, boot_ms, create_new, disk_bytes, file_id,
    file_size_limit, fork, give_name, granularity, guard, is_foreign, is_locked_elsewhere, is_remote,
    is_sealed, is_shared_folder, is_too_many_files, keeps_reserved_space, lock, lock_limit, map_limits,
    memory_file, open, open_by, open_no_link, open_unchecked, page_size, pid_namespace, process_age_ms,
    process_start_of, punch, reserve, reserve_range, seal, start_writeback, store_fault, sync_directory,
    synchronise_code, unlocked, wait, wake, wall_ms,
};
pub(crate) use request::{
    ByteLock, GrowRequest, LockQuery, LockRequest, MapLimits, MapRequest, PageRange, Protection,
    RangeRequest, ReserveRequest, Sharing, WaitRequest, Waited,
};
