//! Writing: one handle at a time, one call at a time.
//!
//! Invariant: at every store the file is one that readers can use and that the next writer can take over. A push is
//! published by one store of `end`, a cut in front by one of `first`, growth by one of `epoch`, an update by one of
//! `motion`. Only the last leaves work behind a death, which [`Writer::recover`] does.

use crate::control::Control;
use crate::error::{Error, ErrorKind, Result};
use crate::holder::Holder;
use crate::layout::{ORDINAL_MAX, at};
use crate::motion::{self, Home, Motion};
use crate::raw::RawFile;
use crate::reader::poisoned;
use crate::shape::Shape;
use samovar_mmap::{Access, View, fence_release};
use std::fs::File;
use std::sync::{MutexGuard, PoisonError};

/// What the writing handle knows of the file; nobody else changes it.
pub(crate) struct Writer {
    pub(crate) file: File,
    /// Held, not looked at.
    pub(crate) _holder: Holder,
    pub(crate) state: State,
}

#[derive(Clone, Copy)]
pub(crate) struct State {
    motion: Motion,
    shape: Shape,
    first: u64,
    end: u64,
    /// False while a change is under way: found false, a change failed or panicked, and the words decide.
    settled: bool,
}

impl State {
    /// Before the words were looked at.
    pub(crate) const UNKNOWN: State = State {
        motion: Motion(0),
        shape: Shape { epoch: 0, anchor: 0, capacity: 0 },
        first: 0,
        end: 0,
        settled: false,
    };

    fn len(&self) -> u64 {
        self.end - self.first
    }

    /// What the words say, if they make sense.
    fn load(control: Control<'_>) -> Result<State> {
        let shape = control.shape(control.epoch()?.load_acquire())?;
        let first = control.first()?.load_acquire();
        let end = control.end()?.load_acquire();
        let motion = Motion(control.motion()?.load_acquire());
        let sound = first <= end && end < ORDINAL_MAX && end - first <= shape.capacity;
        if sound {
            return Ok(State { motion, shape, first, end, settled: true });
        }
        Err(Error::corrupt(format!(
            "the record file says it holds {first}..{end} with room for {}; import the data anew",
            shape.capacity
        )))
    }
}

impl RawFile {
    fn writable(&self) -> Control<'_> {
        Control(self.mapping.base())
    }

    /// This handle's turn to write.
    fn writer(&self) -> Result<MutexGuard<'_, Writer>> {
        let Some(writer) = &self.writer else { return Err(read_only(self)) };
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        if !writer.state.settled {
            self.recover(&mut writer)?;
        }
        Ok(writer)
    }

    /// Finishes what a dead writer, or a call that failed, left in motion.
    pub(crate) fn recover(&self, writer: &mut Writer) -> Result<()> {
        let control = self.writable();
        let mut state = State::load(control)?;
        self.mapping.extend(&writer.file, state.shape.capacity, Access::ReadWrite)?;
        if state.motion.is_moving() {
            let update = state.motion.update();
            let target = control.target(update)?.load_acquire();
            state.motion = if (state.first..state.end).contains(&target) {
                motion::retire(control, update, self.home(&state, target)?)?
            } else {
                motion::abandon(control, update)?
            };
        }
        writer.state = state;
        self.unpoisoned()
    }

    /// The bytes of a record.
    fn home(&self, state: &State, ordinal: u64) -> Result<Home<'_>> {
        let place = self.mapping.place(state.shape.slot(ordinal)).ok_or_else(unmapped)?;
        let view = place.view.window(place.offset, self.record_size())?;
        Ok(Home { ordinal, view })
    }

    /// Appends records; all of them are seen at once.
    pub(crate) fn append(&self, bytes: &[u8]) -> Result<()> {
        let size = self.record_size();
        if !bytes.len().is_multiple_of(size) {
            return Err(Error::invalid(format!(
                "{} bytes are not a whole number of records of {size}",
                bytes.len()
            )));
        }
        let count = (bytes.len() / size) as u64;
        let mut writer = self.writer()?;
        if count == 0 {
            return Ok(());
        }
        self.make_room(&mut writer, count)?;
        let state = writer.state;
        // Pairs with the acquire fence of readers: who sees a byte of this in a slot that was used before sees that
        // its record was dropped.
        fence_release();
        self.for_pieces(state.shape, state.end..state.end + count, |piece, from| {
            let from = at(from) * size;
            Ok(piece.write_from(0, &bytes[from..from + piece.len()])?)
        })?;
        self.writable().end()?.store_release(state.end + count);
        writer.state.end += count;
        self.unpoisoned()
    }

    /// Calls `each` with every run of slots that these records have in a row, and how many records came before.
    fn for_pieces(
        &self,
        shape: Shape,
        ordinals: std::ops::Range<u64>,
        mut each: impl FnMut(View<'_>, u64) -> Result<()>,
    ) -> Result<()> {
        let mut next = ordinals.start;
        while next < ordinals.end {
            let place = self.mapping.place(shape.slot(next)).ok_or_else(unmapped)?;
            let count = shape.straight(next, ordinals.end - next).min(place.slots).max(1);
            let window = place.view.window(place.offset, at(count) * self.record_size())?;
            each(window, next - ordinals.start)?;
            next += count;
        }
        Ok(())
    }

    /// Replaces the record with this index.
    pub(crate) fn replace(&self, index: u64, bytes: &[u8]) -> Result<()> {
        let mut writer = self.writer()?;
        self.replace_as(&mut writer, index, bytes)
    }

    /// Replaces the newest record.
    pub(crate) fn replace_last(&self, bytes: &[u8]) -> Result<()> {
        let mut writer = self.writer()?;
        let Some(last) = writer.state.len().checked_sub(1) else { return Err(out_of_range(0, 0)) };
        self.replace_as(&mut writer, last, bytes)
    }

    fn replace_as(&self, writer: &mut Writer, index: u64, bytes: &[u8]) -> Result<()> {
        if bytes.len() != self.record_size() {
            return Err(Error::invalid(format!(
                "a record has {} bytes, not {}",
                self.record_size(),
                bytes.len()
            )));
        }
        let state = &mut writer.state;
        if index >= state.len() {
            return Err(out_of_range(index, state.len()));
        }
        let home = self.home(state, state.first + index)?;
        state.settled = false;
        state.motion = motion::update(self.writable(), state.motion, home, bytes)?;
        state.settled = true;
        self.unpoisoned()
    }

    /// Drops the oldest records, so that at most `keep` are left.
    pub(crate) fn keep_last(&self, keep: u64) -> Result<()> {
        let mut writer = self.writer()?;
        if keep < writer.state.len() {
            let first = writer.state.end - keep;
            self.writable().first()?.store_release(first);
            writer.state.first = first;
        }
        self.unpoisoned()
    }

    /// Makes room for `additional` records more than there are.
    pub(crate) fn reserve_for(&self, additional: u64) -> Result<()> {
        let mut writer = self.writer()?;
        self.make_room(&mut writer, additional)
    }

    fn make_room(&self, writer: &mut Writer, additional: u64) -> Result<()> {
        let State { shape, first, end, .. } = writer.state;
        let needed = additional
            .checked_add(end - first)
            .filter(|needed| *needed < ORDINAL_MAX && end + additional < ORDINAL_MAX)
            .ok_or_else(|| Error::invalid(format!("{additional} records are more than any file holds")))?;
        if needed <= shape.capacity {
            return Ok(());
        }
        let least = needed.max(shape.capacity + shape.wrapped(first, end));
        // Twice as much; where that does not fit, half of the surplus, and so on down to what is needed: a device that
        // is nearly full is filled in few steps.
        let mut surplus = shape.capacity.saturating_mul(2).saturating_sub(least);
        loop {
            match self.grow(writer, least.saturating_add(surplus)) {
                Err(error) if error.kind() == ErrorKind::NoSpace && surplus > 0 => surplus /= 2,
                other => return other,
            }
        }
    }

    /// Space first, then memory, then the wrapped records, then the one store that makes it so.
    fn grow(&self, writer: &mut Writer, slots: u64) -> Result<()> {
        let len = self.header.file_len(slots).ok_or_else(|| Error::invalid("no file is as large as that"))?;
        samovar_mmap::reserve(&writer.file, len)?;
        let capacity = self.header.slots_in(len);
        self.mapping.extend(&writer.file, capacity, Access::ReadWrite)?;
        let State { shape: old, first, end, .. } = writer.state;
        let new = old.grown(first, capacity);
        let control = self.writable();
        control.prepare_shape(new)?;
        let moved = end - old.wrapped(first, end);
        self.for_pieces(old, moved..end, |from, skipped| self.copy_to_slots(from, new, moved + skipped))?;
        control.epoch()?.store_release(new.epoch);
        writer.state.shape = new;
        self.unpoisoned()
    }

    /// Copies a run of records to where `shape` has them, from `ordinal` on.
    fn copy_to_slots(&self, from: View<'_>, shape: Shape, ordinal: u64) -> Result<()> {
        let count = (from.len() / self.record_size()) as u64;
        self.for_pieces(shape, ordinal..ordinal + count, |to, skipped| {
            Ok(from.copy_to(at(skipped) * self.record_size(), to.len(), to, 0)?)
        })
    }

    fn unpoisoned(&self) -> Result<()> {
        if self.mapping.is_poisoned() { Err(poisoned()) } else { Ok(()) }
    }
}

#[cold]
fn read_only(file: &RawFile) -> Error {
    Error::new(
        ErrorKind::ReadOnly,
        format!("{} was opened for reading; open it with open_writer", file.path().display()),
    )
}

#[cold]
fn out_of_range(index: u64, len: u64) -> Error {
    Error::new(ErrorKind::OutOfRange, format!("there is no record {index} among {len}; push it instead"))
}

#[cold]
fn unmapped() -> Error {
    Error::corrupt("a record lies outside its file; import the data anew")
}
