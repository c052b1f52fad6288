//! An open table of whatever type: what [`RawFile`](crate::RawFile) and [`RecordFile`](crate::RecordFile) wrap.

use crate::boot::{self, Since};
use crate::control::Control;
use crate::copy::copy;
use crate::error::{Error, ErrorKind, Result};
use crate::flush;
use crate::flusher::Flusher;
use crate::habits::Habits;
use crate::header::TableType;
use crate::layout::{self, Kind, ORDINAL_MAX, at};
use crate::motion::Motion;
use crate::new_table::NewTable;
use crate::pack::Pack;
use crate::projection::Projection;
use crate::restore::{self, Losses};
use crate::safe;
use crate::schema::Schema;
use crate::store::{Admit, OpenChecks, Store};
use crate::table::{State, Table};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Two creators of one file, or one who removes it meanwhile, can make an opener start over this often.
const ATTEMPTS: u32 = 16;

/// A table, and the pack that it lies in, if it does.
pub(crate) struct Handle {
    pub(crate) table: Arc<Table>,
    pub(crate) pack: Option<Arc<Pack>>,
    /// A thread, for who asked for it. Dropped last, it finds that nobody has the table any more.
    flusher: Option<Flusher>,
}

/// What `info` shows of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// Records that are there.
    pub len: usize,
    /// Records that there is room for.
    pub capacity: usize,
    /// Records that were pushed since the file was made, those dropped in front included.
    pub pushed: u64,
    /// Records that a loss of power now would leave: those of the last flush, as they were then.
    pub durable: u64,
    /// How often the table was flushed.
    pub flushes: u64,
    /// How often a record was replaced in place.
    pub updates: u64,
    /// Handles that wrote the file, one after another.
    pub writers: u64,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// Where the first slot lies in the file.
    pub records_offset: u64,
    /// Bytes from one record to the next, where they are rows: those of a record and, if it has one, its checksum. Where columns
    /// lie apart, those that a record takes in all of them.
    pub slot_size: usize,
    /// Whether each record has a checksum.
    pub has_checksums: bool,
    /// Where columns lie apart: how many records a block of them has.
    pub block_records: Option<usize>,
    /// Whether what is shown is all that was written.
    pub condition: Condition,
}

/// Whether a file is as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Condition {
    /// It is.
    Sound,
    /// The machine lost its power while the file was written. It is shown as at its last flush, and who opens it for
    /// writing brings it back to that. Nothing of it was changed so far.
    PowerLost,
    /// The system does not say which boot of the machine this is, or did not when the file was written. It is shown as it
    /// is; if the machine lost its power, records may be torn or missing.
    BootUnknown,
}

impl Handle {
    /// A table of a pack.
    pub(crate) fn of_pack(table: Arc<Table>, pack: Arc<Pack>) -> Handle {
        Handle { table, pack: Some(pack), flusher: None }
    }

    /// Another handle of the same table.
    #[cfg(feature = "arrow")]
    pub(crate) fn another(&self) -> Handle {
        Handle { table: Arc::clone(&self.table), pack: self.pack.clone(), flusher: None }
    }

    /// Makes a file with room for `capacity` records and opens it for writing.
    pub(crate) fn create(path: &Path, of: TableType, capacity: usize, habits: &Habits) -> Result<Handle> {
        NewTable::create(path, of, capacity as u64)?.publish()?;
        Handle::open_writer(path, &|_| Ok(()), habits)
    }

    /// Opens a file for reading, if its records are those that the caller means.
    pub(crate) fn open(path: &Path, admit: Admit<'_>) -> Result<Handle> {
        let store = Arc::new(Store::open(path, OpenChecks { kind: Kind::File, admit })?);
        let table = restore::for_reading(store, layout::CONTROL as u64)?;
        Ok(Handle { table: Arc::new(table), pack: None, flusher: None })
    }

    /// Opens a file for reading, whatever its records are, if those of this type can be made of them.
    pub(crate) fn open_as(path: &Path, asked: Schema, projection: &Projection) -> Result<Handle> {
        let handle = Handle::open(path, &|_| Ok(()))?;
        if handle.table.store.header.schema.fingerprint() == asked.fingerprint() {
            return Ok(handle);
        }
        let projected = projection.of(&handle.table.store.header.schema, asked)?;
        let table = Arc::into_inner(handle.table).map(|table| Arc::new(table.projected(projected)));
        let table =
            table.ok_or_else(|| Error::new(ErrorKind::Busy, "the file is in use already; open it anew"))?;
        Ok(Handle { table, pack: None, flusher: None })
    }

    /// Opens a file for writing, if its records are those that the caller means.
    pub(crate) fn open_writer(path: &Path, admit: Admit<'_>, habits: &Habits) -> Result<Handle> {
        let store = Store::open_writer(path, OpenChecks { kind: Kind::File, admit }, habits)?;
        let table = Table::for_reading(Arc::new(store), layout::CONTROL as u64);
        if boot::lost_power(table.store.words())? {
            restore::restore_file(&table)?;
            restore::warn(habits, &table.store.path, &Losses::default());
        }
        boot::warn(habits, &table.store.path);
        safe::begin(&table.store)?;
        let table = Arc::new(table.for_writing()?);
        let flusher = habits.flush_every.map(|interval| flush_every(&table, interval)).transpose()?;
        Ok(Handle { table, pack: None, flusher })
    }

    /// Opens a file for writing; makes it first if it is not there.
    pub(crate) fn open_or_create(
        path: &Path,
        of: &TableType,
        capacity: usize,
        habits: &Habits,
    ) -> Result<Handle> {
        for _ in 0..ATTEMPTS {
            match Handle::open_writer(path, &|header| header.admit(&of.schema), habits) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => return other,
            }
            match Handle::create(path, of.clone(), capacity, habits) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                other => return other,
            }
        }
        Err(Error::new(
            ErrorKind::Busy,
            format!("{} is removed as fast as it is made; stop the program that does", path.display()),
        ))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.table.store.path
    }

    pub(crate) fn is_writer(&self) -> bool {
        self.table.state.is_some()
    }

    pub(crate) fn len(&self) -> Result<usize> {
        let ordinals = self.table.look()?.ordinals();
        Ok(at(ordinals.end - ordinals.start))
    }

    pub(crate) fn info(&self) -> Result<Info> {
        let table = &self.table;
        let control = table.control();
        let seen = table.look()?;
        let ordinals = seen.ordinals();
        let safe = control.safe()?;
        let flushes = safe.flush().load_acquire();
        let certain = safe.certain(flushes);
        let durable = certain.end.min(ordinals.end).saturating_sub(certain.first.max(ordinals.start));
        Ok(Info {
            len: at(ordinals.end - ordinals.start),
            capacity: at(seen.shape().capacity),
            pushed: ordinals.end,
            durable,
            flushes,
            updates: updates(control)?,
            writers: table.store.words().generation()?,
            created_ms: table.store.header.created_ms,
            records_offset: seen.shape().origin,
            slot_size: at(table.store.slot_size()),
            has_checksums: table.slots().have_sums(),
            block_records: table.slots().columns().map(|columns| at(columns.block)),
            condition: match boot::since(table.store.words())? {
                Since::Sound => Condition::Sound,
                Since::PowerLost => Condition::PowerLost,
                Since::Unknown => Condition::BootUnknown,
            },
        })
    }

    /// Whether the words make sense and all records can be read.
    pub(crate) fn check(&self) -> Result<()> {
        let table = &self.table;
        let control = table.control();
        if table.unrestored.is_none() {
            let state = State::load(control)?;
            table.store.reach(state.shape.end_offset(table.store.slot_size()).min(ORDINAL_MAX))?;
        }
        let safe = control.safe()?;
        control.checked_shape(safe.certain(safe.flush().load_acquire()).epoch)?;
        copy(table, table.look()?.ordinals(), |_, _| Ok(())).map(drop)
    }

    /// Waits until the device has everything that was written before: of a pack, to all of its tables.
    pub(crate) fn flush(&self) -> Result<()> {
        match &self.pack {
            _ if !self.is_writer() => Err(Error::new(
                ErrorKind::ReadOnly,
                format!("{} was opened for reading, and only its writer can flush it", self.path().display()),
            )),
            Some(pack) => pack.flush(),
            None => flush::flush_file(&self.table),
        }
    }

    /// Flushes what was written and gives up the right to write, unless others share the table or its pack.
    pub(crate) fn close(mut self) -> Result<()> {
        self.flusher = None;
        let store = Arc::clone(&self.table.store);
        if self.is_writer() {
            self.flush()?;
            let last = match &self.pack {
                Some(pack) => Arc::strong_count(pack) == 1,
                None => Arc::strong_count(&self.table) == 1,
            };
            if last {
                safe::end(&store)?;
            }
        }
        drop(self);
        // A snapshot may be open: it closes with that.
        Arc::try_unwrap(store).map_or(Ok(()), |store| store.mapping.close())
    }
}

/// How often a record was replaced. Records that move go through motion too, and are no updates.
fn updates(control: Control<'_>) -> Result<u64> {
    let moves = control.moves()?.load();
    Ok(Motion(control.readers()?.motion().load()).update().saturating_sub(moves))
}

fn flush_every(table: &Arc<Table>, interval: Duration) -> Result<Flusher> {
    let (weak, path) = (Arc::downgrade(table), table.store.path.clone());
    let flush = move || {
        let Some(table) = weak.upgrade() else { return false };
        if let (Err(error), Ok(rights)) = (flush::flush_file(&table), table.store.rights()) {
            rights.habits.warn_of_flush(&table.store.path, &error);
        }
        true
    };
    Flusher::start(interval, flush).map_err(|source| Error::io("starting a thread for", &path, source))
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordFile")
            .field("path", &self.table.store.path)
            .field("schema", &self.table.store.header.schema.to_string())
            .field("writer", &self.is_writer())
            .finish()
    }
}
