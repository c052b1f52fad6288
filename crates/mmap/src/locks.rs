//! Locks on single bytes of a file, which the kernel frees when their owner dies.
//!
//! Invariant: the open file description is this value's own, and nothing else is done with it, since the
//! locks belong to it.

use crate::access::Access;
use crate::error::{Error, ErrorKind, Result};
use crate::file::file_id;
use crate::hooks;
use crate::identity::FileId;
use crate::sys::fork::OwnFile;
use crate::sys::{self, ByteLock};
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

const FIRST_SLEEP: Duration = Duration::from_micros(50);
const LONGEST_SLEEP: Duration = Duration::from_millis(5);

/// Locks on bytes of a file, held by this value until it is dropped or its process dies.
///
/// The bytes need not exist; choose them far beyond the file's end. Two values, even in one process, exclude each
/// other; threads that share one value do not. Programs that are started do not inherit the locks. Neither do **forked
/// children** (by `fork`, not by a bare system call): all calls on the child's copy fail, and dropping it frees
/// nothing. The child opens its own, see [`PerProcess`](crate::PerProcess).
///
/// Some programs close all descriptors, as on becoming a daemon. On Linux such a program keeps its locks until the
/// value is dropped, but can do no more with them: all calls fail. On other systems it loses them.
///
/// ```
/// use samovar_mmap::{ByteLocks, file_id};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = tempfile::NamedTempFile::new()?;
/// # let path = file.path();
/// let id = file_id(file.as_file())?;
/// let (mine, yours) = (ByteLocks::open(path, id)?, ByteLocks::open(path, id)?);
/// assert!(mine.try_exclusive(1 << 62)?);
/// assert!(!yours.try_shared(1 << 62)?);
/// assert!(yours.try_shared(1 << 62 | 1)?);
/// drop(mine);
/// assert!(yours.try_shared(1 << 62)?);
/// # Ok(())
/// # }
/// ```
pub struct ByteLocks {
    file: OwnFile,
    id: FileId,
    access: Access,
    table: sys::LockTable,
}

impl ByteLocks {
    /// Opens the file at `path` anew, for locks alone, and checks that it still is the file that the caller
    /// means. If it can only be opened for reading, only shared locks can be taken.
    ///
    /// # Errors
    /// `Replaced` if the path names another file by now; `Unsupported` if the platform has no such locks; the
    /// errors of opening.
    pub fn open(path: &Path, expect: FileId) -> Result<ByteLocks> {
        let open = |access| OwnFile::open(|| sys::open(path, access)).map(|file| (file, access));
        let (file, access) = open(Access::ReadWrite)
            .or_else(|_| open(Access::ReadOnly))
            .map_err(|source| Error::os(format_args!("opening {} for its locks", path.display()), source))?;
        let opened = file.get().ok_or_else(inherited)?;
        if file_id(opened)? != expect {
            return Err(Error::new(
                ErrorKind::Replaced,
                format!("{} is another file than it was; open it again", path.display()),
            ));
        }
        let table = if hooks::locks_last() { sys::LockTable::of(opened) } else { sys::LockTable::default() };
        Ok(ByteLocks { file, id: expect, access, table })
    }

    /// Locks a byte against everybody else, or turns a shared lock of ours into that. `false` if somebody
    /// else holds it; a shared lock of ours stays then.
    ///
    /// # Errors
    /// `PermissionDenied` if the file could be opened for reading only; `Io` if the system refuses, or if this program has
    /// closed the descriptor.
    pub fn try_exclusive(&self, byte: u64) -> Result<bool> {
        if self.access == Access::ReadOnly {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                "an exclusive lock needs a file opened for writing; take a shared lock, or get the permission",
            ));
        }
        self.set(byte, ByteLock::Exclusive)
    }

    /// Locks a byte together with others who share it, or turns an exclusive lock of ours into that. `false`
    /// if somebody else holds it exclusively.
    ///
    /// # Errors
    /// `Io` if the system refuses.
    pub fn try_shared(&self, byte: u64) -> Result<bool> {
        self.set(byte, ByteLock::Shared)
    }

    /// [`try_exclusive`](Self::try_exclusive), again and again, at growing intervals of at most 5 ms. `false`
    /// if the time ran out.
    ///
    /// # Errors
    /// As `try_exclusive`.
    pub fn exclusive(&self, byte: u64, timeout: Duration) -> Result<bool> {
        poll(timeout, || self.try_exclusive(byte))
    }

    /// [`try_shared`](Self::try_shared), again and again, at growing intervals of at most 5 ms. `false` if
    /// the time ran out.
    ///
    /// # Errors
    /// As `try_shared`.
    pub fn shared(&self, byte: u64, timeout: Duration) -> Result<bool> {
        poll(timeout, || self.try_shared(byte))
    }

    /// Frees a byte. Not an error if we do not hold it.
    ///
    /// # Errors
    /// `Io` if the system refuses.
    pub fn unlock(&self, byte: u64) -> Result<()> {
        self.set(byte, ByteLock::Unlocked).map(|_| ())
    }

    /// Whether somebody else holds the byte, exclusively or shared. Our own locks do not count. The answer
    /// may be old when it arrives.
    ///
    /// # Errors
    /// `Io` if the system refuses, or if this program has closed the descriptor, which it finds then.
    pub fn is_held_elsewhere(&self, byte: u64) -> Result<bool> {
        self.is_refused(byte..byte.saturating_add(1), ByteLock::Exclusive)
    }

    /// Whether somebody else holds any of these bytes exclusively: one question, however many they are. Our own locks
    /// do not count, nor do shared locks of others. Only a process that may write the file can lock exclusively; any
    /// that may read it can share. The answer may be old when it arrives.
    ///
    /// ```
    /// # use samovar_mmap::{ByteLocks, file_id};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let file = tempfile::NamedTempFile::new()?;
    /// # let id = file_id(file.as_file())?;
    /// let (mine, yours) = (ByteLocks::open(file.path(), id)?, ByteLocks::open(file.path(), id)?);
    /// assert!(yours.try_shared(1003)?);
    /// assert!(!mine.is_held_exclusively_elsewhere(1000..2000)?);
    /// assert!(yours.try_exclusive(1007)?);
    /// assert!(mine.is_held_exclusively_elsewhere(1000..2000)?);
    /// assert!(!mine.is_held_exclusively_elsewhere(1008..2000)?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`is_held_elsewhere`](Self::is_held_elsewhere).
    pub fn is_held_exclusively_elsewhere(&self, bytes: Range<u64>) -> Result<bool> {
        self.is_refused(bytes, ByteLock::Shared)
    }

    fn is_refused(&self, bytes: Range<u64>, lock: ByteLock) -> Result<bool> {
        if bytes.is_empty() {
            return Ok(false);
        }
        hooks::entered_kernel();
        let query = sys::LockQuery { file: self.file()?, bytes: bytes.clone(), lock };
        sys::is_locked_elsewhere(&self.table, &query)
            .map_err(|source| Error::os(format_args!("asking for the locks on bytes {bytes:#x?}"), source))
    }

    fn set(&self, byte: u64, lock: ByteLock) -> Result<bool> {
        hooks::entered_kernel();
        // What is freed in another file was locked by nobody.
        let is_freed = matches!(lock, ByteLock::Unlocked);
        let file = if is_freed { self.file.get().ok_or_else(inherited)? } else { self.file()? };
        sys::lock(&self.table, &sys::LockRequest { file, byte, lock })
            .map_err(|source| Error::os(format_args!("locking byte {byte:#x} ({lock:?})"), source))
    }

    /// The file, unless the program has closed its descriptor: then the number may be another file's by now.
    fn file(&self) -> Result<&File> {
        let file = self.file.get().ok_or_else(inherited)?;
        if file_id(file).ok() == Some(self.id) { Ok(file) } else { Err(closed()) }
    }
}

impl std::fmt::Debug for ByteLocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ByteLocks").field("access", &self.access).finish_non_exhaustive()
    }
}

#[cold]
fn inherited() -> Error {
    Error::new(ErrorKind::Unsupported, "a forked child does not inherit locks on a file; open your own")
}

#[cold]
fn closed() -> Error {
    Error::new(
        ErrorKind::Io,
        "this program has closed the descriptor of a file's locks, though it is not its own; open the file anew, after the program \
         has closed what it inherited",
    )
}

fn poll(timeout: Duration, attempt: impl Fn() -> Result<bool>) -> Result<bool> {
    let begun = Instant::now();
    let mut sleep = FIRST_SLEEP;
    loop {
        if attempt()? {
            return Ok(true);
        }
        let left = timeout.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Ok(false);
        }
        if !hooks::waited() {
            std::thread::sleep(sleep.min(left));
        }
        sleep = (sleep * 2).min(LONGEST_SLEEP);
    }
}
