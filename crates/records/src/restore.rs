//! After a loss of power: what is certain of a table, to read it so, and to bring it back to that.
//!
//! Who opens a file to read it changes nothing: it reads what is certain, until a writer has opened the file. Who opens it to
//! write brings it back first.

use crate::boot;
use crate::control::Certain;
use crate::directory::{self, LOST};
use crate::error::{Error, ErrorKind, Result};
use crate::habits::{Habits, WarningKind};
use crate::kept;
use crate::layout;
use crate::motion::{self, Motion};
use crate::safe;
use crate::shape::Shape;
use crate::store::Store;
use crate::table::{KeptAt, NONE, State, Table, Unrestored};
use std::path::Path;
use std::sync::Arc;

/// The table whose block begins here, for reading: as it is, or of a file that lost its power, as it was at its last flush.
pub(crate) fn for_reading(store: Arc<Store>, block: u64) -> Result<Table> {
    let table = Table::for_reading(store, block);
    if boot::lost_power(table.store.words())? {
        let boot = table.store.words().boot()?.load_acquire();
        let found = certain(&table);
        // A writer that came meanwhile has made all of this void.
        if table.store.words().boot()?.load_acquire() == boot {
            return Ok(table.unrestored(Unrestored { boot, ..found? }));
        }
    }
    Ok(table)
}

/// Brings a file of one table back to what is certain.
pub(crate) fn restore_file(table: &Table) -> Result<()> {
    let mut state = restore_table(table)?;
    safe::flush_held(table, &mut state)
}

/// What was lost with the power, although the rest of the pack was brought back.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    /// The keys of the tables whose words make no sense.
    pub(crate) tables: Vec<String>,
}

/// Tells who listens that a file was brought back, and what was lost for good.
#[cold]
pub(crate) fn warn(habits: &Habits, path: &Path, losses: &Losses) {
    let message = "the machine lost its power while the file was written; it is as at its last flush";
    habits.warn(WarningKind::Restored, path, message);
    if !losses.tables.is_empty() {
        let message = format_args!("tables that make no sense were given up: {}", losses.tables.join(", "));
        habits.warn(WarningKind::TablesLost, path, message);
    }
}

/// Brings all tables back to what is certain, forgets those that make no sense, and gives no space out twice.
pub(crate) fn restore_pack(store: &Arc<Store>) -> Result<Losses> {
    let directory = directory::directory(store)?;
    let mut losses = Losses::default();
    let (mut used, mut restored) = (directory.end(), Vec::new());
    for bucket in 0..directory.buckets {
        let word = directory.word(bucket)?;
        let block = word.load_acquire();
        if block <= LOST {
            continue;
        }
        let Ok(Some(key)) = directory::key_of(store, block) else {
            word.store_release(LOST);
            continue;
        };
        let table = Table::for_reading(Arc::clone(store), block);
        match restore_table(&table) {
            Ok(state) => {
                let key_end = block + layout::key_offset(store.slot_size()) + key.len() as u64;
                used = used.max(key_end).max(state.shape.end_offset(store.slot_size()));
                restored.push((table, state));
            }
            Err(error) if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Truncated) => {
                losses.tables.push(String::from_utf8_lossy(&key).into_owned());
                word.store_release(LOST);
            }
            Err(error) => return Err(error),
        }
    }
    store.words().used()?.store_release(used);
    store.words().tables()?.store_release(restored.len() as u64);
    for (table, state) in &mut restored {
        safe::capture(table, state)?;
    }
    store.mapping.flush()?;
    restored.iter_mut().try_for_each(|(table, state)| safe::commit(table, state))?;
    store.mapping.flush()?;
    Ok(losses)
}

/// Brings a table back to what is certain. Done twice it is the same, since what is certain is not written.
fn restore_table(table: &Table) -> Result<State> {
    let Unrestored { first, end, shape, kept, .. } = certain(table)?;
    let (control, slot_size) = (table.control(), table.store.slot_size());
    for KeptAt { index, ordinal } in kept {
        let home = table.home(shape, ordinal)?;
        let mut bytes = vec![0; home.len];
        control.view.read_into(control.kept(index, slot_size).bytes(), &mut bytes)?;
        home.write(&bytes)?;
    }
    let line = control.readers()?;
    line.first().store_release(first);
    line.end().store_release(end);
    let safe = control.safe()?;
    let flush = safe.flush().load();
    if safe.certain(flush).epoch != shape.epoch {
        control.prepare_shape(shape)?;
    }
    line.epoch().store_release(shape.epoch);
    (0..2).for_each(|shadow| line.target(shadow).store(NONE));
    line.deep().store(line.deep().load().wrapping_add(1));
    let motion = motion::settle(control, Motion(line.motion().load()).update())?;
    Ok(State { motion, shape, first, end, flush, settled: true, ..State::UNKNOWN })
}

/// What the words say is certain, if they make sense and lie in the file.
fn certain(table: &Table) -> Result<Unrestored> {
    let control = table.control();
    let safe = control.safe()?;
    let flush = safe.flush().load_acquire();
    let Certain { first, end, epoch } = safe.certain(flush);
    let (first, shape) = certain_shape(table, Certain { first, end, epoch })?;
    let mut kept = kept::of_flush(control, table.store.slot_size(), flush)?;
    kept.retain(|kept| (first..end).contains(&kept.ordinal));
    Ok(Unrestored { boot: boot::CLOSED, first, end: end.max(first), shape, kept })
}

/// The shape in which certain records lie, cut to what the file has room for, and the first of them. The rest of a larger
/// shape came after the flush, and the device may not have it.
fn certain_shape(table: &Table, certain: Certain) -> Result<(u64, Shape)> {
    let Certain { first, end, epoch } = certain;
    let file_len = table.store.mapping.len() as u64;
    let mut shape = table.control().checked_shape(epoch)?;
    let fits = table.store.header.slots.fit(file_len.saturating_sub(shape.origin));
    // Where nothing is certain, the shape may be a later one.
    let first = first.max(shape.base);
    let count = end.saturating_sub(first);
    let sound = count <= shape.capacity
        && end.max(first) < layout::ORDINAL_MAX
        && shape.origin >= table.store.header.records_offset();
    if !sound {
        return Err(Error::corrupt(
            "the record file says nonsense of what was flushed; import the data anew",
        ));
    }
    if shape.capacity > fits {
        let straight = count == 0 || shape.slot(first).saturating_add(count) <= fits;
        if !straight {
            return Err(Error::new(
                ErrorKind::Truncated,
                format!(
                    "{} was cut short to {file_len} bytes; import the data anew",
                    table.store.path.display()
                ),
            ));
        }
        // The slot of the first record stays what it is.
        shape = Shape { epoch: epoch.wrapping_add(1), base: shape.lap(first), capacity: fits, ..shape };
    }
    Ok((first, shape))
}
