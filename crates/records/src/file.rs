//! The typed record file: a thin wrapper over [`RawFile`].

use crate::copy::back_up;
use crate::error::Result;
use crate::follow::Follower;
use crate::habits::Habits;
use crate::handle::{Handle, Info};
use crate::header::{Header, TableType};
use crate::iter::{Iter, copy_all};
use crate::layout::at;
use crate::projection::Projection;
use crate::reader::Found;
use crate::record::Record;
use crate::snapshot::Snapshot;
use crate::table::Table;
use crate::view::View;
use std::cmp::Ordering;
use std::marker::PhantomData;
use std::ops::{Bound, Range, RangeBounds};
use std::path::Path;
use std::sync::Arc;
use zerocopy::IntoBytes;

/// A file of records of one type, read by many processes while one writes.
///
/// * Records are seen when they are published: all of a batch at once, never a part of one record.
/// * Indices count from the oldest record that is there. [`truncate_front`](Self::truncate_front) shifts them.
/// * One handle writes at a time; a second one is refused with an error that names the holder. All methods take
///   `&self`: threads may share a handle, and iterators and views live on while it grows.
/// * After a fork the child opens the file anew: a writing handle is its parent's.
///
/// ```
/// use samovar_records::{ErrorKind, RecordFile, schema};
/// use zerocopy::{FromBytes, Immutable, IntoBytes};
///
/// #[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
/// #[repr(C)]
/// struct Bar { time: i64, close: f64 }
/// schema!(Bar { time, close });
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("600600");
/// let writer = RecordFile::<Bar>::open_or_create(&path)?;
/// writer.extend_from_slice(&[Bar { time: 1, close: 7.5 }, Bar { time: 2, close: 7.6 }])?;
///
/// let reader = RecordFile::<Bar>::open(&path)?; // in another process, say
/// writer.update_last(&Bar { time: 2, close: 7.7 })?;
/// assert_eq!(reader.len()?, 2);
/// assert_eq!(reader.last()?, Some(Bar { time: 2, close: 7.7 }));
/// assert_eq!(reader.binary_search_by_key(&2, |bar| bar.time)?, Ok(1));
///
/// let second = RecordFile::<Bar>::open_writer(&path).unwrap_err();
/// assert_eq!(second.kind(), ErrorKind::Locked);
/// # Ok::<(), samovar_records::Error>(())
/// ```
pub struct RecordFile<T> {
    handle: Handle,
    record: PhantomData<fn() -> T>,
}

impl<T: Record> RecordFile<T> {
    fn wrap(handle: Handle) -> Self {
        RecordFile { handle, record: PhantomData }
    }

    #[cfg(feature = "arrow")]
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    pub(crate) fn table(&self) -> &Table {
        &self.handle.table
    }

    /// A handle of a file that is open already, if its records are of this type.
    pub(crate) fn of(handle: Handle) -> Result<Self> {
        admit::<T>(&handle.table.store.header)?;
        Ok(Self::wrap(handle))
    }

    /// Makes a file and opens it for writing. It appears whole or not at all.
    ///
    /// # Errors
    /// `AlreadyExists`; `NoSpace`; `RemoteFilesystem`; the errors of the directory.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        Self::create_with_capacity(path, 0)
    }

    /// [`create`](Self::create) with room for so many records.
    ///
    /// # Errors
    /// As `create`.
    pub fn create_with_capacity(path: impl AsRef<Path>, capacity: usize) -> Result<Self> {
        Handle::create(path.as_ref(), TableType::plain(T::schema()?), capacity, &Habits::default())
            .map(Self::wrap)
    }

    /// Opens a file for reading, in time that does not grow with the number of its records.
    ///
    /// # Errors
    /// As [`RawFile::open`](crate::RawFile::open); `WrongSize` or `WrongType` if its records are others.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Handle::open(path.as_ref(), &admit::<T>).map(Self::wrap)
    }

    /// Opens a file for reading whose records may be of another type: their fields are found by their names. See [`Projection`].
    /// Each read then copies field by field; [`backup`](Self::backup) makes a file of this type.
    ///
    /// # Errors
    /// As [`open`](Self::open); `WrongType` if the file has not the fields of this type.
    pub fn open_as(path: impl AsRef<Path>, projection: &Projection) -> Result<Self> {
        Handle::open_as(path.as_ref(), T::schema()?, projection).map(Self::wrap)
    }

    /// Opens a file for writing, and finishes what a writer that died left in motion.
    ///
    /// # Errors
    /// As [`open`](Self::open), and `Locked` if another handle writes it, which the message names.
    pub fn open_writer(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_writer_with(path.as_ref(), &Habits::default())
    }

    pub(crate) fn open_writer_with(path: &Path, habits: &Habits) -> Result<Self> {
        Handle::open_writer(path, &admit::<T>, habits).map(Self::wrap)
    }

    /// Opens a file for writing; makes it first if it is not there.
    ///
    /// # Errors
    /// As [`open_writer`](Self::open_writer) and [`create`](Self::create).
    pub fn open_or_create(path: impl AsRef<Path>) -> Result<Self> {
        let of = TableType::plain(T::schema()?);
        Handle::open_or_create(path.as_ref(), &of, 0, &Habits::default()).map(Self::wrap)
    }

    /// Where it was opened: a path from the root.
    pub fn path(&self) -> &Path {
        self.handle.path()
    }

    /// Whether this handle may write.
    pub fn is_writer(&self) -> bool {
        self.handle.is_writer()
    }

    /// Records that are there.
    ///
    /// # Errors
    /// `Fault` if the file was cut short.
    pub fn len(&self) -> Result<usize> {
        self.handle.len()
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
        self.handle.info()
    }

    /// A copy of the record with this index, or none.
    ///
    /// # Errors
    /// `Busy` if it changed faster than it could be read, a thousand times over; `Fault`; `Corrupt`.
    #[inline]
    pub fn get(&self, index: usize) -> Result<Option<T>> {
        let mut record = T::new_zeroed();
        Ok(self.handle.table.read_index(index as u64, record.as_mut_bytes())?.then_some(record))
    }

    /// A copy of the newest record, or none.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn last(&self) -> Result<Option<T>> {
        let mut record = T::new_zeroed();
        Ok(self.handle.table.read_last(record.as_mut_bytes())?.then_some(record))
    }

    /// Replaces a record. Readers see the old one or the new one, also if this process dies meanwhile.
    ///
    /// # Errors
    /// `ReadOnly`; `OutOfRange`; `Fault`.
    pub fn set(&self, index: usize, record: &T) -> Result<()> {
        self.handle.table.replace(index as u64, record.as_bytes())
    }

    /// Replaces the newest record, as [`set`](Self::set) does.
    ///
    /// # Errors
    /// As `set`; `OutOfRange` if there is none.
    pub fn update_last(&self, record: &T) -> Result<()> {
        self.handle.table.replace_last(record.as_bytes())
    }

    /// Appends a record.
    ///
    /// # Errors
    /// `ReadOnly`; `NoSpace`, and the file is as before; `Fault`.
    pub fn push(&self, record: &T) -> Result<()> {
        self.handle.table.append(record.as_bytes())
    }

    /// Appends records; readers see all of them at once.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn extend_from_slice(&self, records: &[T]) -> Result<()> {
        self.handle.table.append(records.as_bytes())
    }

    /// Drops the oldest records, so that at most `len` are left. Their room is used again: a file that is cut now and
    /// then does not grow.
    ///
    /// ```
    /// # use samovar_records::{RecordFile, schema};
    /// # use zerocopy::{FromBytes, Immutable, IntoBytes};
    /// # #[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
    /// # #[repr(C)]
    /// # struct Tick { price: f64 }
    /// # schema!(Tick { price });
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("ticks");
    /// let ticks = RecordFile::<Tick>::create(&path)?;
    /// let capacity = ticks.capacity()?;
    /// for i in 0..10_000 {
    ///     ticks.push(&Tick { price: f64::from(i) })?;
    ///     ticks.truncate_front(100)?;
    /// }
    /// assert_eq!(ticks.get(0)?, Some(Tick { price: 9_900.0 }));
    /// assert_eq!(ticks.capacity()?, capacity);
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    ///
    /// # Errors
    /// `ReadOnly`; `Fault`.
    pub fn truncate_front(&self, len: usize) -> Result<()> {
        self.handle.table.keep_last(len as u64)
    }

    /// Makes room for `additional` records. Nothing moves in memory, in any process.
    ///
    /// # Errors
    /// `ReadOnly`; `NoSpace`, and the file is as before.
    pub fn reserve(&self, additional: usize) -> Result<()> {
        self.handle.table.reserve_for(additional as u64)
    }

    /// Copies of all records, oldest first: those that are there now, each as it is when its turn comes.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn iter(&self) -> Result<Iter<'_, T>> {
        self.range(..)
    }

    /// Copies of the records with these indices; those beyond the end are left out. A range that ends before it begins has
    /// none.
    ///
    /// ```
    /// # use samovar_records::{RecordFile, schema};
    /// # use zerocopy::{FromBytes, Immutable, IntoBytes};
    /// # #[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
    /// # #[repr(C)]
    /// # struct Tick { price: f64 }
    /// # schema!(Tick { price });
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("ticks");
    /// let ticks = RecordFile::<Tick>::create(&path)?;
    /// ticks.extend_from_slice(&[1.0, 2.0, 3.0, 4.0].map(|price| Tick { price }))?;
    /// let sum = ticks.range(1..3)?.try_fold(0.0, |sum, tick| tick.map(|tick| sum + tick.price))?;
    /// assert_eq!(sum, 5.0);
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn range(&self, indices: impl RangeBounds<usize>) -> Result<Iter<'_, T>> {
        let there = self.handle.table.look()?.ordinals();
        let start = match indices.start_bound() {
            Bound::Included(index) => *index as u64,
            Bound::Excluded(index) => (*index as u64).saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match indices.end_bound() {
            Bound::Included(index) => (*index as u64).saturating_add(1),
            Bound::Excluded(index) => *index as u64,
            Bound::Unbounded => u64::MAX,
        };
        let clamp = |index: u64| there.start.saturating_add(index).min(there.end);
        let (start, end) = (clamp(start), clamp(end));
        Ok(Iter::new(&self.handle.table, start..end.max(start)))
    }

    /// The records that are there now, for many reads one after another: each costs little more than one from a vector.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn view(&self) -> Result<View<'_, T>> {
        View::of(&self.handle.table)
    }

    /// The ordinals of the records that are there: they count all that were ever pushed, and none is given twice, unless a
    /// loss of power took what was not flushed.
    ///
    /// # Errors
    /// As [`len`](Self::len).
    pub fn ordinals(&self) -> Result<Range<u64>> {
        Ok(self.handle.table.look()?.ordinals())
    }

    /// Follows the table from its next record on.
    ///
    /// # Errors
    /// As [`len`](Self::len).
    pub fn follow(&self) -> Result<Follower<T>> {
        Ok(Follower::new(&self.handle, self.ordinals()?.end))
    }

    /// Follows the table from the record of this ordinal on: 0 is all that is there, and all that comes.
    pub fn follow_from(&self, ordinal: u64) -> Follower<T> {
        Follower::new(&self.handle, ordinal)
    }

    /// A copy of all records that are there now.
    ///
    /// # Errors
    /// As [`get`](Self::get); `Busy` also if records are dropped in front faster than they can be copied.
    pub fn to_vec(&self) -> Result<Vec<T>> {
        Ok(copy_all(&self.handle.table)?.1)
    }

    /// Copies all records that are there to a new file, durable and closed, while this one may be written. Every record is
    /// whole, and as it was at some moment of the call: a plain copy of a file in use may hold torn ones. Waits for the
    /// device.
    ///
    /// ```
    /// # use samovar_records::{RecordFile, schema};
    /// # use zerocopy::{FromBytes, Immutable, IntoBytes};
    /// # #[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
    /// # #[repr(C)]
    /// # struct Tick { price: f64 }
    /// # schema!(Tick { price });
    /// # let dir = tempfile::tempdir().unwrap();
    /// let ticks = RecordFile::<Tick>::create(dir.path().join("ticks"))?;
    /// ticks.push(&Tick { price: 1.0 })?;
    /// ticks.backup(dir.path().join("copy"))?;
    /// assert_eq!(RecordFile::<Tick>::open(dir.path().join("copy"))?.to_vec()?, ticks.to_vec()?);
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    ///
    /// # Errors
    /// `AlreadyExists` if there is a file; `NoSpace`; `Busy` if records are dropped in front faster than they are copied;
    /// the errors of reading. Nothing is left of it then.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<()> {
        back_up(&self.handle.table, to.as_ref())
    }

    /// A private copy of all records, whose [`as_slice`](Snapshot::as_slice) is sound, since nobody else can write it.
    /// [`refresh`](Snapshot::refresh) brings it up to date at the price of what is new.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn snapshot(&self) -> Result<Snapshot<T>> {
        Snapshot::of(Arc::clone(&self.handle.table))
    }

    /// Searches the records, which are sorted by this key, as the slice method of this name does: `Ok(index)` of one
    /// that has it, or `Err(index)` where it would be.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn binary_search_by_key<K: Ord>(
        &self,
        key: &K,
        mut key_of: impl FnMut(&T) -> K,
    ) -> Result<std::result::Result<usize, usize>> {
        let there = self.handle.table.look()?.ordinals();
        let (mut low, mut high) = (there.start, there.end);
        while low < high {
            let middle = low + (high - low) / 2;
            let mut record = T::new_zeroed();
            let order = match self.handle.table.read_ordinal(middle, record.as_mut_bytes())? {
                Found::Whole => key_of(&record).cmp(key),
                // Cut off in front: what is searched for is behind it, if anywhere.
                Found::Dropped => Ordering::Less,
            };
            match order {
                Ordering::Equal => return Ok(Ok(at(middle - there.start))),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        Ok(Err(at(low - there.start)))
    }

    /// Waits until the device has everything that was written. What a process that dies has written is safe without
    /// it; what a machine that loses its power has written is not.
    ///
    /// # Errors
    /// `Io` or `NoSpace` if the device failed; every later flush of this handle fails then too.
    pub fn flush(&self) -> Result<()> {
        self.handle.flush()
    }

    /// Flushes what was written, gives up the right to write, and says whether all that worked. Dropping the handle
    /// gives up the right too, and does not flush.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub fn close(self) -> Result<()> {
        self.handle.close()
    }
}

/// Whether the records of a file are of this type. Makes nothing unless they are not.
pub(crate) fn admit<T: Record>(header: &Header) -> Result<()> {
    if is_of::<T>(header) { Ok(()) } else { header.admit(&T::schema()?) }
}

/// Whether the records of a file are of this type.
pub(crate) fn is_of<T: Record>(header: &Header) -> bool {
    let schema = &header.schema;
    schema.record_size() == size_of::<T>()
        && schema.alignment() == align_of::<T>()
        && schema.fields() == T::FIELDS
}

impl<T> std::fmt::Debug for RecordFile<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.handle.fmt(f)
    }
}
