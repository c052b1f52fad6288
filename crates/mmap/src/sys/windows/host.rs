//! Clocks and processes.

use windows_sys::Win32::Foundation::{CloseHandle, FILETIME, WAIT_TIMEOUT};
use windows_sys::Win32::System::SystemInformation::GetSystemTimeAsFileTime;
use windows_sys::Win32::System::Threading::{
    GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION, PROCESS_SYNCHRONIZE, WaitForSingleObject,
};

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
