//! A generation in the making: a folder that nobody knows, renamed when it is whole.

use crate::directory;
use crate::error::{Error, ErrorKind, Result};
use crate::file::{RecordFile, is_of};
use crate::folders::{Folders, check_key, pack_path, sync_folder};
use crate::handle::Handle;
use crate::header::Header;
use crate::layout::Kind;
use crate::pack::Pack;
use crate::record::Record;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const SUFFIX: &str = ".draft";
const LOCK: &str = ".lock";

/// A new generation of a [`RecordSet`](crate::RecordSet), from [`RecordSet::draft`](crate::RecordSet::draft). Dropped before it is published, it is removed.
#[derive(Debug)]
pub struct Draft {
    folders: Folders,
    name: String,
    folder: PathBuf,
    /// Locked while this lives, so that a sweeper tells it from what the dead left.
    lock: Option<File>,
    packs: Mutex<Vec<Arc<Pack>>>,
}

impl Draft {
    pub(crate) fn begin(folders: &Folders, name: &str) -> Result<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = folders.of(&format!(".{name}.{}-{count}{SUFFIX}", std::process::id()));
        sweep(&folders.generations());
        // What a dead process of the same number left, and nobody could lock in time to sweep.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).map_err(|source| Error::io("making", &folder, source))?;
        let lock = File::create_new(folder.join(LOCK))
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|source| Error::io("locking", &folder, source))?;
        Ok(Draft {
            folders: folders.clone(),
            name: name.to_owned(),
            folder,
            lock: Some(lock),
            packs: Mutex::default(),
        })
    }

    /// Makes the table of this key, with room for `capacity` records, and opens it for writing.
    ///
    /// # Errors
    /// `AlreadyExists`; `NoSpace`; `InvalidArgument` if no key can be so.
    pub fn create<T: Record>(&self, key: &str, capacity: usize) -> Result<RecordFile<T>> {
        check_key(key)?;
        let pack = self.pack::<T>()?;
        let block = directory::insert(&pack.store, key, capacity as u64)?;
        RecordFile::of(Handle { table: pack.table_for_writing(block)?, pack: Some(pack) })
    }

    /// The pack of this type, made if it is not there.
    fn pack<T: Record>(&self) -> Result<Arc<Pack>> {
        let mut packs = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pack) = packs.iter().find(|pack| is_of::<T>(&pack.store.header)) {
            return Ok(Arc::clone(pack));
        }
        let header = Header::new(T::schema()?, Kind::Pack);
        let pack = Pack::create_in_private(&pack_path(&self.folder, &header.schema), &header)?;
        packs.push(Arc::clone(&pack));
        Ok(pack)
    }

    /// Makes all that was written durable, gives the generation its name, and makes it the current one. However many
    /// tables it has, it costs a few syncs.
    ///
    /// # Errors
    /// `AlreadyExists` if somebody published one of this name meanwhile; the errors of syncing. If it cannot be made
    /// the current one, it is there all the same.
    pub fn publish(mut self) -> Result<()> {
        for pack in self.packs.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            finish(&pack)?;
        }
        sync_folder(&self.folder)?;
        let target = self.folders.of(&self.name);
        let taken = || Error::new(ErrorKind::AlreadyExists, format!("{} was published meanwhile", self.name));
        if target.exists() {
            return Err(taken());
        }
        let lock = self.folder.join(LOCK);
        fs::remove_file(&lock).map_err(|source| Error::io("removing", &lock, source))?;
        // Where a folder of this name came meanwhile the rename fails, since that one is not empty.
        fs::rename(&self.folder, &target).map_err(|source| Error::io("naming", &target, source))?;
        self.lock = None;
        sync_folder(&self.folders.generations())?;
        self.folders.make_current(&self.name)
    }
}

/// Makes a pack durable: its records, and what the file system knows of it.
fn finish(pack: &Arc<Pack>) -> Result<()> {
    if Arc::strong_count(pack) == 1 {
        return pack.rewrite();
    }
    // A table is still written by whoever made it, in this very file.
    pack.flush()?;
    let synced = pack.store.rights()?.file.sync_all();
    synced.map_err(|source| Error::io("syncing", &pack.store.path, source))
}

impl Drop for Draft {
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
