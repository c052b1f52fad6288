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
use crate::folders::{Folders, GENERATIONS, absolute, check_component};
use crate::generation::Generation;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

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
    folders: Folders,
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
        Ok(RecordSet { folders: Folders { root }, current: Mutex::new(None) })
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
        let path = self.folders.current();
        let text = fs::read_to_string(&path).map_err(|source| Error::io("reading", &path, source))?;
        let name = text.trim_end();
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = current.as_ref().filter(|held| held.name() == name) {
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
        let folder = self.folders.of(name);
        if folder.is_dir() {
            return Ok(Generation::of(name, folder));
        }
        Err(Error::new(
            ErrorKind::NotFound,
            format!("there is no generation {name} in {}; publish one first", self.folders.root.display()),
        ))
    }

    /// The names of all generations, sorted.
    ///
    /// # Errors
    /// The errors of reading the folder.
    pub fn generations(&self) -> Result<Vec<String>> {
        let folder = self.folders.generations();
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
    pub fn draft(&self, name: &str) -> Result<Draft> {
        check_component(name)?;
        if self.folders.of(name).exists() {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("there is a generation {name} already; remove it first, or choose another name"),
            ));
        }
        Draft::begin(&self.folders, name)
    }

    /// Makes a generation the current one. Those who read another one keep it.
    ///
    /// # Errors
    /// `NotFound` if there is no such generation.
    pub fn switch_to(&self, name: &str) -> Result<()> {
        self.generation(name)?;
        self.folders.make_current(name)
    }

    /// Removes a generation. Those who have its files open keep reading them.
    ///
    /// # Errors
    /// `InvalidArgument` if it is the current one; `NotFound`.
    pub fn remove(&self, name: &str) -> Result<()> {
        let gone = self.generation(name)?;
        if self.current().is_ok_and(|current| current.name() == name) {
            return Err(Error::invalid(format!("{name} is the current generation; switch to another first")));
        }
        fs::remove_dir_all(gone.folder()).map_err(|source| Error::io("removing", gone.folder(), source))
    }
}
