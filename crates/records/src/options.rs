//! How files are opened for writing, where the defaults are not what is wanted.

use crate::error::Result;
use crate::file::RecordFile;
use crate::habits::{Habits, Warning};
use crate::handle::Handle;
use crate::raw::RawFile;
use crate::record::Record;
use crate::schema::Schema;
use crate::set::RecordSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How a file is opened for writing: when it is flushed, and who is told of what nobody asked about.
///
/// ```
/// use samovar_records::{Options, schema};
/// use std::time::Duration;
/// # use samovar_records::zerocopy::{FromBytes, Immutable, IntoBytes};
/// # #[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
/// # #[repr(C)]
/// # struct Tick { time: i64, price: f64 }
/// # schema!(Tick { time, price });
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("ticks");
/// let options = Options::new()
///     .flush_every(Duration::from_secs(5))
///     .on_warning(|warning| eprintln!("{warning}"));
/// let ticks = options.open_or_create::<Tick>(&path)?;
/// ticks.push(&Tick { time: 1, price: 7.5 })?;
/// # Ok::<(), samovar_records::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Options {
    habits: Habits,
}

impl Options {
    /// The defaults: the last handle flushes when it is dropped, nothing flushes before, nobody is told of warnings.
    pub fn new() -> Options {
        Options::default()
    }

    /// Does not flush when the last writing handle is dropped. What was not flushed by then is there as long as the
    /// machine runs, and counts as lost after its next boot.
    pub fn leave_unflushed(mut self) -> Options {
        self.habits.leaves_unflushed = true;
        self
    }

    /// Flushes what was written every so often, in a thread that lives as long as a writing handle does. Writers do not
    /// wait for it, but for those that change an old record in place, or let the file grow.
    pub fn flush_every(mut self, interval: Duration) -> Options {
        self.habits.flush_every = Some(interval);
        self
    }

    /// Calls this function with what nobody asked about: a flush that failed when a handle was dropped or in the thread
    /// of [`flush_every`](Self::flush_every), a power loss that was found. It is called in whichever thread finds it,
    /// and must not use the file.
    pub fn on_warning(mut self, tell: impl Fn(&Warning) + Send + Sync + 'static) -> Options {
        self.habits.tell = Some(Arc::new(tell));
        self
    }

    /// [`RecordFile::open_writer`].
    ///
    /// # Errors
    /// As that.
    pub fn open_writer<T: Record>(&self, path: impl AsRef<Path>) -> Result<RecordFile<T>> {
        RecordFile::open_writer_with(path.as_ref(), &self.habits)
    }

    /// [`RecordFile::open_or_create`].
    ///
    /// # Errors
    /// As that.
    pub fn open_or_create<T: Record>(&self, path: impl AsRef<Path>) -> Result<RecordFile<T>> {
        RecordFile::open_or_create_with(path.as_ref(), &self.habits)
    }

    /// [`RecordFile::create_with_capacity`].
    ///
    /// # Errors
    /// As that; `InvalidArgument` for a capacity that no file has.
    pub fn create<T: Record>(&self, path: impl AsRef<Path>, capacity: usize) -> Result<RecordFile<T>> {
        let handle = Handle::create(path.as_ref(), T::schema()?, capacity, &self.habits)?;
        RecordFile::of(handle)
    }

    /// [`RawFile::open_or_create`].
    ///
    /// # Errors
    /// As that.
    pub fn open_or_create_raw(&self, path: impl AsRef<Path>, schema: Schema) -> Result<RawFile> {
        Handle::open_or_create(path.as_ref(), &schema, 0, &self.habits).map(RawFile)
    }

    /// [`RecordSet::open_or_create`], whose tables are opened so.
    ///
    /// # Errors
    /// As that.
    pub fn open_set(&self, root: impl AsRef<Path>) -> Result<RecordSet> {
        RecordSet::open_or_create_with(root.as_ref(), &self.habits)
    }
}
