//! Who may write: the process that has the kernel's lock on one byte. The kernel frees it when the process dies.
//!
//! The number of the process is noted in the file for one purpose: to name it to those who come second. It is never
//! trusted.

use crate::control::{FileWords, HolderNote};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::WRITER_BYTE;
use samovar_mmap::{ByteLocks, FileId};
use std::path::Path;

/// The right to write a file, until it is dropped.
#[derive(Debug)]
pub(crate) struct Holder {
    locks: ByteLocks,
    pid: u32,
}

impl Holder {
    /// Takes the right and notes who has it.
    pub(crate) fn take(path: &Path, id: FileId, words: FileWords<'_>) -> Result<Holder> {
        let locks = ByteLocks::open(path, id)?;
        if !locks.try_exclusive(WRITER_BYTE)? {
            return Err(locked(path, words.holder()?));
        }
        let pid = std::process::id();
        words.set_holder(HolderNote {
            pid: u64::from(pid),
            start: samovar_mmap::process_start().unwrap_or(0),
        })?;
        words.next_generation()?;
        Ok(Holder { locks, pid })
    }
}

impl Drop for Holder {
    /// Frees the byte, and does not leave that to the closing of the file. If another thread starts a process, that has
    /// the file open until it runs its program. A forked child must not free its parent's.
    fn drop(&mut self) {
        if self.pid == std::process::id() {
            let _ = self.locks.unlock(WRITER_BYTE);
        }
    }
}

fn locked(path: &Path, note: HolderNote) -> Error {
    let lives = u32::try_from(note.pid)
        .ok()
        .filter(|pid| *pid != 0 && samovar_mmap::process_start_of(*pid).unwrap_or(0) == note.start);
    let who = match lives {
        Some(pid) if pid == std::process::id() => format!("another handle of this process ({pid})"),
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    };
    Error::new(
        ErrorKind::Locked,
        format!("{} is being written by {who}; open it for reading, or end that one", path.display()),
    )
}
