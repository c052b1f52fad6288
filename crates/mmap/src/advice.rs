//! What can be asked of the pages of every kind of map.

use crate::access::Access;
use crate::error::Result;
use crate::region::Region;

/// Advice on how pages will be used. It never changes a byte.
///
/// The first four work on every Unix; of the rest each system has some, and says `Unsupported` to the others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Advice {
    /// No particular use: takes back what was said before.
    Normal,
    /// Here and there: reading ahead does not pay.
    Random,
    /// From the first to the last: read far ahead.
    Sequential,
    /// Soon: begin to read it in. On Windows, `PrefetchVirtualMemory`.
    WillNeed,
    /// Not soon: the first to be taken when memory is short.
    Cold,
    /// Not soon: take it now.
    PageOut,
    /// Use huge pages where possible. [`Pages::huge_bytes`] tells what came of it.
    HugePage,
    /// Use no huge pages.
    NoHugePage,
    /// Make huge pages of the range, now. Its pages are brought in first: Linux (6.18) would else show what the memory of a
    /// huge page held before, if a tmpfs in huge pages has set that page aside and nobody has touched it.
    Collapse,
    /// Pages that are equal may be kept once.
    Mergeable,
    /// Takes that back.
    Unmergeable,
    /// Leave it out of a forked child.
    DontFork,
    /// Takes that back.
    DoFork,
    /// Leave it out of core dumps. Large maps of files are so from the beginning.
    DontDump,
    /// Takes that back.
    DoDump,
    /// Takes back [`Discard::WipeOnFork`].
    KeepOnFork,
}

/// Ways of giving pages up. They change bytes, of private memory at least.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Discard {
    /// Give the pages back now. Private memory is zero then, and a copy-on-write map shows the file again; a shared
    /// map loses nothing.
    DontNeed,
    /// Private memory: give the pages back when memory is short; until they are written they hold what they held,
    /// or zeroes.
    Free,
    /// A shared map of a file: free their space in the file, too. They are zero then, for everybody.
    Remove,
    /// Private memory: a forked child finds zeroes.
    WipeOnFork,
}

/// How pages are kept in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum LockMode {
    /// All of them, brought in now.
    Now,
    /// Each from when it is first used.
    OnFault,
}

/// Which pages are in memory.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub struct Residency {
    /// For each page of the range, whether it is in memory (of the system, not only of this process).
    pub pages: Vec<bool>,
    /// Bytes of a page.
    pub page_bytes: usize,
}

impl Residency {
    /// How many of the pages are in memory.
    pub fn resident_pages(&self) -> usize {
        self.pages.iter().filter(|resident| **resident).count()
    }
}

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
    /// `OutOfBounds`; `PermissionDenied`; `Fault` if a page is not there, `NoSpace` if there is no memory.
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
    /// `OutOfBounds`; `NoSpace`, `PermissionDenied` or `Io` beyond the limit, which the message names;
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
