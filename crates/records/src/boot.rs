//! Which boot of the machine wrote a file: how a loss of power is told.
//!
//! The word BOOT of the control page is 0 while nobody writes the file and all of it was flushed. A writer stores the
//! checksum of the boot id there before it writes anything. Found to be that of another boot, the machine stopped meanwhile.

use crate::control::FileWords;
use crate::error::Result;
use crate::layout;
use std::sync::OnceLock;

/// This boot of the machine; the same for ever where the system does not tell one from another.
pub(crate) fn current() -> u64 {
    static BOOT: OnceLock<u64> = OnceLock::new();
    *BOOT.get_or_init(|| samovar_mmap::boot_id().map_or(1, |boot| layout::checksum(&boot)).max(1))
}

/// Whether the machine stopped while the file was written.
pub(crate) fn lost_power(words: FileWords<'_>) -> Result<bool> {
    let written_in = words.boot()?.load_acquire();
    Ok(written_in != 0 && written_in != current())
}
