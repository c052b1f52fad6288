//! Locks on single bytes: `LockFileEx`, made to act as POSIX locks do: a lock can be taken again, and changed between
//! shared and exclusive.

use super::call::check;
use crate::sys::request::{ByteLock, LockQuery, LockRequest};
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::windows::io::AsRawHandle;
use std::sync::{Mutex, MutexGuard, PoisonError};
use windows_sys::Win32::Foundation::{ERROR_IO_PENDING, ERROR_LOCK_VIOLATION};
use windows_sys::Win32::Storage::FileSystem::{
    LOCKFILE_EXCLUSIVE_LOCK, LOCKFILE_FAIL_IMMEDIATELY, LockFileEx, UnlockFileEx,
};
use windows_sys::Win32::System::IO::OVERLAPPED;

/// Which bytes this file has locked, exclusively or not: the system counts locks, and refuses one to its own holder.
#[derive(Default, Debug)]
pub(crate) struct LockTable(Mutex<HashMap<u64, Held>>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Held {
    Shared,
    Exclusive,
}

impl LockTable {
    pub(crate) fn of(_file: &File) -> LockTable {
        LockTable::default()
    }

    fn held(&self) -> MutexGuard<'_, HashMap<u64, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn lock(table: &LockTable, request: &LockRequest<'_>) -> io::Result<bool> {
    let LockRequest { file, byte, .. } = *request;
    let mut held = table.held();
    let before = held.get(&byte).copied();
    let now = match (before, request.lock) {
        (None, ByteLock::Unlocked) => None,
        (Some(_), ByteLock::Unlocked) => {
            unlock_byte(file, byte)?;
            None
        }
        (Some(Held::Exclusive), ByteLock::Exclusive) => before,
        (Some(Held::Shared), ByteLock::Shared) => before,
        (None, ByteLock::Exclusive) => try_lock(file, byte, Held::Exclusive)?,
        (None, ByteLock::Shared) => try_lock(file, byte, Held::Shared)?,
        (Some(Held::Shared), ByteLock::Exclusive) => raise(file, byte)?,
        (Some(Held::Exclusive), ByteLock::Shared) => {
            // Both at once; the first unlocking takes the exclusive one.
            try_lock(file, byte, Held::Shared)?;
            unlock_byte(file, byte)?;
            Some(Held::Shared)
        }
    };
    let _ = match now {
        Some(kind) => held.insert(byte, kind),
        None => held.remove(&byte),
    };
    Ok(match request.lock {
        ByteLock::Unlocked => true,
        ByteLock::Shared => now.is_some(),
        ByteLock::Exclusive => now == Some(Held::Exclusive),
    })
}

/// From shared to exclusive, or back to shared. There is a moment without.
fn raise(file: &File, byte: u64) -> io::Result<Option<Held>> {
    unlock_byte(file, byte)?;
    match try_lock(file, byte, Held::Exclusive)? {
        None => try_lock(file, byte, Held::Shared),
        exclusive => Ok(exclusive),
    }
}

/// There is nothing to ask: it is tried, around what we hold ourselves.
pub(crate) fn is_locked_elsewhere(table: &LockTable, query: &LockQuery<'_>) -> io::Result<bool> {
    let held = table.held();
    let mut ours: Vec<u64> = held.keys().copied().filter(|byte| query.bytes.contains(byte)).collect();
    ours.sort_unstable();
    let mut start = query.bytes.start;
    for byte in ours {
        if is_refused(query, start..byte)? || is_shared_elsewhere(query, byte, held.get(&byte).copied())? {
            return Ok(true);
        }
        start = byte + 1;
    }
    is_refused(query, start..query.bytes.end)
}

/// Would a lock on bytes that we do not hold be refused?
fn is_refused(query: &LockQuery<'_>, bytes: Range<u64>) -> io::Result<bool> {
    if bytes.is_empty() {
        return Ok(false);
    }
    let kind = if matches!(query.lock, ByteLock::Exclusive) { Held::Exclusive } else { Held::Shared };
    match try_lock_range(query.file, bytes.clone(), kind)? {
        None => Ok(true),
        Some(_) => unlock_range(query.file, bytes).map(|()| false),
    }
}

/// Whether a byte that we hold so is shared with somebody, if that is asked for.
fn is_shared_elsewhere(query: &LockQuery<'_>, byte: u64, held: Option<Held>) -> io::Result<bool> {
    if held != Some(Held::Shared) || !matches!(query.lock, ByteLock::Exclusive) {
        return Ok(false);
    }
    let raised = raise(query.file, byte)? == Some(Held::Exclusive);
    if raised {
        try_lock(query.file, byte, Held::Shared)?;
        unlock_byte(query.file, byte)?;
    }
    Ok(!raised)
}

fn place(byte: u64) -> io::Result<OVERLAPPED> {
    if i64::try_from(byte).map_or(true, |byte| byte == i64::MAX) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut place = OVERLAPPED::default();
    let [low, high] = halves(byte);
    place.Anonymous.Anonymous.Offset = low;
    place.Anonymous.Anonymous.OffsetHigh = high;
    Ok(place)
}

/// The low half of a number, then the high one.
fn halves(number: u64) -> [u32; 2] {
    [number & u64::from(u32::MAX), number >> 32].map(|half| u32::try_from(half).unwrap_or(0))
}

fn try_lock(file: &File, byte: u64, kind: Held) -> io::Result<Option<Held>> {
    try_lock_range(file, byte..byte + 1, kind)
}

fn try_lock_range(file: &File, bytes: Range<u64>, kind: Held) -> io::Result<Option<Held>> {
    let (mut place, [low, high]) = (place(bytes.start)?, halves(bytes.end - bytes.start));
    let exclusive = if kind == Held::Exclusive { LOCKFILE_EXCLUSIVE_LOCK } else { 0 };
    let flags = LOCKFILE_FAIL_IMMEDIATELY | exclusive;
    // SAFETY: the handle is open, and the place lives for the call, which does not wait.
    match check(unsafe { LockFileEx(file.as_raw_handle(), flags, 0, low, high, &raw mut place) }) {
        Ok(()) => Ok(Some(kind)),
        Err(error) if is_refusal(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn unlock_byte(file: &File, byte: u64) -> io::Result<()> {
    unlock_range(file, byte..byte + 1)
}

fn unlock_range(file: &File, bytes: Range<u64>) -> io::Result<()> {
    let (mut place, [low, high]) = (place(bytes.start)?, halves(bytes.end - bytes.start));
    // SAFETY: the handle is open, and the place lives for the call.
    check(unsafe { UnlockFileEx(file.as_raw_handle(), 0, low, high, &raw mut place) })
}

fn is_refusal(error: &io::Error) -> bool {
    let code = error.raw_os_error().and_then(|code| u32::try_from(code).ok());
    matches!(code, Some(ERROR_LOCK_VIOLATION | ERROR_IO_PENDING))
}
