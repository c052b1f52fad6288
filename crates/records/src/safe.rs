//! What outlives a loss of power: the records of the last flush, as they were then.
//!
//! The system writes pages to the device when it likes. So after a loss of power each page may be as it was at any
//! moment since the last flush. A table therefore keeps, on the page of its own words, what a flush made certain:
//!
//! ```text
//!   Certain(first, end, epoch)            every record of first..end is on the device, or is kept as it was: see `kept`
//!     | about to change a certain record in place: keep a copy of it, flush that; the newest one is kept already
//!     | about to use the slot of a certain record again: first goes beyond it, and an eighth further; flush the block
//!     | flush: capture --> flush all records and the copy of the newest --> commit --> flush the block
//!   Certain(first', end', epoch')         as it was at the capture
//! ```
//!
//! The commit is one store, of the flush's number: its parity names three words on the same page. Between the capture
//! and the end of the flush the table is written on. A push needs only room. A change of the newest record of the
//! capture is safe, since that is kept for both flushes. A change of another record, and growth, wait for the flush.
//!
//! So a push, and a change of the newest record, never wait for the device. The first change of another record after a
//! flush does, once for each such record; and a ring once for each eighth of it that is used again. The shape of a
//! flush stays readable. Its words are written over only by the growth after the next, which flushes first. Its slots
//! are used again only as above.

use crate::boot;
use crate::control::Certain;
use crate::error::{Error, ErrorKind, Result};
use crate::kept;
use crate::layout::{self, Kind, PAGE, at};
use crate::shape::Shape;
use crate::slots::Home;
use crate::store::Store;
use crate::table::{State, Table};
use std::sync::PoisonError;

/// From now on the file is written. In a file of its own the word shares a page with those that publish records. It has
/// to be on the device only before the first change in place: see `keep`. In a pack it shares none, and is there before
/// all.
pub(crate) fn begin(store: &Store) -> Result<()> {
    store.words().boot()?.store_release(boot::current());
    match store.header.kind {
        Kind::File => Ok(()),
        Kind::Pack => flush_control(store),
    }
}

/// Everything was flushed, and nobody writes any more.
pub(crate) fn end(store: &Store) -> Result<()> {
    store.words().boot()?.store_release(boot::CLOSED);
    flush_control(store)
}

fn flush_control(store: &Store) -> Result<()> {
    store.mapping.flush_range(layout::CONTROL, at(PAGE))
}

/// Before a record changes in place.
#[inline]
pub(crate) fn before_change(table: &Table, state: &mut State, home: Home<'_>) -> Result<()> {
    let Certain { first, end, .. } = state.certain;
    if !(first..end).contains(&home.ordinal) || state.announced && state.kept.contains(home.ordinal) {
        return Ok(());
    }
    keep(table, state, home)
}

#[cold]
fn keep(table: &Table, state: &mut State, home: Home<'_>) -> Result<()> {
    if !state.announced {
        // The device has to know that the file is written before it can have the change. Otherwise, after a loss of
        // power, the file would pass for one that was closed.
        flush_control(&table.store)?;
        state.announced = true;
    }
    if state.kept.contains(home.ordinal) {
        return Ok(());
    }
    if kept::keep(table, state, home)? {
        return Ok(());
    }
    flush_held(table, state)?;
    if state.kept.contains(home.ordinal) || kept::keep(table, state, home)? {
        return Ok(());
    }
    Err(Error::corrupt("a block keeps no record; import the data anew"))
}

/// Whether a change of this record has to wait for the flush under way.
#[inline]
pub(crate) fn must_wait(state: &State, ordinal: u64) -> bool {
    state.in_flight.is_some_and(|in_flight| ordinal.wrapping_add(1) < in_flight.end)
}

/// Before records are pushed up to `end`, which may use slots again.
#[inline]
pub(crate) fn before_reuse(table: &Table, state: &mut State, end: u64) -> Result<()> {
    let Shape { base, capacity, .. } = state.shape;
    if end <= base.saturating_add(capacity) {
        return Ok(());
    }
    let below = end - capacity;
    if state.certain.first >= below || state.certain.first >= state.certain.end {
        return Ok(());
    }
    give_up_below(table, state, below)
}

#[cold]
fn give_up_below(table: &Table, state: &mut State, below: u64) -> Result<()> {
    let first = state.certain.end.min(below.saturating_add(state.shape.capacity / 8));
    table.control().safe()?.first(state.flush).store_release(first);
    state.certain.first = first;
    flush_block(table)
}

/// Before the shape before this one is written over, which may be that of the flush.
pub(crate) fn before_growth(table: &Table, state: &mut State) -> Result<()> {
    if state.certain.epoch == state.shape.epoch {
        return Ok(());
    }
    if state.certain.first >= state.certain.end {
        return name_epoch(table, state);
    }
    flush_held(table, state)
}

/// After growth, before anything else: what is certain stays so. Where all moved elsewhere, the old place stays as it was.
pub(crate) fn after_growth(table: &Table, state: &mut State, moved: Moved) -> Result<()> {
    let Certain { first, end, .. } = state.certain;
    if moved == Moved::Elsewhere && first < end {
        return Ok(());
    }
    let same_slots = moved == Moved::Nothing && first >= state.shape.base;
    if first >= end || same_slots {
        return name_epoch(table, state);
    }
    flush_held(table, state)
}

/// What is certain lies in the present shape just as well.
fn name_epoch(table: &Table, state: &mut State) -> Result<()> {
    table.control().safe()?.epoch(state.flush).store_release(state.shape.epoch);
    state.certain.epoch = state.shape.epoch;
    Ok(())
}

/// After a writer that may have died amid `after_growth`.
pub(crate) fn after_takeover(table: &Table, state: &mut State) -> Result<()> {
    if state.certain.epoch == state.shape.epoch {
        return Ok(());
    }
    let before = table.control().shape(state.certain.epoch)?;
    let moved = if before.origin == state.shape.origin { Moved::Some } else { Moved::Elsewhere };
    after_growth(table, state, moved)
}

/// Whether growth moved records.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moved {
    Nothing,
    Some,
    /// All of them, to another extent.
    Elsewhere,
}

/// Makes all of a table certain, while nobody else writes it.
pub(crate) fn flush_held(table: &Table, state: &mut State) -> Result<()> {
    if state.in_flight.is_some() {
        return Err(Error::new(ErrorKind::Busy, "the table is being flushed; try again"));
    }
    capture(table, state)?;
    let done = flush_captured(table, state.shape)
        .and_then(|()| commit(table, state))
        .and_then(|()| flush_block(table));
    state.in_flight = None;
    done?;
    finish(table, state)
}

/// The last step: the device has the block. What the table needed before it needs no more.
pub(crate) fn finish(table: &Table, state: &mut State) -> Result<()> {
    state.in_flight = None;
    state.announced = true;
    if table.store.header.kind == Kind::Pack {
        let rights = table.store.rights()?;
        let mut space = rights.space.lock().unwrap_or_else(PoisonError::into_inner);
        space.flushed(table.block, state.certain.epoch);
    }
    Ok(())
}

/// The first step of a flush: what it will make certain.
pub(crate) fn capture(table: &Table, state: &mut State) -> Result<()> {
    kept::keep_newest(table, state)?;
    state.in_flight = Some(state.whole());
    state.changed = false;
    Ok(())
}

/// The second step: the records, and the copy of the newest.
pub(crate) fn flush_captured(table: &Table, shape: Shape) -> Result<()> {
    let mapping = &table.store.mapping;
    let end = at(shape.end_offset(table.store.slot_size()));
    match table.store.header.kind {
        Kind::File => mapping.flush_range(at(table.block), end.saturating_sub(at(table.block))),
        Kind::Pack => {
            let begin = at(shape.origin);
            mapping.flush_range(begin, end.saturating_sub(begin))?;
            flush_block(table)
        }
    }
}

/// The third step: from here on it holds, once the block is on the device.
pub(crate) fn commit(table: &Table, state: &mut State) -> Result<()> {
    let Some(mut certain) = state.in_flight else {
        return Err(Error::new(
            ErrorKind::Busy,
            "a write failed while the table was flushed; flush it again",
        ));
    };
    // Slots that were used again meanwhile.
    let reused = state.end.saturating_sub(state.shape.capacity);
    certain.first = certain.first.max(reused).min(certain.end);
    state.flush = state.flush.wrapping_add(1);
    state.certain = certain;
    state.kept = kept::newest_alone(state.flush, certain.end);
    table.control().safe()?.commit(state.flush, certain);
    Ok(())
}

/// Waits until the device has the block.
pub(crate) fn flush_block(table: &Table) -> Result<()> {
    let len = layout::key_offset(table.store.slot_size());
    table.store.mapping.flush_range(at(table.block), at(len))
}
