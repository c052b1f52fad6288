//! A folder of record files by key, in generations, of which one is current.
//!
//! ```text
//! ROOT/current              the name of the current generation: replaced by a rename, and so always whole
//! ROOT/generations/NAME/    one generation: a record file for each key, `daily/600600` in a folder `daily`
//! ROOT/generations/.NAME.PID-N.draft/   one in the making, locked while its maker lives
//! ```
//!
//! A switch replaces `current` and touches nothing else: whoever holds a [`Generation`] keeps reading it.

use crate::draft::Draft;
use crate::error::{Error, ErrorKind, Result};
use crate::file::{RecordFile, admit};
use crate::raw::RawFile;
use crate::record::Record;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const CURRENT: &str = "current";
const GENERATIONS: &str = "generations";

/// Record files by key, with an atomic switch from one generation of them to another.
///
/// ```
/// use samovar_records::{RecordSet, schema};
/// use zerocopy::{FromBytes, Immutable, IntoBytes};
///
/// #[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
/// #[repr(C)]
/// struct Bar { time: i64, close: f64 }
/// schema!(Bar { time, close });
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let root = dir.path().join("bars");
/// let set = RecordSet::open_or_create(&root)?;
/// for (day, close) in [("2026-01-05", 7.5), ("2026-01-06", 7.6)] {
///     let draft = set.draft(day)?;
///     draft.create::<Bar>("daily/600600", 250)?.push(&Bar { time: 1, close })?;
///     draft.publish()?; // from here on it is the current one
/// }
/// let held = set.current()?;
/// set.switch_to("2026-01-05")?;
/// assert_eq!(held.open::<Bar>("daily/600600")?.last()?.unwrap().close, 7.6);
/// assert_eq!(set.current()?.open::<Bar>("daily/600600")?.last()?.unwrap().close, 7.5);
/// # Ok::<(), samovar_records::Error>(())
/// ```
#[derive(Debug)]
pub struct RecordSet {
    root: PathBuf,
    /// The generation that was current when it was last asked for.
    current: Mutex<Option<Arc<Generation>>>,
}

impl RecordSet {
    /// Opens the set in this folder.
    ///
    /// # Errors
    /// `NotFound` if it holds no set.
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        let root = absolute(root.as_ref())?;
        let generations = root.join(GENERATIONS);
        if !generations.is_dir() {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("{} holds no set of records; make one with open_or_create", root.display()),
            ));
        }
        Ok(RecordSet { root, current: Mutex::new(None) })
    }

    /// Opens the set in this folder, which is made if it is not there.
    ///
    /// # Errors
    /// The errors of making folders.
    pub fn open_or_create(root: impl AsRef<Path>) -> Result<Self> {
        let generations = absolute(root.as_ref())?.join(GENERATIONS);
        fs::create_dir_all(&generations).map_err(|source| Error::io("making", &generations, source))?;
        Self::open(root)
    }

    /// The current generation. Hold it for as long as you want to read the same one.
    ///
    /// # Errors
    /// `NotFound` if none was published; `Corrupt` if `current` names none.
    pub fn current(&self) -> Result<Arc<Generation>> {
        let path = self.root.join(CURRENT);
        let text = fs::read_to_string(&path).map_err(|source| Error::io("reading", &path, source))?;
        let name = text.trim_end();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = current.as_ref().filter(|held| held.name == name) {
            return Ok(Arc::clone(same));
        }
        let fresh = Arc::new(self.generation(name)?);
        *current = Some(Arc::clone(&fresh));
        Ok(fresh)
    }

    /// A generation by its name.
    ///
    /// # Errors
    /// `NotFound`; `InvalidArgument` if no generation can have this name.
    pub fn generation(&self, name: &str) -> Result<Generation> {
        check_component(name)?;
        let folder = self.folder(name);
        if folder.is_dir() {
            return Ok(Generation { name: name.to_owned(), folder, files: Mutex::default() });
        }
        Err(Error::new(
            ErrorKind::NotFound,
            format!("there is no generation {name} in {}; publish one first", self.root.display()),
        ))
    }

    /// The names of all generations, sorted.
    ///
    /// # Errors
    /// The errors of reading the folder.
    pub fn generations(&self) -> Result<Vec<String>> {
        let folder = self.root.join(GENERATIONS);
        let entries = fs::read_dir(&folder).map_err(|source| Error::io("reading", &folder, source))?;
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| check_component(name).is_ok())
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Begins a new generation, which nobody sees until it is published, and sweeps what dead makers left.
    ///
    /// # Errors
    /// `AlreadyExists`; `InvalidArgument` if no generation can have this name.
    pub fn draft(&self, name: &str) -> Result<Draft<'_>> {
        check_component(name)?;
        if self.folder(name).exists() {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("there is a generation {name} already; remove it first, or choose another name"),
            ));
        }
        Draft::begin(self, name)
    }

    /// Makes a generation the current one. Those who read another one keep it.
    ///
    /// # Errors
    /// `NotFound` if there is no such generation.
    pub fn switch_to(&self, name: &str) -> Result<()> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        self.generation(name)?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let fresh = self.root.join(format!(".{CURRENT}.{}-{count}.new", std::process::id()));
        let path = self.root.join(CURRENT);
        let written = write_durably(&fresh, format!("{name}\n").as_bytes())
            .and_then(|()| fs::rename(&fresh, &path))
            .map_err(|source| Error::io("replacing", &path, source));
        if written.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        written?;
        sync_folder(&self.root)
    }

    /// Removes a generation. Those who have its files open keep reading them.
    ///
    /// # Errors
    /// `InvalidArgument` if it is the current one; `NotFound`.
    pub fn remove(&self, name: &str) -> Result<()> {
        let gone = self.generation(name)?;
        if self.current().is_ok_and(|current| current.name == name) {
            return Err(Error::invalid(format!("{name} is the current generation; switch to another first")));
        }
        fs::remove_dir_all(&gone.folder).map_err(|source| Error::io("removing", &gone.folder, source))
    }

    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.root.join(GENERATIONS).join(name)
    }
}

/// One generation of a [`RecordSet`]. Its files are opened when they are first asked for.
#[derive(Debug)]
pub struct Generation {
    name: String,
    folder: PathBuf,
    files: Mutex<HashMap<String, Arc<RawFile>>>,
}

impl Generation {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file of this key, for reading. It is opened once.
    ///
    /// # Errors
    /// As [`RecordFile::open`]; `InvalidArgument` if no key can be so.
    pub fn open<T: Record>(&self, key: &str) -> Result<RecordFile<T>> {
        let path = key_path(&self.folder, key)?;
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(raw) = files.get(key) {
            return RecordFile::share(Arc::clone(raw));
        }
        let raw = Arc::new(RawFile::open_if(&path, &admit::<T>)?);
        files.insert(key.to_owned(), Arc::clone(&raw));
        RecordFile::share(raw)
    }

    /// The file of this key, for writing.
    ///
    /// # Errors
    /// As [`RecordFile::open_writer`]; `InvalidArgument` if no key can be so.
    pub fn open_writer<T: Record>(&self, key: &str) -> Result<RecordFile<T>> {
        RecordFile::open_writer(key_path(&self.folder, key)?)
    }

    /// The keys of all its files, sorted.
    ///
    /// # Errors
    /// The errors of reading the folder.
    pub fn keys(&self) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        for file in files_under(&self.folder)? {
            let Ok(key) = file.strip_prefix(&self.folder) else { continue };
            let parts: Option<Vec<&str>> = key.iter().map(|part| part.to_str()).collect();
            keys.extend(parts.map(|parts| parts.join("/")));
        }
        keys.sort_unstable();
        Ok(keys)
    }
}

/// All files in a folder and in the folders in it, but not those whose names begin with a dot.
pub(crate) fn files_under(folder: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|source| Error::io("reading", &folder, source))? {
            let entry = entry.map_err(|source| Error::io("reading", &folder, source))?;
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let kind = entry.file_type().map_err(|source| Error::io("reading", &folder, source))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}

/// Where a key's file lies: inside the folder, whatever the key.
pub(crate) fn key_path(folder: &Path, key: &str) -> Result<PathBuf> {
    let mut path = folder.to_owned();
    for part in key.split('/') {
        check_component(part)?;
        path.push(part);
    }
    Ok(path)
}

/// A name that is a name on every platform, and no way out of its folder.
fn check_component(name: &str) -> Result<()> {
    let plain = name.chars().all(|c| c.is_alphanumeric() || "-_.+=@".contains(c));
    if plain && !name.is_empty() && name.len() <= 128 && !name.starts_with('.') && !name.ends_with('.') {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{name:?} is no name for a generation or a part of a key; use letters, digits, - _ . + = @, no dot first or last"
    )))
}

fn absolute(root: &Path) -> Result<PathBuf> {
    std::path::absolute(root).map_err(|source| Error::io("finding", root, source))
}

fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the names in a folder durable, where the system lets a folder be opened.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    match File::open(folder) {
        Ok(opened) => opened.sync_all().map_err(|source| Error::io("syncing", folder, source)),
        Err(_) => Ok(()),
    }
}
