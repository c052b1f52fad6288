//! A private copy of a file's records: a slice that nobody else can write.

use crate::error::Result;
use crate::iter::{Iter, copy_all};
use crate::layout::at;
use crate::record::Record;
use crate::table::Table;
use std::ops::Deref;
use std::sync::Arc;

/// A copy of the records as they were, used as a slice; from [`RecordFile::snapshot`](crate::RecordFile::snapshot).
///
/// A slice of the file itself would change under its reader's eyes, which Rust does not allow.
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
/// ticks.push(&Tick { price: 1.0 })?;
/// let mut snapshot = ticks.snapshot()?;
/// ticks.push(&Tick { price: 2.0 })?;
/// assert_eq!(snapshot.as_slice(), [Tick { price: 1.0 }]);
/// snapshot.refresh()?;
/// assert_eq!(snapshot.iter().map(|tick| tick.price).sum::<f64>(), 3.0);
/// # Ok::<(), samovar_records::Error>(())
/// ```
pub struct Snapshot<T> {
    table: Arc<Table>,
    records: Vec<T>,
    first: u64,
    updates: u64,
}

impl<T: Record> Snapshot<T> {
    pub(crate) fn of(table: Arc<Table>) -> Result<Self> {
        let mut snapshot = Snapshot { table, records: Vec::new(), first: 0, updates: 0 };
        snapshot.take()?;
        Ok(snapshot)
    }

    fn take(&mut self) -> Result<()> {
        let (seen, records) = copy_all(&self.table)?;
        (self.first, self.updates, self.records) = (seen.ordinals().start, seen.updates(), records);
        Ok(())
    }

    /// The records.
    pub fn as_slice(&self) -> &[T] {
        &self.records
    }

    /// Brings it up to date. Copies only what was pushed since, unless records were replaced or dropped.
    ///
    /// # Errors
    /// As [`RecordFile::get`](crate::RecordFile::get); the snapshot is as before then.
    pub fn refresh(&mut self) -> Result<()> {
        let seen = self.table.look()?;
        let ordinals = seen.ordinals();
        if seen.updates() != self.updates || ordinals.start != self.first {
            return self.take();
        }
        let have = self.first + self.records.len() as u64;
        let (mut new, _) = Iter::new(&self.table, have.min(ordinals.end)..ordinals.end).into_vec()?;
        if self.records.len() + new.len() == at(ordinals.end - ordinals.start) {
            self.records.append(&mut new);
            return Ok(());
        }
        self.take()
    }

    /// The records, as a vector of one's own.
    pub fn into_vec(self) -> Vec<T> {
        self.records
    }
}

impl<T: Record> Deref for Snapshot<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.records
    }
}

impl<T> std::fmt::Debug for Snapshot<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("len", &self.records.len()).finish()
    }
}
