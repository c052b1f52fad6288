//! One generation of a set: its packs, opened when they are first asked for.

use crate::directory;
use crate::error::{Error, ErrorKind, Result};
use crate::file::{RecordFile, admit, is_of};
use crate::folders::{Identity, check_key, pack_path, packs_in};
use crate::habits::Habits;
use crate::handle::Handle;
use crate::pack::Pack;
use crate::record::Record;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// One generation of a [`RecordSet`](crate::RecordSet): tables by key, in one file for each type.
///
/// A type's file is opened when it is first asked for, in one call of the system for all its tables. After that a table
/// is opened in a fraction of a microsecond. Tables can be appended to and updated while others read them. **One
/// process at a time writes the tables of a type**; within it, threads may each write their own.
pub struct Generation {
    name: String,
    folder: PathBuf,
    identity: Identity,
    habits: Habits,
    /// Opened for reading.
    packs: Mutex<Vec<Arc<Pack>>>,
    /// Opened for writing, as long as a table of it is.
    writing: Mutex<Vec<Weak<Pack>>>,
}

impl Generation {
    /// The generation in this folder, with all its packs open. None if it was there in part only: somebody removes it, or
    /// puts another one in its place.
    pub(crate) fn take(name: &str, folder: PathBuf, habits: &Habits) -> Result<Option<Generation>> {
        if !folder.is_dir() {
            return Ok(None);
        }
        let Ok(identity) = Identity::of(&folder) else { return Ok(None) };
        let Ok(paths) = packs_in(&folder) else { return Ok(None) };
        // One that cannot be opened says so to those who ask for its type.
        let packs = paths.iter().filter_map(|path| Pack::open(path, &|_| Ok(())).ok()).collect();
        if !identity.is_still(&folder) {
            return Ok(None);
        }
        Ok(Some(Generation {
            name: name.to_owned(),
            folder,
            identity,
            habits: habits.clone(),
            packs: Mutex::new(packs),
            writing: Mutex::default(),
        }))
    }

    /// Whether its folder still has its name.
    pub(crate) fn is_still_there(&self) -> bool {
        self.identity.is_still(&self.folder)
    }

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
        let pack = self.pack::<T>(key)?;
        match pack.find(key)? {
            Some(block) => RecordFile::of(Handle::of_pack(pack.table(block)?, pack)),
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
        let pack = self.pack_for_writing::<T>(key)?;
        let block = match pack.find(key)? {
            Some(block) => block,
            None => self.insert::<T>(&pack, key)?,
        };
        RecordFile::of(Handle::of_pack(pack.table_for_writing(block)?, pack))
    }

    /// Makes a table, unless another type has one of this key, or another thread makes it.
    fn insert<T: Record>(&self, pack: &Pack, key: &str) -> Result<u64> {
        let missing = self.missing::<T>(key);
        if missing.kind() != ErrorKind::NotFound {
            return Err(missing);
        }
        match directory::insert(&pack.store, key, 0) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                pack.find(key)?.ok_or_else(|| Error::corrupt("a table came and went"))
            }
            other => other,
        }
    }

    /// The keys of all its tables, sorted.
    ///
    /// # Errors
    /// The errors of reading what is there.
    pub fn keys(&self) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        for pack in self.packs()? {
            keys.extend(pack.keys()?);
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// The keys of its tables of this type, sorted.
    ///
    /// # Errors
    /// As [`keys`](Self::keys).
    pub fn keys_of<T: Record>(&self) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        for pack in self.packs()?.iter().filter(|pack| is_of::<T>(&pack.store.header)) {
            keys.extend(pack.keys()?);
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// Removes the table of this key; `false` if there is none of this type. Who has it open for reading sees it empty,
    /// who writes it is told that it was removed. Its space is used again after the next flush.
    ///
    /// # Errors
    /// As [`open_writer`](Self::open_writer).
    pub fn remove<T: Record>(&self, key: &str) -> Result<bool> {
        check_key(key)?;
        self.pack_for_writing::<T>(key)?.remove(key)
    }

    /// Makes all that was written to tables of this handle durable: of each type that is written, all tables at once.
    /// Writers go on meanwhile.
    ///
    /// # Errors
    /// As [`RecordFile::flush`].
    pub fn flush(&self) -> Result<()> {
        let writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let packs: Vec<_> = writing.iter().filter_map(Weak::upgrade).collect();
        drop(writing);
        packs.iter().try_for_each(|pack| pack.flush())
    }

    /// All its packs. One that could not be opened when it was taken is tried again.
    pub(crate) fn packs(&self) -> Result<Vec<Arc<Pack>>> {
        if self.is_still_there() {
            packs_in(&self.folder)?.iter().try_for_each(|path| self.opened(path).map(drop))?;
        }
        Ok(self.packs.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// The pack of this type. It is opened once.
    fn pack<T: Record>(&self, key: &str) -> Result<Arc<Pack>> {
        let packs = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pack) = packs.iter().find(|pack| is_of::<T>(&pack.store.header)) {
            return Ok(Arc::clone(pack));
        }
        drop(packs);
        self.opened(&pack_path(&self.folder, &T::schema()?)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => self.missing::<T>(key),
            _ => error,
        })
    }

    /// The pack at this path, opened once.
    fn opened(&self, path: &Path) -> Result<Arc<Pack>> {
        let mut packs = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pack) = packs.iter().find(|pack| pack.store.path == path) {
            return Ok(Arc::clone(pack));
        }
        let pack = Pack::open(path, &|_| Ok(()))?;
        if !self.is_still_there() {
            return Err(self.replaced());
        }
        packs.push(Arc::clone(&pack));
        Ok(pack)
    }

    /// The pack of this type, opened for writing, and held as long as a table of it is.
    fn pack_for_writing<T: Record>(&self, key: &str) -> Result<Arc<Pack>> {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        writing.retain(|pack| pack.strong_count() > 0);
        let open = writing.iter().filter_map(Weak::upgrade).find(|pack| is_of::<T>(&pack.store.header));
        if let Some(pack) = open.filter(|pack| pack.store.rights().is_ok()) {
            return Ok(pack);
        }
        let read = self.pack::<T>(key)?;
        let pack =
            Pack::open_writer(&read.store.path, &admit::<T>, &self.habits).map_err(|error| {
                match error.kind() {
                    ErrorKind::NotFound => self.replaced(),
                    _ => error,
                }
            })?;
        if pack.store.id != read.store.id {
            return Err(self.replaced());
        }
        writing.push(Arc::downgrade(&pack));
        Ok(pack)
    }

    #[cold]
    fn replaced(&self) -> Error {
        Error::new(
            ErrorKind::Replaced,
            format!("the generation {} was removed; ask the set for the current one", self.name),
        )
    }

    /// Why there is no such table: another type's has this key, or none.
    #[cold]
    fn missing<T: Record>(&self, key: &str) -> Error {
        for pack in self.packs().unwrap_or_default() {
            if let (Err(error), Ok(Some(_))) = (admit::<T>(&pack.store.header), pack.find(key)) {
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
