//! One generation of a set: its packs, opened when they are first asked for.

use crate::directory;
use crate::error::{Error, ErrorKind, Result};
use crate::file::{RecordFile, admit, is_of};
use crate::folders::{check_key, pack_path, packs_in};
use crate::handle::Handle;
use crate::pack::Pack;
use crate::record::Record;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// One generation of a [`RecordSet`](crate::RecordSet): tables by key, in one file for each type.
///
/// A type's file is opened when it is first asked for, in one call of the system for however many tables; after that a
/// table is opened in a fraction of a microsecond. Tables can be appended to and updated while others read them. **One
/// process at a time writes the tables of a type**; within it, threads may each write their own.
pub struct Generation {
    name: String,
    folder: PathBuf,
    /// Opened for reading.
    packs: Mutex<Vec<Arc<Pack>>>,
    /// Opened for writing, as long as a table of it is.
    writing: Mutex<Vec<Weak<Pack>>>,
}

impl Generation {
    pub(crate) fn of(name: &str, folder: PathBuf) -> Generation {
        Generation { name: name.to_owned(), folder, packs: Mutex::default(), writing: Mutex::default() }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
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
            Some(block) => RecordFile::of(Handle { table: pack.table(block), pack: Some(pack) }),
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
        RecordFile::of(Handle { table: pack.table_for_writing(block)?, pack: Some(pack) })
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
    /// The errors of reading the folder, and of opening what is there.
    pub fn keys(&self) -> Result<Vec<String>> {
        let mut keys = Vec::new();
        for path in packs_in(&self.folder)? {
            keys.extend(self.opened(&path)?.keys()?);
        }
        keys.sort_unstable();
        Ok(keys)
    }

    /// The pack of this type. It is opened once.
    fn pack<T: Record>(&self, key: &str) -> Result<Arc<Pack>> {
        let packs = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = packs.iter().find(|pack| is_of::<T>(&pack.store.header)) {
            return Ok(Arc::clone(store));
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
        if let Some(store) = packs.iter().find(|pack| pack.store.path == path) {
            return Ok(Arc::clone(store));
        }
        let store = Pack::open(path, &|_| Ok(()))?;
        packs.push(Arc::clone(&store));
        Ok(store)
    }

    fn pack_for_writing<T: Record>(&self, key: &str) -> Result<Arc<Pack>> {
        let mut writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        writing.retain(|store| store.strong_count() > 0);
        let open = writing.iter().filter_map(Weak::upgrade).find(|pack| is_of::<T>(&pack.store.header));
        if let Some(store) = open.filter(|pack| pack.store.rights().is_ok()) {
            return Ok(store);
        }
        let path = pack_path(&self.folder, &T::schema()?);
        let store = Pack::open_writer(&path, &admit::<T>).map_err(|error| match error.kind() {
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
            let Ok(pack) = self.opened(&path) else { continue };
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
