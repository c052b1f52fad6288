//! The records that are there, looked up once: for many reads one after another.
//!
//! A view remembers where the records lie and which motion was the last to retire. If motion says the same after a copy
//! as the view remembers, no record was being changed. A record that is still live then was not overwritten by a push.
//! If motion says otherwise, the record is read the long way, and the view remembers anew. See `motion`.

use crate::control::{Control, ReadersLine};
use crate::error::Result;
use crate::iter::Iter;
use crate::layout::{ORDINAL_MAX, at};
use crate::motion::Motion;
use crate::reader::{Found, Seen};
use crate::record::Record;
use crate::slots::{ColumnsAt, Part};
use crate::table::Table;
use samovar_mmap::{Health, Items, fence_acquire};
use std::cell::Cell;
use std::ops::Range;

/// No motion is this.
const UNKNOWN: u64 = u64::MAX;

/// The records that were there when it was made, from [`RecordFile::view`](crate::RecordFile::view): their number is
/// fixed, what they say is as new as at each read.
///
/// A read costs little more than one from a vector. While records are updated elsewhere it is still right, and as fast as
/// [`RecordFile::get`](crate::RecordFile::get). It belongs to one thread; each makes its own.
///
/// ```
/// # use samovar_records::{RecordFile, schema};
/// # use zerocopy::{FromBytes, Immutable, IntoBytes};
/// # #[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
/// # #[repr(C)]
/// # struct Tick { time: i64, price: f64 }
/// # schema!(Tick { time, price });
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("ticks");
/// let ticks = RecordFile::<Tick>::create(&path)?;
/// ticks.extend_from_slice(&[Tick { time: 1, price: 2.0 }; 1000])?;
///
/// let view = ticks.view()?;
/// ticks.set(7, &Tick { time: 1, price: 3.0 })?;
/// ticks.push(&Tick { time: 2, price: 0.0 })?;
/// assert_eq!((view.len(), view.get(7)?.unwrap().price, view.get(1000)?), (1000, 3.0, None));
///
/// let mut sum = 0.0;
/// view.for_each_column(|tick| &tick.price, |prices| sum += prices.iter().sum::<f64>())?;
/// assert_eq!(sum, 2001.0);
/// # Ok::<(), samovar_records::Error>(())
/// ```
pub struct View<'a, T> {
    table: &'a Table,
    first: u64,
    end: u64,
    place: Cell<Place<'a, T>>,
    /// The motion that was seen, if it was at rest.
    motion: Cell<u64>,
}

/// Where records lie, and what tells whether they still do: all of it in one map of the file.
struct Place<'a, T> {
    health: Health<'a>,
    line: ReadersLine<'a>,
    /// Records that lie one behind the other, from this ordinal on. None where they are no plain rows.
    items: Items<'a, T>,
    begin: u64,
    /// The same records where their columns lie apart.
    apart: Option<ColumnsAt<'a>>,
    epoch: u64,
}

impl<T> Clone for Place<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Place<'_, T> {}

impl<'a, T: Record> Place<'a, T> {
    /// Where the records lie that were seen. A file that lies about it is told so by what the reads find.
    fn find(table: &'a Table, seen: &Seen) -> Result<Place<'a, T>> {
        let (ordinals, shape) = (seen.ordinals(), seen.shape());
        let (slots, mapping) = (table.slots(), &table.store.mapping);
        let straight = shape.straight(ordinals.start, ordinals.end - ordinals.start);
        let slot = shape.slot(ordinals.start);
        let end = slots.bytes_of(slot.saturating_add(straight)).unwrap_or(ORDINAL_MAX);
        let there = table.unrestored.is_none()
            && !table.decodes()
            && table.store.reach(end.saturating_add(shape.origin).min(ORDINAL_MAX)).is_ok();
        let len = mapping.len();
        let map = mapping.newest();
        let part = mapping.part(map, len);
        let offset = at(shape.offset(ordinals.start, slots.size()));
        let items = match (there && slots.are_plain()).then(|| part.items(offset, at(straight))) {
            Some(Ok(items)) => items,
            _ => part.items(0, 0)?,
        };
        let apart = slots.columns().filter(|_| there).map(|columns| ColumnsAt {
            view: part,
            columns,
            origin: shape.origin,
            slot,
            len: straight,
        });
        let line = Control { view: part, block: at(table.block) }.readers()?;
        let begin = ordinals.start;
        Ok(Place { health: map.health(), line, items, begin, apart, epoch: shape.epoch })
    }
}

impl<'a, T: Record> View<'a, T> {
    pub(crate) fn of(table: &'a Table) -> Result<Self> {
        let seen = table.look()?;
        let ordinals = seen.ordinals();
        let place = Cell::new(Place::find(table, &seen)?);
        let view =
            View { table, first: ordinals.start, end: ordinals.end, place, motion: Cell::new(UNKNOWN) };
        view.remember();
        Ok(view)
    }

    /// Those of these ordinals that are there.
    pub(crate) fn of_ordinals(table: &'a Table, ordinals: Range<u64>) -> Result<Self> {
        let mut view = View::of(table)?;
        view.end = ordinals.end.min(view.end);
        view.first = ordinals.start.max(view.first).min(view.end);
        Ok(view)
    }

    /// Remembers that nothing is in motion, if it is so; and where the records lie, if they have moved.
    fn remember(&self) {
        self.motion.set(UNKNOWN);
        let line = self.place.get().line;
        let motion = line.motion().load_acquire();
        if Motion(motion).is_moving() || self.table.unrestored.is_some() {
            return;
        }
        if line.epoch().load_acquire() != self.place.get().epoch {
            let Ok(place) = self.table.look().and_then(|seen| Place::find(self.table, &seen)) else { return };
            self.place.set(place);
        }
        // Growth goes from one motion to another: as long as it is this one, the records lie where they were found.
        fence_acquire();
        if line.motion().load() == motion && line.epoch().load() == self.place.get().epoch {
            self.motion.set(motion);
        }
    }

    /// Whether what was copied from `first` on, before the fence, is whole: nothing moved since motion was this.
    #[inline(always)]
    fn is_settled(&self, first: u64) -> bool {
        let Place { line, health, .. } = self.place.get();
        // Pairs with the release fences of the writer: who copied a byte of a later change sees its motion, or its first.
        fence_acquire();
        line.motion().load() == self.motion.get() && line.first().load() <= first && !health.is_poisoned()
    }

    /// Copies of the records, oldest first. Those that were dropped in front since are left out.
    pub fn iter(&self) -> Iter<'a, T> {
        Iter::new(self.table, self.first..self.end)
    }

    /// The ordinals of the records.
    pub fn ordinals(&self) -> Range<u64> {
        self.first..self.end
    }

    /// How many records there were.
    #[inline]
    pub fn len(&self) -> usize {
        at(self.end - self.first)
    }

    /// Whether there were none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A copy of the record with this index; none if there was none, or if it was dropped in front since.
    ///
    /// # Errors
    /// As [`RecordFile::get`](crate::RecordFile::get).
    #[inline(always)]
    pub fn get(&self, index: usize) -> Result<Option<T>> {
        let mut record = T::new_zeroed();
        if self.read_at_once(index, &mut record)? { Ok(Some(record)) } else { self.get_slowly(index) }
    }

    #[cold]
    #[inline(never)]
    fn get_slowly(&self, index: usize) -> Result<Option<T>> {
        let mut record = T::new_zeroed();
        Ok(self.read_slowly(index, &mut record)?.then_some(record))
    }

    /// [`get`](Self::get) to a place of one's own, which saves a copy: `false`, and nothing is known of what is there, if
    /// there is no such record.
    ///
    /// ```
    /// # use samovar_records::{RecordFile, schema};
    /// # use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes};
    /// # #[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
    /// # #[repr(C)]
    /// # struct Tick { time: i64, price: f64 }
    /// # schema!(Tick { time, price });
    /// # let dir = tempfile::tempdir().unwrap();
    /// let ticks = RecordFile::<Tick>::create(dir.path().join("ticks"))?;
    /// ticks.push(&Tick { time: 1, price: 2.0 })?;
    /// let mut tick = Tick::new_zeroed();
    /// assert!(ticks.view()?.read(0, &mut tick)?);
    /// assert_eq!(tick.price, 2.0);
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    ///
    /// # Errors
    /// As `get`.
    #[inline(always)]
    pub fn read(&self, index: usize, out: &mut T) -> Result<bool> {
        if self.read_at_once(index, out)? { Ok(true) } else { self.read_slowly(index, out) }
    }

    /// A record that lies where it was looked up, and that nobody changed meanwhile.
    #[inline(always)]
    fn read_at_once(&self, index: usize, out: &mut T) -> Result<bool> {
        let ordinal = self.first.wrapping_add(index as u64);
        let Place { items, begin, .. } = self.place.get();
        let read = items.read(at(ordinal.wrapping_sub(begin)), out.as_mut_bytes())?;
        Ok(read && ordinal < self.end && (self.is_settled(ordinal) || self.is_whole(ordinal)))
    }

    /// A record whose fields lie apart, that lies elsewhere by now, or that was in motion.
    #[inline(never)]
    fn read_slowly(&self, index: usize, out: &mut T) -> Result<bool> {
        if index >= self.len() {
            return Ok(false);
        }
        let ordinal = self.first + index as u64;
        let Place { apart, begin, .. } = self.place.get();
        if let Some(apart) = apart
            && apart.read(ordinal.wrapping_sub(begin), out.as_mut_bytes())?
            && (self.is_settled(ordinal) || self.is_whole(ordinal))
        {
            return Ok(true);
        }
        let found = self.table.read_ordinal(ordinal, out.as_mut_bytes())?;
        if !self.table.decodes() {
            self.remember();
        }
        Ok(found == Found::Whole)
    }

    /// Whether a copy is whole though motion went on.
    #[cold]
    #[inline(never)]
    fn is_whole(&self, ordinal: u64) -> bool {
        let motion = self.motion.get();
        motion != UNKNOWN
            && !self.place.get().health.is_poisoned()
            && self.table.is_whole_since(motion, ordinal).unwrap_or(false)
    }

    /// Of the records from this index on, those that lie one behind the other, `most` at most.
    pub(crate) fn run(&self, begin: usize, most: usize) -> Run<'a, T> {
        let Place { items, begin: base, apart, .. } = self.place.get();
        let from = at((self.first + begin as u64).wrapping_sub(base));
        let most = most.min(self.len() - begin);
        let count = match apart {
            None => items.len().saturating_sub(from).min(most),
            Some(apart) => apart.together(from as u64, most as u64),
        };
        Run { items, apart, indices: from..from.saturating_add(count) }
    }

    /// Whether the fields of records lie apart, so that many values of one lie one behind the other.
    pub(crate) fn is_apart(&self) -> bool {
        self.place.get().apart.is_some()
    }

    /// Whether what was copied from a run that begins with this index, before the call, is whole.
    #[inline(always)]
    pub(crate) fn is_whole_from(&self, begin: usize) -> bool {
        self.is_settled(self.first + begin as u64)
    }

    /// Copies of some of the records, and a new look at where they lie.
    #[cold]
    pub(crate) fn copy_slowly(&self, indices: Range<usize>) -> Result<Vec<T>> {
        let ordinals = self.first + indices.start as u64..self.first + indices.end as u64;
        let (records, _) = Iter::<T>::new(self.table, ordinals).into_vec()?;
        self.remember();
        Ok(records)
    }

    /// A part of the records; indices beyond the end are left out. A view belongs to one thread: parts can be sent to
    /// others.
    pub fn part(&self, indices: Range<usize>) -> View<'a, T> {
        let end = self.first + indices.end.min(self.len()) as u64;
        let first = (self.first + indices.start.min(self.len()) as u64).min(end);
        View {
            table: self.table,
            first,
            end,
            place: Cell::new(self.place.get()),
            motion: Cell::new(self.motion.get()),
        }
    }

    /// So many parts of nearly the same length, one for each thread.
    ///
    /// ```
    /// # use samovar_records::{RecordFile, schema};
    /// # use zerocopy::{FromBytes, Immutable, IntoBytes};
    /// # #[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
    /// # #[repr(C)]
    /// # struct Tick { time: i64, price: f64 }
    /// # schema!(Tick { time, price });
    /// # let dir = tempfile::tempdir().unwrap();
    /// let ticks = RecordFile::<Tick>::create(dir.path().join("ticks"))?;
    /// ticks.extend_from_slice(&[Tick { time: 1, price: 2.0 }; 1000])?;
    /// let view = ticks.view()?;
    /// let sum: f64 = std::thread::scope(|scope| {
    ///     let sum_up = |part: samovar_records::View<'_, Tick>| {
    ///         let mut sum = 0.0;
    ///         part.for_each_column(|tick| &tick.price, |prices| sum += prices.iter().sum::<f64>()).map(|()| sum)
    ///     };
    ///     let threads: Vec<_> = view.parts(4).map(|part| scope.spawn(move || sum_up(part))).collect();
    ///     threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).sum()
    /// });
    /// assert_eq!(sum, 2000.0);
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    pub fn parts(&self, count: usize) -> impl Iterator<Item = View<'a, T>> {
        let (len, count) = (self.len(), count.max(1));
        let cut = move |index: usize| {
            at((len as u128 * index as u128 / count as u128).try_into().unwrap_or(u64::MAX))
        };
        (0..count).map(move |index| self.part(cut(index)..cut(index + 1)))
    }

    /// The newest records, so many at most.
    pub fn last_n(&self, count: usize) -> View<'a, T> {
        self.part(self.len().saturating_sub(count)..self.len())
    }
}

/// Records that lie one behind the other; where their fields lie apart, in one block.
pub(crate) struct Run<'a, T> {
    items: Items<'a, T>,
    apart: Option<ColumnsAt<'a>>,
    pub(crate) indices: Range<usize>,
}

impl<T> Run<'_, T> {
    /// Copies the field of the size of `F` that begins at `offset` in each of these records to `out`, one value behind the
    /// other. `false` if there is none.
    #[inline(always)]
    pub(crate) fn gather<F>(&self, offset: usize, out: &mut [u8]) -> Result<bool> {
        match self.apart {
            None => Ok(self.items.gather::<F>(self.indices.clone(), offset, out)?),
            Some(apart) => apart.gather(self.indices.start, Part { offset, size: size_of::<F>() }, out),
        }
    }
}

impl<T> std::fmt::Debug for View<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("ordinals", &(self.first..self.end)).finish()
    }
}
