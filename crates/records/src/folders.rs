//! The names and folders of a set, and the switch from one generation to another.

use crate::directory::KEY_MAX;
use crate::error::{Error, Result};
use crate::schema::Schema;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

const CURRENT: &str = "current";
pub(crate) const GENERATIONS: &str = "generations";

/// Where a set lies.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    pub(crate) root: PathBuf,
}

impl Folders {
    /// The file that names the current generation.
    pub(crate) fn current(&self) -> PathBuf {
        self.root.join(CURRENT)
    }

    /// Where the generations lie.
    pub(crate) fn generations(&self) -> PathBuf {
        self.root.join(GENERATIONS)
    }

    /// Where a generation lies.
    pub(crate) fn of(&self, name: &str) -> PathBuf {
        self.generations().join(name)
    }

    /// Makes a generation the current one.
    pub(crate) fn make_current(&self, name: &str) -> Result<()> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let fresh = self.root.join(format!(".{CURRENT}.{}-{count}.new", std::process::id()));
        let path = self.current();
        let written = write_durably(&fresh, format!("{name}\n").as_bytes())
            .and_then(|()| fs::rename(&fresh, &path))
            .map_err(|source| Error::io("replacing", &path, source));
        if written.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        written?;
        sync_folder(&self.root)
    }
}

const PACK: &str = ".pack";

/// Where the tables of this type lie in a generation's folder.
pub(crate) fn pack_path(folder: &Path, schema: &Schema) -> PathBuf {
    folder.join(format!("{:016x}{PACK}", schema.fingerprint()))
}

pub(crate) fn packs_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|source| Error::io("reading", folder, source))?;
    let is_pack = |path: &PathBuf| path.as_os_str().as_encoded_bytes().ends_with(PACK.as_bytes());
    Ok(entries.flatten().map(|entry| entry.path()).filter(is_pack).collect())
}

/// A key: names, with slashes between them.
pub(crate) fn check_key(key: &str) -> Result<()> {
    if key.len() > KEY_MAX {
        return Err(Error::invalid(format!("a key has at most {} bytes", KEY_MAX)));
    }
    key.split('/').try_for_each(check_component)
}

/// A name that is a name on every platform, and no way out of its folder.
pub(crate) fn check_component(name: &str) -> Result<()> {
    let plain = name.chars().all(|c| c.is_alphanumeric() || "-_.+=@".contains(c));
    if plain && !name.is_empty() && name.len() <= 128 && !name.starts_with('.') && !name.ends_with('.') {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{name:?} is no name for a generation or a part of a key; use letters, digits, - _ . + = @, no dot first or last"
    )))
}

pub(crate) fn absolute(root: &Path) -> Result<PathBuf> {
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
