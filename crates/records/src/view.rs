//! The records that are there, looked up once: for many reads one after another.
//!
//! A view remembers where the records lie and which motion was the last to retire. As long as motion says the same after
//! a copy as the view remembers, no record was being changed; and a record that is still live then was not overwritten by
//! a push. If motion says otherwise, the record is read the long way, and the view remembers anew. See `motion`.

use crate::control::{Control, ReadersLine};
use crate::error::Result;
use crate::layout::at;
use crate::motion::Motion;
use crate::reader::{TRIES, When, busy, pause};
use crate::record::{Plain, Record};
use crate::table::{Table, poisoned};
use samovar_mmap::{Health, Items, fence_acquire};
use std::cell::Cell;
use std::ops::Range;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Bytes of a column that are gathered at a time.
const COLUMN_BYTES: usize = 2048;
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
    health: Health<'a>,
    line: ReadersLine<'a>,
    /// The records from the first on that lie one behind the other.
    items: Items<'a, T>,
    first: u64,
    end: u64,
    epoch: u64,
    /// The motion that was seen, if it was at rest.
    motion: Cell<u64>,
}

/// Where a record was.
struct Place<'a, T> {
    items: Items<'a, T>,
    index: usize,
    when: When,
}

impl<'a, T: Record> View<'a, T> {
    pub(crate) fn of(table: &'a Table) -> Result<Self> {
        let seen = table.look()?;
        let ordinals = seen.ordinals();
        let size = size_of::<T>() as u64;
        let straight = seen.shape().straight(ordinals.start, ordinals.end - ordinals.start);
        let offset = seen.shape().offset(ordinals.start, size);
        // A file that lies about where they are is told so by what the reads find.
        let reached = table.store.reach(offset.saturating_add(straight.saturating_mul(size)).min(1 << 62));
        let mapping = &table.store.mapping;
        let len = mapping.len();
        let map = mapping.newest();
        let view = mapping.part(map, len);
        let items = match reached.is_ok().then(|| view.items(at(offset), at(straight))) {
            Some(Ok(items)) => items,
            _ => view.items(0, 0)?,
        };
        let line = Control { view, block: at(table.block) }.readers()?;
        let view = View {
            table,
            health: map.health(),
            line,
            items,
            first: ordinals.start,
            end: ordinals.end,
            epoch: seen.shape().epoch,
            motion: Cell::new(UNKNOWN),
        };
        view.remember();
        Ok(view)
    }

    /// Remembers that nothing is in motion, if it is so and the records lie where they lay.
    fn remember(&self) {
        let motion = self.line.motion().load_acquire();
        let here = !Motion(motion).is_moving() && self.line.epoch().load_acquire() == self.epoch;
        self.motion.set(if here { motion } else { UNKNOWN });
    }

    /// Whether what was copied from `first` on, before the fence, is whole: nothing moved since motion was this.
    #[inline(always)]
    fn is_settled(&self, motion: u64, first: u64) -> bool {
        // Pairs with the release fences of the writer: who copied a byte of a later change sees its motion, or its first.
        fence_acquire();
        self.line.motion().load() == motion && self.line.first().load() <= first && !self.health.is_poisoned()
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
        let mut place =
            Place { items: self.items, index, when: When { motion: self.motion.get(), shadow: false } };
        let ordinal = self.first + index as u64;
        let mut tries = 0;
        loop {
            let mut record = T::new_zeroed();
            let read = place.items.read(place.index, record.as_mut_bytes())?;
            if read && (self.is_settled(place.when.motion, ordinal) || self.is_whole(place.when, ordinal)) {
                return Ok(Some(record));
            }
            tries += 1;
            match self.place_again(index, tries)? {
                Some(next) => place = next,
                None => return Ok(None),
            }
        }
    }

    /// Where a record is now, be it a shadow; none if it is not there.
    #[cold]
    #[inline(never)]
    fn place_again(&self, index: usize, tries: u32) -> Result<Option<Place<'a, T>>> {
        if index >= self.len() {
            return Ok(None);
        }
        if tries > TRIES {
            return Err(busy());
        }
        if self.health.is_poisoned() {
            return Err(poisoned());
        }
        if tries > 1 {
            pause(tries);
        }
        self.remember();
        let ordinal = self.first + index as u64;
        let Some((when, offset)) = self.table.place_of(ordinal)? else { return Ok(None) };
        let items = self.table.store.mapping.view().items(offset, 1)?;
        Ok(Some(Place { items, index: 0, when }))
    }

    /// Whether a copy is whole though motion went on.
    #[cold]
    #[inline(never)]
    fn is_whole(&self, when: When, ordinal: u64) -> bool {
        when.motion != UNKNOWN
            && !self.health.is_poisoned()
            && self.table.is_whole_since(when, ordinal).unwrap_or(false)
    }

    /// Calls `each` with the values of one field, oldest first, one slice after another: the fastest way to sum one up.
    /// `field` is the field's accessor, such as `|bar| &bar.close`. Records that were dropped in front are left out.
    ///
    /// # Errors
    /// As [`RecordFile::get`](crate::RecordFile::get).
    pub fn for_each_column<F>(&self, field: fn(&T) -> &F, mut each: impl FnMut(&[F])) -> Result<()>
    where
        F: Plain + FromBytes + IntoBytes + Immutable + Copy,
    {
        let offset = offset_of(field);
        let block = (COLUMN_BYTES / size_of::<F>().max(1)).max(1);
        let mut values = [0u64; COLUMN_BYTES / 8];
        let (mut begin, straight) = (0, self.items.len());
        while begin < straight && size_of::<F>() <= COLUMN_BYTES && align_of::<F>() <= 8 {
            let end = straight.min(begin + block);
            let bytes = &mut values.as_mut_bytes()[..(end - begin) * size_of::<F>()];
            let gathered = self.items.gather::<F>(begin..end, offset, bytes)?;
            if !gathered || !self.is_settled(self.motion.get(), self.first + begin as u64) {
                self.column_slowly(begin..end, field, &mut each)?;
            } else if let Ok(values) = <[F]>::ref_from_bytes(bytes) {
                each(values);
            }
            begin = end;
        }
        self.column_slowly(begin..self.len(), field, &mut each)
    }

    #[cold]
    #[inline(never)]
    fn column_slowly<F: Copy>(
        &self,
        indices: Range<usize>,
        field: fn(&T) -> &F,
        each: &mut impl FnMut(&[F]),
    ) -> Result<()> {
        let ordinals = self.first + indices.start as u64..self.first + indices.end as u64;
        let mut values = Vec::new();
        crate::iter::Iter::<T>::new(self.table, ordinals).for_each_slice(|records| {
            values.clear();
            values.extend(records.iter().map(|record| *field(record)));
            each(&values);
        })?;
        self.remember();
        Ok(())
    }
}

/// Where a field begins in its record.
fn offset_of<T: Record, F>(field: fn(&T) -> &F) -> usize {
    let record = T::new_zeroed();
    std::ptr::from_ref(field(&record)).addr().wrapping_sub(std::ptr::from_ref(&record).addr())
}

impl<T> std::fmt::Debug for View<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("ordinals", &(self.first..self.end)).finish()
    }
}
