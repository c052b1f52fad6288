//! What the system can be told of pages: how they will be used, how they are given up, how they are kept in memory.

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
    /// Use huge pages where possible. [`Pages::huge_bytes`](crate::Pages::huge_bytes) tells what came of it.
    HugePage,
    /// Use no huge pages.
    NoHugePage,
    /// Make huge pages of the range, now. Its pages are brought in first. Otherwise Linux (6.18) may show old bytes of
    /// the memory: a huge page that a tmpfs has set aside, and that nobody has touched, is not cleared.
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
