//! A map that grows with its file and stays where it is.
//!
//! Invariant: address space for the largest length is reserved at the beginning. Its first `mapped` bytes are the
//! file's, and are never unmapped before the end. So every view of it stays good.

use crate::access::Access;
use crate::copy;
use crate::durability::Durability;
use crate::error::{Error, ErrorKind, Result};
use crate::fault::Fault;
use crate::flush::FlushLatch;
use crate::placement::{Placement, length_within, too_long};
use crate::registry::Registration;
use crate::sys;
use crate::view::View;
use std::fs::File;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A shared map of a file from its beginning, which grows in place when the file has grown.
///
/// Address space costs nothing until it is mapped: choose `limit` as large as the file can ever become.
///
/// ```
/// # #[cfg(unix)]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use samovar_mmap::{Access, GrowingMap, reserve};
///
/// let file = tempfile::tempfile()?;
/// reserve(&file, 4096)?;
/// let map = GrowingMap::map(&file, Access::ReadWrite, 1 << 30)?;
/// let early = map.view();
/// early.write_from(0, b"early")?;
/// reserve(&file, 1 << 20)?;
/// assert_eq!(map.grow(&file)?, 1 << 20);
/// map.view().write_from(1 << 19, b"late")?;
/// assert!(early.equals(0, b"early")?, "the old view is as good as ever");
/// # Ok(())
/// # }
/// # #[cfg(not(unix))]
/// # fn main() {}
/// ```
pub struct GrowingMap {
    registration: Registration,
    space: sys::Mapping,
    latch: FlushLatch,
    access: Access,
    limit: usize,
    /// Bytes that can be viewed. Only grows.
    len: AtomicUsize,
    /// Bytes of the space that are mapped, in whole pages: taken to grow.
    mapped: Mutex<usize>,
}

// SAFETY: the pages are the process's, not a thread's, and any thread may free them.
unsafe impl Send for GrowingMap {}
// SAFETY: it gives only views, whose accesses are atomic or act so, and pages are added under a lock.
unsafe impl Sync for GrowingMap {}

impl GrowingMap {
    /// Maps all of `file`, with room to grow to `limit` bytes.
    ///
    /// # Errors
    /// `InvalidArgument` if `limit` is 0, less than the file, or beyond the platform's addresses; `Unsupported`
    /// where address space cannot be reserved; else as [`SharedMap::map`](crate::SharedMap::map).
    pub fn map(file: &File, access: Access, limit: usize) -> Result<GrowingMap> {
        let rounded =
            limit.checked_next_multiple_of(sys::page_size()).ok_or_else(|| too_long(limit as u64))?;
        Placement::of(0, rounded)?;
        copy::choose();
        let space = sys::Mapping::reserve(rounded, file, access)
            .map_err(|source| Error::os(format_args!("reserving {limit} bytes of address space"), source))?;
        let registration = Registration::new(space.base(), rounded, access);
        let (len, mapped) = (AtomicUsize::new(0), Mutex::new(0));
        let latch = FlushLatch::default();
        let map = GrowingMap { registration, space, latch, access, limit, len, mapped };
        map.grow(file)?;
        Ok(map)
    }

    /// Maps what the file has gained, and says how many bytes are mapped now. A file that has become shorter
    /// changes nothing. The same file has to be given as at the beginning.
    ///
    /// # Errors
    /// `InvalidArgument` if the file is longer than the limit; `NoMemory` if there are too many maps.
    pub fn grow(&self, file: &File) -> Result<usize> {
        let len = length_within(file, 0, None)?;
        if len > self.limit {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("the file has {len} bytes, and room was reserved for {}; map it anew", self.limit),
            ));
        }
        let mut mapped = self.mapped.lock().unwrap_or_else(PoisonError::into_inner);
        let end = len.next_multiple_of(sys::page_size());
        if end > *mapped {
            let request = sys::GrowRequest { file, access: self.access, from: *mapped, to: end };
            self.space
                .grow(&request)
                .map_err(|source| Error::os(format_args!("mapping {} to {end}", *mapped), source))?;
            *mapped = end;
        }
        drop(mapped);
        Ok(self.len.fetch_max(len, Ordering::AcqRel).max(len))
    }

    /// Bytes mapped.
    #[inline]
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// Whether nothing is mapped, because the file is empty.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All that is mapped now.
    #[inline]
    pub fn view(&self) -> View<'_> {
        View::new(self.space.base(), self.len(), self.access)
    }

    /// As for [`SharedMap`](crate::SharedMap::is_poisoned).
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.registration.is_poisoned()
    }

    /// The first fault that poisoned this map.
    pub fn fault(&self) -> Option<Fault> {
        self.registration.fault()
    }

    /// As for [`SharedMap`](crate::SharedMap::flush_range).
    ///
    /// # Errors
    /// `OutOfBounds`; `Io` or `NoSpace` if the device failed, now or before; `Fault` if the map is poisoned.
    pub fn flush_range(&self, offset: usize, len: usize) -> Result<Durability> {
        self.view().window(offset, len)?;
        if len == 0 {
            return Ok(Durability::Nothing);
        }
        let range = sys::PageRange { offset, len };
        let doing = || format!("flushing {len} bytes at {offset}");
        self.latch.flush(self.fault(), offset..offset + len, || {
            self.space.flush(range).map_err(|source| Error::os(doing(), source))
        })
    }

    /// Unmaps it and says whether that worked.
    ///
    /// # Errors
    /// `Io` if the system refuses.
    pub fn close(self) -> Result<()> {
        drop(self.registration);
        self.space.unmap().map_err(|source| Error::os("unmapping", source))
    }
}

impl std::fmt::Debug for GrowingMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GrowingMap").field("len", &self.len()).field("limit", &self.limit).finish()
    }
}
