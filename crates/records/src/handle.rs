//! An open table of whatever type: what [`RawFile`](crate::RawFile) and [`RecordFile`](crate::RecordFile) wrap.

use crate::boot;
use crate::control::Control;
use crate::error::{Error, ErrorKind, Result};
use crate::header::Header;
use crate::layout::{self, Kind, ORDINAL_MAX, at};
use crate::motion::Motion;
use crate::pack::Pack;
use crate::restore;
use crate::safe;
use crate::schema::Schema;
use crate::shape::Shape;
use crate::store::{self, Admit, Gates, Store};
use crate::table::{FIRST_SLOTS, Table};
use samovar_mmap::NewFile;
use std::path::Path;
use std::sync::Arc;

/// Two creators of one file, or one who removes it meanwhile, can make an opener start over this often.
const ATTEMPTS: u32 = 16;

/// A table, and the pack that it lies in, if it does.
pub(crate) struct Handle {
    pub(crate) table: Arc<Table>,
    pub(crate) pack: Option<Arc<Pack>>,
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
    /// Records that a loss of power now would leave: those of the last flush that were not changed since.
    pub durable: u64,
    /// How often something changed in place: a record that was replaced, and growth.
    pub updates: u64,
    /// Handles that wrote the file, one after another.
    pub writers: u64,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// Where the first slot lies in the file.
    pub records_offset: u64,
}

impl Handle {
    /// Makes a file with room for `capacity` records and opens it for writing.
    pub(crate) fn create(path: &Path, schema: Schema, capacity: usize) -> Result<Handle> {
        let header = Header::new(schema, Kind::File);
        let len = header
            .file_len((capacity as u64).max(FIRST_SLOTS))
            .ok_or_else(|| Error::invalid(format!("no file has room for {capacity} records")))?;
        let new = NewFile::create(path)?;
        let map = store::format(new.file(), path, &header, len)?;
        let (capacity, origin) = (header.slots_in(len), header.records_offset());
        let control = Control { view: map.view(), block: layout::CONTROL };
        control.format(Shape { epoch: 0, anchor: 0, capacity, origin })?;
        map.close()?;
        new.publish()?;
        Handle::open_writer(path, &|_| Ok(()))
    }

    /// Opens a file for reading, if its records are those that the caller means.
    pub(crate) fn open(path: &Path, admit: Admit<'_>) -> Result<Handle> {
        let store = Store::open(path, Gates { kind: Kind::File, admit })?;
        if boot::lost_power(store.words())? {
            restore::wait_until_restored(&store, || Handle::open_writer(path, admit).map(drop))?;
        }
        let table = Table::for_reading(Arc::new(store), layout::CONTROL as u64);
        let shape = table.shape()?;
        table.store.reach(shape.end_offset(table.store.record_size()).min(ORDINAL_MAX))?;
        Ok(Handle { table: Arc::new(table), pack: None })
    }

    /// Opens a file for writing, if its records are those that the caller means.
    pub(crate) fn open_writer(path: &Path, admit: Admit<'_>) -> Result<Handle> {
        let store = Store::open_writer(path, Gates { kind: Kind::File, admit })?;
        let table = Table::for_reading(Arc::new(store), layout::CONTROL as u64);
        if boot::lost_power(table.store.words())? {
            restore::restore(&table)?;
        }
        safe::begin(&table.store)?;
        Ok(Handle { table: Arc::new(table.for_writing()?), pack: None })
    }

    /// Opens a file for writing; makes it first if it is not there.
    pub(crate) fn open_or_create(path: &Path, schema: &Schema, capacity: usize) -> Result<Handle> {
        for _ in 0..ATTEMPTS {
            match Handle::open_writer(path, &|header| header.admit(schema)) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => return other,
            }
            match Handle::create(path, schema.clone(), capacity) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                other => return other,
            }
        }
        Err(Error::new(
            ErrorKind::Busy,
            format!("{} is removed as fast as it is made; stop whoever does", path.display()),
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
        let control = self.table.control();
        let ordinals = self.table.look()?.ordinals();
        let shape = self.table.shape()?;
        let durable = safe::durable(control)?;
        Ok(Info {
            len: at(ordinals.end - ordinals.start),
            capacity: at(shape.capacity),
            pushed: ordinals.end,
            durable: durable.end.min(ordinals.end).saturating_sub(durable.start.max(ordinals.start)),
            updates: Motion(control.readers()?.motion().load()).update(),
            writers: self.table.store.words().generation()?,
            created_ms: self.table.store.header.created_ms,
            records_offset: shape.origin,
        })
    }

    /// Waits until the device has everything that was written: of a pack, to all of its tables.
    pub(crate) fn flush(&self) -> Result<()> {
        match &self.pack {
            _ if !self.is_writer() => self.table.store.mapping.flush(),
            Some(pack) => pack.flush(),
            None => safe::flush_table(&self.table, &*self.table.writer()?),
        }
    }

    /// Flushes what was written and gives up the right to write, unless others share the table or its pack.
    pub(crate) fn close(self) -> Result<()> {
        if self.is_writer() {
            self.flush()?;
        }
        let store = Arc::clone(&self.table.store);
        drop(self);
        // Another table of it, or a snapshot, may be open: it closes with the last of them.
        let Ok(store) = Arc::try_unwrap(store) else { return Ok(()) };
        if store.rights.is_some() {
            safe::end(&store)?;
        }
        store.mapping.close()
    }
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
