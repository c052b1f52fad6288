//! What the platform is asked for: one request, of plain fields, for each call that takes more than a file.

#![cfg_attr(not(unix), allow(dead_code))] // requests that nobody reads

use crate::access::Access;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::time::Duration;

/// What may be done with mapped pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Protection {
    Read,
    ReadWrite,
    ReadExecute,
}

impl Protection {
    pub(crate) fn access(self) -> Access {
        if self == Protection::ReadWrite { Access::ReadWrite } else { Access::ReadOnly }
    }
}

impl From<Access> for Protection {
    fn from(access: Access) -> Protection {
        match access {
            Access::ReadOnly => Protection::Read,
            Access::ReadWrite => Protection::ReadWrite,
        }
    }
}

/// Whose writes are whose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sharing {
    Shared,
    Private,
}

/// Map `len` bytes of the file from `offset`, a multiple of the granularity, or `len` zeroes of no file. `len` is not
/// 0.
pub(crate) struct MapRequest<'a> {
    pub(crate) file: Option<&'a File>,
    pub(crate) sharing: Sharing,
    pub(crate) protection: Protection,
    pub(crate) offset: u64,
    pub(crate) len: usize,
}

/// Map a part of the file, in whole pages, into reserved address space at the same place.
pub(crate) struct GrowRequest<'a> {
    pub(crate) file: &'a File,
    pub(crate) access: Access,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// Bytes of a mapping, which begins at a page. Never empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PageRange {
    pub(crate) offset: usize,
    pub(crate) len: usize,
}

impl PageRange {
    /// All pages, of this size, that it touches.
    pub(crate) fn outwards(self, page: usize) -> PageRange {
        let offset = self.offset - self.offset % page;
        PageRange { offset, len: (self.offset + self.len).next_multiple_of(page) - offset }
    }

    /// All pages, of this size, that it covers, if there are any.
    pub(crate) fn inwards(self, page: usize) -> Option<PageRange> {
        let offset = self.offset.next_multiple_of(page);
        let end = (self.offset + self.len) / page * page;
        (offset < end).then(|| PageRange { offset, len: end - offset })
    }
}

/// Make the file, which has `before` bytes, at least `len` long, with space.
pub(crate) struct ReserveRequest<'a> {
    pub(crate) file: &'a File,
    pub(crate) before: u64,
    pub(crate) len: u64,
}

/// Bytes of a file, within its length. Never empty.
pub(crate) struct RangeRequest<'a> {
    pub(crate) file: &'a File,
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

/// The state of a byte's lock that is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ByteLock {
    Exclusive,
    Shared,
    Unlocked,
}

/// Lock or unlock one byte, without waiting.
pub(crate) struct LockRequest<'a> {
    pub(crate) file: &'a File,
    pub(crate) byte: u64,
    pub(crate) lock: ByteLock,
}

/// Would this lock, on any of these bytes, be refused because of somebody else? The range is not empty.
pub(crate) struct LockQuery<'a> {
    pub(crate) file: &'a File,
    pub(crate) bytes: Range<u64>,
    pub(crate) lock: ByteLock,
}

/// Sleep while the word is `expected` (as it lies in memory); `None` is for ever.
#[allow(clippy::disallowed_types)] // a word of the map, on its way from `word` to the system
pub(crate) struct WaitRequest<'a> {
    pub(crate) word: &'a std::sync::atomic::AtomicU32,
    pub(crate) expected: u32,
    pub(crate) timeout: Option<Duration>,
}

/// Why a sleep ended.
pub(crate) enum Waited {
    /// Somebody woke us, or the word is another.
    Woken,
    /// The time ran out or a signal came: look at the clock.
    Interrupted,
}

/// How much a process may map; none where there is no limit, or it is not known.
pub(crate) struct MapLimits {
    pub(crate) address_bytes: Option<u64>,
    /// How many maps at a time.
    pub(crate) maps: Option<u64>,
}

/// The answer to a request that this platform has no call for.
#[allow(dead_code)] // Linux has one for each
pub(crate) fn unsupported<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}
