//! A table whose type is known only at run time: records as bytes, and the opening of a file that holds one table. The
//! typed [`RecordFile`](crate::RecordFile) is a thin wrapper.

use crate::control::Control;
use crate::error::{Error, ErrorKind, Result};
use crate::header::Header;
use crate::layout::{self, Kind, ORDINAL_MAX, at};
use crate::motion::Motion;
use crate::safe;
use crate::schema::Schema;
use crate::shape::Shape;
use crate::store::{self, Admit, Gates, Store};
use crate::writer::State;
use samovar_mmap::{NewFile, SharedMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Two creators of one file, or one who removes it meanwhile, can make an opener start over this often.
const ATTEMPTS: u32 = 16;
/// A new file has room for what fits its last page, and at least for so many records.
pub(crate) const FIRST_SLOTS: u64 = 8;

/// A file of fixed-size records, as bytes.
///
/// For programs that do not know the type, such as one that exports any record file; others use
/// [`RecordFile`](crate::RecordFile).
///
/// ```
/// use samovar_records::RawFile;
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("600600");
/// let file = RawFile::create(&path, "time:i64,close:f64".parse()?, 0)?;
/// file.extend_from_bytes(&[1; 32])?;
///
/// let reader = RawFile::open(&path)?;
/// assert_eq!(reader.len()?, 2);
/// let mut record = vec![0; reader.schema().record_size()];
/// assert!(reader.get_bytes(1, &mut record)?);
/// assert_eq!(record, [1; 16]);
/// # Ok::<(), samovar_records::Error>(())
/// ```
pub struct RawFile {
    pub(crate) store: Arc<Store>,
    /// Where the table's block begins.
    pub(crate) block: u64,
    pub(crate) writer: Option<Mutex<State>>,
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

impl RawFile {
    /// Makes a file with room for `capacity` records and opens it for writing. It appears whole or not at all.
    ///
    /// # Errors
    /// `AlreadyExists`; `NoSpace`; `RemoteFilesystem`; the errors of the directory.
    pub fn create(path: impl AsRef<Path>, schema: Schema, capacity: usize) -> Result<RawFile> {
        let path = path.as_ref();
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
        RawFile::open_writer(path)
    }

    /// Opens a file for reading. Any number of handles may; none of them locks or writes anything, unless the machine
    /// lost its power while the file was written: then the first to open it brings it back to its last flush.
    ///
    /// # Errors
    /// `NotFound`, `NotRegularFile`, `RemoteFilesystem`, `EmptyFile`, `NotRecords`, `UnsupportedVersion`,
    /// `WrongEndianness`, `Corrupt`, `Truncated`, `PermissionDenied`: each for what its name says. The file is not
    /// changed.
    pub fn open(path: impl AsRef<Path>) -> Result<RawFile> {
        RawFile::open_if(path.as_ref(), &|_| Ok(()))
    }

    /// Opens a file for writing, and finishes what a writer that died left in motion.
    ///
    /// # Errors
    /// As [`open`](Self::open), and `Locked` if another handle writes it, in this process or another, which the message
    /// names.
    pub fn open_writer(path: impl AsRef<Path>) -> Result<RawFile> {
        RawFile::open_writer_if(path.as_ref(), &|_| Ok(()))
    }

    /// [`open_writer`](Self::open_writer), if the records are those that the caller means.
    pub(crate) fn open_writer_if(path: &Path, admit: Admit<'_>) -> Result<RawFile> {
        let store = Store::open_writer(path, Gates { kind: Kind::File, admit })?;
        let raw = RawFile::table(Arc::new(store), layout::CONTROL as u64);
        if safe::lost_power(&raw.store)? {
            safe::restore(&raw)?;
        }
        safe::begin(&raw.store)?;
        raw.begin_writing()
    }

    /// Opens a file for writing; makes it first if it is not there.
    ///
    /// # Errors
    /// As [`open_writer`](Self::open_writer); `WrongSize` and `WrongType` if it is there with another schema.
    pub fn open_or_create(path: impl AsRef<Path>, schema: Schema, capacity: usize) -> Result<RawFile> {
        let path = path.as_ref();
        for _ in 0..ATTEMPTS {
            match RawFile::open_writer_if(path, &|header| header.admit(&schema)) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => return other,
            }
            match RawFile::create(path, schema.clone(), capacity) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                other => return other,
            }
        }
        Err(Error::new(
            ErrorKind::Busy,
            format!("{} is removed as fast as it is made; stop whoever does", path.display()),
        ))
    }

    /// [`open`](Self::open), if the records are those that the caller means.
    pub(crate) fn open_if(path: &Path, admit: Admit<'_>) -> Result<RawFile> {
        let store = Store::open(path, Gates { kind: Kind::File, admit })?;
        if safe::lost_power(&store)? {
            safe::wait_until_restored(&store, || RawFile::open_writer_if(path, admit).map(drop))?;
        }
        let raw = RawFile::table(Arc::new(store), layout::CONTROL as u64);
        let shape = raw.shape()?;
        raw.store.reach(shape.end_offset(raw.store.record_size()).min(ORDINAL_MAX))?;
        Ok(raw)
    }

    /// The table whose block begins here, for reading.
    pub(crate) fn table(store: Arc<Store>, block: u64) -> RawFile {
        RawFile { store, block, writer: None }
    }

    /// Takes over from the writer before.
    pub(crate) fn begin_writing(mut self) -> Result<RawFile> {
        let mut state = State::UNKNOWN;
        self.recover(&mut state)?;
        self.writer = Some(Mutex::new(state));
        Ok(self)
    }

    #[inline(always)]
    pub(crate) fn control(&self) -> Control<'_> {
        Control { view: self.store.mapping.view(), block: at(self.block) }
    }

    /// The block in this map of the file.
    pub(crate) fn control_in<'a>(&self, map: &'a SharedMap) -> Control<'a> {
        Control { view: map.view(), block: at(self.block) }
    }

    pub(crate) fn shape(&self) -> Result<Shape> {
        let control = self.control();
        control.shape(control.readers()?.epoch().load_acquire())
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.store.path
    }

    /// What its records are made of.
    pub fn schema(&self) -> &Schema {
        &self.store.header.schema
    }

    #[inline]
    pub(crate) fn record_size(&self) -> usize {
        self.store.header.schema.record_size()
    }

    /// Whether this handle may write.
    pub fn is_writer(&self) -> bool {
        self.writer.is_some()
    }

    /// Records that are there.
    ///
    /// # Errors
    /// `Fault` if the file was cut short.
    pub fn len(&self) -> Result<usize> {
        let ordinals = self.look()?.ordinals();
        Ok(at(ordinals.end - ordinals.start))
    }

    /// Whether there are none.
    ///
    /// # Errors
    /// As [`len`](Self::len).
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Records that there is room for without growing.
    ///
    /// # Errors
    /// As [`len`](Self::len).
    pub fn capacity(&self) -> Result<usize> {
        Ok(self.info()?.capacity)
    }

    /// What there is to know about the file.
    ///
    /// # Errors
    /// As [`len`](Self::len).
    pub fn info(&self) -> Result<Info> {
        let control = self.control();
        let ordinals = self.look()?.ordinals();
        let shape = self.shape()?;
        let durable = safe::durable(control)?;
        Ok(Info {
            len: at(ordinals.end - ordinals.start),
            capacity: at(shape.capacity),
            pushed: ordinals.end,
            durable: durable.end.min(ordinals.end).saturating_sub(durable.start.max(ordinals.start)),
            updates: Motion(control.readers()?.motion().load()).update(),
            writers: self.store.words().generation()?,
            created_ms: self.store.header.created_ms,
            records_offset: shape.origin,
        })
    }

    /// Copies the record with this index to `out`, which has the size of a record. `false` if there is none.
    ///
    /// # Errors
    /// `InvalidArgument` if `out` has another size; `Busy` if the record changed too fast; `Fault`; `Corrupt`.
    pub fn get_bytes(&self, index: usize, out: &mut [u8]) -> Result<bool> {
        if out.len() != self.record_size() {
            return Err(Error::invalid(format!(
                "a record has {} bytes, not {}",
                self.record_size(),
                out.len()
            )));
        }
        self.read_index(index as u64, out)
    }

    /// Appends whole records; readers see all of them at once.
    ///
    /// # Errors
    /// `ReadOnly`; `InvalidArgument` if it is not a whole number of records; `NoSpace`, and the file is as before;
    /// `Fault`; `Inherited` in a forked child.
    pub fn extend_from_bytes(&self, records: &[u8]) -> Result<()> {
        self.append(records)
    }

    /// Makes room for `additional` records, reserving the space for them.
    ///
    /// # Errors
    /// `ReadOnly`; `NoSpace`, and the file is as before.
    pub fn reserve(&self, additional: usize) -> Result<()> {
        self.reserve_for(additional as u64)
    }

    /// Waits until the device has everything that was written. From then on a loss of power takes nothing of it but
    /// what is changed in place later.
    ///
    /// # Errors
    /// `Io` or `NoSpace` if the device failed; every later flush of this handle fails then too.
    pub fn flush(&self) -> Result<()> {
        if self.is_writer() { safe::flush(self) } else { self.store.mapping.flush() }
    }

    /// Flushes what was written, gives up the right to write, and says whether all that worked.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub fn close(self) -> Result<()> {
        if self.is_writer() {
            self.flush()?;
        }
        let store = Arc::clone(&self.store);
        drop(self);
        match Arc::try_unwrap(store) {
            Ok(store) => {
                if store.rights.is_some() {
                    safe::end(&store)?;
                }
                store.mapping.close()
            }
            // Other tables of it are open: it closes with the last of them.
            Err(_) => Ok(()),
        }
    }
}

impl Drop for RawFile {
    fn drop(&mut self) {
        if let Some(rights) = &self.store.rights {
            // In a forked child another thread may have held it for ever: then nothing is lost by leaving it.
            let Ok(mut open) = rights.open.try_lock() else { return };
            if open.get(&self.block).is_some_and(|table| table.strong_count() == 0) {
                open.remove(&self.block);
            }
        }
    }
}

impl std::fmt::Debug for RawFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawFile")
            .field("path", &self.store.path)
            .field("schema", &self.store.header.schema.to_string())
            .field("writer", &self.is_writer())
            .finish()
    }
}
