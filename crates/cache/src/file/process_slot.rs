//! A process's place among those who have the file open: its byte locks, its slot in the process table, and what it can
//! tell about the others.
//!
//! ```text
//!   a slot's byte is locked --> its process lives (the kernel frees the byte with the process, however it ends)
//!   it is free              --> dead, unless the process that the slot names still runs: then it lost its locks, as a
//!                               daemon does that closes every descriptor. It lives, and nothing of its is taken.
//! ```
//!
//! The number of a process is a veto only: that a process is gone is never concluded from it.

use crate::error::{Error, ErrorKind, Result};
use crate::format::hash::checksum;
use crate::format::layout::{self, PROCESS_SLOT_LEN, PROCESS_SLOTS, PROCESSES, lock_byte};
use crate::format::owner::Owner;
use samovar_mmap::{ByteLocks, FileId, View};
use std::path::Path;
use std::sync::Mutex;

/// Within a process slot.
const INCARNATION: usize = 0;
const PID: usize = 4;
const LIFE: usize = 8;

/// This process's place; a forked child has none of its parent's.
pub(crate) struct Place {
    pub(crate) locks: ByteLocks,
    /// Threads of this process take turns at the byte locks, which do not keep them apart.
    pub(crate) turns: Mutex<()>,
    /// The same for the byte of who resizes, who may hold it long.
    pub(crate) resizing: Mutex<()>,
    seat: Option<Seat>,
}

/// A process slot, in the incarnation that is ours. Only writers have one.
#[derive(Clone, Copy)]
pub(crate) struct Seat {
    pub(crate) process: u32,
    pub(crate) owner: Owner,
}

impl Place {
    /// Opens the file anew for its locks, and checks that the path still names it.
    pub(crate) fn open(path: &Path, id: FileId) -> Result<Self> {
        Ok(Place {
            locks: ByteLocks::open(path, id)?,
            turns: Mutex::new(()),
            resizing: Mutex::new(()),
            seat: None,
        })
    }

    /// Our process slot.
    #[inline]
    pub(crate) fn seat(&self) -> Option<Seat> {
        self.seat
    }

    /// Wins the byte of a free process slot, then names a new incarnation before the slot is used.
    pub(crate) fn take_seat(&mut self, file: View<'_>) -> Result<()> {
        for process in 0..PROCESS_SLOTS {
            if !self.locks.try_exclusive(lock_byte::process(process as u64))? {
                continue;
            }
            if is_running(file, process)? {
                self.locks.unlock(lock_byte::process(process as u64))?;
                continue;
            }
            let at = slot_at(process);
            let incarnation = file.word32(at + INCARNATION)?.load().wrapping_add(1);
            file.word32(at + INCARNATION)?.store_release(incarnation);
            let pid = std::process::id();
            file.word32(at + PID)?.store(pid);
            file.word64(at + LIFE)?.store_release(life_of(pid));
            let process = u32::try_from(process).unwrap_or(u32::MAX);
            self.seat = Some(Seat { process, owner: Owner::new(process, incarnation) });
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::TooManyProcesses,
            format!("all {PROCESS_SLOTS} process slots of the cache are taken; close some handles"),
        ))
    }

    /// Gives the process slot up.
    pub(crate) fn leave_seat(&mut self, file: View<'_>) -> Result<()> {
        let Some(seat) = self.seat.take() else { return Ok(()) };
        file.word64(slot_at(seat.process as usize) + LIFE)?.store_release(0);
        Ok(self.locks.unlock(lock_byte::process(u64::from(seat.process)))?)
    }

    /// Has the owner of a writer lock died? Then its slot has another incarnation by now, or its byte is free.
    pub(crate) fn is_dead(&self, file: View<'_>, owner: Owner) -> Result<bool> {
        let Some(process) = owner.slot().filter(|process| (*process as usize) < PROCESS_SLOTS) else {
            return Ok(true);
        };
        let at = slot_at(process as usize);
        if !owner.is_incarnation(file.word32(at + INCARNATION)?.load_acquire()) {
            return Ok(true);
        }
        if self.seat.is_some_and(|seat| seat.process == process)
            || self.locks.is_held_elsewhere(lock_byte::process(u64::from(process)))?
        {
            return Ok(false);
        }
        Ok(!is_running(file, process as usize)?)
    }
}

/// A process slot that is, or was, somebody's: its number, the process it names, and whether that lives.
pub(crate) struct Occupant {
    pub(crate) process: u32,
    pub(crate) pid: u32,
    /// Its byte is locked: whoever has it lives.
    pub(crate) has_locks: bool,
    /// The process that the slot names runs, whether or not it has its locks.
    pub(crate) runs: bool,
}

/// Everyone who has a slot and has not given it up. It is for telling: nothing may be taken from anybody because of it.
pub(crate) fn occupants(place: &Place, file: View<'_>) -> Result<Vec<Occupant>> {
    let mut found = Vec::new();
    for process in 0..PROCESS_SLOTS {
        let at = slot_at(process);
        if file.word64(at + LIFE)?.load_acquire() == 0 {
            continue;
        }
        let number = u32::try_from(process).unwrap_or(u32::MAX);
        let own = place.seat.is_some_and(|seat| seat.process == number);
        let byte = lock_byte::process(process as u64);
        found.push(Occupant {
            process: number,
            pid: file.word32(at + PID)?.load(),
            has_locks: own || place.locks.is_held_elsewhere(byte)?,
            runs: is_running(file, process)?,
        });
    }
    Ok(found)
}

/// The process that a lock word names; none if it names no slot.
pub(crate) fn pid_of(file: View<'_>, owner: Owner) -> Result<Option<u32>> {
    match owner.slot().filter(|process| (*process as usize) < PROCESS_SLOTS) {
        Some(process) => Ok(Some(file.word32(slot_at(process as usize) + PID)?.load())),
        None => Ok(None),
    }
}

/// Does any process that once took a slot of this file still run, whether or not it has its locks?
pub(crate) fn anyone_runs(file: View<'_>) -> Result<bool> {
    for process in 0..PROCESS_SLOTS {
        if is_running(file, process)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Forgets who had slots, because they had them in another file, of which this one is a copy.
pub(crate) fn forget_all(file: View<'_>) -> Result<()> {
    for process in 0..PROCESS_SLOTS {
        let life = file.word64(slot_at(process) + LIFE)?;
        if life.load() != 0 {
            life.store(0);
        }
    }
    Ok(())
}

fn slot_at(process: usize) -> usize {
    PROCESSES + process * PROCESS_SLOT_LEN
}

/// Does the process that took this slot last, and did not give it up, still run?
fn is_running(file: View<'_>, process: usize) -> Result<bool> {
    let at = slot_at(process);
    let life = file.word64(at + LIFE)?.load_acquire();
    Ok(life != 0 && life == life_of(file.word32(at + PID)?.load()))
}

/// What tells a life of a process number from all others: when it began, on which boot, in which name space of numbers. Zero
/// if no such process runs, or the system does not say.
fn life_of(pid: u32) -> u64 {
    let Some(start) = samovar_mmap::process_start_of(pid) else { return 0 };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&start.to_le_bytes());
    bytes[8..16].copy_from_slice(&samovar_mmap::pid_namespace().unwrap_or(0).to_le_bytes());
    bytes[16..].copy_from_slice(&samovar_mmap::boot_id().unwrap_or_default());
    checksum(&bytes) | 1
}

const _: () = assert!(LIFE + 8 == PROCESS_SLOT_LEN);
const _: () = assert!(layout::PROCESSES.is_multiple_of(8));
