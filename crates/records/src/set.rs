//! Tables of records by key, in generations, of which one is current.
//!
//! ```text
//! ROOT/current              the name of the current generation: replaced by a rename, and so always whole
//! ROOT/generations/NAME/    one generation: for each type of record a pack, `FINGERPRINT.pack`
//! ROOT/generations/.NAME.PID-N.draft/   one in the making, locked while its maker lives
//! ```
//!
//! A switch replaces `current` and touches nothing else: whoever holds a [`Generation`] keeps reading it.

use crate::draft::Draft;
use crate::error::{Error, ErrorKind, Result};
use crate::file::{RecordFile, admit, is_of};
use crate::pack;
use crate::raw::RawFile;
use crate::record::Record;
use crate::schema::Schema;
use crate::store::Store;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

const CURRENT: &str = "current";
const GENERATIONS: &str = "generations";

/// Tables of records by key, with an atomic switch from one generation of them to another.
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
            return Ok(Generation {
                name: name.to_owned(),
                folder,
                packs: Mutex::default(),
                writing: Mutex::default(),
            });
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

/// One generation of a [`RecordSet`]: tables by key, in one file for each type.
///
/// A type's file is opened when it is first asked for, in one call of the system for however many tables; after that a
/// table is opened in a fraction of a microsecond. Tables can be appended to and updated while others read them. **One
/// process at a time writes the tables of a type**; within it, threads may each write their own.
pub struct Generation {
    name: String,
    folder: PathBuf,
    /// Opened for reading.
    packs: Mutex<Vec<Arc<Store>>>,
    /// Opened for writing, as long as a table of it is.
    writing: Mutex<Vec<Weak<Store>>>,
}

impl Generation {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The table of this key, for reading.
    ///
    /// # Errors
    /// As [`RecordFile::open`]; `InvalidArgument` if no key can be so.
    pub fn open<T: Record>(&self, key: &str) -> Result<RecordFile<T>> {
        check_key(key)?;
        let store = self.pack::<T>(key)?;
        match pack::find(&store, key)? {
            Some(block) => RecordFile::share(Arc::new(RawFile::table(store, block))),
            None => Err(self.missing::<T>(key)),
        }
    }

    /// The table of this key, for writing; made if it is not there. All who ask for it in this process share it.
    ///
    /// # Errors
    /// As [`RecordFile::open_writer`]: `Locked` if another process writes tables of this type;
    /// `InvalidArgument` if no key can be so.
    pub fn open_writer<T: Record>(&self, key: &str) -> Result<RecordFile<T>> {
        check_key(key)?;
        let store = self.pack_for_writing::<T>(key)?;
        let block = match pack::find(&store, key)? {
            Some(block) => block,
            None => self.insert::<T>(&store, key)?,
        };
        RecordFile::share(pack::table_for_writing(&store, block)?)
    }

    /// Makes a table, unless another type has one of this key, or another thread makes it.
    fn insert<T: Record>(&self, store: &Arc<Store>, key: &str) -> Result<u64> {
        let missing = self.missing::<T>(key);
        if missing.kind() != ErrorKind::NotFound {
            return Err(missing);
        }
        match pack::insert(store, key, 0) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                pack::find(store, key)?.ok_or_else(|| Error::corrupt("a table came and went"))
            }
            other => other,
        }
    }

    /// The keys of all its tables, sorted.
    ///
    /// # Errors
    /// The errors of reading the folder, and of opening what is there.
    pub fn keys(&self) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        for path in packs_in(&self.folder)? {
            let store = self.opened(&path)?;
            for block in pack::blocks(&store)? {
                keys.extend(pack::key_of(&store, block)?.and_then(|key| String::from_utf8(key).ok()));
            }
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// The pack of this type. It is opened once.
    fn pack<T: Record>(&self, key: &str) -> Result<Arc<Store>> {
        let packs = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = packs.iter().find(|store| is_of::<T>(&store.header)) {
            return Ok(Arc::clone(store));
        }
        drop(packs);
        self.opened(&pack_path(&self.folder, &T::schema()?)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => self.missing::<T>(key),
            _ => error,
        })
    }

    /// The pack at this path, opened once.
    fn opened(&self, path: &Path) -> Result<Arc<Store>> {
        let mut packs = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = packs.iter().find(|store| store.path == path) {
            return Ok(Arc::clone(store));
        }
        let store = pack::open(path, &|_| Ok(()))?;
        packs.push(Arc::clone(&store));
        Ok(store)
    }

    fn pack_for_writing<T: Record>(&self, key: &str) -> Result<Arc<Store>> {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        writing.retain(|store| store.strong_count() > 0);
        let open = writing.iter().filter_map(Weak::upgrade).find(|store| is_of::<T>(&store.header));
        if let Some(store) = open.filter(|store| store.rights().is_ok()) {
            return Ok(store);
        }
        let path = pack_path(&self.folder, &T::schema()?);
        let store = pack::open_writer(&path, &admit::<T>).map_err(|error| match error.kind() {
            ErrorKind::NotFound => self.missing::<T>(key),
            _ => error,
        })?;
        writing.push(Arc::downgrade(&store));
        Ok(store)
    }

    /// Why there is no such table: another type's has this key, or none.
    #[cold]
    fn missing<T: Record>(&self, key: &str) -> Error {
        for path in packs_in(&self.folder).unwrap_or_default() {
            let Ok(store) = self.opened(&path) else { continue };
            if let (Err(error), Ok(Some(_))) = (admit::<T>(&store.header), pack::find(&store, key)) {
                return error;
            }
        }
        Error::new(
            ErrorKind::NotFound,
            format!("the generation {} has no table {key}; see its keys()", self.name),
        )
    }
}

impl std::fmt::Debug for Generation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generation").field("folder", &self.folder).finish()
    }
}

const PACK: &str = ".pack";

/// Where the tables of this type lie in a generation's folder.
pub(crate) fn pack_path(folder: &Path, schema: &Schema) -> PathBuf {
    folder.join(format!("{:016x}{PACK}", schema.fingerprint()))
}

fn packs_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|source| Error::io("reading", folder, source))?;
    let is_pack = |path: &PathBuf| path.as_os_str().as_encoded_bytes().ends_with(PACK.as_bytes());
    Ok(entries.flatten().map(|entry| entry.path()).filter(is_pack).collect())
}

/// A key: names, with slashes between them.
pub(crate) fn check_key(key: &str) -> Result<()> {
    if key.len() > pack::KEY_MAX {
        return Err(Error::invalid(format!("a key has at most {} bytes", pack::KEY_MAX)));
    }
    key.split('/').try_for_each(check_component)
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
