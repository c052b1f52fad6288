//! What outlives a loss of power: the records of the last flush.
//!
//! The system writes pages to the device when it likes, so that after a loss of power each page may be as it was at any
//! moment since the last flush. A table therefore keeps, on the page of its own words, what a flush made certain:
//!
//! ```text
//!   Certain(first, end, shape)            every record of first..end is on the device as it is
//!     | about to change a certain record k in place, k lowest yet: keep a copy of it; flush the block
//!   Certain, but for k + 1..end           k itself is certain by its copy
//!     | about to use the slot of a certain record again: first goes beyond it, and an eighth further; flush the block
//!   Certain(first', end, shape); nothing, once first is beyond k
//!     | flush: all records, then these words, then the block
//!   Certain(first, end, shape)            of now
//! ```
//!
//! So a flush of one page comes before the first change in place after a flush, and before an eighth of a ring that is
//! certain is used again; pushes need none. The shape of a flush stays readable: its words are written over only by the
//! growth after the next, which flushes first, and its slots are used again only as above.
//!
//! Which boot of the machine it is tells whether the power was lost: a file that was written in another one and not
//! closed is brought back to what is certain by whoever opens it first, before anybody reads it.

use crate::boot;
use crate::control::Control;
use crate::error::Result;
use crate::layout::{self, Kind, PAGE, at};
use crate::motion::Home;
use crate::shape::Shape;
use crate::store::Store;
use crate::table::{State, Table};
use std::ops::Range;

/// No record.
pub(crate) const NONE: u64 = u64::MAX;

/// From now on the file is written. In a file of its own the word shares a page with all others that matter; in a pack
/// it does not, and has to be there before them.
pub(crate) fn begin(store: &Store) -> Result<()> {
    store.words().boot()?.store_release(boot::current());
    match store.header.kind {
        Kind::File => Ok(()),
        Kind::Pack => flush_control(store),
    }
}

/// Everything was flushed, and nobody writes any more.
pub(crate) fn end(store: &Store) -> Result<()> {
    store.words().boot()?.store_release(0);
    flush_control(store)
}

fn flush_control(store: &Store) -> Result<()> {
    store.mapping.flush_range(layout::CONTROL, at(PAGE))
}

/// The records that a loss of power now would leave.
pub(crate) fn durable(control: Control<'_>) -> Result<Range<u64>> {
    let safe = control.safe()?;
    let end = safe.end().load().min(safe.kept().load().saturating_add(1));
    Ok(safe.first().load()..end)
}

/// Before a record changes in place.
#[inline]
pub(crate) fn before_change(table: &Table, home: Home<'_>) -> Result<()> {
    let safe = table.control().safe()?;
    if home.ordinal >= safe.end().load() || home.ordinal >= safe.kept().load() {
        return Ok(());
    }
    keep(table, home)
}

#[cold]
fn keep(table: &Table, home: Home<'_>) -> Result<()> {
    let control = table.control();
    let safe = control.safe()?;
    let mut bytes = vec![0; home.view.len()];
    home.view.read_into(0, &mut bytes)?;
    // A loss amid these stores finds the copy of another record, or a sum that does not fit: then the record that was
    // kept before is lost too, and nothing else.
    control.view.write_from(control.kept(table.store.header.shadow_stride()), &bytes)?;
    safe.kept_sum().store(kept_sum(home.ordinal, &bytes));
    safe.kept().store_release(home.ordinal);
    flush_block(table)
}

pub(crate) fn kept_sum(ordinal: u64, bytes: &[u8]) -> u64 {
    layout::checksum(bytes) ^ ordinal.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Before records are pushed up to `end`, which may use slots again.
#[inline]
pub(crate) fn before_reuse(table: &Table, shape: Shape, end: u64) -> Result<()> {
    let Some(reused) = end.checked_sub(shape.anchor.saturating_add(shape.capacity)) else { return Ok(()) };
    if reused == 0 {
        return Ok(());
    }
    let below = end - shape.capacity;
    let safe = table.control().safe()?;
    let (first, certain) = (safe.first().load(), safe.end().load());
    if first >= below || first >= certain {
        return Ok(());
    }
    safe.first().store_release(certain.min(below.saturating_add(shape.capacity / 8)));
    flush_block(table)
}

/// Before the shape before this one is written over, which may be that of the flush.
pub(crate) fn before_growth(table: &Table, state: &State) -> Result<()> {
    let safe = table.control().safe()?;
    if safe.epoch().load() == state.shape.epoch {
        return Ok(());
    }
    if safe.first().load() >= safe.end().load() {
        safe.epoch().store_release(state.shape.epoch);
        return Ok(());
    }
    flush_table(table, state)
}

/// After growth, before anything else: what is certain stays so. In a pack the old place stays as it was.
pub(crate) fn after_growth(table: &Table, state: &State, moved: Moved) -> Result<()> {
    let safe = table.control().safe()?;
    let (first, end) = (safe.first().load(), safe.end().load());
    if table.store.header.kind == Kind::Pack && first < end {
        return Ok(());
    }
    let same_slots = moved == Moved::Nothing && first >= state.shape.anchor;
    if first >= end || same_slots {
        safe.epoch().store_release(state.shape.epoch);
        return Ok(());
    }
    flush_table(table, state)
}

/// After a writer that may have died amid `after_growth`.
pub(crate) fn after_takeover(table: &Table, state: &State) -> Result<()> {
    if table.control().safe()?.epoch().load() == state.shape.epoch {
        return Ok(());
    }
    after_growth(table, state, Moved::Some)
}

/// Whether growth moved records.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moved {
    Nothing,
    Some,
}

/// Makes all of a table certain, while nobody writes it.
pub(crate) fn flush_table(table: &Table, state: &State) -> Result<()> {
    let end = state.shape.end_offset(table.store.record_size());
    table.store.mapping.flush_range(at(state.shape.origin), at(end - state.shape.origin))?;
    flush_block(table)?;
    mark(table.control(), state.shape.epoch, state.first..state.end)?;
    flush_block(table)
}

pub(crate) fn flush_block(table: &Table) -> Result<()> {
    let len = layout::key_offset(table.store.header.shadow_stride());
    table.store.mapping.flush_range(at(table.block), at(len))
}

/// Says of a table that it is on the device as it is.
pub(crate) fn mark_as_it_is(table: &Table) -> Result<()> {
    let line = table.control().readers()?;
    mark(table.control(), line.epoch().load_acquire(), line.first().load()..line.end().load())
}

/// Says that these records are on the device. Between any two of these stores the words tell of the flush before, or
/// of this one, or of its records up to the one that was kept.
fn mark(control: Control<'_>, epoch: u64, ordinals: Range<u64>) -> Result<()> {
    let safe = control.safe()?;
    let words = [
        (safe.first(), ordinals.start),
        (safe.epoch(), epoch),
        (safe.end(), ordinals.end),
        (safe.kept(), NONE),
    ];
    for (word, value) in words {
        if word.load() != value {
            word.store_release(value);
        }
    }
    Ok(())
}
