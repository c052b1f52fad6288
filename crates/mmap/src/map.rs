//! A file mapped into memory, shared with every process that maps it.
//!
//! Invariant: between `map` and drop the pages stay mapped at one address; all views borrow from the map.

use crate::access::Access;
use crate::advice::Discard;
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::fault::Fault;
use crate::flush::FlushLatch;
use crate::pages::sealed::Backed;
use crate::placement::{Placement, length_within, size_of_regular};
use crate::region::{Exposure, Kind, Region};
use crate::registry::{Health, RangeToken};
use crate::sys::{self, Sharing};
use crate::view::View;
use std::fs::File;

/// A range of a file in memory. What is written through it is seen at once by all who map the file.
///
/// A map of a megabyte or more is left out of core dumps. It stays whole when the `File` is closed. The file must not be cut
/// shorter while it is mapped; if it is nevertheless, see [`install_fault_guard`](crate::install_fault_guard). What
/// can be done with its pages is in [`Pages`](crate::Pages).
///
/// ```
/// use samovar_mmap::{Access, SharedMap};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = tempfile::tempfile()?;
/// file.set_len(100)?;
/// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
/// assert_eq!(map.len(), 100);
/// map.view().write_from(98, b"ab")?;
/// assert!(map.view().write_from(99, b"ab").is_err());
/// map.flush()?;
/// map.close()?;
/// # Ok(())
/// # }
/// ```
pub struct SharedMap {
    region: Region,
    latch: FlushLatch,
}

impl SharedMap {
    /// Maps `len` bytes of `file` from `offset`, which may be any; `None` is to the end.
    ///
    /// # Errors
    /// `OutOfBounds` if the range leaves the file, `PermissionDenied` if the file was opened for less than
    /// `access`, `InvalidArgument` if it is no regular file.
    pub fn map(file: &File, access: Access, offset: u64, len: Option<usize>) -> Result<SharedMap> {
        SharedMap::placed(file, access, &Placement::within(file, offset, len)?)
    }

    /// Maps `len` bytes from `offset`, though the file may be shorter: for a file that is about to grow. Until
    /// it has grown, what lies beyond its last page is a fault.
    ///
    /// ```
    /// # #[cfg(unix)]
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use samovar_mmap::{Access, SharedMap};
    ///
    /// let file = tempfile::tempfile()?;
    /// let map = SharedMap::map_beyond_end(&file, Access::ReadWrite, 0, 1 << 20)?;
    /// file.set_len(1 << 20)?;
    /// map.view().write_from(1000, b"there now")?;
    /// # Ok(())
    /// # }
    /// # #[cfg(not(unix))]
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// As [`map`](Self::map), but for `OutOfBounds`; on Windows, where the file would grow, `Unsupported`.
    pub fn map_beyond_end(file: &File, access: Access, offset: u64, len: usize) -> Result<SharedMap> {
        if !sys::MAPS_BEYOND_THE_END {
            length_within(file, offset, Some(len)).map_err(|_| {
                Error::new(
                    ErrorKind::Unsupported,
                    "Windows maps nothing beyond the end; make the file longer first",
                )
            })?;
        }
        size_of_regular(file)?;
        SharedMap::placed(file, access, &Placement::of(offset, len)?)
    }

    fn placed(file: &File, access: Access, placement: &Placement) -> Result<SharedMap> {
        let kind = Kind { sharing: Sharing::Shared, protection: access.into(), exposure: Exposure::Views };
        Ok(SharedMap { region: Region::of_file(file, placement, kind)?, latch: FlushLatch::default() })
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

    /// What it was mapped for.
    #[inline]
    pub fn access(&self) -> Access {
        self.region.access()
    }

    /// All of it.
    #[inline]
    pub fn view(&self) -> View<'_> {
        self.region.view()
    }

    /// Where it begins in memory, for calls of the system and for other languages.
    #[inline]
    pub fn as_ptr(&self) -> *mut u8 {
        self.region.base()
    }

    /// Whether a word or a slice of this map met a fault, and reads zeroes since. Nothing that was read or written
    /// since then counts. Costs one load: ask at the end of every operation that used words, and map the file anew if
    /// it is so. Copies report their faults themselves, and poison only where there is no assembly for them: see [the
    /// guard](crate::install_fault_guard).
    ///
    /// Only ever true where the [fault guard](crate::install_fault_guard) is installed.
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.region.is_poisoned()
    }

    pub(crate) fn range_token(&self) -> Option<RangeToken> {
        self.region.range_token()
    }

    /// [`is_poisoned`](Self::is_poisoned) for those who ask often.
    pub fn health(&self) -> Health<'_> {
        self.region.health()
    }

    /// The first fault that poisoned this map.
    pub fn fault(&self) -> Option<Fault> {
        self.region.fault()
    }

    /// Writes all that changed to the device, by any process, waits until it is there, and says
    /// [how far that is](Durability).
    ///
    /// # Errors
    /// `Io` or `NoSpace` if the device failed; `Fault` if the map is poisoned. After a failure every later flush
    /// of this map fails too, since the system may have dropped what it could not write.
    pub fn flush(&self) -> Result<Durability> {
        self.flush_range(0, self.len())
    }

    /// [`flush`](Self::flush) for a range, rounded outwards to whole pages.
    ///
    /// # Errors
    /// As `flush`, and `OutOfBounds` if the range leaves the map.
    pub fn flush_range(&self, offset: usize, len: usize) -> Result<Durability> {
        self.view().window(offset, len)?;
        if len == 0 {
            return Ok(Durability::Nothing);
        }
        self.latch.flush(self.fault(), offset..offset + len, || self.region.flush(offset, len))
    }

    /// Changes what may be done with the map. Nobody can have a view of it meanwhile. After an error it is as
    /// it was.
    ///
    /// ```
    /// # use samovar_mmap::{Access, SharedMap};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let file = tempfile::tempfile()?;
    /// # file.set_len(64)?;
    /// let mut map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
    /// map.view().write_from(0, b"final")?;
    /// map.protect(Access::ReadOnly)?;
    /// assert!(map.view().write_from(0, b"other").is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `PermissionDenied` if the file was not opened for writing.
    pub fn protect(&mut self, access: Access) -> Result<()> {
        self.region.protect(access.into())
    }

    /// Gives whole pages within a range up, and says how many bytes those were. [`Discard::Remove`] zeroes them
    /// for everybody who maps the file, and needs a map for writing.
    ///
    /// # Errors
    /// `OutOfBounds`; `PermissionDenied`; `InvalidArgument` or `Unsupported` if a shared map has no such way.
    pub fn discard(&self, discard: Discard, offset: usize, len: usize) -> Result<usize> {
        if discard == Discard::Remove && self.access() == Access::ReadOnly {
            return Err(Error::new(
                ErrorKind::PermissionDenied,
                "space of a file is freed only through a map for writing; map it so",
            ));
        }
        self.region.discard(discard, offset, len)
    }

    /// Unmaps it and says whether that worked; dropping it does not say. Neither flushes.
    ///
    /// # Errors
    /// `Io` if the system refuses.
    pub fn close(self) -> Result<()> {
        self.region.close()
    }
}

impl Backed for SharedMap {
    fn region(&self) -> &Region {
        &self.region
    }
}

impl std::fmt::Debug for SharedMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedMap").field("len", &self.len()).field("access", &self.access()).finish()
    }
}
