//! Files in memory that nobody can change or cut short any more: their maps are trusted, and give slices.

use crate::error::{Error, ErrorKind, Result};
use crate::file::within_size_limit;
use crate::pages::sealed::Backed;
use crate::placement::Placement;
use crate::region::{Exposure, Kind, Region};
use crate::seal::Seal;
use crate::sys::{self, Protection, Sharing};
use std::fs::File;
use std::ops::Deref;

/// A file in memory, without a name, `len` bytes long, that can be sealed. Pass its descriptor to others to share it.
///
/// # Errors
/// `Unsupported` where there is none (Linux, Android and FreeBSD have it); `NoSpace`.
pub fn memory_file(len: u64) -> Result<File> {
    within_size_limit(len)?;
    let file = sys::memory_file().map_err(|source| Error::os("creating a file in memory", source))?;
    file.set_len(len).map_err(|source| Error::os(format_args!("making it {len} bytes long"), source))?;
    Ok(file)
}

/// Seals a file in memory.
///
/// # Errors
/// `Unsupported` if the file cannot be sealed; `WouldBlock` if a map for writing lives; `PermissionDenied` if the seals
/// themselves are sealed.
pub fn seal(file: &File, seal: Seal) -> Result<()> {
    sys::seal(file, seal).map_err(|source| Error::os(format_args!("sealing the file ({seal:?})"), source))
}

/// A map of a file that is sealed against writing and shrinking, as a slice.
///
/// ```
/// # #[cfg(target_os = "linux")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use samovar_mmap::{Seal, SealedMap, memory_file, seal};
/// use std::io::Write;
///
/// let mut file = memory_file(0)?;
/// file.write_all(b"for ever")?;
/// assert!(SealedMap::map(&file, 0, None).is_err(), "it could still change");
/// seal(&file, Seal::Write)?;
/// let map = SealedMap::map(&file, 0, None)?;
/// assert_eq!(&map[..], b"for ever");
/// # Ok(())
/// # }
/// # #[cfg(not(target_os = "linux"))]
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct SealedMap {
    region: Region,
}

impl SealedMap {
    /// Maps `len` bytes of `file` from `offset`, which may be any; `None` is to the end.
    ///
    /// # Errors
    /// `InvalidArgument` if the file is not sealed with [`Seal::Write`]; `Unsupported` if it cannot be;
    /// `OutOfBounds` if the range leaves the file.
    pub fn map(file: &File, offset: u64, len: Option<usize>) -> Result<SealedMap> {
        let sealed =
            sys::is_sealed(file).map_err(|source| Error::os("asking for the file's seals", source))?;
        if !sealed {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "the file could still be written or cut short; seal it with Seal::Write, or use a SharedMap",
            ));
        }
        let placement = Placement::within(file, offset, len)?;
        let kind =
            Kind { sharing: Sharing::Private, protection: Protection::Read, exposure: Exposure::Direct };
        Ok(SealedMap { region: Region::of_file(file, &placement, kind)? })
    }

    /// Unmaps it and says whether that worked.
    ///
    /// # Errors
    /// `Io` if the system refuses.
    pub fn close(self) -> Result<()> {
        self.region.close()
    }
}

impl Deref for SealedMap {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: mapped and readable while `self` is borrowed. The seals were checked, are for ever, and forbid
        // everybody to write or shrink the file. Its pages are in memory; at most `isize::MAX` bytes.
        unsafe { std::slice::from_raw_parts(self.region.base(), self.region.len()) }
    }
}

impl Backed for SealedMap {
    fn region(&self) -> &Region {
        &self.region
    }
}
