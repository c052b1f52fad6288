//! Locks on single bytes. The system remembers what a file has locked; kept here is the description that has the locks.

use super::{fork, system};
use crate::sys::request::{LockQuery, LockRequest};
use std::fs::File;
use std::io;

/// Keeps the locks of one open file description even if all its descriptors are closed, where the system can.
#[derive(Default, Debug)]
pub(crate) struct LockTable {
    hold: Option<system::Hold>,
    /// A forked child has a copy of this, and has nothing to give up.
    made: usize,
}

impl LockTable {
    /// Without a hold, the locks last until a program closes descriptors that are not its own.
    pub(crate) fn of(file: &File) -> LockTable {
        LockTable { hold: system::Hold::of(file), made: fork::here() }
    }
}

impl Drop for LockTable {
    fn drop(&mut self) {
        if !fork::is_here(self.made) {
            std::mem::forget(self.hold.take());
        }
    }
}

pub(crate) fn lock(_table: &LockTable, request: &LockRequest<'_>) -> io::Result<bool> {
    system::lock(request)
}

pub(crate) fn is_locked_elsewhere(_table: &LockTable, query: &LockQuery<'_>) -> io::Result<bool> {
    system::is_locked_elsewhere(query)
}
