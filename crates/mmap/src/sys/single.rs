//! Where there are no forks: one process, whose files are its own.

use std::fs::File;
use std::io;

/// There are none.
#[inline]
pub(crate) fn generation() -> usize {
    0
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
