//! A private copy of a file's records: a slice that nobody else can write.

use crate::error::Result;
use crate::iter::{Iter, copy_all};
use crate::layout::at;
use crate::reader::Changes;
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
    changes: Changes,
}

impl<T: Record> Snapshot<T> {
    pub(crate) fn of(table: Arc<Table>) -> Result<Self> {
        let mut snapshot = Snapshot { table, records: Vec::new(), first: 0, changes: Changes::default() };
        snapshot.take()?;
        Ok(snapshot)
    }

    fn take(&mut self) -> Result<()> {
        let (seen, records) = copy_all(&self.table)?;
        (self.first, self.changes, self.records) = (seen.ordinals().start, seen.changes(), records);
        Ok(())
    }

    /// The records.
    pub fn as_slice(&self) -> &[T] {
        &self.records
    }

    /// Brings it up to date. Copies only what was pushed since and the newest record before, unless other records were
    /// replaced or some were dropped in front; then all.
    ///
    /// # Errors
    /// As [`RecordFile::get`](crate::RecordFile::get); the snapshot is as before then.
    pub fn refresh(&mut self) -> Result<()> {
        let seen = self.table.look()?;
        let (ordinals, changes) = (seen.ordinals(), seen.changes());
        let have = self.first + self.records.len() as u64;
        if changes.deep != self.changes.deep || ordinals.start != self.first || ordinals.end < have {
            return self.take();
        }
        // The newest one that is here may have been replaced while it was the newest.
        let known = if changes.updates == self.changes.updates { have } else { have.max(self.first + 1) - 1 };
        let (mut new, dropped) = Iter::new(&self.table, known..ordinals.end).into_vec()?;
        if dropped {
            return self.take();
        }
        self.records.truncate(at(known - self.first));
        self.records.append(&mut new);
        self.changes = changes;
        Ok(())
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
