//! How files are opened for writing, where the defaults are not what is wanted.

use crate::error::{Error, Result};
use crate::file::RecordFile;
use crate::habits::{Habits, Owners, Warning};
use crate::handle::Handle;
use crate::header::TableType;
use crate::raw::RawFile;
use crate::record::Record;
use crate::rotation::RotationWriter;
use crate::schema::Schema;
use crate::set::RecordSet;
use crate::slots::Features;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How a file is opened for writing: when it is flushed, and who is told of what nobody asked about.
///
/// ```
/// use samovar_records::{Options, schema};
/// use std::time::Duration;
/// # use samovar_records::zerocopy::{FromBytes, Immutable, IntoBytes};
/// # #[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
/// # #[repr(C)]
/// # struct Tick { time: i64, price: f64 }
/// # schema!(Tick { time, price });
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("ticks");
/// let options = Options::new()
///     .flush_every(Duration::from_secs(5))
///     .on_warning(|warning| eprintln!("{warning}"));
/// let ticks = options.open_or_create::<Tick>(&path)?;
/// ticks.push(&Tick { time: 1, price: 7.5 })?;
/// # Ok::<(), samovar_records::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Options {
    habits: Habits,
}

impl Options {
    /// The defaults: the last handle flushes when it is dropped, nothing flushes before, nobody is told of warnings.
    pub fn new() -> Options {
        Options::default()
    }

    /// Does not flush when the last writing handle is dropped. What was not flushed by then is there as long as the
    /// machine runs, and counts as lost after its next boot.
    pub fn leave_unflushed(mut self) -> Options {
        self.habits.leaves_unflushed = true;
        self
    }

    /// Flushes what was written every so often, in a thread that lives as long as a writing handle does. Writers do not
    /// wait for it, but for those that change an old record in place, or let the file grow.
    pub fn flush_every(mut self, interval: Duration) -> Options {
        self.habits.flush_every = Some(interval);
        self
    }

    /// Calls this function with what nobody asked about: a flush that failed when a handle was dropped or in the thread
    /// of [`flush_every`](Self::flush_every), a power loss that was found. It is called in whichever thread finds it,
    /// and must not use the file.
    pub fn on_warning(mut self, tell: impl Fn(&Warning) + Send + Sync + 'static) -> Options {
        self.habits.tell = Some(Arc::new(tell));
        self
    }

    /// Writes files that belong to another user as well. By default a file that is there is opened for writing only if it belongs to
    /// the user as whom this process acts, or to root. And the path must not be a symbolic link in a folder where anybody
    /// may make one, such as `/tmp`. What else is there is refused (`ForeignOwner`): somebody may have put it there.
    ///
    /// ```
    /// # use samovar_records::{Options, schema};
    /// # use samovar_records::zerocopy::{FromBytes, Immutable, IntoBytes};
    /// # #[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
    /// # #[repr(C)]
    /// # struct Tick { time: i64, price: f64 }
    /// # schema!(Tick { time, price });
    /// # let dir = tempfile::tempdir().unwrap();
    /// let ticks = Options::new().trust_owner().open_or_create::<Tick>(dir.path().join("ticks"))?;
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    pub fn trust_owner(mut self) -> Options {
        self.habits.owners = Owners::All;
        self
    }

    /// Gives each record of a new file or set a checksum, which every read of the record checks. A record that is torn
    /// or damaged is `Corrupt`, and no value. A file that the system copied while it was in use has such records;
    /// [`RawFile::check`] finds them. It costs 8 bytes a record, and some 20 ns a read and a write. A file that is
    /// there stays as it is.
    ///
    /// ```
    /// # use samovar_records::{ErrorKind, Options, RecordFile, schema};
    /// # use samovar_records::zerocopy::{FromBytes, Immutable, IntoBytes};
    /// # #[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
    /// # #[repr(C)]
    /// # struct Tick { time: i64, price: f64 }
    /// # schema!(Tick { time, price });
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("ticks");
    /// let ticks = Options::new().checksums().create::<Tick>(&path, 100)?;
    /// ticks.push(&Tick { time: 1, price: 7.5 })?;
    /// ticks.close()?;
    ///
    /// let mut bytes = std::fs::read(&path).unwrap();
    /// bytes[8192] ^= 1; // the first byte of the first record
    /// std::fs::write(&path, bytes).unwrap();
    /// let damaged = RecordFile::<Tick>::open(&path)?.get(0).map(drop).unwrap_err();
    /// assert_eq!(damaged.kind(), ErrorKind::Corrupt);
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    pub fn checksums(mut self) -> Options {
        self.habits.features = self.habits.features.with(Features::CHECKSUMS);
        self
    }

    /// Lays the fields of records apart in new files: `block_records` values of one field, then as many of the next. A
    /// walk through one field reads that field alone, not the records around it. Everything is used as before; a record
    /// takes one copy for each of its fields. A file has room for whole blocks: 8192 suits most. A file that is there
    /// stays as it is.
    ///
    /// ```
    /// # use samovar_records::{Options, RecordFile, schema};
    /// # use samovar_records::zerocopy::{FromBytes, Immutable, IntoBytes};
    /// # #[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
    /// # #[repr(C)]
    /// # struct Tick { time: i64, price: f64 }
    /// # schema!(Tick { time, price });
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("ticks");
    /// let ticks = Options::new().columns_apart(8192)?.open_or_create::<Tick>(&path)?;
    /// ticks.extend_from_slice(&[Tick { time: 1, price: 7.5 }; 1000])?;
    /// let mut sum = 0.0;
    /// ticks.view()?.for_each_column(|tick| &tick.price, |prices| sum += prices.iter().sum::<f64>())?;
    /// assert_eq!(sum, 7500.0);
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` if `block_records` is not a power of two from 64 to 1048576.
    pub fn columns_apart(mut self, block_records: usize) -> Result<Options> {
        let Some(columns) = Features::columns(block_records) else {
            return Err(Error::invalid(format!(
                "{block_records} is no size of a block of columns; use a power of two from 64 to 1048576"
            )));
        };
        self.habits.features = self.habits.features.without_columns().with(columns);
        Ok(self)
    }

    /// What the records of a new file are.
    fn table_type(&self, schema: Schema) -> TableType {
        TableType { schema, features: self.habits.features }
    }

    /// [`RecordFile::open_writer`].
    ///
    /// # Errors
    /// As that.
    pub fn open_writer<T: Record>(&self, path: impl AsRef<Path>) -> Result<RecordFile<T>> {
        RecordFile::open_writer_with(path.as_ref(), &self.habits)
    }

    /// [`RecordFile::open_or_create`].
    ///
    /// # Errors
    /// As that.
    pub fn open_or_create<T: Record>(&self, path: impl AsRef<Path>) -> Result<RecordFile<T>> {
        let of = self.table_type(T::schema()?);
        Handle::open_or_create(path.as_ref(), &of, 0, &self.habits).and_then(RecordFile::of)
    }

    /// [`RecordFile::create_with_capacity`].
    ///
    /// # Errors
    /// As that; `InvalidArgument` for a capacity that no file has.
    pub fn create<T: Record>(&self, path: impl AsRef<Path>, capacity: usize) -> Result<RecordFile<T>> {
        let handle = Handle::create(path.as_ref(), self.table_type(T::schema()?), capacity, &self.habits)?;
        RecordFile::of(handle)
    }

    /// [`RawFile::open_or_create`].
    ///
    /// # Errors
    /// As that.
    pub fn open_or_create_raw(&self, path: impl AsRef<Path>, schema: Schema) -> Result<RawFile> {
        Handle::open_or_create(path.as_ref(), &self.table_type(schema), 0, &self.habits).map(RawFile)
    }

    /// Opens a folder of files of one period each for writing, and makes it if it is not there. It goes on with the
    /// newest file if that is of this period, such as `2026-01-05`; else it begins one. See [`RotationWriter`].
    ///
    /// # Errors
    /// `Locked` if another handle writes the folder; `WrongSize` or `WrongType` if the file of this period has records of another
    /// type; as [`RecordFile::open_writer`] and [`RecordFile::create`].
    pub fn open_rotation<T: Record>(
        &self,
        folder: impl AsRef<Path>,
        period: &str,
    ) -> Result<RotationWriter<T>> {
        RotationWriter::open(folder.as_ref(), period, &self.habits)
    }

    /// [`RecordSet::open_or_create`], whose tables are opened so.
    ///
    /// # Errors
    /// As that; `InvalidArgument` after [`columns_apart`](Self::columns_apart), which files of their own alone can have.
    pub fn open_set(&self, root: impl AsRef<Path>) -> Result<RecordSet> {
        if self.habits.features.block().is_some() {
            return Err(Error::invalid(
                "the columns of a set's tables do not lie apart; make a file of its own",
            ));
        }
        RecordSet::open_or_create_with(root.as_ref(), &self.habits)
    }
}
