//! The file in memory, whole: one map at opening, and a new one of all of it when it has grown.
//!
//! Invariant: maps are only added, each longer than the one before, and none goes before the handle does: a view made
//! before growth is as good as ever. The newest one covers all.

use crate::error::{Error, ErrorKind, Result};
use samovar_mmap::{Access, SharedMap, View};
use std::fs::File;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Files grow by a half and more, and on a device that is nearly full halve what is left, so that this many are not
/// used up but by many small reservations.
const MAPS: usize = 96;

pub(crate) struct Mapping {
    first: SharedMap,
    more: [OnceLock<Box<SharedMap>>; MAPS],
    used: AtomicUsize,
    growing: Mutex<()>,
}

impl Mapping {
    pub(crate) fn new(map: SharedMap) -> Self {
        Mapping {
            first: map,
            more: [const { OnceLock::new() }; MAPS],
            used: AtomicUsize::new(0),
            growing: Mutex::new(()),
        }
    }

    /// The longest map. Pairs with the release store in `extend`.
    #[inline(always)]
    pub(crate) fn newest(&self) -> &SharedMap {
        let used = self.used.load(Ordering::Acquire);
        if used == 0 { &self.first } else { self.later(used) }
    }

    #[inline(never)]
    fn later(&self, used: usize) -> &SharedMap {
        self.more.get(used - 1).and_then(OnceLock::get).map_or(&self.first, |map| &**map)
    }

    /// All that is mapped.
    #[inline(always)]
    pub(crate) fn view(&self) -> View<'_> {
        self.newest().view()
    }

    /// Maps the file anew, so that at least `len` bytes are mapped.
    pub(crate) fn extend(&self, file: &File, len: u64, access: Access) -> Result<()> {
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.newest().len() as u64 >= len {
            return Ok(());
        }
        let used = self.used.load(Ordering::Acquire);
        let Some(free) = self.more.get(used) else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the file grew {MAPS} times since it was opened; open it anew, or reserve more at once"
                ),
            ));
        };
        let map = SharedMap::map(file, access, 0, None)?;
        if (map.len() as u64) < len {
            return Err(Error::new(
                ErrorKind::Truncated,
                format!(
                    "the record file was cut short: it says {len} bytes and has {}; import the data anew",
                    map.len()
                ),
            ));
        }
        let _ = free.set(Box::new(map));
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
        self.more.iter().take(used).filter_map(OnceLock::get).any(|map| map.is_poisoned())
    }

    /// Waits until the device has everything.
    pub(crate) fn flush(&self) -> Result<()> {
        self.newest().flush()?;
        Ok(())
    }

    /// Waits until the device has these bytes.
    pub(crate) fn flush_range(&self, offset: usize, len: usize) -> Result<()> {
        self.newest().flush_range(offset, len)?;
        Ok(())
    }

    /// Unmaps everything and says whether that worked.
    pub(crate) fn close(self) -> Result<()> {
        for map in self.more.into_iter().filter_map(OnceLock::into_inner) {
            map.close()?;
        }
        Ok(self.first.close()?)
    }
}
