//! Windows: sections and views, locks of byte ranges, in-page errors.
//!
//! What differs from the rest: maps begin at multiples of 64 KiB; a mapped file cannot be cut shorter or renamed over;
//! locks are mandatory, so that locked bytes lie beyond the end of the file.

mod files;
pub(crate) mod guard;
mod locks;
mod mapping;

pub(crate) use super::sleep::{wait, wake};
pub(crate) use files::{
    create_new, disk_bytes, file_id, give_name, is_remote, keeps_reserved_space, open, open_for_sweep, punch,
    reserve, reserve_range, sync_directory, unlocked,
};
pub(crate) use locks::{LockTable, is_locked_elsewhere, lock};
pub(crate) use mapping::{Mapping, lock_limit, synchronise_code};

use crate::fault::FaultKind;
use crate::seal::Seal;
use std::fs::File;
use std::io;
use std::sync::OnceLock;
use windows_sys::Win32::Foundation::{CloseHandle, FILETIME, WAIT_TIMEOUT};
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, GetSystemTimeAsFileTime, SYSTEM_INFO};
use windows_sys::Win32::System::Threading::{
    GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE, WaitForSingleObject,
};

/// What a call that answers 0 for a failure says.
fn check(outcome: i32) -> io::Result<()> {
    if outcome == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

struct Sizes {
    page: usize,
    granularity: u64,
}

fn sizes() -> &'static Sizes {
    static SIZES: OnceLock<Sizes> = OnceLock::new();
    SIZES.get_or_init(|| {
        let mut info = SYSTEM_INFO::default();
        // SAFETY: there is room for the answer.
        unsafe { GetSystemInfo(&raw mut info) };
        Sizes {
            page: usize::try_from(info.dwPageSize).unwrap_or(1 << 12),
            granularity: info.dwAllocationGranularity.into(),
        }
    })
}

/// Maps begin at multiples of this.
pub(crate) fn granularity() -> u64 {
    sizes().granularity
}

/// Whether a map may be longer than its file.
pub(crate) const MAPS_BEYOND_THE_END: bool = false;

/// Bytes of a page.
pub(crate) fn page_size() -> usize {
    sizes().page
}

fn ticks(time: FILETIME) -> u64 {
    u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)
}

/// Ticks of 100 ns are counted from 1601.
pub(crate) fn wall_ms() -> u64 {
    const TO_1970: u64 = 11_644_473_600_000;
    let mut now = FILETIME::default();
    // SAFETY: there is room for the answer.
    unsafe { GetSystemTimeAsFileTime(&raw mut now) };
    (ticks(now) / 10_000).saturating_sub(TO_1970)
}

/// Nothing tells one boot from another here, so that the time since one means nothing.
pub(crate) fn boot_ms() -> Option<u64> {
    None
}

/// The system has none that a program may rely on.
pub(crate) fn boot_id() -> Option<[u8; 16]> {
    None
}

pub(crate) fn process_start_of(pid: u32) -> Option<u64> {
    // SAFETY: asks for a handle that can only be asked and waited for.
    let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_SYNCHRONIZE, 0, pid) };
    if process.is_null() {
        return None;
    }
    let [mut start, mut end, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: the handle is open, and there is room for four answers.
    let outcome =
        unsafe { GetProcessTimes(process, &raw mut start, &raw mut end, &raw mut kernel, &raw mut user) };
    // A process that has ended can be asked as long as anybody, such as its parent, holds a handle to it.
    // SAFETY: the handle is open; does not wait.
    let runs = unsafe { WaitForSingleObject(process, 0) } == WAIT_TIMEOUT;
    // SAFETY: opened above, and not used again.
    unsafe { CloseHandle(process) };
    (runs && outcome != 0).then(|| ticks(start))
}

/// Starts are told as ticks since 1601, as the time is.
pub(crate) fn process_age_ms(pid: u32) -> Option<u64> {
    let mut now = FILETIME::default();
    // SAFETY: there is room for the answer.
    unsafe { GetSystemTimeAsFileTime(&raw mut now) };
    Some(ticks(now).saturating_sub(process_start_of(pid)?) / 10_000)
}

pub(crate) fn pid_namespace() -> Option<u64> {
    None
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
