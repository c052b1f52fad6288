//! Process slots: which process is attached, as the file knows it.
//!
//! ```text
//!   free (life 0) --its byte won, incarnation raised, process named--> taken --given up--> free
//!   taken --its process died, so that its byte is free, and no other slot is--> free
//! ```
//!
//! The kernel's lock on a slot's byte shows that its owner lives (see [`crate::open::membership`]). The process that a
//! slot names is only a veto: it can show that the process still runs, never that it is gone.

use crate::error::Result;
use crate::format::hash::checksum;
use crate::format::layout::{PROCESS_SLOT_LEN, PROCESS_SLOTS, PROCESSES};
use crate::format::owner::Owner;
use samovar_mmap::{View, Word32, Word64};
use std::ops::Range;

/// The numbers of all slots.
pub(crate) const ALL: Range<u32> = 0..4096;

/// Within a process slot.
const INCARNATION: usize = 0;
const PID: usize = 4;
const LIFE: usize = 8;

/// The life of a process where the system tells nothing of processes.
const UNKNOWN: u64 = 1;

/// What tells this process from all others, ever.
#[derive(Clone, Copy)]
pub(crate) struct Life {
    pid: u32,
    life: u64,
}

impl Life {
    /// Asks the system.
    pub(crate) fn present() -> Self {
        let pid = std::process::id();
        Life { pid, life: life_of(pid).unwrap_or(UNKNOWN) }
    }
}

/// One process slot of the table.
#[derive(Clone, Copy)]
pub(crate) struct ProcessSlot<'a> {
    file: View<'a>,
    pub(crate) number: u32,
}

impl<'a> ProcessSlot<'a> {
    /// All slots of a file.
    pub(crate) fn all(file: View<'a>) -> impl Iterator<Item = ProcessSlot<'a>> {
        ProcessSlot::among(file, ALL)
    }

    /// Those with these numbers.
    pub(crate) fn among(file: View<'a>, numbers: Range<u32>) -> impl Iterator<Item = ProcessSlot<'a>> {
        numbers.map(move |number| ProcessSlot { file, number })
    }

    /// The slot that a lock word names; none if it names no slot, as damage might.
    pub(crate) fn of(file: View<'a>, owner: Owner) -> Option<Self> {
        let number = owner.slot().filter(|number| (*number as usize) < PROCESS_SLOTS)?;
        Some(ProcessSlot { file, number })
    }

    fn at(self) -> usize {
        PROCESSES + self.number as usize * PROCESS_SLOT_LEN
    }

    fn incarnation(self) -> Result<Word32<'a>> {
        Ok(self.file.word32(self.at() + INCARNATION)?)
    }

    fn life(self) -> Result<Word64<'a>> {
        Ok(self.file.word64(self.at() + LIFE)?)
    }

    /// The process that took it last, by the number that it has for itself.
    pub(crate) fn pid(self) -> Result<u32> {
        Ok(self.file.word32(self.at() + PID)?.load())
    }

    /// Was it taken, and not given up?
    pub(crate) fn is_taken(self) -> Result<bool> {
        Ok(self.life()?.load_acquire() != 0)
    }

    /// Does the process that took it last, and did not give it up, still run?
    pub(crate) fn is_running(self) -> Result<bool> {
        let life = self.life()?.load_acquire();
        Ok(life > UNKNOWN && life_of(self.pid()?) == Some(life))
    }

    /// Is the owner, which names this slot, of its present incarnation?
    pub(crate) fn is_of(self, owner: Owner) -> Result<bool> {
        // Acquire, with the release in `take`.
        Ok(owner.is_incarnation(self.incarnation()?.load_acquire()))
    }

    /// Names this process in it, in a new incarnation: the owner that other processes see. The caller holds the slot's
    /// byte.
    pub(crate) fn take(self, process: Life) -> Result<Owner> {
        let incarnation = self.incarnation()?.load().wrapping_add(1);
        // Release, with the acquire in `is_of`: the incarnation is raised before anybody can meet it as an owner.
        self.incarnation()?.store_release(incarnation);
        self.file.word32(self.at() + PID)?.store(process.pid);
        self.life()?.store_release(process.life);
        Ok(Owner::new(self.number, incarnation))
    }

    /// Names nobody any more. The caller holds the slot's byte, or is alone with the file.
    pub(crate) fn give_up(self) -> Result<()> {
        self.life()?.store_release(0);
        Ok(())
    }
}

/// Does any process that once took a slot of this file still run, whether or not it has its locks?
pub(crate) fn anyone_runs(file: View<'_>) -> Result<bool> {
    for slot in ProcessSlot::all(file) {
        if slot.is_running()? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Frees the slots with these numbers whose processes no longer run. The caller holds the init lock, and nobody has their bytes.
pub(crate) fn free_those_that_ended(file: View<'_>, numbers: Range<u32>) -> Result<()> {
    for slot in ProcessSlot::among(file, numbers) {
        if slot.is_taken()? && !slot.is_running()? {
            slot.give_up()?;
        }
    }
    Ok(())
}

/// Forgets which processes had slots, because they had them in another file, and this one is a copy of it.
pub(crate) fn forget_all(file: View<'_>) -> Result<()> {
    for slot in ProcessSlot::all(file) {
        if slot.is_taken()? {
            slot.give_up()?;
        }
    }
    Ok(())
}

/// What tells a life of a process number from all others: when it began, on which boot, in which name space of numbers. None
/// if no such process runs, or the system does not say.
fn life_of(pid: u32) -> Option<u64> {
    let start = samovar_mmap::process_start_of(pid)?;
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&start.to_le_bytes());
    bytes[8..16].copy_from_slice(&samovar_mmap::pid_namespace().unwrap_or(0).to_le_bytes());
    bytes[16..].copy_from_slice(&samovar_mmap::boot_id().unwrap_or_default());
    Some(checksum(&bytes) | 1)
}

const _: () = assert!(LIFE + 8 == PROCESS_SLOT_LEN && ALL.end as usize == PROCESS_SLOTS);
const _: () = assert!(PROCESSES.is_multiple_of(8));
