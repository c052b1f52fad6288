//! Why a file's content cannot be trusted, so that its first opener empties or salvages it; and the file's memory of
//! that.

use crate::error::Result;
use crate::format::layout::{EMPTIED_MS, EMPTIED_WHY, SALVAGED, SYNC_FAILED};
use samovar_mmap::View;
use std::fmt;

/// A reason to empty a file. Its number is in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untrusted {
    /// Not clean, where boots cannot be told apart.
    Unflushed = 1,
    /// Not clean, and of an earlier boot.
    Restarted = 2,
    /// Not clean, and of another inode.
    Copied = 3,
    /// A sync failed: what the disk refused may be gone from memory too.
    SyncFailed = 4,
    /// A deletion did not get to its end.
    Removed = 5,
}

impl Untrusted {
    fn from_number(number: u64) -> Option<Self> {
        [
            Untrusted::Unflushed,
            Untrusted::Restarted,
            Untrusted::Copied,
            Untrusted::SyncFailed,
            Untrusted::Removed,
        ]
        .into_iter()
        .find(|cold| *cold as u64 == number)
    }

    /// Is each page as it was at some time since the last flush? Then entries that can be verified are worth keeping. A
    /// copy does not qualify: it may have been made over an older one, and stopped halfway. Nor does a file after a
    /// failed sync: its pages may have gone back to older bytes, and been written since. A file that was being deleted
    /// is wanted by nobody.
    pub(crate) fn is_salvageable(self) -> bool {
        matches!(self, Untrusted::Unflushed | Untrusted::Restarted)
    }

    /// What follows "because".
    pub(crate) fn told(self) -> &'static str {
        match self {
            Untrusted::Unflushed => {
                "it was not flushed, and this system does not tell whether it was restarted since"
            }
            Untrusted::Restarted => {
                "the machine was restarted and the cache had not been flushed since it was last written"
            }
            Untrusted::Copied => "it is a copy of a cache that was in use while it was copied",
            Untrusted::Removed => "a process was about to delete it",
            Untrusted::SyncFailed => "the disk had refused to take a part of it",
        }
    }
}

/// The last time that a file was emptied, or salvaged, because its entries could not be trusted.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
/// assert_eq!(cache.attachment().last_emptied, None);
/// # Ok::<(), samovar::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Emptied {
    /// Why, as what follows "because".
    pub why: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Entries that were kept by a [salvage](crate::Options::salvage); none if it was emptied.
    pub kept: Option<u64>,
}

impl fmt::Display for Emptied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kept {
            None => write!(f, "emptied because {}", self.why),
            Some(kept) => write!(f, "salvaged, with {kept} entries kept, because {}", self.why),
        }
    }
}

impl Emptied {
    /// What the file remembers.
    pub(crate) fn load(file: View<'_>) -> Result<Option<Self>> {
        let why = Untrusted::from_number(file.word64(EMPTIED_WHY)?.load());
        let at_ms = file.word64(EMPTIED_MS)?.load();
        let kept = file.word64(SALVAGED)?.load().checked_sub(1);
        Ok(why.map(|why| Emptied { why: why.told().to_owned(), at_ms, kept }))
    }

    /// Remembers it, and that no sync of what is there now has failed.
    pub(crate) fn store(file: View<'_>, why: Untrusted, at_ms: u64, kept: Option<u64>) -> Result<()> {
        file.word64(EMPTIED_MS)?.store(at_ms);
        file.word64(SALVAGED)?.store(kept.map_or(0, |kept| kept.saturating_add(1)));
        file.word64(EMPTIED_WHY)?.store(why as u64);
        file.word64(SYNC_FAILED)?.store(0);
        Ok(())
    }
}
