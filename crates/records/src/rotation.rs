//! Files of one period each, such as a day, seen as one table.
//!
//! ```text
//! FOLDER/2026-01-05.000001.records    a record file: a name, and a number that goes on by one from file to file
//! FOLDER/.lock                        locked by the one who writes
//!
//!   writer:  write A --> flush A --> B appears, whole --> close A, write B
//!   reader:  nothing more in A --> B is there? --yes--> look at A once more: that is all of it --> B
//! ```
//!
//! So of a file that is not the newest all is there: nobody pushes to it any more. The numbers tell a reader of files that were removed before
//! their turn.

use crate::error::{Error, ErrorKind, Result};
use crate::file::RecordFile;
use crate::folders::{absolute, check_component, open, sync_folder};
use crate::habits::Habits;
use crate::handle::Handle;
use crate::header::TableType;
use crate::projection::Projection;
use crate::raw::RawFile;
use crate::record::Record;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

const LOCK: &str = ".lock";
const ENDING: &str = ".records";

/// The right to write a folder of files, and the newest of them; from
/// [`Options::open_rotation`](crate::Options::open_rotation).
///
/// ```
/// use samovar_records::{Options, Rotation, schema};
/// # use samovar_records::zerocopy::{FromBytes, Immutable, IntoBytes};
/// # #[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
/// # #[repr(C)]
/// # struct Tick { time: i64, price: f64 }
/// # schema!(Tick { time, price });
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let folder = dir.path().join("ticks");
/// let mut writer = Options::new().open_rotation::<Tick>(&folder, "2026-01-05")?;
/// writer.file().push(&Tick { time: 1, price: 7.5 })?;
/// writer.roll_to("2026-01-06")?; // at midnight
/// writer.file().push(&Tick { time: 2, price: 7.6 })?;
///
/// let ticks = Rotation::<Tick>::open(&folder)?.all()?; // in another process, say
/// assert_eq!((ticks.len(), ticks.get(1)?), (2, Some(Tick { time: 2, price: 7.6 })));
/// writer.keep_last(1)?;
/// assert_eq!(Rotation::<Tick>::open(&folder)?.all()?.len(), 1);
/// # Ok::<(), samovar_records::Error>(())
/// ```
#[derive(Debug)]
pub struct RotationWriter<T> {
    folder: PathBuf,
    habits: Habits,
    newest: FileName,
    file: RecordFile<T>,
    _lock: File,
}

/// A folder of files for reading.
#[derive(Debug)]
pub struct Rotation<T> {
    folder: PathBuf,
    projection: Projection,
    /// Those that were open when they were last asked for, oldest first.
    open: Mutex<Vec<Arc<RotatedFile<T>>>>,
}

/// One of the files.
#[derive(Debug)]
pub(crate) struct RotatedFile<T> {
    pub(crate) name: FileName,
    pub(crate) file: RecordFile<T>,
}

/// What a file is called, without its folder and its ending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileName {
    pub(crate) period: String,
    pub(crate) number: u64,
}

impl FileName {
    fn parse(name: &str) -> Option<FileName> {
        let (period, number) = name.strip_suffix(ENDING)?.rsplit_once('.')?;
        check_component(period).ok()?;
        Some(FileName { period: period.to_owned(), number: number.parse().ok()? })
    }

    fn path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.{:06}{ENDING}", self.period, self.number))
    }
}

/// The files in a folder, oldest first.
fn list(folder: &Path) -> Result<Vec<FileName>> {
    let entries = fs::read_dir(folder).map_err(|source| Error::io("reading", folder, source))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut found: Vec<FileName> = names.filter_map(|name| FileName::parse(&name)).collect();
    found.sort_unstable_by_key(|name| name.number);
    Ok(found)
}

impl<T: Record> RotationWriter<T> {
    /// Goes on with the newest file, if it is of this period, or begins one.
    pub(crate) fn open(folder: &Path, period: &str, habits: &Habits) -> Result<Self> {
        check_component(period)?;
        let folder = absolute(folder)?;
        fs::create_dir_all(&folder).map_err(|source| Error::io("making", &folder, source))?;
        let lock = lock(&folder)?;
        let newest = list(&folder)?.pop();
        let (newest, file) = match newest {
            Some(same) if same.period == period => {
                let file = Handle::open_writer(&same.path(&folder), &crate::file::admit::<T>, habits)?;
                (same, RecordFile::of(file)?)
            }
            older => {
                if let Some(older) = &older {
                    // Whatever its schema is. A writer that died left it open.
                    RawFile::open_writer(older.path(&folder))?.close()?;
                }
                begin(&folder, habits, older.as_ref(), period)?
            }
        };
        Ok(RotationWriter { folder, habits: habits.clone(), newest, file, _lock: lock })
    }

    /// The newest file, for writing.
    pub fn file(&self) -> &RecordFile<T> {
        &self.file
    }

    /// The period that is written.
    pub fn period(&self) -> &str {
        &self.newest.period
    }

    /// Flushes what was written and goes on in a new file, for this period: such as a date, at midnight. False if that is the
    /// period already. Readers go on in the new file by themselves. Waits for the device.
    ///
    /// # Errors
    /// `InvalidArgument` for a name that is none on every platform; the errors of [`RecordFile::flush`] and
    /// [`RecordFile::create`], and the file before is written on then.
    pub fn roll_to(&mut self, period: &str) -> Result<bool> {
        check_component(period)?;
        if period == self.newest.period {
            return Ok(false);
        }
        self.file.flush()?;
        let (newest, file) = begin(&self.folder, &self.habits, Some(&self.newest), period)?;
        // Nobody writes it between the flush and here: it is closed with what was flushed.
        let old = std::mem::replace(&mut self.file, file);
        self.newest = newest;
        old.close()?;
        Ok(true)
    }

    /// Removes the oldest files, so that at most so many are left, the newest one among them. Those who read them go on. Returns
    /// the periods that were removed.
    ///
    /// # Errors
    /// The errors of removing files.
    pub fn keep_last(&self, files: usize) -> Result<Vec<String>> {
        let there = list(&self.folder)?;
        let mut removed = Vec::new();
        for name in &there[..there.len().saturating_sub(files.max(1))] {
            let path = name.path(&self.folder);
            fs::remove_file(&path).map_err(|source| Error::io("removing", &path, source))?;
            removed.push(name.period.clone());
        }
        sync_folder(&self.folder)?;
        Ok(removed)
    }
}

/// The right to write a folder, until it is dropped.
fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let options = &mut File::options();
    let file = samovar_mmap::open_with(options.read(true).write(true).create(true).truncate(false), &path)
        .map_err(|source| Error::io("locking", &path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(Error::new(
            ErrorKind::Locked,
            format!(
                "{} is being written by another handle; open it for reading, or end that one",
                folder.display()
            ),
        )),
        Err(fs::TryLockError::Error(source)) => Err(Error::io("locking", &path, source)),
    }
}

/// A new file, which follows this one.
fn begin<T: Record>(
    folder: &Path,
    habits: &Habits,
    after: Option<&FileName>,
    period: &str,
) -> Result<(FileName, RecordFile<T>)> {
    let number = after.map_or(1, |after| after.number + 1);
    let name = FileName { period: period.to_owned(), number };
    let of = TableType { schema: T::schema()?, features: habits.features };
    let file = RecordFile::of(Handle::create(&name.path(folder), of, 0, habits)?)?;
    Ok((name, file))
}

impl<T: Record> Rotation<T> {
    /// Opens a folder of files to read them.
    ///
    /// # Errors
    /// `NotFound` if there is no such folder.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        Self::open_as(folder, Projection::new())
    }

    /// [`open`](Self::open), for files where some are of an older or a newer schema.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_as(folder: impl AsRef<Path>, projection: Projection) -> Result<Self> {
        let folder = absolute(folder.as_ref())?;
        open(&folder).map_err(|source| Error::io("opening", &folder, source))?;
        Ok(Rotation { folder, projection, open: Mutex::default() })
    }

    /// The periods of the files that are there, oldest first.
    ///
    /// # Errors
    /// The errors of reading the folder.
    pub fn periods(&self) -> Result<Vec<String>> {
        Ok(list(&self.folder)?.into_iter().map(|name| name.period).collect())
    }

    /// Those that are there now, opened.
    pub(crate) fn files(&self) -> Result<Vec<Arc<RotatedFile<T>>>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut files = Vec::new();
        for name in list(&self.folder)? {
            if let Some(same) = open.iter().find(|file| file.name == name) {
                files.push(Arc::clone(same));
                continue;
            }
            match RecordFile::open_as(name.path(&self.folder), &self.projection) {
                Ok(file) => files.push(Arc::new(RotatedFile { name, file })),
                // Removed since.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        open.clone_from(&files);
        Ok(files)
    }
}
