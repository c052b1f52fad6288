//! What only Linux has: `fallocate`, locks of open file descriptions, futexes, `/proc`, and file systems with
//! numbers.

mod file_system;
mod futex;
mod host;
mod locks;
mod memory_file;
mod names;
mod pages;
mod space;

pub(super) use file_system::Backing;
pub(crate) use file_system::{is_remote, keeps_reserved_space};
pub(crate) use futex::{wait, wake};
pub(crate) use host::{boot_id, boot_ms, pid_namespace, process_age_ms, process_start_of, wall_ms};
pub(crate) use locks::{Hold, is_locked_elsewhere, lock};
pub(crate) use memory_file::{is_sealed, memory_file, seal};
pub(super) use names::rename_without_replacing;
pub(crate) use pages::store_fault;
pub(super) use pages::{advice, discard, huge_bytes, leave_out_of_dumps, lock_on_fault, most_maps, populate};
pub(crate) use space::{punch, reserve, reserve_range, start_writeback};

/// Offsets of 64 bits, on every processor.
pub(super) use libc::{mmap64 as mmap, off64_t as off_t};

/// Addresses alone, for which no memory is set aside.
pub(super) const NO_RESERVE: libc::c_int = libc::MAP_NORESERVE;

/// The page that most processors have beside the usual one.
pub(super) const HUGE_PAGE: Option<usize> = Some(2 << 20);
