//! Flushing while others write: a flush promises what was written before it began.

use crate::error::{ErrorKind, Result};
use crate::safe;
use crate::store::{Rights, Store};
use crate::table::Table;
use std::sync::{Arc, MutexGuard, PoisonError};

/// Makes a file of one table certain as it is now. Writers wait for the device only where `safe` says.
pub(crate) fn flush_file(table: &Table) -> Result<()> {
    let _turn = turn(table.store.rights()?);
    let mut state = table.writer()?;
    if !state.is_dirty() {
        return Ok(());
    }
    safe::capture(table, &mut state)?;
    let shape = state.shape;
    drop(state);
    let done = safe::flush_captured(table, shape)
        .and_then(|()| safe::commit(table, &mut *table.writer()?))
        .and_then(|()| safe::flush_block(table));
    let mut state = table.writer()?;
    state.in_flight = None;
    done?;
    safe::finish(table, &mut state)
}

/// Makes these tables of a pack certain as they are now, with two flushes of all of it.
pub(crate) fn flush_tables(store: &Store, tables: &[Arc<Table>]) -> Result<()> {
    let rights = store.rights()?;
    let _turn = turn(rights);
    let space = || rights.space.lock().unwrap_or_else(PoisonError::into_inner);
    let unneeded = space().begin_flush();
    let captured = capture(tables)?;
    if captured.is_empty() && unneeded.is_empty() {
        return Ok(());
    }
    let done = store.mapping.flush().and_then(|()| {
        captured.iter().try_for_each(|table| safe::commit(table, &mut *table.writer()?))?;
        store.mapping.flush()
    });
    for table in captured {
        let mut state = table.writer()?;
        state.in_flight = None;
        if done.is_ok() {
            safe::finish(table, &mut state)?;
        }
    }
    for extent in unneeded {
        match done {
            Ok(()) => space().take_back(extent),
            Err(_) => space().is_unneeded(extent),
        }
    }
    done
}

/// Those of the tables that a flush changes anything for. One that was removed is none of them.
fn capture(tables: &[Arc<Table>]) -> Result<Vec<&Table>> {
    let mut captured = Vec::new();
    for table in tables {
        let mut state = match table.writer() {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            other => other?,
        };
        if state.is_dirty() {
            safe::capture(table, &mut state)?;
            captured.push(&**table);
        }
    }
    Ok(captured)
}

/// The turn to flush, which those who have to wait for a flush wait for.
fn turn(rights: &Rights) -> MutexGuard<'_, ()> {
    rights.flushing.lock().unwrap_or_else(PoisonError::into_inner)
}
