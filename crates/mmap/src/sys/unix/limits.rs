//! Limits of this process.

use super::call::check;
use super::system;
use crate::sys::request::MapLimits;
use std::io;

/// None if it is not limited, or not known.
fn limit(ask: impl FnOnce(*mut libc::rlimit) -> libc::c_int) -> Option<u64> {
    let mut limit = std::mem::MaybeUninit::<libc::rlimit>::uninit();
    check(ask(limit.as_mut_ptr())).ok()?;
    // SAFETY: the call succeeded, and so it filled the answer.
    let limit = unsafe { limit.assume_init() };
    #[allow(clippy::unnecessary_cast)] // 32 bits wide on some systems
    (limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur as u64)
}

/// Bytes that may be locked in memory.
pub(crate) fn lock_limit() -> Option<u64> {
    // SAFETY: asks for a limit, and has room for the answer.
    limit(|answer| unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, answer) })
}

/// Bytes to which a file may grow. Beyond it the system ends the process.
pub(crate) fn file_size_limit() -> Option<u64> {
    // SAFETY: asks for a limit, and has room for the answer.
    limit(|answer| unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, answer) })
}

pub(crate) fn map_limits() -> MapLimits {
    // SAFETY: asks for a limit, and has room for the answer.
    let address_bytes = limit(|answer| unsafe { libc::getrlimit(libc::RLIMIT_AS, answer) });
    MapLimits { address_bytes, maps: system::most_maps() }
}

/// Is it that this process, or the system, may open no more files?
pub(crate) fn is_too_many_files(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}
