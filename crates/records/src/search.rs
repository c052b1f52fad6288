//! Finding records by a key that they are sorted by, such as their time.

use crate::error::Result;
use crate::record::Record;
use crate::view::View;
use std::ops::{Bound, Range, RangeBounds};

impl<'a, T: Record> View<'a, T> {
    /// How many records, from the first on, `is_before` holds for; it has to hold for none behind one that it does not hold
    /// for. Looks at as many as a number of this size has bits. Records that were dropped in front count as before.
    ///
    /// # Errors
    /// As [`RecordFile::get`](crate::RecordFile::get).
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

    /// The records by the key that they are sorted by. It may be of any type that is ordered, `f64` too, if none is NaN.
    ///
    /// ```
    /// # use samovar_records::{RecordFile, schema};
    /// # use zerocopy::{FromBytes, Immutable, IntoBytes};
    /// # #[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
    /// # #[repr(C)]
    /// # struct Tick { time: i64, price: f64 }
    /// # schema!(Tick { time, price });
    /// # let dir = tempfile::tempdir().unwrap();
    /// let quotes = RecordFile::<Tick>::create(dir.path().join("quotes"))?;
    /// quotes.extend_from_slice(&[(10, 1.0), (20, 2.0)].map(|(time, price)| Tick { time, price }))?;
    /// let quotes = quotes.view()?.sorted_by(|quote| quote.time);
    /// assert_eq!(quotes.range(10..20)?, 0..1);
    /// assert_eq!(quotes.last_at(&15)?.unwrap().1.price, 1.0);
    ///
    /// let trades = RecordFile::<Tick>::create(dir.path().join("trades"))?;
    /// trades.extend_from_slice(&[5, 15, 25].map(|time| Tick { time, price: 0.0 }))?;
    /// let trades = trades.view()?.sorted_by(|trade| trade.time);
    /// let mut prices = Vec::new();
    /// trades.join_as_of(&quotes, |_, quote| prices.push(quote.map(|quote| quote.price)))?;
    /// assert_eq!(prices, [None, Some(1.0), Some(2.0)]);
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    pub fn sorted_by<K: PartialOrd, F: Fn(&T) -> K>(self, key_of: F) -> Sorted<'a, T, F> {
        Sorted { view: self, key_of }
    }
}

/// Records by the key that they are sorted by, from [`View::sorted_by`].
pub struct Sorted<'a, T, F> {
    view: View<'a, T>,
    key_of: F,
}

impl<'a, T: Record, K: PartialOrd, F: Fn(&T) -> K> Sorted<'a, T, F> {
    /// The records.
    pub fn view(&self) -> &View<'a, T> {
        &self.view
    }

    /// The indices of the records whose key lies in these bounds.
    ///
    /// # Errors
    /// As [`View::partition_point`].
    pub fn range(&self, keys: impl RangeBounds<K>) -> Result<Range<usize>> {
        let start = match keys.start_bound() {
            Bound::Included(key) => self.count_before(key)?,
            Bound::Excluded(key) => self.count_up_to(key)?,
            Bound::Unbounded => 0,
        };
        let end = match keys.end_bound() {
            Bound::Included(key) => self.count_up_to(key)?,
            Bound::Excluded(key) => self.count_before(key)?,
            Bound::Unbounded => self.view.len(),
        };
        Ok(start..end.max(start))
    }

    /// The last record whose key is this one or lies before it, and its index: what was known at that time.
    ///
    /// # Errors
    /// As [`View::partition_point`].
    pub fn last_at(&self, key: &K) -> Result<Option<(usize, T)>> {
        let Some(index) = self.count_up_to(key)?.checked_sub(1) else { return Ok(None) };
        Ok(self.view.get(index)?.map(|record| (index, record)))
    }

    /// Calls `each` with every record, and with the last record of `other` whose key is the same or lies before; none
    /// if there is none. That is what was known of the other at that time. It walks through both once.
    ///
    /// # Errors
    /// As [`RecordFile::get`](crate::RecordFile::get).
    pub fn join_as_of<O: Record, G: Fn(&O) -> K>(
        &self,
        other: &Sorted<'_, O, G>,
        mut each: impl FnMut(&T, Option<&O>),
    ) -> Result<()> {
        let mut others = other.view.iter();
        let mut known: Option<O> = None;
        let mut next = others.next().transpose()?;
        for record in self.view.iter() {
            let record = record?;
            let key = (self.key_of)(&record);
            while let Some(candidate) = next.filter(|candidate| (other.key_of)(candidate) <= key) {
                known = Some(candidate);
                next = others.next().transpose()?;
            }
            each(&record, known.as_ref());
        }
        Ok(())
    }

    fn count_before(&self, key: &K) -> Result<usize> {
        self.view.partition_point(|record| (self.key_of)(record) < *key)
    }

    fn count_up_to(&self, key: &K) -> Result<usize> {
        self.view.partition_point(|record| (self.key_of)(record) <= *key)
    }
}

impl<T, F> std::fmt::Debug for Sorted<'_, T, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sorted").field("view", &self.view).finish()
    }
}
