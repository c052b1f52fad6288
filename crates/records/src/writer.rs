//! Writing: one handle at a time, one call at a time.
//!
//! Invariant: at every store the file is one that readers can use and that the next writer can take over. A push is
//! published by one store of `end`, a cut in front by one of `first`, growth by one of `epoch`, an update by one of
//! `motion`. Only the last leaves work behind a death, which `Table::recover` does.

use crate::boot;
use crate::control::NewsWords;
use crate::directory;
use crate::error::{Error, ErrorKind, Result};
use crate::kept;
use crate::layout::{Kind, ORDINAL_MAX};
use crate::motion::{self, Motion};
use crate::safe::{self, Moved};
use crate::shape::Shape;
use crate::slots::Home;
use crate::table::{State, Table, poisoned};
use samovar_mmap::{fence_full, fence_release};
use std::sync::{Mutex, MutexGuard, PoisonError};

impl Table {
    /// The table for writing: takes over from the writer before.
    pub(crate) fn for_writing(mut self) -> Result<Table> {
        let mut state = State::UNKNOWN;
        self.recover(&mut state)?;
        self.state = Some(Box::new(Mutex::new(state)));
        Ok(self)
    }

    /// This handle's turn to write.
    pub(crate) fn writer(&self) -> Result<MutexGuard<'_, State>> {
        self.store.rights()?;
        let Some(writer) = &self.state else { return Err(read_only(self)) };
        let mut state = writer.lock().unwrap_or_else(PoisonError::into_inner);
        if state.removed {
            return Err(removed(self));
        }
        if !state.settled {
            self.recover(&mut state)?;
        }
        Ok(state)
    }

    /// This handle's turn to write, once no flush is under way that what it will do has to wait for.
    fn writer_unless(&self, must_wait: impl Fn(&State) -> bool) -> Result<MutexGuard<'_, State>> {
        loop {
            let state = self.writer()?;
            if state.in_flight.is_none() || !must_wait(&state) {
                return Ok(state);
            }
            drop(state);
            // Who flushes has it to the end.
            drop(self.store.rights()?.flushing.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Finishes what a dead writer, or a call that failed, left in motion.
    pub(crate) fn recover(&self, known: &mut State) -> Result<()> {
        let mut state = State::load(self.control())?;
        let end = state.shape.end_offset(self.store.slot_size());
        if state.shape.origin < self.store.header.records_offset() || end > ORDINAL_MAX {
            return Err(unmapped());
        }
        self.store.reach(end)?;
        if state.motion.is_moving() {
            let control = self.control();
            let update = state.motion.update();
            let target = control.readers()?.target(update).load_acquire();
            state.motion = if (state.first..state.end).contains(&target) {
                motion::retire(control, update, self.home(state.shape, target)?)?
            } else {
                motion::settle(control, update)?
            };
        }
        if state.shape.epoch > 0 {
            // A death may have come between growth and its telling.
            state.motion = motion::tell_of_a_move(self.control(), state.motion)?;
        }
        state.announced = known.announced || self.store.header.kind == Kind::Pack;
        // The dead may have come no further than the change itself.
        self.count_deep_change()?;
        state.kept = kept::found(self, state.flush)?;
        safe::after_takeover(self, &mut state)?;
        *known = state;
        self.unpoisoned()
    }

    /// Appends records; all of them are seen at once.
    pub(crate) fn append(&self, bytes: &[u8]) -> Result<()> {
        let size = self.record_size();
        if !bytes.len().is_multiple_of(size) {
            return Err(not_whole(bytes.len(), size));
        }
        let count = (bytes.len() / size) as u64;
        let mut state = self.writer_unless(|state| !has_room(state, count))?;
        if count == 0 {
            return Ok(());
        }
        self.make_room(&mut state, count)?;
        let end = state.end + count;
        safe::before_reuse(self, &mut state, end)?;
        // Pairs with the acquire fence of readers: who sees a byte of this in a slot that was used before sees that
        // its record was dropped.
        fence_release();
        let placed = self.placed(state.shape);
        if self.slots().are_plain() {
            placed.write_rows(state.end, bytes)?;
        } else {
            self.slots().encode(bytes, state.end, |ordinal, slots| placed.write(ordinal, slots))?;
        }
        self.control().readers()?.end().store_release(end);
        state.end = end;
        self.tell_followers()?;
        self.unpoisoned()
    }

    /// Wakes those who wait for news of the table. Pairs with the full fence of those: either they see what was written, or
    /// this sees that they wait.
    #[inline]
    fn tell_followers(&self) -> Result<()> {
        let words = self.control().news()?;
        fence_full();
        if words.followed.load() != 0 {
            wake(words);
        }
        Ok(())
    }

    /// Replaces the record with this index.
    pub(crate) fn replace(&self, index: u64, bytes: &[u8]) -> Result<()> {
        let mut state =
            self.writer_unless(|state| safe::must_wait(state, state.first.saturating_add(index)))?;
        self.replace_as(&mut state, index, bytes)
    }

    /// Replaces the newest record.
    pub(crate) fn replace_last(&self, bytes: &[u8]) -> Result<()> {
        let mut state = self.writer()?;
        let Some(last) = state.len().checked_sub(1) else { return Err(out_of_range(0, 0)) };
        self.replace_as(&mut state, last, bytes)
    }

    fn replace_as(&self, state: &mut State, index: u64, bytes: &[u8]) -> Result<()> {
        if bytes.len() != self.record_size() {
            return Err(not_whole(bytes.len(), self.record_size()));
        }
        if index >= state.len() {
            return Err(out_of_range(index, state.len()));
        }
        let home = self.home(state.shape, state.first + index)?;
        safe::before_change(self, state, home)?;
        state.changed = true;
        state.settled = false;
        state.motion = if self.slots().have_sums() {
            self.update_with_sum(state.motion, home, bytes)?
        } else {
            motion::update(self.control(), state.motion, home, bytes)?
        };
        if home.ordinal + 1 != state.end {
            self.count_deep_change()?;
        }
        state.settled = true;
        self.tell_followers()?;
        self.unpoisoned()
    }

    #[inline(never)]
    fn update_with_sum(&self, mut motion: Motion, home: Home<'_>, bytes: &[u8]) -> Result<Motion> {
        self.slots().encode(bytes, home.ordinal, |_, slot| {
            motion = motion::update(self.control(), motion, home, slot)?;
            Ok(())
        })?;
        Ok(motion)
    }

    /// Counts a change of another record than the newest one. After motion: who sees the count sees the change. A copy that
    /// was made amid the two is made anew when the count is seen.
    fn count_deep_change(&self) -> Result<()> {
        let deep = self.control().readers()?.deep();
        deep.store_release(deep.load().wrapping_add(1));
        Ok(())
    }

    /// Drops the oldest records, so that at most `keep` are left.
    pub(crate) fn keep_last(&self, keep: u64) -> Result<()> {
        let mut state = self.writer()?;
        if keep < state.len() {
            let first = state.end - keep;
            self.control().readers()?.first().store_release(first);
            state.first = first;
        }
        self.unpoisoned()
    }

    /// The end of a table of a pack: it is empty, and nobody writes it any more. Returns where it lay.
    pub(crate) fn retire(&self) -> Result<Shape> {
        let mut state = self.writer_unless(|_| true)?;
        self.control().readers()?.first().store_release(state.end);
        state.first = state.end;
        state.removed = true;
        Ok(state.shape)
    }

    /// Makes room for `additional` records more than there are.
    pub(crate) fn reserve_for(&self, additional: u64) -> Result<()> {
        let mut state = self.writer_unless(|state| !has_room(state, additional))?;
        self.make_room(&mut state, additional)
    }

    #[inline]
    fn make_room(&self, state: &mut State, additional: u64) -> Result<()> {
        if has_room(state, additional) { Ok(()) } else { self.make_more_room(state, additional) }
    }

    #[cold]
    fn make_more_room(&self, state: &mut State, additional: u64) -> Result<()> {
        let State { shape, first, end, .. } = *state;
        let needed = additional
            .checked_add(end - first)
            .filter(|needed| *needed < ORDINAL_MAX && end + additional < ORDINAL_MAX)
            .ok_or_else(|| Error::invalid(format!("{additional} records are more than any file holds")))?;
        let least = match self.store.header.kind {
            Kind::File => needed.max(shape.capacity + shape.wrapped(first, end)),
            Kind::Pack => needed,
        };
        // Twice as much. If that does not fit, half of the surplus, and so on, down to what is needed. So a device that
        // is nearly full is filled in few steps.
        let mut surplus = shape.capacity.saturating_mul(2).saturating_sub(least);
        loop {
            match self.grow(state, least.saturating_add(surplus)) {
                Err(error) if error.kind() == ErrorKind::NoSpace && surplus > 0 => surplus /= 2,
                other => return other,
            }
        }
    }

    /// Space first, then memory, then the records that move, then the one store that makes it so.
    fn grow(&self, state: &mut State, slots: u64) -> Result<()> {
        safe::before_growth(self, state)?;
        let State { shape: old, first, end, .. } = *state;
        let new = self.larger(state, slots)?;
        let elsewhere = new.origin != old.origin;
        let moving = if elsewhere { first..end } else { end - old.wrapped(first, end)..end };
        let moved = match (elsewhere, moving.is_empty()) {
            (true, _) => Moved::Elsewhere,
            (false, true) => Moved::Nothing,
            (false, false) => Moved::Some,
        };
        self.control().prepare_shape(new)?;
        self.placed(new).copy_from(self.placed(old), moving)?;
        self.control().readers()?.epoch().store_release(new.epoch);
        (state.shape, state.settled) = (new, false);
        state.motion = motion::tell_of_a_move(self.control(), state.motion)?;
        if elsewhere {
            directory::leave(&self.store, self.block, old)?;
        }
        safe::after_growth(self, state, moved)?;
        state.settled = true;
        self.unpoisoned()
    }

    /// Space for so many records, and where they will lie in it.
    fn larger(&self, state: &State, slots: u64) -> Result<Shape> {
        let State { shape: old, first, end, .. } = *state;
        if self.store.header.kind == Kind::File {
            let too_long = || Error::invalid("no file is as large as that");
            let len = self.store.header.file_len(slots).ok_or_else(too_long)?;
            self.store.reserve(len)?;
            return Ok(old.grown(first, self.store.header.slots_in(len)));
        }
        let in_place = slots.max(old.capacity + old.wrapped(first, end));
        if directory::extend(&self.store, old, in_place)? {
            return Ok(old.grown(first, in_place));
        }
        Ok(old.moved(first, slots, directory::extent(&self.store, slots)?))
    }

    fn unpoisoned(&self) -> Result<()> {
        if self.store.mapping.is_poisoned() { Err(poisoned()) } else { Ok(()) }
    }
}

impl Drop for Table {
    /// The last writing handle of a file goes: what was written is flushed. A pack does that for its tables.
    fn drop(&mut self) {
        // Asked first: most tables are read, and an error costs.
        let Some(state) = &self.state else { return };
        let Ok(rights) = self.store.rights() else { return };
        if self.store.header.kind != Kind::File || rights.habits.leaves_unflushed {
            return;
        }
        if self.store.words().boot().is_ok_and(|boot| boot.load() == boot::CLOSED) {
            return;
        }
        let mut state = *state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.finish(&mut state) {
            rights.habits.warn_of_flush(&self.store.path, &error);
        }
    }
}

impl Table {
    /// Flushes what was written, and says in the file that nobody writes it any more.
    fn finish(&self, state: &mut State) -> Result<()> {
        if !state.settled {
            self.recover(state)?;
        }
        if state.is_dirty() {
            safe::flush_held(self, state)?;
        }
        safe::end(&self.store)
    }
}

/// Whether so many records more than there are fit.
#[inline]
fn has_room(state: &State, additional: u64) -> bool {
    additional <= state.shape.capacity - state.len() && state.end + additional < ORDINAL_MAX
}

#[cold]
fn wake(words: NewsWords<'_>) {
    words.followed.store(0);
    words.news.store_release(words.news.load().wrapping_add(1));
    words.news.wake_all();
}

#[cold]
fn not_whole(len: usize, size: usize) -> Error {
    Error::invalid(format!("{len} bytes are not a whole number of records of {size}"))
}

#[cold]
fn read_only(table: &Table) -> Error {
    Error::new(
        ErrorKind::ReadOnly,
        format!("{} was opened for reading; open it with open_writer", table.store.path.display()),
    )
}

#[cold]
fn removed(table: &Table) -> Error {
    let path = table.store.path.display();
    Error::new(
        ErrorKind::NotFound,
        format!("the table was removed from {path}; open it anew to make another"),
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
