//! What tells the file from a copy of itself, and this boot of the machine from an earlier one.
//!
//! The first opener stores both. Stores that only the page cache had are still there if both are as they were.

use crate::error::Result;
use crate::format::layout::{BOOT_ID, DEVICE, INODE};
use samovar_mmap::{FileId, View};

/// A boot of the machine and a file on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Zeroes where the system does not tell its boots apart.
    boot: BootWords,
    file: FileId,
}

/// A boot id as it lies in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct BootWords {
    low: u64,
    high: u64,
}

impl BootWords {
    fn of(boot_id: [u8; 16]) -> Self {
        let half =
            |at: usize| (0..8).fold(0, |word, byte| word | u64::from(boot_id[at + byte]) << (8 * byte));
        BootWords { low: half(0), high: half(8) }
    }
}

impl Identity {
    /// This boot, and the file with this id.
    pub(crate) fn present(file: FileId) -> Self {
        Identity { boot: BootWords::of(samovar_mmap::boot_id().unwrap_or_default()), file }
    }

    /// What the last first opener stored.
    pub(crate) fn load(file: View<'_>) -> Result<Self> {
        let word = |at| -> Result<u64> { Ok(file.word64(at)?.load()) };
        Ok(Identity {
            boot: BootWords { low: word(BOOT_ID)?, high: word(BOOT_ID + 8)? },
            file: FileId { device: word(DEVICE)?, inode: word(INODE)? },
        })
    }

    pub(crate) fn store(self, file: View<'_>) -> Result<()> {
        file.word64(BOOT_ID)?.store(self.boot.low);
        file.word64(BOOT_ID + 8)?.store(self.boot.high);
        file.word64(DEVICE)?.store(self.file.device);
        file.word64(INODE)?.store(self.file.inode);
        Ok(())
    }

    /// Is it the same file? A copy is another one.
    pub(crate) fn is_same_file(self, other: Identity) -> bool {
        self.file == other.file
    }

    /// Is it of this boot? Never, where boots cannot be told apart.
    pub(crate) fn is_of_this_boot(self) -> bool {
        samovar_mmap::boot_id().is_some_and(|boot_id| BootWords::of(boot_id) == self.boot)
    }
}
