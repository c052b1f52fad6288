//! A file mapped into memory, shared with every process that maps it.
//!
//! Invariant: between `map` and drop the pages stay mapped at one address; all views borrow from the map.

use crate::error::{Error, ErrorKind, Result};
use crate::fault::Fault;
use crate::registry::Registration;
use crate::seam;
use crate::sys;
use crate::view::{View, faulted};
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};

/// What may be done with a file or a map of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Access {
    /// Reading alone.
    ReadOnly,
    /// Reading and writing.
    ReadWrite,
}

/// A range of a file in memory. What is written through it is seen at once by all who map the file.
///
/// The map is left out of core dumps. It stays whole when the `File` is closed. The file must not be cut
/// shorter while it is mapped: see the crate's page for what a fault is then.
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
    /// Dropped first: a range is registered no longer than it is mapped.
    registration: Option<Registration>,
    mapping: Option<sys::Mapping>,
    /// The view's bytes: a part of the mapping, which begins at a page.
    base: *mut u8,
    len: usize,
    access: Access,
    flush_failed: AtomicBool,
}

// SAFETY: the mapping is the process's, not a thread's, and is freed by whoever drops the map last.
unsafe impl Send for SharedMap {}
// SAFETY: a shared map gives only views, whose accesses are atomic or act so.
unsafe impl Sync for SharedMap {}

impl SharedMap {
    /// Maps `len` bytes of `file` from `offset`, which may be any; `None` is to the end.
    ///
    /// # Errors
    /// `OutOfBounds` if the range leaves the file, `PermissionDenied` if the file was opened for less than
    /// `access`, `InvalidArgument` if it is no regular file.
    pub fn map(file: &File, access: Access, offset: u64, len: Option<usize>) -> Result<SharedMap> {
        let len = length_within(file, offset, len)?;
        if len == 0 {
            let base = std::ptr::without_provenance_mut(64);
            let flush_failed = AtomicBool::new(false);
            return Ok(SharedMap { registration: None, mapping: None, base, len, access, flush_failed });
        }
        let granularity = sys::granularity();
        let skipped = offset % granularity;
        let lead = usize::try_from(skipped).unwrap_or(0);
        let Some(total) = len.checked_add(lead).filter(|total| isize::try_from(*total).is_ok()) else {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("{len} bytes are more than this platform's addresses; map less at a time"),
            ));
        };
        let request = sys::MapRequest { file, access, offset: offset - skipped, len: total };
        let mapping = sys::Mapping::new(&request).map_err(|source| {
            Error::os(format_args!("mapping {len} bytes at {offset} ({access:?})"), source)
        })?;
        let base = mapping.base().wrapping_add(lead);
        let registered = total.next_multiple_of(sys::page_size());
        let registration = Registration::new(mapping.base(), registered, access == Access::ReadWrite);
        Ok(SharedMap {
            registration: Some(registration),
            mapping: Some(mapping),
            base,
            len,
            access,
            flush_failed: AtomicBool::new(false),
        })
    }

    /// Bytes mapped.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is mapped, because the file or the range was empty.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What it was mapped for.
    #[inline]
    pub fn access(&self) -> Access {
        self.access
    }

    /// All of it.
    #[inline]
    pub fn view(&self) -> View<'_> {
        View::new(self.base, self.len, self.access)
    }

    /// Whether a word or a slice of this map met a fault, and reads zeroes since: nothing that was read or written
    /// since can be believed. Costs one load: ask at the end of every operation that used words, and map the
    /// file anew if it is so. Copies report their faults themselves and do not poison.
    ///
    /// Only ever true where the [fault guard](crate::install_fault_guard) is installed.
    #[inline]
    pub fn is_poisoned(&self) -> bool {
        self.registration.as_ref().is_some_and(Registration::is_poisoned)
    }

    /// The first fault that poisoned this map.
    pub fn fault(&self) -> Option<Fault> {
        let found = self.registration.as_ref()?.fault()?;
        let lead = self.base.addr() - self.mapping.as_ref()?.base().addr();
        Some(Fault { offset: found.offset.saturating_sub(lead), ..found })
    }

    /// Writes all that changed to the device and waits until it is there.
    ///
    /// # Errors
    /// `Io` or `NoSpace` if the device failed. After a failure every later flush of this map fails too, since
    /// the system may have dropped what it could not write.
    pub fn flush(&self) -> Result<()> {
        self.flush_range(0, self.len)
    }

    /// [`flush`](Self::flush) for a range, rounded outwards to whole pages.
    ///
    /// # Errors
    /// As `flush`; `OutOfBounds` if the range leaves the map; `Fault` if the map is poisoned.
    pub fn flush_range(&self, offset: usize, len: usize) -> Result<()> {
        self.view().window(offset, len)?;
        if self.flush_failed.load(Ordering::Relaxed) {
            return Err(Error::new(
                ErrorKind::Io,
                "an earlier flush of this map failed, and what it lost is unknown; open the file anew",
            ));
        }
        if let Some(fault) = self.fault() {
            return Err(faulted(fault));
        }
        let Some(mapping) = self.mapping.as_ref().filter(|_| len != 0) else { return Ok(()) };
        seam::hit(seam::Event::Flush);
        let lead = self.base.addr() - mapping.base().addr();
        mapping.flush(lead + offset, len).map_err(|source| {
            self.flush_failed.store(true, Ordering::Relaxed);
            Error::os(format_args!("flushing {len} bytes at {offset}"), source)
        })
    }

    /// Unmaps it and says whether that worked; dropping it does not say. Neither flushes.
    ///
    /// # Errors
    /// `Io` if the system refuses.
    pub fn close(mut self) -> Result<()> {
        drop(self.registration.take());
        let Some(mapping) = self.mapping.take() else { return Ok(()) };
        mapping.unmap().map_err(|source| Error::os(format_args!("unmapping {} bytes", self.len), source))
    }
}

impl std::fmt::Debug for SharedMap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedMap").field("len", &self.len).field("access", &self.access).finish()
    }
}

fn length_within(file: &File, offset: u64, len: Option<usize>) -> Result<usize> {
    let metadata = file.metadata().map_err(|source| Error::os("asking for the file's size", source))?;
    if !metadata.is_file() {
        return Err(Error::new(ErrorKind::InvalidArgument, "only regular files can be mapped; name one"));
    }
    let size = metadata.len();
    let outside = |len: u64| {
        Error::new(
            ErrorKind::OutOfBounds,
            format!(
                "{len} bytes at {offset} leave the file, which has {size}; make the file longer before mapping it"
            ),
        )
    };
    if offset > size {
        return Err(outside(len.unwrap_or(0) as u64));
    }
    let rest = size - offset;
    match len {
        Some(len) if len as u64 > rest => Err(outside(len as u64)),
        Some(len) => Ok(len),
        None => usize::try_from(rest).map_err(|_| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("{rest} bytes are more than this platform's addresses; map less at a time"),
            )
        }),
    }
}
