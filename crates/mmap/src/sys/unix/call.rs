//! How a call of the system is made and judged, and the size of a page.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a call that answers -1 for a failure says.
pub(super) fn check(outcome: libc::c_int) -> io::Result<()> {
    if outcome == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Calls again while a signal interrupts.
#[allow(dead_code)] // not every system has such calls
pub(super) fn retry(mut call: impl FnMut() -> libc::c_int) -> io::Result<()> {
    loop {
        match check(call()) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Maps begin at multiples of this.
#[inline]
pub(crate) fn granularity() -> u64 {
    page_size() as u64
}

/// Bytes of a page, asked for once.
#[inline]
pub(crate) fn page_size() -> usize {
    static SIZE: AtomicUsize = AtomicUsize::new(0);
    match SIZE.load(Ordering::Relaxed) {
        0 => {
            // SAFETY: asks for a number.
            let asked = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
            let size = usize::try_from(asked).unwrap_or(1 << 16);
            SIZE.store(size, Ordering::Relaxed);
            size
        }
        size => size,
    }
}
