//! The file in memory, in chunks that never move: what was there at opening, then one chunk for each growth.
//!
//! Invariant: chunks are only added, behind one another, each a whole number of records; a view into one stays valid
//! while the handle lives.

use crate::error::{Error, ErrorKind, Result};
use crate::header::Header;
use crate::layout::at;
use samovar_mmap::{Access, SharedMap, View};
use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Growth doubles, and on a device that is nearly full halves what is left, so that this many are not used up but by
/// many small reservations.
const CHUNKS: usize = 64;

pub(crate) struct Mapping {
    /// Header, control page, shadows, and the records that had room at opening.
    base: SharedMap,
    base_slots: u64,
    record_size: u64,
    records_offset: u64,
    more: [OnceLock<Box<Chunk>>; CHUNKS],
    used: AtomicUsize,
    growing: Mutex<()>,
}

struct Chunk {
    map: SharedMap,
    first_slot: u64,
    slots: u64,
}

/// A record's place in memory, and how many records lie there from it on.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) view: View<'a>,
    pub(crate) offset: usize,
    pub(crate) slots: u64,
}

impl Mapping {
    /// Maps all of the file, which the gates have seen to be long enough for its control page.
    pub(crate) fn new(map: SharedMap, header: &Header) -> Self {
        Mapping {
            base_slots: header.slots_in(map.len() as u64),
            base: map,
            record_size: header.record_size(),
            records_offset: header.records_offset(),
            more: [const { OnceLock::new() }; CHUNKS],
            used: AtomicUsize::new(0),
            growing: Mutex::new(()),
        }
    }

    /// The header, the control page and the shadows, among others.
    #[inline(always)]
    pub(crate) fn base(&self) -> View<'_> {
        self.base.view()
    }

    /// How many slots are mapped.
    pub(crate) fn slots(&self) -> u64 {
        self.last().map_or(self.base_slots, |chunk| chunk.first_slot + chunk.slots)
    }

    fn last(&self) -> Option<&Chunk> {
        let used = self.used.load(Ordering::Acquire);
        self.more.get(used.checked_sub(1)?)?.get().map(|chunk| &**chunk)
    }

    /// The place of a slot; `None` if it is not mapped.
    #[inline(always)]
    pub(crate) fn place(&self, slot: u64) -> Option<Place<'_>> {
        if slot < self.base_slots {
            let offset = at(self.records_offset + slot * self.record_size);
            return Some(Place { view: self.base.view(), offset, slots: self.base_slots - slot });
        }
        self.place_in_chunks(slot)
    }

    /// From the newest chunk back, since that one is the largest.
    #[inline(never)]
    fn place_in_chunks(&self, slot: u64) -> Option<Place<'_>> {
        let used = self.used.load(Ordering::Acquire);
        let chunk = self.more[..used]
            .iter()
            .rev()
            .filter_map(OnceLock::get)
            .find(|chunk| slot >= chunk.first_slot && slot - chunk.first_slot < chunk.slots)?;
        let skipped = slot - chunk.first_slot;
        let offset = at(skipped * self.record_size);
        Some(Place { view: chunk.map.view(), offset, slots: chunk.slots - skipped })
    }

    /// Maps what the file has beyond the mapped slots, so that at least `slots` are.
    pub(crate) fn extend(&self, file: &File, slots: u64, access: Access) -> Result<()> {
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let first_slot = self.slots();
        if first_slot >= slots {
            return Ok(());
        }
        let file_len = file.metadata().map_err(samovar_error)?.len();
        let there = file_len.saturating_sub(self.records_offset) / self.record_size;
        if there < slots {
            return Err(Error::new(
                ErrorKind::Truncated,
                format!(
                    "the record file was cut short: it says {slots} records and has room for {there}; import the data anew"
                ),
            ));
        }
        let used = self.used.load(Ordering::Acquire);
        let Some(free) = self.more.get(used) else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the file grew {CHUNKS} times since it was opened; open it anew, or reserve more at once"
                ),
            ));
        };
        let offset = self.records_offset + first_slot * self.record_size;
        let len = at((there - first_slot) * self.record_size);
        let map = SharedMap::map(file, access, offset, Some(len))?;
        let _ = free.set(Box::new(Chunk { map, first_slot, slots: there - first_slot }));
        self.used.store(used + 1, Ordering::Release);
        Ok(())
    }

    /// Whether a word met a fault, so that nothing read since can be believed.
    #[inline(always)]
    pub(crate) fn is_poisoned(&self) -> bool {
        self.base.is_poisoned()
    }

    /// Waits until the device has everything.
    pub(crate) fn flush(&self) -> Result<()> {
        let used = self.used.load(Ordering::Acquire);
        for chunk in self.more[..used].iter().filter_map(OnceLock::get) {
            chunk.map.flush()?;
        }
        self.base.flush()?;
        Ok(())
    }

    /// Unmaps everything and says whether that worked.
    pub(crate) fn close(self) -> Result<()> {
        for chunk in self.more.into_iter().filter_map(OnceLock::into_inner) {
            chunk.map.close()?;
        }
        Ok(self.base.close()?)
    }
}

#[cold]
fn samovar_error(source: std::io::Error) -> Error {
    Error::with_source(ErrorKind::Io, "asking for the record file's size", source)
}
