//! `errno`, which a signal handler has to leave as it was.

#[cfg(any(target_os = "solaris", target_os = "illumos"))]
use libc::___errno as location;
#[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
use libc::__errno as location;
#[cfg(any(target_os = "linux", target_os = "emscripten"))]
use libc::__errno_location as location;
#[cfg(any(target_vendor = "apple", target_os = "freebsd", target_os = "dragonfly"))]
use libc::__error as location;

fn place() -> *mut libc::c_int {
    // SAFETY: asks where this thread's is.
    unsafe { location() }
}

pub(super) fn get() -> libc::c_int {
    // SAFETY: this thread's own integer.
    unsafe { place().read() }
}

pub(super) fn set(value: libc::c_int) {
    // SAFETY: this thread's own integer.
    unsafe { place().write(value) }
}
