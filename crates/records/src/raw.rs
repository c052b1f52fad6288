//! A record file whose type is known only at run time: its gates, its making, and records as bytes. The typed
//! [`RecordFile`](crate::RecordFile) is a thin wrapper.

use crate::control::Control;
use crate::error::{Error, ErrorKind, Result};
use crate::header::{Header, Unchecked};
use crate::holder::Holder;
use crate::layout::{HEADER_LEN, MAGIC, at};
use crate::mapping::Mapping;
use crate::schema::Schema;
use crate::writer::{State, Writer};
use samovar_mmap::{Access, FileId, NewFile, SharedMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once};

/// Two creators of one file, or one who removes it meanwhile, can make an opener start over this often.
const ATTEMPTS: u32 = 16;
/// A new file has room for what fits its last page, and at least for so many records.
const FIRST_SLOTS: u64 = 8;

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
    path: PathBuf,
    id: FileId,
    pub(crate) header: Header,
    pub(crate) mapping: Mapping,
    pub(crate) writer: Option<Mutex<Writer>>,
}

/// Refuses a file whose records are not those that are meant.
pub(crate) type Admit<'a> = &'a dyn Fn(&Header) -> Result<()>;

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
    /// Records that were replaced in place.
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
        let header = Header::new(schema);
        let new = NewFile::create(path)?;
        format(new.file(), path, &header, capacity as u64)?;
        new.publish()?;
        RawFile::open_writer(path)
    }

    /// Makes a file whose directory nobody knows yet: without the care that it appear whole, and not yet durable.
    pub(crate) fn create_in_private(path: &Path, schema: Schema, capacity: usize) -> Result<RawFile> {
        let header = Header::new(schema);
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(|source| Error::io("creating", path, source))?;
        format(&file, path, &header, capacity as u64)?;
        RawFile::open_writer(path)
    }

    /// Opens a file for reading. Any number of handles may; none of them locks or writes anything.
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
        let (mut raw, file) = RawFile::enter(path, Access::ReadWrite, admit)?;
        let holder = Holder::take(path, raw.id, Control(raw.mapping.base()))?;
        let mut writer = Writer { file, _holder: holder, state: State::UNKNOWN };
        raw.recover(&mut writer)?;
        raw.writer = Some(Mutex::new(writer));
        Ok(raw)
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
        Ok(RawFile::enter(path, Access::ReadOnly, admit)?.0)
    }

    /// The gates, in order: a regular local file; the header; the type, if one is asked for; as long as it says.
    fn enter(path: &Path, access: Access, admit: Admit<'_>) -> Result<(RawFile, File)> {
        let file = open_checked(path, access)?;
        let map = SharedMap::map(&file, access, 0, None).map_err(|error| irregular(path, error.into()))?;
        let header = read_header(&map, path)?;
        admit(&header)?;
        if (map.len() as u64) < header.records_offset() {
            return Err(truncated(path, map.len()));
        }
        let id = samovar_mmap::file_id(&file)?;
        let mapping = Mapping::new(map, &header);
        let raw = RawFile { path: path.to_owned(), id, header, mapping, writer: None };
        let control = Control(raw.mapping.base());
        let shape = control.shape(control.epoch()?.load_acquire())?;
        if shape.capacity > raw.mapping.slots() {
            raw.mapping.extend(&file, shape.capacity, access)?;
        }
        Ok((raw, file))
    }

    /// Opens the file anew, to map what it has grown by. Handles that read keep no file open.
    pub(crate) fn reopen(&self) -> Result<File> {
        let file = samovar_mmap::open_existing(&self.path, Access::ReadOnly)?;
        if samovar_mmap::file_id(&file)? == self.id {
            return Ok(file);
        }
        Err(Error::new(
            ErrorKind::Replaced,
            format!("{} is another file than it was; open it again", self.path.display()),
        ))
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What its records are made of.
    pub fn schema(&self) -> &Schema {
        &self.header.schema
    }

    #[inline]
    pub(crate) fn record_size(&self) -> usize {
        self.header.schema.record_size()
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
        let control = Control(self.mapping.base());
        let ordinals = self.look()?.ordinals();
        let shape = control.shape(control.epoch()?.load_acquire())?;
        Ok(Info {
            len: at(ordinals.end - ordinals.start),
            capacity: at(shape.capacity),
            pushed: ordinals.end,
            updates: crate::motion::Motion(control.motion()?.load()).update(),
            writers: control.generation()?,
            created_ms: self.header.created_ms,
            records_offset: self.header.records_offset(),
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
    /// `Fault`.
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

    /// Waits until the device has everything that was written.
    ///
    /// # Errors
    /// `Io` or `NoSpace` if the device failed; every later flush of this handle fails then too.
    pub fn flush(&self) -> Result<()> {
        self.mapping.flush()
    }

    /// Flushes what was written, gives up the right to write, and says whether all that worked.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub fn close(self) -> Result<()> {
        if self.is_writer() {
            self.flush()?;
        }
        drop(self.writer);
        self.mapping.close()
    }
}

impl std::fmt::Debug for RawFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawFile")
            .field("path", &self.path)
            .field("schema", &self.header.schema.to_string())
            .field("writer", &self.is_writer())
            .finish()
    }
}

/// The first gate: a regular local file. Faults of maps are errors from here on.
fn open_checked(path: &Path, access: Access) -> Result<File> {
    static GUARD: Once = Once::new();
    GUARD.call_once(|| {
        // Where there are no signals there are no faults to guard against.
        let _ = samovar_mmap::install_fault_guard();
    });
    let file = samovar_mmap::open_existing(path, access).map_err(|error| irregular(path, error.into()))?;
    refuse_remote(&file, path)?;
    Ok(file)
}

/// The error, or a better one if the path is that of no regular file.
#[cold]
fn irregular(path: &Path, error: Error) -> Error {
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Error::new(
            ErrorKind::NotRegularFile,
            format!("{} is not a regular file; name a file", path.display()),
        ),
        _ => error,
    }
}

fn refuse_remote(file: &File, path: &Path) -> Result<()> {
    if !samovar_mmap::is_remote(file)? {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::RemoteFilesystem,
        format!("{} is on a network file system; use a local disk or tmpfs", path.display()),
    ))
}

fn read_header(map: &SharedMap, path: &Path) -> Result<Header> {
    if map.is_empty() {
        return Err(Error::new(
            ErrorKind::EmptyFile,
            format!("{} is empty, not a record file; remove it and try again", path.display()),
        ));
    }
    let mut page = Box::new([0; HEADER_LEN]);
    let there = map.len().min(HEADER_LEN);
    map.view().read_into(0, &mut page[..there])?;
    if there < HEADER_LEN && page.starts_with(&MAGIC) {
        return Err(truncated(path, there));
    }
    Unchecked::new(page).verify()
}

fn truncated(path: &Path, len: usize) -> Error {
    Error::new(
        ErrorKind::Truncated,
        format!("{} was cut short to {len} bytes; import the data anew", path.display()),
    )
}

/// Gives an empty file its space, its header and its first state.
fn format(file: &File, path: &Path, header: &Header, capacity: u64) -> Result<()> {
    refuse_remote(file, path)?;
    let len = header
        .file_len(capacity.max(FIRST_SLOTS))
        .ok_or_else(|| Error::invalid(format!("no file has room for {capacity} records")))?;
    samovar_mmap::reserve(file, len)?;
    let map = SharedMap::map(file, Access::ReadWrite, 0, None)?;
    map.view().write_from(0, &header.encode()[..])?;
    Control(map.view()).format(header.slots_in(len))?;
    Ok(map.close()?)
}
