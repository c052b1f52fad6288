//! An open file, whatever it holds: its header, its memory, and the right to write it.

use crate::boot;
use crate::control::{Control, FileWords};
use crate::error::{Error, ErrorKind, Result};
use crate::habits::{Habits, Owners};
use crate::header::{Header, Unchecked};
use crate::holder::Holder;
use crate::layout::{self, HEADER_LEN, Kind, MAGIC};
use crate::mapping::Mapping;
use crate::space::Space;
use samovar_mmap::{Access, FileId, Origin, SharedMap, View};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once};

/// What all handles of a file share.
pub(crate) struct Store {
    pub(crate) path: PathBuf,
    pub(crate) id: FileId,
    pub(crate) header: Header,
    pub(crate) mapping: Mapping,
    /// Kept open: the file may lose its name, and still grow.
    pub(crate) file: File,
    pub(crate) rights: Option<Rights>,
}

/// How a writer found the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// All of it was flushed.
    Closed,
    /// The last writer left without a word.
    Left,
}

/// The right to write, and what goes with it.
pub(crate) struct Rights {
    /// Held, not looked at.
    _holder: Holder,
    /// The process that took the right: its forked children have it not.
    origin: Origin,
    /// The space of a pack. Taken while a table's writer is locked, never the other way round.
    pub(crate) space: Mutex<Space>,
    /// Taken to flush, before the writers of tables, and held to the end.
    pub(crate) flushing: Mutex<()>,
    pub(crate) habits: Habits,
    pub(crate) found: Found,
    /// Whether nobody else knows of the file, and a loss of power would take it.
    is_private: AtomicBool,
}

impl Rights {
    pub(crate) fn is_private(&self) -> bool {
        self.is_private.load(Ordering::Relaxed)
    }

    pub(crate) fn set_private(&self) {
        self.is_private.store(true, Ordering::Relaxed);
    }

    /// From now on others read it.
    pub(crate) fn publish(&self) {
        self.is_private.store(false, Ordering::Relaxed);
    }
}

/// Refuses a file whose records are not those that are meant.
pub(crate) type Admit<'a> = &'a dyn Fn(&Header) -> Result<()>;

/// How a file is opened.
#[derive(Clone, Copy)]
pub(crate) struct OpenChecks<'a> {
    pub(crate) kind: Kind,
    pub(crate) admit: Admit<'a>,
}

impl Store {
    /// Opens a file for reading.
    pub(crate) fn open(path: &Path, checks: OpenChecks<'_>) -> Result<Store> {
        Store::enter(path, Access::ReadOnly, Owners::All, checks)
    }

    /// Opens a file for writing, if nobody else has.
    pub(crate) fn open_writer(path: &Path, checks: OpenChecks<'_>, habits: &Habits) -> Result<Store> {
        let mut store = Store::enter(path, Access::ReadWrite, habits.owners, checks)?;
        let holder = Holder::take(path, store.id, store.words())?;
        let closed = store.words().boot()?.load_acquire() == boot::CLOSED;
        let found = if closed { Found::Closed } else { Found::Left };
        store.rights = Some(Rights {
            _holder: holder,
            origin: Origin::here(),
            space: Mutex::default(),
            found,
            is_private: AtomicBool::new(false),
            flushing: Mutex::default(),
            habits: habits.clone(),
        });
        Ok(store)
    }

    /// The checks, in order: a regular local file; the header; its kind; the type, if one is asked for; as long as it
    /// says.
    fn enter(path: &Path, access: Access, owners: Owners, checks: OpenChecks<'_>) -> Result<Store> {
        let file = open_checked(path, access, owners)?;
        let mapping = Mapping::map(&file, access).map_err(|error| irregular(path, error))?;
        let header = read_header(mapping.view(), path)?;
        if header.kind != checks.kind {
            return Err(wrong_kind(path, header.kind));
        }
        (checks.admit)(&header)?;
        if (mapping.len() as u64) < header.records_offset() {
            return Err(truncated(path, mapping.len() as u64));
        }
        let id = samovar_mmap::file_id(&file)?;
        let path = std::path::absolute(path).map_err(|source| Error::io("finding", path, source))?;
        let store = Store { path, id, header, mapping, file, rights: None };
        store.refuse_truncated()?;
        Ok(store)
    }

    /// The last check: a file of one table is as long as its shape says. After a loss of power it need not be.
    fn refuse_truncated(&self) -> Result<()> {
        if self.header.kind != Kind::File || boot::lost_power(self.words())? {
            return Ok(());
        }
        let control = Control { view: self.mapping.view(), block: layout::CONTROL };
        let shape = control.checked_shape(control.readers()?.epoch().load_acquire())?;
        // Asked after the shape was loaded: space comes before the shape that needs it.
        let len = self
            .file
            .metadata()
            .map_err(|source| Error::io("asking for the size of", &self.path, source))?
            .len();
        if shape.end_offset(self.slot_size()) <= len { Ok(()) } else { Err(truncated(&self.path, len)) }
    }

    /// The words of the control page.
    pub(crate) fn words(&self) -> FileWords<'_> {
        FileWords(self.mapping.view())
    }

    /// Bytes of a slot: of a record and, if it has one, its checksum.
    #[inline]
    pub(crate) fn slot_size(&self) -> u64 {
        self.header.slots.size()
    }

    /// Makes sure that at least `len` bytes are mapped, if the file has them.
    pub(crate) fn reach(&self, len: u64) -> Result<()> {
        if self.mapping.len() as u64 >= len {
            return Ok(());
        }
        self.mapping.extend(&self.file, len)
    }

    /// The right to write.
    pub(crate) fn rights(&self) -> Result<&Rights> {
        let Some(rights) = &self.rights else { return Err(read_only(&self.path)) };
        if rights.origin.is_here() { Ok(rights) } else { Err(inherited(&self.path)) }
    }

    /// Makes the file at least this long, all of it with space on the device, and maps it.
    pub(crate) fn reserve(&self, len: u64) -> Result<()> {
        self.rights()?;
        samovar_mmap::reserve(&self.file, len)?;
        self.mapping.extend(&self.file, len)
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path).field("kind", &self.header.kind).finish()
    }
}

/// The first check: a regular local file. Faults of maps are errors from here on.
fn open_checked(path: &Path, access: Access, owners: Owners) -> Result<File> {
    static GUARD: Once = Once::new();
    GUARD.call_once(|| {
        // Where there are no signals there are no faults to guard against.
        let _ = samovar_mmap::install_fault_guard();
    });
    let opened = match owners {
        Owners::OwnAndRoot => samovar_mmap::open_owned(path, access),
        Owners::All => samovar_mmap::open_existing(path, access),
    };
    let file = opened.map_err(|error| irregular(path, error.into()))?;
    refuse_remote(&file, path)?;
    Ok(file)
}

/// The error, or a better one if the path is that of no regular file.
#[cold]
fn irregular(path: &Path, error: Error) -> Error {
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Error::new(
            ErrorKind::NotRegularFile,
            format!("{} is not a regular file; name a file", path.display()),
        ),
        _ => misplaced(path, error),
    }
}

/// The error, or a better one if the path leads through what is no folder.
#[cold]
pub(crate) fn misplaced(path: &Path, error: Error) -> Error {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return error };
    match (std::fs::metadata(folder), error.kind()) {
        (Ok(metadata), _) if !metadata.is_dir() => Error::with_source(
            ErrorKind::InvalidArgument,
            format!("{} is no folder, so that {} cannot be there", folder.display(), path.display()),
            error,
        ),
        (Err(_), ErrorKind::NotFound) => {
            Error::new(ErrorKind::NotFound, format!("there is no folder {}; make it first", folder.display()))
        }
        (_, ErrorKind::NotFound) => {
            Error::new(ErrorKind::NotFound, format!("there is no record file {}", path.display()))
        }
        _ => error,
    }
}

pub(crate) fn refuse_remote(file: &File, path: &Path) -> Result<()> {
    if !samovar_mmap::is_remote(file)? {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::RemoteFilesystem,
        format!("{} is on a network file system; use a local disk or tmpfs", path.display()),
    ))
}

fn read_header(view: View<'_>, path: &Path) -> Result<Header> {
    if view.is_empty() {
        return Err(Error::new(
            ErrorKind::EmptyFile,
            format!("{} is empty, not a record file; remove it and try again", path.display()),
        ));
    }
    let mut page = Box::new([0; HEADER_LEN]);
    let there = view.len().min(HEADER_LEN);
    view.read_into(0, &mut page[..there])?;
    if there < HEADER_LEN && page.starts_with(&MAGIC) {
        return Err(truncated(path, there as u64));
    }
    Unchecked::new(page).verify()
}

fn truncated(path: &Path, len: u64) -> Error {
    Error::new(
        ErrorKind::Truncated,
        format!("{} was cut short to {len} bytes; import the data anew", path.display()),
    )
}

#[cold]
fn wrong_kind(path: &Path, found: Kind) -> Error {
    let message = match found {
        Kind::Pack => format!("{} holds the tables of a generation; open its RecordSet", path.display()),
        Kind::File => format!("{} is a record file by itself, not a generation's", path.display()),
    };
    Error::new(ErrorKind::NotRecords, message)
}

#[cold]
fn read_only(path: &Path) -> Error {
    Error::new(
        ErrorKind::ReadOnly,
        format!("{} was opened for reading; open it with open_writer", path.display()),
    )
}

#[cold]
fn inherited(path: &Path) -> Error {
    Error::new(
        ErrorKind::Inherited,
        format!(
            "{} was opened for writing before a fork, and its parent writes it; open it anew",
            path.display()
        ),
    )
}

/// Gives an empty file its space and its header.
pub(crate) fn format(file: &File, path: &Path, header: &Header, len: u64) -> Result<SharedMap> {
    refuse_remote(file, path)?;
    samovar_mmap::reserve(file, len)?;
    let map = SharedMap::map(file, Access::ReadWrite, 0, None)?;
    map.view().write_from(0, &header.encode()[..])?;
    debug_assert!(map.len() >= layout::CONTROL);
    Ok(map)
}
