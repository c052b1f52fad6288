//! A process's membership among those who have the file open: its byte locks and its process slot, and what these tell about
//! the others.
//!
//! ```text
//!   a slot's byte is locked --> its process lives (the kernel frees the byte with the process, however it ends)
//!   it is free              --> dead, unless the process that the slot names still runs: then it lost its locks, as a
//!                               daemon does that closes every descriptor where locks end with those. It keeps what it holds.
//!   no slot's byte is       --> nobody else has the file open for writing
//! ```
//!
//! Only an exclusive lock counts: who may only read the file cannot have one. The bytes of many slots are asked for at once.
//! Locks are on a file description of their own. A forked child has none of its parent's, and becomes a member by itself.

use crate::error::{Error, ErrorKind, Result};
use crate::file::process_slot::{self, Life, ProcessSlot};
use crate::format::layout::{PROCESS_SLOTS, lock_byte};
use crate::format::owner::Owner;
use crate::open::init_lock::{self, InitLock};
use samovar_mmap::{ByteLocks, FileId, View};
use std::ops::Range;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

/// How often a thread asks whether another one of this process still clears the clean word.
const TURN_EVERY: Duration = Duration::from_millis(1);

/// This process's membership.
pub(crate) struct Membership {
    locks: ByteLocks,
    /// Threads of this process take turns at the dirtying byte, which does not keep them apart.
    dirtying: Mutex<()>,
    /// The same for the resizing byte.
    resizing: Mutex<()>,
    slot: Option<OwnSlot>,
}

/// A process slot, in the incarnation that is ours. Only writers have one.
#[derive(Clone, Copy)]
pub(crate) struct OwnSlot {
    pub(crate) number: u32,
    pub(crate) owner: Owner,
}

/// A process slot that is taken, or was.
pub(crate) struct Occupant {
    pub(crate) slot: u32,
    pub(crate) pid: u32,
    /// Its byte is locked: its process lives.
    pub(crate) has_locks: bool,
    /// The process that the slot names runs, whether or not it has its locks.
    pub(crate) runs: bool,
}

impl Membership {
    /// Opens the file anew for its locks, and checks that the path still names it.
    pub(crate) fn open(path: &Path, id: FileId) -> Result<Self> {
        Ok(Membership {
            locks: ByteLocks::open(path, id)?,
            dirtying: Mutex::new(()),
            resizing: Mutex::new(()),
            slot: None,
        })
    }

    /// Our process slot.
    #[inline]
    pub(crate) fn slot(&self) -> Option<OwnSlot> {
        self.slot
    }

    /// Keeps out everybody who opens or closes.
    pub(crate) fn lock_init<'a>(&'a self, file: View<'a>) -> Result<InitLock<'a>> {
        InitLock::acquire(&self.locks, file)
    }

    /// The same, together with others who only read.
    pub(crate) fn share_init<'a>(&'a self, file: View<'a>) -> Result<InitLock<'a>> {
        InitLock::share(&self.locks, file)
    }

    /// Is nobody else attached for writing? If the caller holds the init lock, nobody is until it lets go.
    pub(crate) fn is_alone(&self) -> Result<bool> {
        // canary: joiner alone
        Ok(!self.locks.is_held_exclusively_elsewhere(lock_byte::processes(process_slot::ALL))?)
    }

    /// Wins the byte of a free process slot, then names a new incarnation before the slot is used. The caller holds the init lock.
    pub(crate) fn take_slot(&self, file: View<'_>, process: Life) -> Result<OwnSlot> {
        if let Some(slot) = self.take_free_slot(file, process)? {
            return Ok(slot);
        }
        // canary: slot of the dead
        self.free_dead(file, process_slot::ALL)?;
        match self.take_free_slot(file, process)? {
            Some(slot) => Ok(slot),
            None if self.is_any_free(file)? => Err(init_lock::read_locked()),
            None => Err(full()),
        }
    }

    /// The slot is this membership's.
    pub(crate) fn keep_slot(&mut self, slot: OwnSlot) {
        self.slot = Some(slot);
    }

    /// The slot is about to be given up.
    pub(crate) fn lose_slot(&mut self) -> Option<OwnSlot> {
        self.slot.take()
    }

    /// The table tells which slots are free, so that no lock is tried that somebody has.
    fn take_free_slot(&self, file: View<'_>, process: Life) -> Result<Option<OwnSlot>> {
        for slot in ProcessSlot::all(file) {
            // canary: slot free
            if !slot.is_taken()? && self.locks.try_exclusive(lock_byte::process(slot.number))? {
                return Ok(Some(OwnSlot { number: slot.number, owner: slot.take(process)? }));
            }
        }
        Ok(None)
    }

    /// Is a slot free, by the table, and by the locks of all who may write?
    fn is_any_free(&self, file: View<'_>) -> Result<bool> {
        for slot in ProcessSlot::all(file) {
            if !slot.is_taken()? && !self.has_locks(slot)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Frees the slots of the dead: of all that have one of these numbers at once, if none of those is alive.
    fn free_dead(&self, file: View<'_>, numbers: Range<u32>) -> Result<()> {
        if !self.locks.is_held_exclusively_elsewhere(lock_byte::processes(numbers.clone()))? {
            return process_slot::free_those_that_ended(file, numbers);
        }
        let middle = numbers.start.midpoint(numbers.end);
        if middle > numbers.start {
            self.free_dead(file, numbers.start..middle)?;
            self.free_dead(file, middle..numbers.end)?;
        }
        Ok(())
    }

    /// Gives the process slot up. The caller holds the init lock.
    pub(crate) fn leave_slot(&self, file: View<'_>, own: OwnSlot) -> Result<()> {
        if let Some(slot) = ProcessSlot::of(file, own.owner) {
            slot.give_up()?;
        }
        Ok(self.locks.unlock(lock_byte::process(own.number))?)
    }

    /// Has the owner of a writer lock died? Then its slot has another incarnation by now, or its byte is free.
    pub(crate) fn is_dead(&self, file: View<'_>, owner: Owner) -> Result<bool> {
        let Some(slot) = ProcessSlot::of(file, owner) else { return Ok(true) };
        if !slot.is_of(owner)? {
            return Ok(true);
        }
        Ok(!self.has_locks(slot)? && !slot.is_running()?)
    }

    /// Is the slot's byte locked, by us or by another process?
    fn has_locks(&self, slot: ProcessSlot<'_>) -> Result<bool> {
        Ok(self.slot.is_some_and(|own| own.number == slot.number)
            || self
                .locks
                .is_held_exclusively_elsewhere(lock_byte::processes(slot.number..slot.number + 1))?)
    }

    /// Every slot that was taken and not given up. It is for statistics only: nobody is taken over because of it.
    pub(crate) fn occupants(&self, file: View<'_>) -> Result<Vec<Occupant>> {
        let mut found = Vec::new();
        for slot in ProcessSlot::all(file) {
            if slot.is_taken()? {
                let (has_locks, runs) = (self.has_locks(slot)?, slot.is_running()?);
                found.push(Occupant { slot: slot.number, pid: slot.pid()?, has_locks, runs });
            }
        }
        Ok(found)
    }

    /// Does something while nobody else clears the clean word. Waits for so long.
    pub(crate) fn dirtying<T>(&self, timeout: Duration, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let deadline = Instant::now().checked_add(timeout);
        let left = || deadline.map_or(timeout, |deadline| deadline.saturating_duration_since(Instant::now()));
        let _turn = loop {
            match try_turn(&self.dirtying) {
                Some(turn) => break turn,
                None if left().is_zero() => return Err(dirtied_slowly()),
                None => std::thread::sleep(TURN_EVERY),
            }
        };
        if !self.locks.exclusive(lock_byte::DIRTYING, left())? {
            return Err(dirtied_slowly());
        }
        let done = act();
        self.locks.unlock(lock_byte::DIRTYING)?;
        done
    }

    /// Does something while nobody else resizes the cache.
    pub(crate) fn resizing<T>(&self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let _turn = try_turn(&self.resizing).ok_or_else(resized_by_another)?;
        if !self.locks.try_exclusive(lock_byte::RESIZING)? {
            return Err(resized_by_another());
        }
        let done = act();
        self.locks.unlock(lock_byte::RESIZING)?;
        done
    }
}

/// The turn of this thread, if no other one has it.
fn try_turn(turns: &Mutex<()>) -> Option<MutexGuard<'_, ()>> {
    match turns.try_lock() {
        Err(TryLockError::WouldBlock) => None,
        Err(TryLockError::Poisoned(turn)) => Some(turn.into_inner()),
        Ok(turn) => Some(turn),
    }
}

#[cold]
fn full() -> Error {
    Error::new(
        ErrorKind::TooManyProcesses,
        format!("all {PROCESS_SLOTS} process slots of the cache are taken; close some handles"),
    )
}

#[cold]
fn dirtied_slowly() -> Error {
    Error::new(
        ErrorKind::Busy,
        "somebody else waits for the disk to take note that the cache is about to be written; try again, or wait longer",
    )
}

#[cold]
fn resized_by_another() -> Error {
    Error::new(ErrorKind::Busy, "the cache is being resized already; try again when that is done")
}
