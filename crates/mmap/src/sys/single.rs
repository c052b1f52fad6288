//! Where there are no forks: one process, whose files are its own.

use std::fs::File;
use std::io;

/// There is only this one.
#[inline]
pub(crate) fn here() -> usize {
    0
}

#[inline]
pub(crate) fn is_here(_origin: usize) -> bool {
    true
}

/// A file of this process alone.
pub(crate) struct OwnFile(File);

impl OwnFile {
    pub(crate) fn open(open: impl FnOnce() -> io::Result<File>) -> io::Result<OwnFile> {
        open().map(OwnFile)
    }

    /// The file.
    #[allow(clippy::unnecessary_wraps)] // elsewhere there may be none
    pub(crate) fn get(&self) -> Option<&File> {
        Some(&self.0)
    }
}
