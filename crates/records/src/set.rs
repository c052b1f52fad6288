//! Tables of records by key, in generations: one is current.
//!
//! ```text
//! ROOT/current              the name of the current generation: replaced by a rename, and so always whole
//! ROOT/generations/NAME/    one generation: for each type of record a pack, `FINGERPRINT.pack`
//! ROOT/generations/.NAME.RANDOM.draft/   one in the making, locked while its maker lives, or one that is being removed
//! ROOT/.lock                locked by those who publish, switch and remove
//! ```
//!
//! A switch replaces `current` and touches nothing else: who has a [`Generation`] goes on reading it.

use crate::draft::Draft;
use crate::error::{Error, ErrorKind, Result};
use crate::folders::{Folders, GENERATIONS, absolute, check_component};
use crate::generation::Generation;
use crate::habits::Habits;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Generations that come and go can make a reader start over this often.
const ATTEMPTS: u32 = 16;

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
    habits: Habits,
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
        Ok(RecordSet { folders: Folders { root }, habits: Habits::default(), current: Mutex::new(None) })
    }

    /// Opens the set in this folder, which is made if it is not there.
    ///
    /// # Errors
    /// The errors of making folders.
    pub fn open_or_create(root: impl AsRef<Path>) -> Result<Self> {
        Self::open_or_create_with(root.as_ref(), &Habits::default())
    }

    pub(crate) fn open_or_create_with(root: &Path, habits: &Habits) -> Result<Self> {
        let generations = absolute(root)?.join(GENERATIONS);
        fs::create_dir_all(&generations).map_err(|source| Error::io("making", &generations, source))?;
        Ok(RecordSet { habits: habits.clone(), ..Self::open(root)? })
    }

    /// The current generation. Hold it for as long as you want to read the same one: its files were opened when it was
    /// taken, and can be read after it was removed.
    ///
    /// # Errors
    /// `NotFound` if none was published; `Corrupt` if `current` names none.
    pub fn current(&self) -> Result<Arc<Generation>> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let mut name = self.folders.current()?;
        for _ in 0..ATTEMPTS {
            if let Some(same) = current.as_ref().filter(|held| held.name() == name && held.is_still_there()) {
                return Ok(Arc::clone(same));
            }
            let taken = match self.generation(&name) {
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                taken => Some(Arc::new(taken?)),
            };
            // One that was removed since it was named may be in the making again, and is not current before it is named.
            let named = self.folders.current()?;
            match taken {
                Some(fresh) if named == name => {
                    *current = Some(Arc::clone(&fresh));
                    return Ok(fresh);
                }
                _ => name = named,
            }
        }
        Err(Error::corrupt(format!(
            "the current generation of {} is {name}, which is not there; switch to another",
            self.folders.root.display()
        )))
    }

    /// A generation by its name. Its files are opened.
    ///
    /// # Errors
    /// `NotFound`; `InvalidArgument` if no generation can have this name.
    pub fn generation(&self, name: &str) -> Result<Generation> {
        check_component(name)?;
        for _ in 0..ATTEMPTS {
            if let Some(taken) = Generation::take(name, self.folders.of(name), &self.habits)? {
                return Ok(taken);
            }
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

    /// Begins a new generation, which nobody sees until it is published, and removes what dead makers left.
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
        Draft::begin(&self.folders, name, &self.habits)
    }

    /// Makes a generation the current one. Those who read another one keep it.
    ///
    /// # Errors
    /// `NotFound` if there is no such generation.
    pub fn switch_to(&self, name: &str) -> Result<()> {
        let _turn = self.folders.turn()?;
        self.generation(name)?;
        let prepared = self.folders.prepare_switch(&self.folders.of(name), name)?;
        self.folders.switch(&prepared)
    }

    /// Removes a generation. Those who hold it keep reading it.
    ///
    /// # Errors
    /// `InvalidArgument` if it is the current one; `NotFound`.
    pub fn remove(&self, name: &str) -> Result<()> {
        let _turn = self.folders.turn()?;
        self.generation(name)?;
        if self.folders.current().is_ok_and(|current| current == name) {
            return Err(Error::invalid(format!("{name} is the current generation; switch to another first")));
        }
        // Out of sight at once; then file by file, which a death leaves to the maker of the next draft.
        let (folder, hidden) = (self.folders.of(name), self.folders.hidden(name));
        fs::rename(&folder, &hidden).map_err(|source| Error::io("removing", &folder, source))?;
        fs::remove_dir_all(&hidden).or_else(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Ok(()), // a cleaner was faster
            _ => Err(Error::io("removing", &hidden, error)),
        })
    }
}
