//! Copying a table, to another or to a file of its own, while it is written.

use crate::error::Result;
use crate::layout::at;
use crate::new_table::NewTable;
use crate::reader::{Found, TRIES, busy, pause};
use crate::table::Table;
use std::ops::Range;
use std::path::Path;

/// Bytes copied at a time.
const PIECE: usize = 1 << 20;

/// Appends all records that are there to a table that nobody reads yet. Every one is whole, and as it was at some moment of the
/// call.
pub(crate) fn copy_records(from: &Table, to: &Table) -> Result<()> {
    for attempt in 0..TRIES {
        if copy(from, from.look()?.ordinals(), |_, records| to.append(records))? == Found::Whole {
            return Ok(());
        }
        // Records were dropped in front before their turn: all of them anew.
        to.keep_last(0)?;
        pause(attempt);
    }
    Err(busy())
}

/// Copies all records that are there to a new file, which is durable and closed.
pub(crate) fn back_up(from: &Table, to: &Path) -> Result<()> {
    for attempt in 0..TRIES {
        let ordinals = from.look()?.ordinals();
        let count = ordinals.end - ordinals.start;
        let new = NewTable::create(to, from.table_type(), count)?;
        let begin = ordinals.start;
        let write = |ordinal: u64, records: &[u8]| new.write(ordinal - begin, records);
        if copy(from, ordinals, write)? == Found::Whole {
            new.fill(count)?;
            return new.publish();
        }
        pause(attempt);
    }
    Err(busy())
}

/// Calls `write` with pieces of these records, and the ordinals that they begin with.
pub(crate) fn copy(
    from: &Table,
    mut ordinals: Range<u64>,
    mut write: impl FnMut(u64, &[u8]) -> Result<()>,
) -> Result<Found> {
    let size = from.record_size();
    let mut piece = vec![0; (PIECE / size).max(1) * size];
    while !ordinals.is_empty() {
        let count = (ordinals.end - ordinals.start).min((piece.len() / size) as u64);
        let now = &mut piece[..at(count) * size];
        if from.read_block(ordinals.start, now)? == Found::Dropped {
            return Ok(Found::Dropped);
        }
        write(ordinals.start, now)?;
        ordinals.start += count;
    }
    Ok(Found::Whole)
}
