//! A process's membership among those who have the file open: its byte locks and its process slot, and what these tell about
//! the others.
//!
//! ```text
//!   a slot's byte is locked --> its process lives (the kernel frees the byte with the process, however it ends)
//!   it is free              --> dead, unless the process that the slot names still runs: then it lost its locks, as a
//!                               daemon does that closes every descriptor. It lives, and keeps what it holds.
//! ```
//!
//! Locks are on a file description of their own. A forked child has none of its parent's, and becomes a member by itself.

use crate::error::{Error, ErrorKind, Result};
use crate::file::process_slot::ProcessSlot;
use crate::format::layout::{PROCESS_SLOTS, lock_byte};
use crate::format::owner::Owner;
use samovar_mmap::{ByteLocks, FileId, View};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

/// How long to wait for another process that opens or closes the cache.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

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

    /// Keeps out everybody who opens or closes, until [`unlock_init`](Self::unlock_init), or until this is dropped.
    pub(crate) fn lock_init(&self) -> Result<()> {
        // canary: init
        expect(self.locks.exclusive(lock_byte::INIT, INIT_TIMEOUT)?)
    }

    /// The same, together with others who only read.
    pub(crate) fn share_init(&self) -> Result<()> {
        expect(self.locks.shared(lock_byte::INIT, INIT_TIMEOUT)?)
    }

    pub(crate) fn unlock_init(&self) -> Result<()> {
        Ok(self.locks.unlock(lock_byte::INIT)?)
    }

    /// Is nobody else attached for writing? Then nobody is until [`attach`](Self::attach) or [`detach`](Self::detach). The
    /// caller holds the init byte.
    pub(crate) fn is_alone(&self) -> Result<bool> {
        // canary: joiner alone
        Ok(self.locks.try_exclusive(lock_byte::ATTACHED)?)
    }

    /// Is anybody attached for writing?
    pub(crate) fn is_anyone_attached(&self) -> Result<bool> {
        Ok(self.locks.is_held_elsewhere(lock_byte::ATTACHED)?)
    }

    /// Shows that somebody is attached for writing.
    pub(crate) fn attach(&self) -> Result<()> {
        expect(self.locks.try_shared(lock_byte::ATTACHED)?)
    }

    pub(crate) fn detach(&self) -> Result<()> {
        Ok(self.locks.unlock(lock_byte::ATTACHED)?)
    }

    /// Shows that somebody reads.
    pub(crate) fn attach_reader(&self) -> Result<()> {
        expect(self.locks.try_shared(lock_byte::READERS)?)
    }

    /// Wins the byte of a free process slot, then names a new incarnation before the slot is used.
    pub(crate) fn take_slot(&mut self, file: View<'_>) -> Result<()> {
        for slot in ProcessSlot::all(file) {
            let byte = lock_byte::process(u64::from(slot.number));
            if !self.locks.try_exclusive(byte)? {
                continue;
            }
            if slot.is_running()? {
                self.locks.unlock(byte)?;
                continue;
            }
            self.slot = Some(OwnSlot { number: slot.number, owner: slot.take()? });
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::TooManyProcesses,
            format!("all {PROCESS_SLOTS} process slots of the cache are taken; close some handles"),
        ))
    }

    /// Gives the process slot up.
    pub(crate) fn leave_slot(&mut self, file: View<'_>) -> Result<()> {
        let Some(own) = self.slot.take() else { return Ok(()) };
        if let Some(slot) = ProcessSlot::of(file, own.owner) {
            slot.give_up()?;
        }
        Ok(self.locks.unlock(lock_byte::process(u64::from(own.number)))?)
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
            || self.locks.is_held_elsewhere(lock_byte::process(u64::from(slot.number)))?)
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

    /// Does something while nobody else clears the clean word.
    pub(crate) fn dirtying<T>(&self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let _turn = self.dirtying.lock().unwrap_or_else(PoisonError::into_inner);
        expect(self.locks.exclusive(lock_byte::DIRTYING, INIT_TIMEOUT)?)?;
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

fn expect(is_locked: bool) -> Result<()> {
    if is_locked { Ok(()) } else { Err(busy()) }
}

#[cold]
pub(crate) fn busy() -> Error {
    Error::new(
        ErrorKind::Busy,
        "another process is opening or closing the cache and does not finish; try again",
    )
}

#[cold]
fn resized_by_another() -> Error {
    Error::new(ErrorKind::Busy, "the cache is being resized already; try again when that is done")
}
