//! Giving a file its name.

use super::space::lacks;
use crate::sys::unix::call::check;
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub(in crate::sys::unix) fn rename_without_replacing(from: &Path, to: &Path) -> io::Result<()> {
    let from = CString::new(from.as_os_str().as_bytes())?;
    let to = CString::new(to.as_os_str().as_bytes())?;
    let here = libc::AT_FDCWD;
    // SAFETY: two strings that end in zero and live for the call. (By number, since not every libc has the
    // function.)
    let outcome = unsafe {
        libc::syscall(libc::SYS_renameat2, here, from.as_ptr(), here, to.as_ptr(), libc::RENAME_NOREPLACE)
    };
    let outcome = check(if outcome == 0 { 0 } else { -1 });
    outcome.map_err(|error| if lacks(&error) { io::ErrorKind::Unsupported.into() } else { error })
}
