//! The file in memory: one map, longer than the file, so that the file can grow many times over before the next.
//!
//! Invariant: maps are only added, each longer than the one before, and none goes before the handle does: a view made
//! before growth is as good as ever. No view is longer than the file was known to be.
//!
//! **Why this is no `GrowingMap`.** That one reserves address space for the largest length, by a map of its own, and
//! maps each growth into it. To open and close it takes 1.32 times as long as a bare map, this one 1.00 times (the part
//! `open` of the benchmark `figures`). It needs a limit before anything is known, and does not exist on Windows. A map
//! that reaches beyond the end of its file grows with it without any call of the system. Where a file is [`AHEAD`]
//! times as long as at opening, it is mapped once more: a file that grows from 12 KB to 1 TB is mapped 8 times. On
//! Windows, where no map reaches beyond the end, each growth is mapped anew.

use crate::error::{Error, ErrorKind, Result};
use samovar_mmap::{Access, SharedMap, View};
use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// How many times as long as its file a map is.
const AHEAD: u64 = 16;
/// Maps that are kept together, and how many of those. Where maps reach beyond the end, a few are enough for any file; where
/// they do not, a file grows by an eighth at least between two of them.
const SHELF: usize = 32;
const SHELVES: usize = 32;

/// Some later maps.
type Shelf = [OnceLock<SharedMap>; SHELF];

pub(crate) struct Mapping {
    access: Access,
    first: SharedMap,
    more: [OnceLock<Box<Shelf>>; SHELVES],
    used: AtomicUsize,
    /// Bytes that the file is known to have, all of them mapped. Only grows.
    len: AtomicUsize,
    growing: Mutex<()>,
}

impl Mapping {
    /// Maps a file.
    pub(crate) fn map(file: &File, access: Access) -> Result<Mapping> {
        let (map, len) = map_ahead(file, access)?;
        Ok(Mapping {
            access,
            first: map,
            more: [const { OnceLock::new() }; SHELVES],
            used: AtomicUsize::new(0),
            len: AtomicUsize::new(len),
            growing: Mutex::new(()),
        })
    }

    /// The longest map. Pairs with the release store in `extend`.
    #[inline(always)]
    pub(crate) fn newest(&self) -> &SharedMap {
        let used = self.used.load(Ordering::Acquire);
        if used == 0 { &self.first } else { self.later(used) }
    }

    /// The longest map, and the number by which it can be asked for later.
    #[cfg(feature = "arrow")]
    pub(crate) fn newest_with_index(&self) -> (usize, &SharedMap) {
        let used = self.used.load(Ordering::Acquire);
        (used, self.map_of(used))
    }

    /// A map that was the longest once.
    #[cfg(feature = "arrow")]
    pub(crate) fn map_of(&self, used: usize) -> &SharedMap {
        if used == 0 { &self.first } else { self.later(used) }
    }

    #[inline(never)]
    fn later(&self, used: usize) -> &SharedMap {
        self.place(used - 1).and_then(OnceLock::get).unwrap_or(&self.first)
    }

    /// Where a later map is, or will be.
    fn place(&self, index: usize) -> Option<&OnceLock<SharedMap>> {
        let shelf = self.more.get(index / SHELF)?;
        shelf.get_or_init(|| Box::new([const { OnceLock::new() }; SHELF])).get(index % SHELF)
    }

    /// Bytes of the file that can be viewed.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// All of the file, as far as it is known.
    #[inline(always)]
    pub(crate) fn view(&self) -> View<'_> {
        // The length first: who sees it sees a map that covers it. Pairs with the release store in `extend`.
        let len = self.len();
        self.part(self.newest(), len)
    }

    /// What is known of the file in this map.
    #[inline(always)]
    pub(crate) fn part<'a>(&self, map: &'a SharedMap, len: usize) -> View<'a> {
        let view = map.view();
        view.window(0, len.min(view.len())).unwrap_or(view)
    }

    /// Looks how long the file is by now, and maps what it has gained. It has to have at least `len` bytes.
    pub(crate) fn extend(&self, file: &File, len: u64) -> Result<()> {
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.len() as u64 >= len {
            return Ok(());
        }
        let there = len_of(file)?;
        if there < len {
            return Err(cut_short(len, there));
        }
        if there > self.newest().len() as u64 {
            self.map_anew(file)?;
        }
        let known = usize::try_from(there).unwrap_or(usize::MAX).min(self.newest().len());
        self.len.fetch_max(known, Ordering::Release);
        Ok(())
    }

    fn map_anew(&self, file: &File) -> Result<()> {
        let used = self.used.load(Ordering::Acquire);
        let Some(free) = self.place(used) else {
            return Err(Error::new(
                ErrorKind::Limit,
                format!(
                    "the file was mapped {} times; open it anew, or reserve more at once",
                    SHELF * SHELVES
                ),
            ));
        };
        let (map, _) = map_ahead(file, self.access)?;
        let _ = free.set(map);
        self.used.store(used + 1, Ordering::Release);
        Ok(())
    }

    /// Whether a word or an item met a fault, so that nothing read since can be believed.
    #[inline(always)]
    pub(crate) fn is_poisoned(&self) -> bool {
        let used = self.used.load(Ordering::Acquire);
        self.first.is_poisoned() || used > 0 && self.is_a_later_one_poisoned(used)
    }

    #[inline(never)]
    fn is_a_later_one_poisoned(&self, used: usize) -> bool {
        (0..used).filter_map(|index| self.place(index)?.get()).any(SharedMap::is_poisoned)
    }

    /// Waits until the device has all bytes of the file that are known.
    pub(crate) fn flush(&self) -> Result<()> {
        self.flush_range(0, self.len())
    }

    /// Waits until the device has these bytes.
    pub(crate) fn flush_range(&self, offset: usize, len: usize) -> Result<()> {
        #[cfg(feature = "inject")]
        crate::inject::about_to_flush(offset..offset + len);
        self.newest().flush_range(offset, len)?;
        Ok(())
    }

    /// Unmaps everything and says whether that worked.
    pub(crate) fn close(self) -> Result<()> {
        for shelf in self.more.into_iter().filter_map(OnceLock::into_inner) {
            shelf.into_iter().filter_map(OnceLock::into_inner).try_for_each(SharedMap::close)?;
        }
        Ok(self.first.close()?)
    }
}

/// A map of all of the file and of what it may become, and the file's length. Where there is no room for so much, of the
/// file alone.
fn map_ahead(file: &File, access: Access) -> Result<(SharedMap, usize)> {
    let len = len_of(file)?;
    let fits = |len: u64| usize::try_from(len).ok().filter(|len| isize::try_from(*len).is_ok());
    let Some(known) = fits(len) else {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("the record file has {len} bytes, more than this platform can map"),
        ));
    };
    let ahead = fits(len.saturating_mul(AHEAD)).filter(|_| len > 0);
    let map = ahead.and_then(|ahead| SharedMap::map_beyond_end(file, access, 0, ahead).ok());
    let map = match map {
        Some(map) => map,
        None => SharedMap::map(file, access, 0, Some(known))?,
    };
    Ok((map, known))
}

fn len_of(file: &File) -> Result<u64> {
    let metadata = file.metadata().map_err(|source| Error::system("asking for the file's size", source))?;
    Ok(metadata.len())
}

#[cold]
fn cut_short(len: u64, there: u64) -> Error {
    Error::new(
        ErrorKind::Truncated,
        format!("the record file was cut short: it says {len} bytes and has {there}; import the data anew"),
    )
}
