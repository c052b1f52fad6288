//! A generation in the making: a folder that nobody knows, renamed when it is whole.
//!
//! ```text
//!   create the folder, under a name drawn at random --> create its lock file --> lock it --> still there? a draft
//!                                                  '--> a cleaner was first: another name  <--no--'
//! ```
//!
//! Nobody removes such a folder without its lock. A cleaner that finds no lock file makes it, and then has the lock.

use crate::copy::copy_records;
use crate::directory;
use crate::error::{Error, ErrorKind, Result};
use crate::file::{RecordFile, is_of};
use crate::folders::{Folders, HIDDEN, Switch, check_key, create_new, open, pack_path, sync_folder};
use crate::generation::Generation;
use crate::habits::Habits;
use crate::handle::Handle;
use crate::header::{Header, TableType};
use crate::layout::Kind;
use crate::pack::Pack;
use crate::record::Record;
use crate::safe;
use crate::schema::Schema;
use crate::store::Rights;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const LOCK: &str = ".lock";
/// Cleaners can make a maker start over this often.
const ATTEMPTS: u32 = 16;

/// A new generation of a [`RecordSet`](crate::RecordSet), from [`RecordSet::draft`](crate::RecordSet::draft). Dropped
/// before it is published, it is removed.
#[derive(Debug)]
pub struct Draft {
    folders: Folders,
    name: String,
    folder: PathBuf,
    /// Made at the beginning, while the disk has room.
    switch: Switch,
    habits: Habits,
    making: Mutex<Making>,
}

#[derive(Debug)]
struct Making {
    /// Locked while this lives, so that a cleaner tells it from what the dead left. None once it is published.
    lock: Option<File>,
    packs: Vec<Arc<Pack>>,
}

impl Draft {
    pub(crate) fn begin(folders: &Folders, name: &str, habits: &Habits) -> Result<Self> {
        remove_abandoned(folders);
        for _ in 0..ATTEMPTS {
            let folder = folders.hidden(name);
            match fs::create_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made.map_err(|source| Error::io("making", &folder, source))?,
            }
            if let Some(lock) = claim(&folder).map_err(|source| Error::io("locking", &folder, source))? {
                let making = Mutex::new(Making { lock: Some(lock), packs: Vec::new() });
                let habits = habits.clone();
                let switch = folders.prepare_switch(&folder, name)?;
                return Ok(Draft {
                    folders: folders.clone(),
                    name: name.to_owned(),
                    folder,
                    switch,
                    habits,
                    making,
                });
            }
        }
        Err(Error::new(
            ErrorKind::Busy,
            format!("drafts of {name} are removed as fast as they are made; try again"),
        ))
    }

    /// What is being made.
    fn making(&self) -> Result<MutexGuard<'_, Making>> {
        let making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if making.lock.is_some() {
            return Ok(making);
        }
        Err(Error::invalid(format!("the draft {} was published; make another one", self.name)))
    }

    /// Makes the table of this key, with room for `capacity` records, and opens it for writing.
    ///
    /// # Errors
    /// `AlreadyExists`; `NoSpace`; `InvalidArgument` if no key can be so.
    pub fn create<T: Record>(&self, key: &str, capacity: usize) -> Result<RecordFile<T>> {
        check_key(key)?;
        let pack = self.pack::<T>()?;
        let block = directory::insert(&pack.store, key, capacity as u64)?;
        RecordFile::of(Handle::of_pack(pack.table_for_writing(block)?, pack))
    }

    /// Copies all tables of a generation, of this set or of another, as they are now: each with room for its records, and
    /// no more. The generation may be written meanwhile: every record is whole, and as it was at some moment of the call.
    ///
    /// ```
    /// # use samovar_records::{RecordSet, schema};
    /// # use zerocopy::{FromBytes, Immutable, IntoBytes};
    /// # #[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
    /// # #[repr(C)]
    /// # struct Bar { time: i64, close: f64 }
    /// # schema!(Bar { time, close });
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let set = RecordSet::open_or_create(dir.path().join("bars"))?;
    /// # let draft = set.draft("2026-01-05")?;
    /// # draft.create::<Bar>("daily/600600", 250)?.push(&Bar { time: 1, close: 7.5 })?;
    /// # draft.publish()?;
    /// let backup = RecordSet::open_or_create(dir.path().join("backup"))?;
    /// let draft = backup.draft("2026-01-05")?;
    /// let today = set.current()?;
    /// draft.copy_from(&today)?;
    /// draft.publish()?;
    /// assert_eq!(backup.current()?.keys()?, ["daily/600600"]);
    /// # Ok::<(), samovar_records::Error>(())
    /// ```
    ///
    /// # Errors
    /// `AlreadyExists` if the draft has a table of one of these keys and its type; `NoSpace`; the errors of reading.
    pub fn copy_from(&self, generation: &Generation) -> Result<()> {
        for from in generation.packs()? {
            let to = self.pack_of(&from.store.header.schema)?;
            for key in from.keys()? {
                // One that was removed since is left out.
                let Some(block) = from.find(&key)? else { continue };
                let old = from.table(block)?;
                let room = old.look()?.len();
                let new = to.table_for_writing(directory::insert(&to.store, &key, room)?)?;
                copy_records(&old, &new)?;
            }
        }
        Ok(())
    }

    /// The pack of this type, made if it is not there.
    fn pack<T: Record>(&self) -> Result<Arc<Pack>> {
        let making = self.making()?;
        let there = making.packs.iter().find(|pack| is_of::<T>(&pack.store.header)).cloned();
        drop(making);
        there.map_or_else(|| self.pack_of(&T::schema()?), Ok)
    }

    fn pack_of(&self, schema: &Schema) -> Result<Arc<Pack>> {
        let mut making = self.making()?;
        if let Some(pack) = making.packs.iter().find(|pack| *pack.store.header.schema == *schema) {
            return Ok(Arc::clone(pack));
        }
        let header =
            Header::new(TableType { schema: schema.clone(), features: self.habits.features }, Kind::Pack);
        let pack = Pack::create_in_private(&pack_path(&self.folder, &header.schema), &header, &self.habits)?;
        making.packs.push(Arc::clone(&pack));
        Ok(pack)
    }

    /// Makes all that was written durable, gives the generation its name, and makes it the current one. However many
    /// tables it has, it costs a few syncs. Where the disk has room for it twice, it is written once more in one piece,
    /// which is mapped faster.
    ///
    /// # Errors
    /// `AlreadyExists` if somebody published one of this name meanwhile; `NoSpace`; the errors of syncing. The draft is as
    /// before then: it can be published again. If it cannot be made the current one, it is there all the same.
    pub fn publish(&self) -> Result<()> {
        let mut making = self.making()?;
        let fresh = making.make_durable()?;
        sync_folder(&self.folder)?;
        let _turn = self.folders.turn()?;
        let target = self.folders.of(&self.name);
        if target.exists() {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("{} was published meanwhile", self.name),
            ));
        }
        let named = put_in_place(&fresh).and_then(|()| sync_folder(&self.folder)).and_then(|()| {
            fs::rename(&self.folder, &target).map_err(|source| Error::io("naming", &target, source))
        });
        if let Err(error) = named {
            making.open_again(&fresh, &self.habits)?;
            return Err(error);
        }
        let _ = fs::remove_file(target.join(LOCK));
        making.packs.iter().filter_map(|pack| pack.store.rights().ok()).for_each(Rights::publish);
        *making = Making { lock: None, packs: Vec::new() };
        sync_folder(&self.folders.generations())?;
        self.folders.switch(&self.switch)
    }
}

impl Making {
    /// Makes all packs durable: their records, and what the file system knows of them. Returns the new files that are to
    /// take the place of some.
    fn make_durable(&self) -> Result<Vec<Fresh>> {
        let mut fresh = Vec::new();
        for pack in &self.packs {
            if Arc::strong_count(pack) > 1 {
                // The maker of a table still writes it, in this very file.
                pack.flush()?;
            } else if let Some(path) = pack.write_anew()? {
                fresh.push(Fresh { path, place: pack.store.path.clone() });
                continue;
            } else {
                pack.flush()?;
                safe::end(&pack.store)?;
            }
            let synced = pack.store.file.sync_all();
            synced.map_err(|source| Error::io("syncing", &pack.store.path, source))?;
        }
        Ok(fresh)
    }

    /// Goes on with the new files where they have taken the place of the old ones.
    fn open_again(&mut self, fresh: &[Fresh], habits: &Habits) -> Result<()> {
        for Fresh { path, place } in fresh {
            let replaced = self.packs.iter_mut().find(|pack| pack.store.path == *place);
            if let Some(pack) = replaced.filter(|_| !path.exists()) {
                *pack = Pack::open_writer(place, &|_| Ok(()), habits)?;
                pack.store.rights()?.set_private();
            }
        }
        Ok(())
    }
}

/// A pack written anew, and the path of the one that it replaces.
struct Fresh {
    path: PathBuf,
    place: PathBuf,
}

fn put_in_place(fresh: &[Fresh]) -> Result<()> {
    fresh.iter().try_for_each(|Fresh { path, place }| {
        fs::rename(path, place).map_err(|source| Error::io("replacing", place, source))
    })
}

impl Drop for Draft {
    fn drop(&mut self) {
        let making = self.making.get_mut().unwrap_or_else(PoisonError::into_inner);
        if making.lock.is_some() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Makes the lock file of a hidden folder and locks it. None if another process did, or removed it since.
fn claim(folder: &Path) -> io::Result<Option<File>> {
    let path = folder.join(LOCK);
    let file = match create_new(&path) {
        Err(error) if is_race(&error) => return Ok(None),
        made => made?,
    };
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => return Ok(None),
        locked => locked?,
    }
    Ok(is_here(&file, &path).then_some(file))
}

/// Whether another process made it, or removed its folder.
fn is_race(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound)
}

/// Whether the path still is that of this file.
fn is_here(file: &File, path: &Path) -> bool {
    let Ok(found) = open(path) else { return false };
    matches!((samovar_mmap::file_id(file), samovar_mmap::file_id(&found)), (Ok(one), Ok(other)) if one == other)
}

/// Removes hidden folders that nobody locks. What cannot be removed stays for the next one.
pub(crate) fn remove_abandoned(folders: &Folders) {
    let Ok(entries) = fs::read_dir(folders.generations()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let bytes = name.as_encoded_bytes();
        if bytes.starts_with(b".") && bytes.ends_with(HIDDEN.as_bytes()) {
            remove_one(&entry.path(), &folders.hidden("abandoned"));
        }
    }
}

/// A folder goes to a name that nobody else thinks of before anything in it is removed. Its maker, who has not locked it yet,
/// would put another lock in the place of a removed one, and lose it with the folder.
fn remove_one(folder: &Path, gone: &Path) {
    let path = folder.join(LOCK);
    let lock = match open(&path) {
        Ok(lock) => (lock.try_lock().is_ok() && is_here(&lock, &path)).then_some(lock),
        Err(error) if error.kind() == io::ErrorKind::NotFound => claim(folder).ok().flatten(),
        Err(_) => None,
    };
    // The lock is held until the folder is gone.
    if lock.is_some() && fs::rename(folder, gone).is_ok() {
        let _ = fs::remove_dir_all(gone);
    }
}
