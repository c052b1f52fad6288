//! What can be asked of the pages of every kind of map.

use crate::access::Access;
use crate::advice::{Advice, LockMode, Residency};
use crate::error::Result;
use crate::region::Region;

pub(crate) mod sealed {
    use super::Region;

    #[allow(unreachable_pub)] // public for the trait's sake, and not reachable, for its seal's
    pub trait Backed {
        fn region(&self) -> &Region;
    }
}

/// What can be asked of the pages of every kind of map. Ranges are bytes of the map, widened to whole pages, and
/// checked.
///
/// ```
/// use samovar_mmap::{Access, Advice, LockMode, Pages, SharedMap};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = tempfile::tempfile()?;
/// # file.set_len(1 << 16)?;
/// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
/// map.advise(Advice::WillNeed, 0, 1 << 16)?;
/// # if cfg!(windows) { return Ok(()) }
/// map.populate(Access::ReadOnly, 0, 1 << 16)?;
/// let residency = map.residency(0, 1 << 16)?;
/// assert_eq!(residency.resident_pages(), residency.pages.len());
/// if let Err(error) = map.lock(LockMode::Now, 0, 4096) {
///     println!("{error}"); // names the limit
/// }
/// map.unlock(0, 4096)?;
/// assert!(map.advise(Advice::Random, 1, 1 << 16).is_err(), "one byte too far");
/// # Ok(())
/// # }
/// ```
pub trait Pages: sealed::Backed {
    /// Gives advice on a range.
    ///
    /// # Errors
    /// `OutOfBounds`; `Unsupported` or `InvalidArgument` if this system or this kind of map has no such advice.
    fn advise(&self, advice: Advice, offset: usize, len: usize) -> Result<()> {
        self.region().advise(advice, offset, len)
    }

    /// Brings the pages in, for reading or also for writing (which gives a sparse file its space), and waits.
    ///
    /// # Errors
    /// `OutOfBounds`; `PermissionDenied`; `Fault` if a page is not there, `NoMemory` if there is no memory.
    fn populate(&self, access: Access, offset: usize, len: usize) -> Result<()> {
        self.region().populate(access, offset, len)
    }

    /// Which pages of a range are in memory.
    ///
    /// # Errors
    /// `OutOfBounds`; `Unsupported` where the system does not say.
    fn residency(&self, offset: usize, len: usize) -> Result<Residency> {
        self.region().residency(offset, len)
    }

    /// Keeps a range in physical memory, until it is unlocked or unmapped. Not counted: one
    /// [`unlock`](Self::unlock) undoes many.
    ///
    /// # Errors
    /// `OutOfBounds`; `NoMemory`, `PermissionDenied` or `Io` beyond the limit, which the message names;
    /// `Unsupported` if the system has no such mode.
    fn lock(&self, mode: LockMode, offset: usize, len: usize) -> Result<()> {
        self.region().lock(mode, offset, len)
    }

    /// Lets a range go again. Not an error if it is not locked.
    ///
    /// # Errors
    /// `OutOfBounds`; `Io` if the system refuses.
    fn unlock(&self, offset: usize, len: usize) -> Result<()> {
        self.region().unlock(offset, len)
    }

    /// How many bytes of the map lie in huge pages now.
    ///
    /// # Errors
    /// `Unsupported` where the system does not say.
    fn huge_bytes(&self) -> Result<usize> {
        self.region().huge_bytes()
    }
}

impl<T: sealed::Backed> Pages for T {}
