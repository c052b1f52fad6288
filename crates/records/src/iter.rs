//! Records in order, copied a block at a time.

use crate::error::Result;
use crate::layout::at;
use crate::reader::{Found, Seen, TRIES, busy, pause};
use crate::record::Record;
use crate::table::Table;
use std::ops::Range;
use zerocopy::IntoBytes;

/// Bytes copied at a time: small, so that a writer at full speed leaves most blocks alone.
const BLOCK_BYTES: usize = 8192;

/// Copies of records, oldest first, from [`RecordFile::iter`](crate::RecordFile::iter) and
/// [`range`](crate::RecordFile::range).
///
/// Records that are dropped in front before their turn are left out. The iterator ends after an error.
pub struct Iter<'a, T> {
    table: &'a Table,
    /// Those that were not copied yet.
    ordinals: Range<u64>,
    block: Vec<T>,
    /// How many of the block were given out.
    given: usize,
    /// Whether records were dropped in front before their turn.
    skipped: bool,
}

/// Copies of all records that were there at one look, and that look.
pub(crate) fn copy_all<T: Record>(table: &Table) -> Result<(Seen, Vec<T>)> {
    for attempt in 0..TRIES {
        let seen = table.look()?;
        let (all, skipped) = Iter::new(table, seen.ordinals()).into_vec()?;
        if !skipped {
            return Ok((seen, all));
        }
        pause(attempt);
    }
    Err(busy())
}

impl<'a, T: Record> Iter<'a, T> {
    pub(crate) fn new(table: &'a Table, ordinals: Range<u64>) -> Self {
        Iter { table, ordinals, block: Vec::new(), given: 0, skipped: false }
    }

    /// Calls `each` with one slice of records after another: private copies, which nobody else writes. The fastest way
    /// through many records.
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
    /// ticks.extend_from_slice(&[Tick { price: 2.0 }; 1000])?;
    /// let mut sum = 0.0;
    /// ticks.iter()?.for_each_slice(|ticks| sum += ticks.iter().map(|tick| tick.price).sum::<f64>())?;
    /// assert_eq!(sum, 2000.0);
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`RecordFile::get`](crate::RecordFile::get).
    pub fn for_each_slice(mut self, mut each: impl FnMut(&[T])) -> Result<()> {
        loop {
            if self.given < self.block.len() {
                each(&self.block[self.given..]);
            }
            if !self.next_block()? {
                return Ok(());
            }
        }
    }

    /// All records, and whether some were dropped before their turn.
    pub(crate) fn into_vec(mut self) -> Result<(Vec<T>, bool)> {
        let mut all = Vec::new();
        let many = at(self.ordinals.end - self.ordinals.start);
        // Not more than can be there: a file may lie about its length.
        all.reserve(many.min(self.table.store.mapping.len() / size_of::<T>()));
        while self.next_block()? {
            all.extend_from_slice(&self.block);
        }
        Ok((all, self.skipped))
    }

    /// Copies the next block; `false` if there is none.
    fn next_block(&mut self) -> Result<bool> {
        self.given = 0;
        while !self.ordinals.is_empty() {
            let left = at(self.ordinals.end - self.ordinals.start);
            let count = left.min((BLOCK_BYTES / size_of::<T>()).max(1));
            self.block.truncate(count);
            self.block.resize_with(count, T::new_zeroed);
            if self.table.read_block(self.ordinals.start, self.block.as_mut_slice().as_mut_bytes())?
                == Found::Whole
            {
                self.ordinals.start += count as u64;
                return Ok(true);
            }
            self.skipped = true;
            let first = self.table.look()?.ordinals().start;
            self.ordinals.start = first.clamp(self.ordinals.start + 1, self.ordinals.end);
        }
        self.block.clear();
        Ok(false)
    }
}

impl<T: Record> Iterator for Iter<'_, T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        if self.given == self.block.len() {
            match self.next_block() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    (self.ordinals, self.given) = (0..0, self.block.len());
                    return Some(Err(error));
                }
            }
        }
        let record = *self.block.get(self.given)?;
        self.given += 1;
        Some(Ok(record))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = at(self.ordinals.end - self.ordinals.start);
        (0, Some(left.saturating_add(self.block.len() - self.given)))
    }
}

impl<T> std::fmt::Debug for Iter<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Iter").field("ordinals", &self.ordinals).finish()
    }
}
