//! POSIX: maps, files, and the clock. What only one system has is in `linux` (or, for all others, in
//! `other`).

#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "linux/mod.rs")]
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "other.rs")]
mod system;

mod at_fork;
mod call;
mod code;
mod context;
mod errno;
mod files;
pub(crate) mod fork;
pub(crate) mod guard;
mod limits;
mod locks;
mod mapping;
mod pages;

pub(crate) use call::{granularity, page_size};
pub(crate) use code::synchronise_code;
pub(crate) use files::{
    create_new, disk_bytes, file_id, give_name, is_foreign, is_shared_folder, open, open_by, open_no_link,
    open_unchecked, sync_directory, unlocked,
};
pub(crate) use limits::{file_size_limit, is_too_many_files, lock_limit, map_limits};
pub(crate) use locks::{LockTable, is_locked_elsewhere, lock};
pub(crate) use mapping::Mapping;

pub(crate) use system::{
    boot_id, boot_ms, is_remote, is_sealed, keeps_reserved_space, memory_file, pid_namespace, process_age_ms,
    process_start_of, punch, reserve, reserve_range, seal, start_writeback, store_fault, wait, wake, wall_ms,
};

/// Whether a map may be longer than its file.
pub(crate) const MAPS_BEYOND_THE_END: bool = true;
