//! A generation in the making: a folder that nobody knows, renamed when it is whole.

use crate::error::{Error, ErrorKind, Result};
use crate::file::{RecordFile, is_of};
use crate::header::Header;
use crate::layout::Kind;
use crate::pack;
use crate::record::Record;
use crate::safe;
use crate::set::{RecordSet, check_key, pack_path, sync_folder};
use crate::store::Store;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const SUFFIX: &str = ".draft";
const LOCK: &str = ".lock";

/// A new generation of a [`RecordSet`], from [`RecordSet::draft`]. Dropped before it is published, it is removed.
#[derive(Debug)]
pub struct Draft<'a> {
    set: &'a RecordSet,
    name: String,
    folder: PathBuf,
    /// Locked while this lives, so that a sweeper tells it from what the dead left.
    lock: Option<File>,
    packs: Mutex<Vec<Arc<Store>>>,
}

impl<'a> Draft<'a> {
    pub(crate) fn begin(set: &'a RecordSet, name: &str) -> Result<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = set.folder(&format!(".{name}.{}-{count}{SUFFIX}", std::process::id()));
        sweep(&set.folder(""));
        // What a dead process of the same number left, and nobody could lock in time to sweep.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).map_err(|source| Error::io("making", &folder, source))?;
        let lock = File::create_new(folder.join(LOCK))
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|source| Error::io("locking", &folder, source))?;
        Ok(Draft { set, name: name.to_owned(), folder, lock: Some(lock), packs: Mutex::default() })
    }

    /// Makes the table of this key, with room for `capacity` records, and opens it for writing.
    ///
    /// # Errors
    /// `AlreadyExists`; `NoSpace`; `InvalidArgument` if no key can be so.
    pub fn create<T: Record>(&self, key: &str, capacity: usize) -> Result<RecordFile<T>> {
        check_key(key)?;
        let store = self.pack::<T>()?;
        let block = pack::insert(&store, key, capacity as u64)?;
        RecordFile::share(pack::table_for_writing(&store, block)?)
    }

    /// The pack of this type, made if it is not there.
    fn pack<T: Record>(&self) -> Result<Arc<Store>> {
        let mut packs = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = packs.iter().find(|store| is_of::<T>(&store.header)) {
            return Ok(Arc::clone(store));
        }
        let header = Header::new(T::schema()?, Kind::Pack);
        let store = pack::create_in_private(&pack_path(&self.folder, &header.schema), &header)?;
        packs.push(Arc::clone(&store));
        Ok(store)
    }

    /// Makes all that was written durable, gives the generation its name, and makes it the current one. However many
    /// tables it has, it costs a few syncs.
    ///
    /// # Errors
    /// `AlreadyExists` if somebody published one of this name meanwhile; the errors of syncing. If it cannot be made
    /// the current one, it is there all the same.
    pub fn publish(mut self) -> Result<()> {
        for store in self.packs.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            finish(&store)?;
        }
        sync_folder(&self.folder)?;
        let target = self.set.folder(&self.name);
        let taken = || Error::new(ErrorKind::AlreadyExists, format!("{} was published meanwhile", self.name));
        if target.exists() {
            return Err(taken());
        }
        let lock = self.folder.join(LOCK);
        fs::remove_file(&lock).map_err(|source| Error::io("removing", &lock, source))?;
        // Where a folder of this name came meanwhile the rename fails, since that one is not empty.
        fs::rename(&self.folder, &target).map_err(|source| Error::io("naming", &target, source))?;
        self.lock = None;
        sync_folder(&self.set.folder(""))?;
        self.set.switch_to(&self.name)
    }
}

/// Makes a pack durable: its records, and what the file system knows of it.
fn finish(store: &Arc<Store>) -> Result<()> {
    if Arc::strong_count(store) == 1 {
        return pack::rewrite(store);
    }
    // A table is still written by whoever made it, in this very file.
    safe::flush_tables(store)?;
    let synced = store.rights()?.file.sync_all();
    synced.map_err(|source| Error::io("syncing", &store.path, source))
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if self.lock.is_some() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Removes drafts that nobody locks. What cannot be removed stays for the next one.
fn sweep(generations: &Path) {
    let Ok(entries) = fs::read_dir(generations) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let bytes = name.as_encoded_bytes();
        let is_draft = bytes.starts_with(b".") && bytes.ends_with(SUFFIX.as_bytes());
        if is_draft && File::open(entry.path().join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
