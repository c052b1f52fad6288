//! A bounds-checked window onto mapped memory. Its copies are in `bytes`.
//!
//! Invariant: `base .. base + len` is mapped for `'a`, and writable if `access` says so. But for the doors that are `unsafe`,
//! nothing here forms a reference to bytes of the map.

use crate::access::Access;
use crate::bounds::Bounds;
use crate::copy;
use crate::error::{Error, ErrorKind, Result};
use crate::hooks::{self, Event};
use crate::line::{Block, Line};
use crate::machine;
use crate::word::{Word32, Word64};
use std::marker::PhantomData;

/// A window onto a map. All offsets are bytes within the window.
///
/// Others may write the bytes during any call: a copy may then hold old and new bytes in any mix. A reader
/// that must tell validates its copy with a sequence word, as the crate's page shows.
///
/// ```
/// use samovar_mmap::{Access, SharedMap};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = tempfile::tempfile()?;
/// # file.set_len(4096)?;
/// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
/// let head = map.view().window(0, 64)?;
/// let body = map.view().window(64, 4032)?;
///
/// body.write_from(100, b"value")?;
/// head.word64(8)?.store_release(100);
///
/// let offset = usize::try_from(head.word64(8)?.load_acquire())?;
/// assert!(body.equals(offset, b"value")?);
/// assert!(head.read_into(60, &mut [0; 8]).is_err(), "the head ends at 64");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct View<'a> {
    base: *mut u8,
    len: usize,
    access: Access,
    map: PhantomData<&'a ()>,
}

// SAFETY: every access through a view is atomic or acts so, and the map outlives it.
unsafe impl Send for View<'_> {}
// SAFETY: as above.
unsafe impl Sync for View<'_> {}

impl<'a> View<'a> {
    #[inline]
    pub(crate) fn new(base: *mut u8, len: usize, access: Access) -> View<'a> {
        View { base, len, access, map: PhantomData }
    }

    /// Bytes in the window.
    #[inline]
    pub fn len(self) -> usize {
        self.len
    }

    /// Whether the window has no bytes.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// A window onto a part of this one.
    ///
    /// # Errors
    /// `OutOfBounds` if the range leaves this window.
    #[inline]
    pub fn window(self, offset: usize, len: usize) -> Result<View<'a>> {
        let base = self.at(offset, len)?;
        Ok(View { base, len, ..self })
    }

    /// The same window, through which nothing can be written.
    #[inline]
    pub fn read_only(self) -> View<'a> {
        View { access: Access::ReadOnly, ..self }
    }

    /// The window's bytes as a slice.
    ///
    /// ```
    /// use samovar_mmap::{Access, SharedMap};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let file = tempfile::tempfile()?;
    /// # file.set_len(4096)?;
    /// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
    /// map.view().write_from(0, b"value")?;
    /// // SAFETY: the file has no name, and nobody writes to it or cuts it while the slice lives.
    /// let value = unsafe { map.view().window(0, 5)?.as_slice() };
    /// assert_eq!(value, b"value");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Safety
    /// For as long as the slice lives:
    /// 1. Nobody writes these bytes, by any map of any process or by a system call, and no word or line of them is in
    ///    use.
    /// 2. The file is not cut short before their end, and its device does not fail: they would change, or end the
    ///    process.
    #[inline]
    pub unsafe fn as_slice(self) -> &'a [u8] {
        // SAFETY: mapped for `'a`, initialised since every byte of a file is, and unchanged, as the caller promises.
        unsafe { std::slice::from_raw_parts(self.base, self.len) }
    }

    /// The word of eight bytes at `offset`.
    ///
    /// # Contract
    /// Nobody accesses these bytes in another size meanwhile: see [words and bytes](crate#words-and-bytes).
    ///
    /// # Errors
    /// `OutOfBounds`; `Misaligned` if it does not begin at a multiple of eight bytes of the file. `Unsupported` for a
    /// read-only map, if this is a 32-bit processor without such a load (x86 has it).
    #[inline]
    pub fn word64(self, offset: usize) -> Result<Word64<'a>> {
        let at = self.aligned(offset, 8, 8)?;
        // SAFETY: eight bytes, mapped for `'a`, aligned to eight, writable if `access` says so.
        Ok(unsafe { Word64::new(at.cast(), self.access) })
    }

    /// The word of four bytes at `offset`.
    ///
    /// # Contract
    /// Nobody accesses these bytes in another size meanwhile: see [words and bytes](crate#words-and-bytes).
    ///
    /// # Errors
    /// `OutOfBounds`; `Misaligned` if it does not begin at a multiple of four bytes of the file.
    #[inline]
    pub fn word32(self, offset: usize) -> Result<Word32<'a>> {
        let at = self.aligned(offset, 4, 4)?;
        // SAFETY: four bytes, mapped for `'a`, aligned to four, writable if `access` says so.
        Ok(unsafe { Word32::new(at.cast(), self.access) })
    }

    /// The line of 64 bytes at `offset`, whose eight words are then used without further checks.
    ///
    /// # Contract
    /// Nobody accesses these bytes in another size meanwhile: see [words and bytes](crate#words-and-bytes).
    ///
    /// # Errors
    /// `OutOfBounds`; `Misaligned` if it does not begin at a multiple of 64 bytes of the file; `Unsupported` as for
    /// [`word64`](Self::word64).
    #[inline]
    pub fn line(self, offset: usize) -> Result<Line<'a>> {
        let at = self.aligned(offset, 64, 64)?;
        // SAFETY: 64 bytes, mapped for `'a`, aligned to 64, writable if `access` says so.
        Ok(unsafe { Line::new(at.cast(), self.access) })
    }

    /// The lines, `LINES` of 64 bytes, at `offset`, whose words are then used without further checks.
    ///
    /// # Contract
    /// Nobody accesses these bytes in another size meanwhile: see [words and bytes](crate#words-and-bytes).
    ///
    /// # Errors
    /// `OutOfBounds`; `Misaligned` if they do not begin at a multiple of 64 bytes of the file; `Unsupported` as for
    /// [`word64`](Self::word64).
    #[inline]
    pub fn block<const LINES: usize>(self, offset: usize) -> Result<Block<'a, LINES>> {
        let at = self.aligned(offset, LINES * 64, 64)?;
        // SAFETY: so many lines, mapped for `'a`, aligned to 64, writable if `access` says so.
        Ok(unsafe { Block::new(at.cast(), self.access) })
    }

    /// The eight words of a line of 64 bytes, each loaded whole (relaxed), in no particular order.
    ///
    /// # Contract
    /// Nobody accesses these bytes in another size meanwhile: see [words and bytes](crate#words-and-bytes).
    ///
    /// # Errors
    /// `OutOfBounds`; `Misaligned` if it does not begin at a multiple of 64 bytes of the file; `Unsupported` as for
    /// [`word64`](Self::word64).
    #[inline]
    pub fn load_line(self, offset: usize) -> Result<[u64; 8]> {
        let at = self.aligned(offset, 64, 64)?;
        let words = std::array::from_fn(|i| {
            // SAFETY: the line's 64 bytes are mapped and aligned, so its eighths are too; read only.
            let word = unsafe { Word64::new(at.wrapping_add(i * 8).cast(), Access::ReadOnly) };
            word.load_quietly()
        });
        hooks::report(Event::Load);
        Ok(words)
    }

    /// The bytes themselves, for those who must have them.
    ///
    /// # Safety
    /// 1. Until the slice is gone, nobody writes these bytes: no view, no thread, no other process.
    /// 2. Nobody cuts the file shorter. With the [fault guard](crate::install_fault_guard) the process would live,
    ///    but the slice would change.
    ///
    /// ```
    /// # use samovar_mmap::{Access, SharedMap};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let file = tempfile::tempfile()?;
    /// # file.set_len(64)?;
    /// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
    /// map.view().write_from(0, b"words")?;
    /// // SAFETY: the file has no name, and nobody else has it.
    /// let slice = unsafe { map.view().slice(0, 5)? };
    /// assert_eq!(slice, b"words");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `OutOfBounds`.
    #[inline]
    pub unsafe fn slice(self, offset: usize, len: usize) -> Result<&'a [u8]> {
        let at = self.at(offset, len)?;
        // SAFETY: mapped and readable for `'a`, at most `isize::MAX` bytes; unchanging, as the caller promises.
        Ok(unsafe { std::slice::from_raw_parts(at, len) })
    }

    /// The bytes themselves, to be written.
    ///
    /// # Safety
    /// As for [`slice`](Self::slice), and until the slice is gone nobody reads these bytes either.
    ///
    /// # Errors
    /// `OutOfBounds`; `PermissionDenied` if the map is read-only.
    #[inline]
    pub unsafe fn slice_mut(self, offset: usize, len: usize) -> Result<&'a mut [u8]> {
        let at = self.writable(offset, len)?;
        // SAFETY: mapped and writable for `'a`, at most `isize::MAX` bytes; nobody else's, as the caller promises.
        Ok(unsafe { std::slice::from_raw_parts_mut(at, len) })
    }

    /// Asks the processor to fetch the line at `offset`, since it is needed soon. Out of bounds it does
    /// nothing.
    #[inline]
    pub fn prefetch(self, offset: usize) {
        if offset < self.len {
            copy::prefetch(self.base.wrapping_add(offset));
        }
    }

    /// Where it lies, in registers, so that the view need not be in memory for what hardly ever happens.
    #[inline(always)]
    pub(crate) fn bounds(self) -> Bounds {
        Bounds { base: self.base.addr(), len: self.len }
    }

    #[inline(always)]
    pub(crate) fn at(self, offset: usize, len: usize) -> Result<*mut u8> {
        if offset > self.len || len > self.len - offset {
            return Err(out_of_bounds(offset, len, self.len));
        }
        Ok(self.base.wrapping_add(offset))
    }

    /// Where words of up to eight bytes begin.
    #[inline(always)]
    fn aligned(self, offset: usize, len: usize, align: usize) -> Result<*mut u8> {
        let at = self.at(offset, len)?;
        if !machine::LOADS_EIGHT_BYTES && len > 4 && self.access == Access::ReadOnly {
            return Err(no_such_loads());
        }
        if at.addr() & (align - 1) != 0 {
            return Err(misaligned(offset, align));
        }
        Ok(at)
    }

    #[inline(always)]
    pub(crate) fn writable(self, offset: usize, len: usize) -> Result<*mut u8> {
        let at = self.at(offset, len)?;
        if self.access == Access::ReadOnly {
            return Err(read_only());
        }
        Ok(at)
    }
}

impl std::fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("len", &self.len).field("access", &self.access).finish()
    }
}

#[cold]
#[inline(never)]
fn out_of_bounds(offset: usize, len: usize, total: usize) -> Error {
    Error::new(
        ErrorKind::OutOfBounds,
        format!(
            "{len} bytes at {offset} leave a view of {total}; the file is damaged or the offset is wrong"
        ),
    )
}

#[cold]
#[inline(never)]
fn misaligned(offset: usize, align: usize) -> Error {
    Error::new(
        ErrorKind::Misaligned,
        format!("offset {offset} does not begin at a multiple of {align} bytes of the file; align it"),
    )
}

#[cold]
#[inline(never)]
fn read_only() -> Error {
    Error::new(
        ErrorKind::PermissionDenied,
        "the map is read-only; map the file with Access::ReadWrite to write it",
    )
}

#[cold]
#[inline(never)]
fn no_such_loads() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "this processor has no load of eight bytes from a read-only map; map the file with Access::ReadWrite",
    )
}

#[cfg(test)]
pub(crate) mod tests;
