//! The names and folders of a set, and the switch from one generation to another.
//!
//! Folders in the making, and those that are about to go, have names drawn at random, which nobody draws twice. So two
//! processes of the same number, in two containers that share a volume, do not meet in one folder.

use crate::directory::KEY_MAX;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Schema;
use samovar_mmap::FileId;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

const CURRENT: &str = "current";
pub(crate) const GENERATIONS: &str = "generations";
/// The end of the name of a folder that is no generation: in the making, or about to go.
pub(crate) const HIDDEN: &str = ".draft";
/// Locked by those who publish, switch and remove, one at a time.
const TURN: &str = ".lock";

/// Where a set lies.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    pub(crate) root: PathBuf,
}

impl Folders {
    /// The name of the current generation.
    pub(crate) fn current(&self) -> Result<String> {
        let path = self.root.join(CURRENT);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text.trim_end().to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Error::new(
                ErrorKind::NotFound,
                format!("no generation of {} was published yet; publish a draft", self.root.display()),
            )),
            Err(error) => Err(Error::io("reading", &path, error)),
        }
    }

    /// Where the generations lie.
    pub(crate) fn generations(&self) -> PathBuf {
        self.root.join(GENERATIONS)
    }

    /// Where a generation lies.
    pub(crate) fn of(&self, name: &str) -> PathBuf {
        self.generations().join(name)
    }

    /// A folder that is no generation, and that nobody else thinks of.
    pub(crate) fn hidden(&self, name: &str) -> PathBuf {
        self.of(&format!(".{name}.{:016x}{HIDDEN}", random()))
    }

    /// The turn to publish, to switch or to remove, until it is dropped. Waits for as long as another process has it,
    /// which is some syncs at most.
    pub(crate) fn turn(&self) -> Result<File> {
        let path = self.root.join(TURN);
        samovar_mmap::open_with(File::options().read(true).write(true).create(true).truncate(false), &path)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|source| Error::io("locking", &path, source))
    }

    /// Writes what makes a generation the current one into its own folder, so that what a death leaves goes with it.
    /// Returns the file's name.
    pub(crate) fn prepare_switch(&self, folder: &Path, name: &str) -> Result<Switch> {
        let file = format!(".{CURRENT}.{:016x}", random());
        let path = folder.join(&file);
        write_durably(&path, format!("{name}\n").as_bytes())
            .map_err(|source| Error::io("writing", &path, source))?;
        Ok(Switch { name: name.to_owned(), file })
    }

    /// Makes the generation that was prepared for it the current one. It needs no space on the disk. The caller has the
    /// turn.
    pub(crate) fn switch(&self, to: &Switch) -> Result<()> {
        let (fresh, path) = (self.of(&to.name).join(&to.file), self.root.join(CURRENT));
        fs::rename(&fresh, &path).map_err(|source| Error::io("replacing", &path, source))?;
        sync_folder(&self.root)
    }
}

/// A file in a generation's folder that names it, and will be `current`.
#[derive(Debug)]
pub(crate) struct Switch {
    name: String,
    file: String,
}

/// A folder as it was when it was opened: what tells a generation from another that has its name.
#[derive(Debug)]
pub(crate) struct Identity {
    id: Option<FileId>,
    born: Option<SystemTime>,
    /// Kept open where the system opens folders, so that nobody else gets its number.
    _held: Option<File>,
}

impl Identity {
    /// Of the folder that is here now.
    pub(crate) fn of(folder: &Path) -> Result<Identity> {
        let metadata = fs::metadata(folder).map_err(|source| Error::io("opening", folder, source))?;
        let held = open(folder).ok();
        let id = held.as_ref().map(samovar_mmap::file_id).transpose()?;
        Ok(Identity { id, born: metadata.created().ok(), _held: held })
    }

    /// Whether that folder is still here.
    pub(crate) fn is_still(&self, folder: &Path) -> bool {
        Identity::of(folder).is_ok_and(|now| now.id == self.id && now.born == self.born)
    }
}

/// A number that no other process draws, also not one of the same number in another container.
fn random() -> u64 {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // Its keys are the system's random numbers; a forked child has those of its parent, but another number.
    RandomState::new().hash_one((std::process::id(), count, SystemTime::now()))
}

const PACK: &str = ".pack";

/// Where the tables of this type lie in a generation's folder.
pub(crate) fn pack_path(folder: &Path, schema: &Schema) -> PathBuf {
    folder.join(format!("{:016x}{PACK}", schema.fingerprint()))
}

/// The packs in a generation's folder.
pub(crate) fn packs_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|source| Error::io("reading", folder, source))?;
    let is_pack = |path: &PathBuf| path.as_os_str().as_encoded_bytes().ends_with(PACK.as_bytes());
    Ok(entries.flatten().map(|entry| entry.path()).filter(is_pack).collect())
}

/// A key: parts with slashes between them. It is no path, so that a part may hold almost anything, as the names of
/// securities do.
pub(crate) fn check_key(key: &str) -> Result<()> {
    if key.len() > KEY_MAX {
        return Err(Error::invalid(format!("a key has at most {KEY_MAX} bytes")));
    }
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && !part.chars().any(char::is_control);
    if key.split('/').all(is_part) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{key:?} is no key; use parts with / between them, none empty, none . or .., without control characters"
    )))
}

/// A name that is a name on every platform, and no way out of its folder.
pub(crate) fn check_component(name: &str) -> Result<()> {
    let plain = name.chars().all(|c| c.is_alphanumeric() || "-_.+=@".contains(c));
    if plain && !name.is_empty() && name.len() <= 128 && !name.starts_with('.') && !name.ends_with('.') {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{name:?} is no name for a generation; use letters, digits, - _ . + = @, no dot first or last"
    )))
}

pub(crate) fn absolute(root: &Path) -> Result<PathBuf> {
    std::path::absolute(root).map_err(|source| Error::io("finding", root, source))
}

/// Opens a file or a folder to read it.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    samovar_mmap::open_with(File::options().read(true), path)
}

/// Makes a file.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    samovar_mmap::open_with(File::options().read(true).write(true).create_new(true), path)
}

fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the names in a folder durable, where the system lets a folder be opened.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    match open(folder) {
        Ok(opened) => opened.sync_all().map_err(|source| Error::io("syncing", folder, source)),
        Err(_) => Ok(()),
    }
}
