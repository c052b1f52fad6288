//! What is read of files of one period each: all of them as one table, and those that come.

use crate::error::Result;
use crate::file::RecordFile;
use crate::follow::Follower;
use crate::iter::Iter;
use crate::layout::at;
use crate::reader::Found;
use crate::record::Record;
use crate::rotation::{RotatedFile, Rotation};
use crate::scan::Value;
use crate::view::View;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a follower looks whether there is a newer file.
const LOOKS: Duration = Duration::from_millis(20);

/// The records of all files that were there, as one table: from [`Rotation::all`]. Their number is fixed, and what they say is as
/// new as at each read.
#[derive(Debug)]
pub struct Rotated<T> {
    parts: Vec<Part<T>>,
}

/// The records of one file.
#[derive(Debug)]
struct Part<T> {
    of: Arc<RotatedFile<T>>,
    /// How many records the files before have.
    before: usize,
    ordinals: Range<u64>,
}

impl<T: Record> Rotation<T> {
    /// All records that are there now, as one table. Files that were opened before stay open.
    ///
    /// # Errors
    /// As [`RecordFile::open_as`], for any of the files.
    pub fn all(&self) -> Result<Rotated<T>> {
        Rotated::of(self.files()?)
    }

    /// Follows the files from the oldest record that is there on.
    pub fn follow(self) -> RotationFollower<T> {
        RotationFollower { rotation: self, at: None }
    }
}

impl<T: Record> Rotated<T> {
    fn of(files: Vec<Arc<RotatedFile<T>>>) -> Result<Self> {
        let (mut parts, mut before) = (Vec::new(), 0);
        for of in files {
            let ordinals = of.file.ordinals()?;
            let len = at(ordinals.end - ordinals.start);
            parts.push(Part { of, before, ordinals });
            before += len;
        }
        Ok(Rotated { parts })
    }

    /// How many records there were.
    pub fn len(&self) -> usize {
        self.parts.last().map_or(0, |last| last.before + last.len())
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The periods of the files, and how many records each has.
    pub fn periods(&self) -> impl Iterator<Item = (&str, usize)> {
        self.parts.iter().map(|part| (&*part.of.name.period, part.len()))
    }

    /// The file of a period.
    pub fn file(&self, period: &str) -> Option<&RecordFile<T>> {
        self.parts.iter().find(|part| part.of.name.period == period).map(|part| &part.of.file)
    }

    /// A copy of the record with this index, counted from the oldest; none if there was none, or if it was dropped in front since.
    ///
    /// # Errors
    /// As [`RecordFile::get`].
    pub fn get(&self, index: usize) -> Result<Option<T>> {
        let found = self.parts.partition_point(|part| part.before + part.len() <= index);
        let Some(part) = self.parts.get(found) else { return Ok(None) };
        let ordinal = part.ordinals.start + (index - part.before) as u64;
        let mut record = T::new_zeroed();
        let found = part.of.file.table().read_ordinal(ordinal, record.as_mut_bytes())?;
        Ok((found == Found::Whole).then_some(record))
    }

    /// Copies of all records, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = Result<T>> + '_ {
        self.parts.iter().flat_map(|part| Iter::new(part.of.file.table(), part.ordinals.clone()))
    }

    /// How many records, from the first on, `is_before` holds for; see [`View::partition_point`].
    ///
    /// # Errors
    /// As [`RecordFile::get`].
    pub fn partition_point(&self, mut is_before: impl FnMut(&T) -> bool) -> Result<usize> {
        let Range { start: mut low, end: mut high } = 0..self.len();
        while low < high {
            let middle = low + (high - low) / 2;
            if self.get(middle)?.is_none_or(|record| is_before(&record)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Calls `each` with the values of one field of all records, oldest first, one slice after another; see
    /// [`View::for_each_column`].
    ///
    /// # Errors
    /// As [`RecordFile::get`].
    pub fn for_each_column<F: Value>(&self, field: fn(&T) -> &F, mut each: impl FnMut(&[F])) -> Result<()> {
        self.views()?.iter().try_for_each(|view| view.for_each_column(field, &mut each))
    }

    /// A view of each file's records, oldest first.
    ///
    /// # Errors
    /// As [`RecordFile::view`].
    pub fn views(&self) -> Result<Vec<View<'_, T>>> {
        self.parts.iter().map(|part| View::of_ordinals(part.of.file.table(), part.ordinals.clone())).collect()
    }
}

impl<T> Part<T> {
    fn len(&self) -> usize {
        at(self.ordinals.end - self.ordinals.start)
    }
}

/// Gives each record of files of one period each once, in order, and goes on from one file to the next: from
/// [`Rotation::follow`].
///
/// ```
/// use samovar_records::{Options, Rotation, schema};
/// use std::time::Duration;
/// # use samovar_records::zerocopy::{FromBytes, Immutable, IntoBytes};
/// # #[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
/// # #[repr(C)]
/// # struct Tick { time: i64, price: f64 }
/// # schema!(Tick { time, price });
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let folder = dir.path().join("ticks");
/// let mut writer = Options::new().open_rotation::<Tick>(&folder, "2026-01-05")?;
/// let mut follower = Rotation::<Tick>::open(&folder)?.follow();
/// writer.file().push(&Tick { time: 1, price: 7.5 })?;
/// writer.roll_to("2026-01-06")?;
/// writer.file().push(&Tick { time: 2, price: 7.6 })?;
///
/// let mut times = Vec::new();
/// while follower.wait(Duration::from_millis(50))? {
///     let mut ticks = Vec::new();
///     let taken = follower.take(&mut ticks)?;
///     assert_eq!((taken.lost, taken.lost_files), (0, 0));
///     times.extend(ticks.iter().map(|tick| tick.time));
/// }
/// assert_eq!(times, [1, 2]);
/// # Ok::<(), samovar_records::Error>(())
/// ```
#[derive(Debug)]
pub struct RotationFollower<T> {
    rotation: Rotation<T>,
    /// The file at hand, by its number and its period.
    at: Option<At<T>>,
}

#[derive(Debug)]
struct At<T> {
    number: u64,
    period: String,
    follower: Follower<T>,
    /// Files that were removed between the one before and this one, which were not told of yet.
    lost_files: u64,
}

/// What a [`RotationFollower`] took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RotatedTaken {
    /// Records of this file that were dropped in front before their turn.
    pub lost: u64,
    /// Files that were removed before their turn, since the last records that were taken.
    pub lost_files: u64,
    /// How many records were taken, all of one file. None: there are no more for now.
    pub count: usize,
}

impl<T: Record> RotationFollower<T> {
    /// The period of the file whose records were taken last, and the ordinal in it of the record that comes next.
    pub fn position(&self) -> Option<(&str, u64)> {
        self.at.as_ref().map(|at| (&*at.period, at.follower.position()))
    }

    /// Appends the next records to `out`: of one file, and not more than fit 64 KiB. Waits for nobody.
    ///
    /// # Errors
    /// As [`Follower::take`]; as [`Rotation::all`].
    pub fn take(&mut self, out: &mut Vec<T>) -> Result<RotatedTaken> {
        loop {
            if let Some(taken) = self.take_here(out)? {
                return Ok(taken);
            }
            let Some(next) = self.next_file()? else { return Ok(RotatedTaken::default()) };
            // Seen after the newer file was: this is all that there will ever be.
            if let Some(taken) = self.take_here(out)? {
                return Ok(taken);
            }
            let expected = self.at.as_ref().map_or(next.name.number, |at| at.number + 1);
            self.at = Some(At {
                number: next.name.number,
                period: next.name.period.clone(),
                follower: next.file.follow_from(0),
                lost_files: next.name.number.saturating_sub(expected),
            });
        }
    }

    /// The next records of the file at hand; none if there are none for now.
    fn take_here(&mut self, out: &mut Vec<T>) -> Result<Option<RotatedTaken>> {
        let Some(at) = &mut self.at else { return Ok(None) };
        let taken = at.follower.take(out)?;
        if taken.count == 0 && taken.lost == 0 {
            return Ok(None);
        }
        let lost_files = std::mem::take(&mut at.lost_files);
        Ok(Some(RotatedTaken { lost: taken.lost, lost_files, count: taken.count }))
    }

    /// The oldest file behind the one at hand.
    fn next_file(&self) -> Result<Option<Arc<RotatedFile<T>>>> {
        Ok(self.later_files()?.next())
    }

    /// The files behind the one at hand, oldest first.
    fn later_files(&self) -> Result<impl Iterator<Item = Arc<RotatedFile<T>>> + use<T>> {
        let here = self.at.as_ref().map(|at| at.number);
        let is_later = move |file: &Arc<RotatedFile<T>>| here.is_none_or(|here| file.name.number > here);
        Ok(self.rotation.files()?.into_iter().filter(is_later))
    }

    /// Waits until there may be a record to take, at most so long; `false` if none came. A writer wakes it, mostly within a
    /// tenth of a millisecond; of a new file it knows within 20 ms.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn wait(&self, timeout: Duration) -> Result<bool> {
        let begun = Instant::now();
        loop {
            let left = timeout.saturating_sub(begun.elapsed());
            let is_there = match &self.at {
                Some(at) => at.follower.wait(left.min(LOOKS))?,
                None => false,
            };
            if is_there || self.later_files()?.any(|later| !later.file.is_empty().unwrap_or(false)) {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
            if self.at.is_none() {
                std::thread::sleep(left.min(LOOKS));
            }
        }
    }
}
