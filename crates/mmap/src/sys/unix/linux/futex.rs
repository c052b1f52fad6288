//! Waiting on a word of a map, across processes.

#![allow(clippy::disallowed_types)] // a word of the map, on its way from `word` to the futex

use crate::sys::request::{WaitRequest, Waited};
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) fn wait(request: &WaitRequest<'_>) -> Waited {
    let timeout = request.timeout.map(|timeout| libc::timespec {
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos() as libc::c_long,
    });
    let timeout = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let word = request.word.as_ptr();
    // SAFETY: an aligned word that stays mapped, and a time that lives for the call. Not private: sleepers
    // and wakers are of several processes.
    let outcome =
        unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAIT, request.expected, timeout) };
    if outcome == 0 {
        return Waited::Woken;
    }
    match io::Error::last_os_error().raw_os_error() {
        Some(libc::EINTR | libc::ETIMEDOUT) => Waited::Interrupted,
        _ if request.word.load(Ordering::Relaxed) != request.expected => Waited::Woken,
        // It cannot sleep here (a fault, an odd file system): do not burn the processor instead.
        _ => {
            std::thread::sleep(std::time::Duration::from_millis(1));
            Waited::Interrupted
        }
    }
}

pub(crate) fn wake(word: &AtomicU32, count: i32) {
    // SAFETY: an aligned word that stays mapped; nothing is written.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, count) };
}
