//! Walking through some fields of many records: their values are gathered into slices, a few hundred at a time.

use crate::error::Result;
use crate::record::{Plain, Record};
use crate::view::{Run, View};
use std::ops::ControlFlow;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Bytes of a column that are gathered from rows at a time: few, so that the processor fetches the next ones while these are used.
const ROW_BYTES: usize = 512;
/// Bytes that are copied at a time where columns lie apart.
const COLUMN_BYTES: usize = 4096;
/// Blocks that are read slowly at a time, where the records do not lie one behind the other.
const SLOW_BLOCKS: usize = 64;

/// What a column may hold.
pub trait Value: Plain + FromBytes + IntoBytes + Immutable + 'static {}
impl<F: Plain + FromBytes + IntoBytes + Immutable + 'static> Value for F {}

/// Some fields of a record type; see [`View::scan`].
pub trait Fields<T>: sealed::Fields<T> {}
impl<T, S: sealed::Fields<T>> Fields<T> for S {}

mod sealed {
    use super::Run;
    use crate::error::Result;

    pub trait Fields<T> {
        /// A slice for each field.
        type Slices<'s>
        where
            Self: 's;
        /// How many records are gathered at a time, if a field of them may take so many bytes.
        fn rows(&self, bytes: usize) -> usize;
        #[expect(private_interfaces, reason = "nobody else calls it")]
        fn gather(&mut self, run: &Run<'_, T>) -> Result<bool>;
        fn pick(&mut self, records: &[T]);
        fn slices(&self) -> Self::Slices<'_>;
    }
}

/// One field, and the values of it that were gathered.
pub struct Column<T, F> {
    field: fn(&T) -> &F,
    offset: usize,
    /// Where they are gathered.
    words: [u64; COLUMN_BYTES / 8],
    /// How many bytes of that are values.
    len: usize,
    /// Those of records that were copied whole.
    picked: Vec<F>,
}

impl<T: Record, F: Value> Column<T, F> {
    fn of(field: fn(&T) -> &F) -> Self {
        let record = T::new_zeroed();
        // An accessor of what is no field gives an offset that no gathering takes.
        let offset =
            std::ptr::from_ref(field(&record)).addr().wrapping_sub(std::ptr::from_ref(&record).addr());
        Column { field, offset, words: [0; COLUMN_BYTES / 8], len: 0, picked: Vec::new() }
    }
}

impl<T: Record, F: Value> sealed::Fields<T> for Column<T, F> {
    type Slices<'s>
        = &'s [F]
    where
        T: 's;

    fn rows(&self, bytes: usize) -> usize {
        (bytes / size_of::<F>().max(1)).max(1)
    }

    #[inline(always)]
    #[expect(private_interfaces, reason = "nobody else calls it")]
    fn gather(&mut self, run: &Run<'_, T>) -> Result<bool> {
        self.picked.clear();
        self.len = run.indices.len() * size_of::<F>();
        // Longer values, or of a larger alignment, are picked from whole records.
        let Some(bytes) = self.words.as_mut_bytes().get_mut(..self.len).filter(|_| align_of::<F>() <= 8)
        else {
            return Ok(false);
        };
        run.gather::<F>(self.offset, bytes)
    }

    fn pick(&mut self, records: &[T]) {
        self.len = 0;
        self.picked.clear();
        self.picked.extend(records.iter().map(|record| *(self.field)(record)));
    }

    #[inline(always)]
    fn slices(&self) -> &[F] {
        let gathered = self.words.as_bytes().get(..self.len).filter(|bytes| !bytes.is_empty());
        gathered.and_then(|bytes| <[F]>::ref_from_bytes(bytes).ok()).unwrap_or(&self.picked)
    }
}

/// Two sets of fields side by side, from [`Scan::and`].
pub struct Both<A, B>(A, B);

impl<T, A: sealed::Fields<T>, B: sealed::Fields<T>> sealed::Fields<T> for Both<A, B> {
    type Slices<'s>
        = (A::Slices<'s>, B::Slices<'s>)
    where
        A: 's,
        B: 's;

    fn rows(&self, bytes: usize) -> usize {
        self.0.rows(bytes).min(self.1.rows(bytes))
    }

    #[inline(always)]
    #[expect(private_interfaces, reason = "nobody else calls it")]
    fn gather(&mut self, run: &Run<'_, T>) -> Result<bool> {
        Ok(self.0.gather(run)? && self.1.gather(run)?)
    }

    fn pick(&mut self, records: &[T]) {
        self.0.pick(records);
        self.1.pick(records);
    }

    fn slices(&self) -> Self::Slices<'_> {
        (self.0.slices(), self.1.slices())
    }
}

/// A walk through some fields of a view's records, from [`View::scan`].
#[must_use = "it walks when it is told what for"]
pub struct Scan<'v, 'a, T, S> {
    view: &'v View<'a, T>,
    fields: S,
}

impl<'a, T: Record> View<'a, T> {
    /// A walk through the values of one field, oldest first; [`Scan::and`] adds another field. `field` is the field's
    /// accessor. Records that were dropped in front are left out.
    ///
    /// ```
    /// # use samovar_records::{RecordFile, schema};
    /// # use zerocopy::{FromBytes, Immutable, IntoBytes};
    /// use std::ops::ControlFlow;
    /// # #[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
    /// # #[repr(C)]
    /// # struct Trade { time: i64, price: f64, volume: f64 }
    /// # schema!(Trade { time, price, volume });
    /// # let dir = tempfile::tempdir().unwrap();
    /// let trades = RecordFile::<Trade>::create(dir.path().join("trades"))?;
    /// trades.extend_from_slice(&[Trade { time: 1, price: 2.0, volume: 3.0 }; 1000])?;
    ///
    /// let view = trades.view()?;
    /// let mut turnover = 0.0;
    /// view.scan(|trade| &trade.price).and(|trade| &trade.volume).for_each(|(prices, volumes)| {
    ///     turnover += prices.iter().zip(volumes).map(|(price, volume)| price * volume).sum::<f64>();
    /// })?;
    /// assert_eq!(turnover, 6000.0);
    ///
    /// let mut seen = 0;
    /// let found = view.scan(|trade| &trade.time).try_for_each(|times| {
    ///     seen += times.len();
    ///     if times.contains(&1) { ControlFlow::Break("here") } else { ControlFlow::Continue(()) }
    /// })?;
    /// assert_eq!((found, seen < 1000), (ControlFlow::Break("here"), true));
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    pub fn scan<F: Value>(&self, field: fn(&T) -> &F) -> Scan<'_, 'a, T, Column<T, F>> {
        Scan { view: self, fields: Column::of(field) }
    }

    /// Calls `each` with the values of one field, oldest first, one slice after another: the fastest way to sum one up.
    /// [`scan`](Self::scan) takes several fields, and ends early.
    ///
    /// # Errors
    /// As [`RecordFile::get`](crate::RecordFile::get).
    pub fn for_each_column<F: Value>(&self, field: fn(&T) -> &F, each: impl FnMut(&[F])) -> Result<()> {
        self.scan(field).for_each(each)
    }
}

impl<'v, 'a, T: Record, S: Fields<T>> Scan<'v, 'a, T, S> {
    /// The walk, through another field too.
    pub fn and<F: Value>(self, field: fn(&T) -> &F) -> Scan<'v, 'a, T, Both<S, Column<T, F>>> {
        Scan { view: self.view, fields: Both(self.fields, Column::of(field)) }
    }

    /// Calls `each` with a slice of each field, again and again: `(prices, volumes)`, for three `((a, b), c)`.
    ///
    /// # Errors
    /// As [`RecordFile::get`](crate::RecordFile::get).
    pub fn for_each(self, mut each: impl FnMut(S::Slices<'_>)) -> Result<()> {
        let walk = |slices: S::Slices<'_>| -> ControlFlow<()> {
            each(slices);
            ControlFlow::Continue(())
        };
        self.try_for_each(walk).map(drop)
    }

    /// [`for_each`](Self::for_each), until `each` breaks.
    ///
    /// # Errors
    /// As `for_each`.
    #[inline]
    pub fn try_for_each<B>(
        mut self,
        mut each: impl FnMut(S::Slices<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>> {
        let view = self.view;
        let rows = self.fields.rows(if view.is_apart() { COLUMN_BYTES } else { ROW_BYTES });
        let mut begin = 0;
        while begin < view.len() {
            // Anew for each block: a block that is read slowly looks up where the records lie by now.
            let run = view.run(begin, rows);
            let count = run.indices.len();
            let whole = count > 0 && self.fields.gather(&run)? && view.is_whole_from(begin);
            let count = if whole {
                if let ControlFlow::Break(broken) = each(self.fields.slices()) {
                    return Ok(ControlFlow::Break(broken));
                }
                count
            } else {
                let count = if count > 0 { count } else { (SLOW_BLOCKS * rows).min(view.len() - begin) };
                let records = view.copy_slowly(begin..begin + count)?;
                for some in records.chunks(rows) {
                    self.fields.pick(some);
                    if let ControlFlow::Break(broken) = each(self.fields.slices()) {
                        return Ok(ControlFlow::Break(broken));
                    }
                }
                count
            };
            begin += count;
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl<T, S> std::fmt::Debug for Scan<'_, '_, T, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan").field("view", &self.view).finish_non_exhaustive()
    }
}

impl<T, F> std::fmt::Debug for Column<T, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Column").field("offset", &self.offset).finish_non_exhaustive()
    }
}

impl<A, B> std::fmt::Debug for Both<A, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Both").finish_non_exhaustive()
    }
}
