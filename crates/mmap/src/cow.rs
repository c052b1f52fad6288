//! A copy-on-write map of a file: it can be written, and the file stays as it is.

use crate::advice::Discard;
use crate::error::Result;
use crate::fault::Fault;
use crate::pages::sealed::Backed;
use crate::placement::Placement;
use crate::region::{Exposure, Kind, Region};
use crate::sys::{Protection, Sharing};
use crate::view::View;
use std::fs::File;

/// A range of a file in memory, whose changes are this process's alone and vanish with the map.
///
/// Pages that were not written yet may or may not show what others write to the file meanwhile. If the file is cut
/// short, the written pages go too. So such a map is no safer than a shared one, and gives views, no slices.
///
/// ```
/// use samovar_mmap::CowMap;
/// use std::io::Write;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut file = tempfile::NamedTempFile::new()?;
/// file.write_all(b"as it was")?;
/// let map = CowMap::map(&std::fs::File::open(file.path())?, 0, None)?; // opened for reading
/// map.view().write_from(0, b"changed!!")?;
/// assert!(map.view().equals(0, b"changed!!")?);
/// assert_eq!(std::fs::read(file.path())?, b"as it was");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct CowMap {
    region: Region,
}

impl CowMap {
    /// Maps `len` bytes of `file` from `offset`, which may be any; `None` is to the end. The file need only be
    /// open for reading.
    ///
    /// # Errors
    /// `OutOfBounds` if the range leaves the file, `InvalidArgument` if it is no regular file.
    pub fn map(file: &File, offset: u64, len: Option<usize>) -> Result<CowMap> {
        let placement = Placement::within(file, offset, len)?;
        let kind =
            Kind { sharing: Sharing::Private, protection: Protection::ReadWrite, exposure: Exposure::Views };
        Ok(CowMap { region: Region::of_file(file, &placement, kind)? })
    }

    /// Bytes mapped.
    #[inline]
    pub fn len(&self) -> usize {
        self.region.len()
    }

    /// Whether nothing is mapped, because the file or the range was empty.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of it.
    #[inline]
    pub fn view(&self) -> View<'_> {
        self.region.view()
    }

    /// As for [`SharedMap`](crate::SharedMap::is_poisoned).
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.region.is_poisoned()
    }

    /// The first fault that poisoned this map.
    pub fn fault(&self) -> Option<Fault> {
        self.region.fault()
    }

    /// Gives whole pages within a range up, and says how many bytes those were: with [`Discard::DontNeed`] they
    /// show the file again.
    ///
    /// # Errors
    /// `OutOfBounds`; `InvalidArgument` or `Unsupported` if there is no such way.
    pub fn discard(&self, discard: Discard, offset: usize, len: usize) -> Result<usize> {
        self.region.discard(discard, offset, len)
    }

    /// Unmaps it and says whether that worked. What was written is gone.
    ///
    /// # Errors
    /// `Io` if the system refuses.
    pub fn close(self) -> Result<()> {
        self.region.close()
    }
}

impl Backed for CowMap {
    fn region(&self) -> &Region {
        &self.region
    }
}
