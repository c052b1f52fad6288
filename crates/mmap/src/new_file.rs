//! A file that appears under its name whole, or not at all.
//!
//! It begins under a temporary name beside its target, `.NAME.PID-COUNT-TICKS.new`, and is locked while its
//! maker lives. Publishing links it to its name without replacing anything. A maker first removes
//! stale temporaries: those of the same target that nobody locks, since their makers died. A maker whose own
//! temporary is gone (removed between creating and locking) tries anew.

use crate::error::{Error, ErrorKind, Result};
use crate::sys;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

const SUFFIX: &str = ".new";
const ATTEMPTS: u32 = 16;

/// A file in the making. Dropped before it is published, it is removed.
///
/// ```
/// use samovar_mmap::{ErrorKind, NewFile};
/// use std::io::Write;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("cache");
/// let new = NewFile::create(&path)?;
/// new.file().write_all(b"whole")?;
/// assert!(!path.exists());
/// new.publish()?;
/// assert_eq!(std::fs::read(&path)?, b"whole");
///
/// let late = NewFile::create(&path)?;
/// assert_eq!(late.publish().unwrap_err().kind(), ErrorKind::AlreadyExists);
/// assert_eq!(std::fs::read(&path)?, b"whole");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct NewFile {
    /// There until it is published.
    file: Option<File>,
    temporary: PathBuf,
    target: PathBuf,
}

impl NewFile {
    /// Creates an empty file beside `target`, open for reading and writing, for this user alone (mode 0600). It removes
    /// stale temporaries of the same target.
    ///
    /// # Errors
    /// `InvalidArgument` if `target` has no file name; `NotFound` or `PermissionDenied` of its directory; `TooManyFiles`. Nothing is
    /// left there then.
    pub fn create(target: &Path) -> Result<NewFile> {
        let target = std::path::absolute(target)
            .map_err(|source| Error::os(format_args!("finding {}", target.display()), source))?;
        let Some(name) = target.file_name() else {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("{} has no file name; name a file", target.display()),
            ));
        };
        let prefix = temporary_prefix(name);
        remove_stale(parent(&target), &prefix);
        for _ in 0..ATTEMPTS {
            let temporary = parent(&target).join(temporary_name(&prefix));
            match create_locked(&temporary) {
                Ok(Some(file)) => return Ok(NewFile { file: Some(file), temporary, target }),
                Ok(None) => {}
                Err(source) => {
                    return Err(Error::os(format_args!("creating {}", temporary.display()), source));
                }
            }
        }
        Err(Error::new(
            ErrorKind::WouldBlock,
            format!("temporaries of {} are swept as fast as they are made; try again", target.display()),
        ))
    }

    /// The file.
    pub fn file(&self) -> &File {
        match &self.file {
            Some(file) => file,
            None => unreachable!("publish takes the file and the maker with it"),
        }
    }

    /// Gives the file its name, durably: what it holds first, then its directory.
    ///
    /// # Errors
    /// `AlreadyExists` if somebody was first: their file stays, and this one is removed. `Unsupported` if the
    /// file system can neither link nor rename without replacing. After any other error of the directory the
    /// file may be there, though not durably.
    pub fn publish(mut self) -> Result<File> {
        let target = self.target.display();
        self.file().sync_all().map_err(|source| Error::os(format_args!("syncing {target}"), source))?;
        sys::give_name(&self.temporary, &self.target).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => {
                Error::new(ErrorKind::AlreadyExists, format!("{target} is there already; open it instead"))
            }
            _ => Error::os(format_args!("naming {target}"), source),
        })?;
        let _ = fs::remove_file(&self.temporary);
        let Some(file) = self.file.take() else { unreachable!("only publish takes the file") };
        let directory = parent(&self.target);
        sys::sync_directory(directory)
            .map_err(|source| Error::os(format_args!("syncing directory {}", directory.display()), source))?;
        sys::unlocked(file, &self.target)
            .map_err(|source| Error::os(format_args!("unlocking {target}"), source))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

fn parent(target: &Path) -> &Path {
    target.parent().unwrap_or(Path::new("."))
}

fn temporary_prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    prefix
}

fn temporary_name(prefix: &OsStr) -> OsString {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let ticks = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.subsec_nanos());
    let mut name = prefix.to_os_string();
    name.push(format!("{}-{count}-{ticks:x}{SUFFIX}", std::process::id()));
    name
}

/// `None` if the name was taken, or another maker removed the file before it was locked.
fn create_locked(temporary: &Path) -> io::Result<Option<File>> {
    let file = match sys::create_new(temporary) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        other => other?,
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => {
            let _ = fs::remove_file(temporary);
            return Err(error);
        }
    }
    let found = match sys::open_unchecked(temporary) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.and_then(|found| Ok(sys::file_id(&found)? == sys::file_id(&file)?)),
    };
    match found {
        Ok(is_ours) => Ok(is_ours.then_some(file)),
        // Whether it was removed is not known: it may be ours.
        Err(error) => {
            let _ = fs::remove_file(temporary);
            Err(error)
        }
    }
}

/// Removes temporaries with this prefix that nobody locks. What cannot be removed stays for the next one.
fn remove_stale(directory: &Path, prefix: &OsStr) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        if is_temporary(entry.file_name().as_encoded_bytes(), prefix.as_encoded_bytes()) {
            remove_if_stale(&entry.path());
        }
    }
}

/// Whether we could have made this name: the prefix, three numbers, the suffix.
fn is_temporary(name: &[u8], prefix: &[u8]) -> bool {
    let middle = name.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(SUFFIX.as_bytes()));
    middle.is_some_and(|middle| {
        let mut parts = middle.split(|byte| *byte == b'-');
        let numbers =
            parts.by_ref().take(3).filter(|part| !part.is_empty() && part.iter().all(u8::is_ascii_hexdigit));
        numbers.count() == 3 && parts.next().is_none()
    })
}

fn remove_if_stale(path: &Path) {
    let Ok(file) = sys::open_unchecked(path) else { return };
    if file.metadata().is_ok_and(|metadata| metadata.is_file()) && file.try_lock().is_ok() {
        let _ = fs::remove_file(path);
    }
}
