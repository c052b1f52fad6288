//! Which boot of the machine wrote a file: how a loss of power is told.
//!
//! The word BOOT of the control page is 0 while nobody writes the file and all of it was flushed. A writer stores the
//! checksum of the boot id there before it writes anything. Found to be that of another boot, the machine stopped meanwhile.
//! Where the system does not say which boot it is, nothing is known: then the word is [`UNKNOWN`], and nobody takes that
//! for a loss of power.

use crate::control::FileWords;
use crate::error::Result;
use crate::habits::{Habits, WarningKind};
use crate::layout;
use std::path::Path;
use std::sync::OnceLock;

/// Nobody writes the file, and all of it was flushed.
pub(crate) const CLOSED: u64 = 0;
/// A boot that has no name.
pub(crate) const UNKNOWN: u64 = 1;

/// Whether the machine can have lost its power while a file was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// No: it was closed, or is of this boot.
    Sound,
    /// It did.
    PowerLost,
    /// The system says not which boot this is, or did not when the file was written.
    Unknown,
}

/// This boot of the machine.
pub(crate) fn current() -> u64 {
    static BOOT: OnceLock<u64> = OnceLock::new();
    *BOOT.get_or_init(|| {
        samovar_mmap::boot_id().map_or(UNKNOWN, |boot| layout::checksum(&boot).max(UNKNOWN + 1))
    })
}

/// What became of the machine since the file was written.
pub(crate) fn since(words: FileWords<'_>) -> Result<Since> {
    let written_in = words.boot()?.load_acquire();
    Ok(match (written_in, current()) {
        (CLOSED, _) => Since::Sound,
        (UNKNOWN, _) | (_, UNKNOWN) => Since::Unknown,
        (one, other) if one == other => Since::Sound,
        _ => Since::PowerLost,
    })
}

/// Tells who listens that no boot can be told from another here.
pub(crate) fn warn(habits: &Habits, path: &Path) {
    if current() == UNKNOWN {
        let message =
            "the system does not say which boot of the machine this is; a loss of power will not be noticed";
        habits.warn(WarningKind::BootUnknown, path, message);
    }
}

/// Whether the machine stopped while the file was written.
pub(crate) fn lost_power(words: FileWords<'_>) -> Result<bool> {
    Ok(since(words)? == Since::PowerLost)
}
