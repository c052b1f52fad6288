//! A table whose type is known only at run time: records as bytes.

use crate::copy::back_up;
use crate::error::{Error, Result};
use crate::follow::RawFollower;
use crate::habits::Habits;
use crate::handle::{Handle, Info};
use crate::header::TableType;
use crate::schema::Schema;
use std::path::Path;

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
pub struct RawFile(pub(crate) Handle);

impl RawFile {
    /// Makes a file with room for `capacity` records and opens it for writing. It appears whole or not at all.
    ///
    /// # Errors
    /// `AlreadyExists`; `NoSpace`; `RemoteFilesystem`; the errors of the directory.
    pub fn create(path: impl AsRef<Path>, schema: Schema, capacity: usize) -> Result<RawFile> {
        Handle::create(path.as_ref(), TableType::plain(schema), capacity, &Habits::default()).map(RawFile)
    }

    /// Opens a file for reading. Any number of handles may; none of them locks or writes anything. If the machine lost its
    /// power while the file was written, it is read as at its last flush, until a writer has opened it.
    ///
    /// # Errors
    /// `NotFound`, `NotRegularFile`, `RemoteFilesystem`, `EmptyFile`, `NotRecords`, `UnsupportedVersion`,
    /// `WrongEndianness`, `Corrupt`, `Truncated`, `PermissionDenied`: each for what its name says. The file is not
    /// changed.
    pub fn open(path: impl AsRef<Path>) -> Result<RawFile> {
        Handle::open(path.as_ref(), &|_| Ok(())).map(RawFile)
    }

    /// Opens a file for writing, and finishes what a writer that died left in motion.
    ///
    /// # Errors
    /// As [`open`](Self::open), and `Locked` if another handle writes it, in this process or another, which the message
    /// names.
    pub fn open_writer(path: impl AsRef<Path>) -> Result<RawFile> {
        Handle::open_writer(path.as_ref(), &|_| Ok(()), &Habits::default()).map(RawFile)
    }

    /// Opens a file for writing; makes it first if it is not there.
    ///
    /// # Errors
    /// As [`open_writer`](Self::open_writer); `WrongSize` and `WrongType` if it is there with another schema.
    pub fn open_or_create(path: impl AsRef<Path>, schema: Schema, capacity: usize) -> Result<RawFile> {
        Handle::open_or_create(path.as_ref(), &TableType::plain(schema), capacity, &Habits::default())
            .map(RawFile)
    }

    /// Where it was opened: a path from the root.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// What its records are made of.
    pub fn schema(&self) -> &Schema {
        self.0.table.schema()
    }

    /// Whether this handle may write.
    pub fn is_writer(&self) -> bool {
        self.0.is_writer()
    }

    /// Records that are there.
    ///
    /// # Errors
    /// `Fault` if the file was cut short.
    pub fn len(&self) -> Result<usize> {
        self.0.len()
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
        self.0.info()
    }

    /// Copies the record with this index to `out`, which has the size of a record. `false` if there is none.
    ///
    /// # Errors
    /// `InvalidArgument` if `out` has another size; `Busy` if the record changed too fast; `Fault`; `Corrupt`.
    pub fn get_bytes(&self, index: usize, out: &mut [u8]) -> Result<bool> {
        if out.len() != self.0.table.record_size() {
            return Err(Error::invalid(format!(
                "a record has {} bytes, not {}",
                self.0.table.record_size(),
                out.len()
            )));
        }
        self.0.table.read_index(index as u64, out)
    }

    /// Follows the table from the record of this ordinal on; [`Info::pushed`] is that of the next one.
    pub fn follow_from(&self, ordinal: u64) -> RawFollower {
        RawFollower::new(&self.0, ordinal)
    }

    /// Appends whole records; readers see all of them at once.
    ///
    /// # Errors
    /// `ReadOnly`; `InvalidArgument` if it is not a whole number of records; `NoSpace`, and the file is as before;
    /// `Fault`; `Inherited` in a forked child.
    pub fn extend_from_bytes(&self, records: &[u8]) -> Result<()> {
        self.0.table.append(records)
    }

    /// Makes room for `additional` records, reserving the space for them.
    ///
    /// # Errors
    /// `ReadOnly`; `NoSpace`, and the file is as before.
    pub fn reserve(&self, additional: usize) -> Result<()> {
        self.0.table.reserve_for(additional as u64)
    }

    /// [`RecordFile::backup`](crate::RecordFile::backup).
    ///
    /// # Errors
    /// As that.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<()> {
        back_up(&self.0.table, to.as_ref())
    }

    /// Whether the file's words make sense, and all records can be read. What records say is looked at only where each has a
    /// checksum. While a writer
    /// is at work it may take a state amid a change for damage: try again.
    ///
    /// # Errors
    /// `Corrupt`, `Truncated` or `Fault`, with what was found.
    pub fn check(&self) -> Result<()> {
        self.0.check()
    }

    /// Waits until the device has everything that was written. From then on a loss of power takes nothing of it but
    /// what is changed in place later.
    ///
    /// # Errors
    /// `Io` or `NoSpace` if the device failed; every later flush of this handle fails then too.
    pub fn flush(&self) -> Result<()> {
        self.0.flush()
    }

    /// Flushes what was written, gives up the right to write, and says whether all that worked.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub fn close(self) -> Result<()> {
        self.0.close()
    }
}

impl std::fmt::Debug for RawFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
