//! A typed window: items of one type side by side, each copied whole by its index.
//!
//! Invariant: `base .. base + len * size_of::<T>()` is mapped for `'a`. `T` only says how large an item is: what comes out
//! are bytes, and the caller knows which bytes are a value.

use crate::bounds::Bounds;
use crate::bytes::copy_out;
use crate::copy::{self, short};
use crate::error::Result;
use crate::hooks::{self, Event};
use crate::view::View;
use std::marker::PhantomData;

/// Items of the size of `T`, side by side. Got from [`View::items`].
///
/// A copy of an item of up to 128 bytes is a few instructions where it is called. **A fault in it is one of a word**:
/// it may read zeroes and poison the map. Ask [`SharedMap::is_poisoned`](crate::SharedMap::is_poisoned) before the
/// bytes are used.
///
/// ```
/// use samovar_mmap::{Access, SharedMap};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = tempfile::tempfile()?;
/// # file.set_len(4096)?;
/// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
/// map.view().write_from(64 + 2 * 12, b"third of all")?;
/// let items = map.view().items::<[u8; 12]>(64, 10)?;
/// let mut item = [0; 12];
/// assert!(items.read(2, &mut item)?);
/// assert_eq!(&item, b"third of all");
/// assert!(!items.read(10, &mut item)?, "there are ten");
///
/// let mut middles = [0; 2 * 2];
/// assert!(items.gather::<[u8; 2]>(1..3, 6, &mut middles)?);
/// assert_eq!(&middles, b"\0\0of");
/// # Ok(())
/// # }
/// ```
pub struct Items<'a, T> {
    base: *const u8,
    len: usize,
    /// What faults are counted from.
    window: Bounds,
    map: PhantomData<&'a ()>,
    item: PhantomData<fn() -> T>,
}

impl<T> Clone for Items<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Items<'_, T> {}

// SAFETY: every access acts as if it were atomic, and the map outlives the items.
unsafe impl<T> Send for Items<'_, T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Items<'_, T> {}

impl<'a> View<'a> {
    /// The `len` items of the size of `T` that begin at `offset`.
    ///
    /// # Errors
    /// `OutOfBounds` if they leave this window.
    #[inline]
    pub fn items<T>(self, offset: usize, len: usize) -> Result<Items<'a, T>> {
        let bytes = len.saturating_mul(size_of::<T>());
        let base = self.at(offset, bytes)?;
        Ok(Items { base, len, window: self.bounds(), map: PhantomData, item: PhantomData })
    }
}

impl<T> Items<'_, T> {
    /// How many there are.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies an item to `out`, which has its size. `false` if there is no such item, or `out` has another size.
    ///
    /// # Contract
    /// Nobody uses a word of these bytes meanwhile: see [words and bytes](crate#words-and-bytes).
    ///
    /// # Errors
    /// `Fault` if the file was cut short and that was noticed.
    #[inline(always)]
    pub fn read(&self, index: usize, out: &mut [u8]) -> Result<bool> {
        if index >= self.len || out.len() != size_of::<T>() {
            return Ok(false);
        }
        let from = self.base.wrapping_add(index * size_of::<T>());
        if hooks::ON || size_of::<T>() > short::LONGEST {
            // SAFETY: an item below `len`, which is mapped; `out` is borrowed for writing and has its size.
            unsafe { copy_out(out.as_mut_ptr(), from, size_of::<T>()) }
                .map_err(|at| self.window.read_fault(at, 0))?;
            return Ok(true);
        }
        // SAFETY: an item below `len`, which is mapped; `out` is borrowed for writing, has its size, and lies elsewhere,
        // since safe code has no slice of mapped memory.
        unsafe { short::copy_short(out.as_mut_ptr(), from, size_of::<T>()) }
            .map_err(|at| self.window.read_fault(at, 0))?;
        Ok(true)
    }

    /// Copies the part of the size of `F` that begins at `offset` in each of these items to `out`, one behind the
    /// other. `false` if there are no such items, no such part, or `out` has another size.
    ///
    /// # Contract
    /// Nobody uses a word of these bytes meanwhile: see [words and bytes](crate#words-and-bytes).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[inline(always)]
    pub fn gather<F>(&self, indices: std::ops::Range<usize>, offset: usize, out: &mut [u8]) -> Result<bool> {
        let part = size_of::<F>();
        let whole = part.checked_add(offset).is_some_and(|end| end <= size_of::<T>());
        let room = indices.len().checked_mul(part) == Some(out.len());
        if indices.end > self.len || !whole || !room || part == 0 {
            return Ok(false);
        }
        hooks::report(Event::CopyOut);
        let mut from = self.base.wrapping_add(indices.start * size_of::<T>() + offset);
        for to in out.chunks_exact_mut(part) {
            let copied = if part > short::LONGEST {
                // SAFETY: a part of an item below `len`, which is mapped; `to` is borrowed for writing and has its size.
                unsafe { copy::copy_out(to.as_mut_ptr(), from, part) }
            } else {
                // SAFETY: as above.
                unsafe { short::copy_short(to.as_mut_ptr(), from, part) }
            };
            copied.map_err(|at| self.window.read_fault(at, 0))?;
            from = from.wrapping_add(size_of::<T>());
        }
        Ok(true)
    }
}

impl<T> std::fmt::Debug for Items<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Items").field("len", &self.len).field("size", &size_of::<T>()).finish()
    }
}

#[cfg(test)]
mod tests;
