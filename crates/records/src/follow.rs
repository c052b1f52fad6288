//! Following a table: each record once, in order, and what was lost is counted.

use crate::bell::Bell;
use crate::error::{Error, ErrorKind, Result};
use crate::handle::Handle;
use crate::layout::at;
use crate::pack::Pack;
use crate::reader::Found;
use crate::record::Record;
use crate::table::Table;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use zerocopy::IntoBytes;

/// Bytes taken at once, at most.
const TAKE: usize = 64 << 10;

/// Gives each record of a table once, in the order in which they were pushed; from
/// [`RecordFile::follow`](crate::RecordFile::follow) and [`follow_from`](crate::RecordFile::follow_from).
///
/// Records have ordinals, which count all that were ever pushed: a follower that keeps its [`position`](Self::position)
/// goes on there after a restart. Records that were dropped in front before their turn are counted, and told. A record is
/// taken as it is at that time; one that is replaced later is not given again.
///
/// ```
/// use samovar_records::{RecordFile, schema};
/// use std::time::Duration;
/// # use zerocopy::{FromBytes, Immutable, IntoBytes};
/// # #[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
/// # #[repr(C)]
/// # struct Tick { time: i64, price: f64 }
/// # schema!(Tick { time, price });
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("ticks");
/// let writer = RecordFile::<Tick>::create(&path)?;
/// let mut follower = RecordFile::<Tick>::open(&path)?.follow_from(0);
/// let mut ticks = Vec::new();
/// writer.push(&Tick { time: 1, price: 7.5 })?;
/// if follower.wait(Duration::from_secs(1))? {
///     let taken = follower.take(&mut ticks)?;
///     assert_eq!((taken.lost, taken.first, ticks.len()), (0, 0, 1));
/// }
/// # Ok::<(), samovar_records::Error>(())
/// ```
pub struct Follower<T> {
    raw: RawFollower,
    record: PhantomData<fn() -> T>,
}

/// A [`Follower`] of records as bytes, from [`RawFile::follow_from`](crate::RawFile::follow_from).
pub struct RawFollower {
    table: Arc<Table>,
    /// Open as long as this is.
    _pack: Option<Arc<Pack>>,
    next: u64,
    bell: OnceLock<Bell>,
}

/// What a follower took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Taken {
    /// Records that were dropped in front before their turn, since the last ones that were taken.
    pub lost: u64,
    /// The ordinal of the first record taken now; those that follow it are the next ones, without a gap.
    pub first: u64,
    /// How many records were taken. None: there are no more for now.
    pub count: usize,
}

impl<T: Record> Follower<T> {
    pub(crate) fn new(handle: &Handle, next: u64) -> Self {
        Follower { raw: RawFollower::new(handle, next), record: PhantomData }
    }

    /// The ordinal of the record that comes next.
    pub fn position(&self) -> u64 {
        self.raw.next
    }

    /// Appends the next records to `out`: those that are there, but not more than fit 64 KiB. Waits for nobody.
    ///
    /// # Errors
    /// `OutOfRange` if the table has fewer records than were taken already, as after a loss of power; as
    /// [`RecordFile::get`](crate::RecordFile::get).
    pub fn take(&mut self, out: &mut Vec<T>) -> Result<Taken> {
        let before = out.len();
        let taken = self.raw.take_with(|count| {
            out.resize_with(before + count, T::new_zeroed);
            out[before..].as_mut_bytes()
        });
        out.truncate(before + taken.as_ref().map_or(0, |taken| taken.count));
        taken
    }

    /// Waits until there is a record to take, at most so long; `false` if none came. Who may write the file sleeps until a
    /// writer wakes it, mostly within a tenth of a millisecond; who may not, looks twice a millisecond.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub fn wait(&self, timeout: Duration) -> Result<bool> {
        self.raw.wait(timeout)
    }
}

impl RawFollower {
    pub(crate) fn new(handle: &Handle, next: u64) -> Self {
        let (table, pack) = (Arc::clone(&handle.table), handle.pack.clone());
        RawFollower { table, _pack: pack, next, bell: OnceLock::new() }
    }

    /// The ordinal of the record that comes next.
    pub fn position(&self) -> u64 {
        self.next
    }

    /// Puts the next records into `out`, as many as there are, but not more than fit 64 KiB; what was there is gone.
    ///
    /// # Errors
    /// As [`Follower::take`].
    pub fn take(&mut self, out: &mut Vec<u8>) -> Result<Taken> {
        let size = self.table.record_size();
        let taken = self.take_with(|count| {
            out.clear();
            out.resize(count * size, 0);
            &mut out[..]
        })?;
        out.truncate(taken.count * size);
        Ok(taken)
    }

    /// `room` makes room for so many records.
    fn take_with<'a>(&mut self, room: impl FnOnce(usize) -> &'a mut [u8]) -> Result<Taken> {
        let ordinals = self.table.look()?.ordinals();
        if self.next > ordinals.end {
            return Err(went_back(self.next, ordinals.end));
        }
        let limit = (TAKE / self.table.record_size()).max(1) as u64;
        let mut first = self.next.max(ordinals.start);
        let mut count = (ordinals.end - first).min(limit);
        let out = room(at(count));
        while count > 0
            && self.table.read_block(first, &mut out[..at(count) * self.table.record_size()])?
                == Found::Dropped
        {
            let now = self.table.look()?.ordinals();
            first = now.start.max(first + 1).min(now.end);
            count = (now.end - first).min(count);
        }
        let lost = first - self.next;
        self.next = first + count;
        Ok(Taken { lost, first, count: at(count) })
    }

    /// [`Follower::wait`].
    ///
    /// # Errors
    /// As that.
    pub fn wait(&self, timeout: Duration) -> Result<bool> {
        let bell = self.bell.get_or_init(|| Bell::of(&self.table));
        bell.wait(timeout, || Ok(self.table.look()?.ordinals().end > self.next))
    }
}

#[cold]
fn went_back(next: u64, end: u64) -> Error {
    Error::new(
        ErrorKind::OutOfRange,
        format!(
            "{next} records were taken, and the table has {end}: it lost its power; follow it from there"
        ),
    )
}

impl<T> std::fmt::Debug for Follower<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.raw.fmt(f)
    }
}

impl std::fmt::Debug for RawFollower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower").field("next", &self.next).finish()
    }
}
