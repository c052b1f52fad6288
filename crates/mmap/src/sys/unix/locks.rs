//! Locks on single bytes. The system remembers what a file has locked.

use super::system;
use crate::sys::request::LockRequest;
use std::fs::File;
use std::io;

/// Nothing to remember.
#[derive(Default, Debug)]
pub(crate) struct LockTable(());

pub(crate) fn lock(_table: &LockTable, request: &LockRequest<'_>) -> io::Result<bool> {
    system::lock(request)
}

pub(crate) fn is_locked_elsewhere(_table: &LockTable, file: &File, byte: u64) -> io::Result<bool> {
    system::is_locked_elsewhere(file, byte)
}
