//! Which life of the machine and of a process this is, and what time it is.

use crate::{hooks, sys};

/// What tells one boot of the machine from another. `None` if the system does not say.
///
/// ```
/// assert_eq!(samovar_mmap::boot_id(), samovar_mmap::boot_id());
/// ```
pub fn boot_id() -> Option<[u8; 16]> {
    sys::boot_id()
}

/// Milliseconds since 1970, by the clock on the wall, which may be set back. As coarse as is cheap: a few
/// milliseconds.
///
/// ```
/// assert!(samovar_mmap::wall_ms() > 1_600_000_000_000);
/// ```
#[inline]
pub fn wall_ms() -> u64 {
    hooks::clock().map_or_else(sys::wall_ms, |clock| clock.wall_ms)
}

/// Milliseconds since the boot that [`boot_id`] names, by a clock that is never set and that goes on while the machine sleeps.
/// In whichever time namespace this process is, it is the time of the first one, which processes share. `None` if the
/// system has no such clock, or does not tell the offset of the namespace.
///
/// ```
/// let before = samovar_mmap::boot_ms();
/// assert!(before <= samovar_mmap::boot_ms());
/// ```
#[inline]
pub fn boot_ms() -> Option<u64> {
    hooks::clock().map_or_else(sys::boot_ms, |clock| Some(clock.boot_ms))
}

/// When this process started, in a unit of the system's own: two processes that had the same number in turn
/// differ in it.
///
/// ```
/// assert_eq!(samovar_mmap::process_start(), samovar_mmap::process_start_of(std::process::id()));
/// ```
pub fn process_start() -> Option<u64> {
    process_start_of(std::process::id())
}

/// When the process with this number started. `None` if there is none, if it has ended, or if the system does not say.
pub fn process_start_of(pid: u32) -> Option<u64> {
    sys::process_start_of(pid)
}

/// For how many milliseconds the process with this number has been running. `None` as for [`process_start_of`].
///
/// ```
/// assert!(samovar_mmap::process_age_ms(u32::MAX).is_none());
/// ```
pub fn process_age_ms(pid: u32) -> Option<u64> {
    sys::process_age_ms(pid)
}

/// The name space in which this process's number means something. `None` if the system has none.
pub fn pid_namespace() -> Option<u64> {
    sys::pid_namespace()
}
