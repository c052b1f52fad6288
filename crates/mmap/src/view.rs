//! A bounds-checked window onto mapped memory: copies in and out, comparisons, and words in place.
//!
//! Invariant: `base .. base + len` is mapped for `'a`, and writable if `access` says so. Nothing here forms a
//! reference to bytes of the map. Faults are reported by `copy`.

use crate::access::Access;
use crate::copy::{self, Unreachable, short};
use crate::error::{Error, ErrorKind, Result};
use crate::fault::{Fault, FaultKind};
use crate::hooks::{self, Event};
use crate::line::{Block, Line};
use crate::registry;
use crate::sys;
use crate::word::{Word32, Word64};
use std::marker::PhantomData;

/// A window onto a map. All offsets are bytes within the window.
///
/// Others may write the bytes during any call: a copy may then hold old and new bytes in any mix. Whoever
/// needs to know that it does not validates it with a sequence word, as the crate's page shows.
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
    /// 1. Nobody writes these bytes, by whatever map of whatever process, nor by a system call, and no word or line of them
    ///    is in use.
    /// 2. The file is not cut short before their end, and its device does not fail: they would change, or end the
    ///    process.
    #[inline]
    pub unsafe fn as_slice(self) -> &'a [u8] {
        // SAFETY: mapped for `'a`, initialised since every byte of a file is, and unchanged, as the caller promises.
        unsafe { std::slice::from_raw_parts(self.base, self.len) }
    }

    /// The word of eight bytes at `offset`.
    ///
    /// # Errors
    /// `OutOfBounds`; `Misaligned` if it does not begin at a multiple of eight bytes of the file.
    #[inline]
    pub fn word64(self, offset: usize) -> Result<Word64<'a>> {
        let at = self.aligned(offset, 8, 8)?;
        // SAFETY: eight bytes, mapped for `'a`, aligned to eight, writable if `access` says so.
        Ok(unsafe { Word64::new(at.cast(), self.access) })
    }

    /// The word of four bytes at `offset`.
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
    /// # Errors
    /// `OutOfBounds`; `Misaligned` if it does not begin at a multiple of 64 bytes of the file.
    #[inline]
    pub fn line(self, offset: usize) -> Result<Line<'a>> {
        let at = self.aligned(offset, 64, 64)?;
        // SAFETY: 64 bytes, mapped for `'a`, aligned to 64, writable if `access` says so.
        Ok(unsafe { Line::new(at.cast(), self.access) })
    }

    /// The lines, `LINES` of 64 bytes, at `offset`, whose words are then used without further checks.
    ///
    /// # Errors
    /// `OutOfBounds`; `Misaligned` if they do not begin at a multiple of 64 bytes of the file.
    #[inline]
    pub fn block<const LINES: usize>(self, offset: usize) -> Result<Block<'a, LINES>> {
        let at = self.aligned(offset, LINES * 64, 64)?;
        // SAFETY: so many lines, mapped for `'a`, aligned to 64, writable if `access` says so.
        Ok(unsafe { Block::new(at.cast(), self.access) })
    }

    /// The eight words of a line of 64 bytes, each loaded whole (relaxed), in no particular order.
    ///
    /// # Errors
    /// `OutOfBounds`; `Misaligned` if it does not begin at a multiple of 64 bytes of the file.
    #[inline]
    pub fn load_line(self, offset: usize) -> Result<[u64; 8]> {
        let at = self.aligned(offset, 64, 64)?;
        let words = std::array::from_fn(|i| {
            // SAFETY: the line's 64 bytes are mapped and aligned, so its eighths are too; read only.
            let word = unsafe { Word64::new(at.wrapping_add(i * 8).cast(), Access::ReadOnly) };
            word.load_silent()
        });
        hooks::report(Event::Load);
        Ok(words)
    }

    /// Copies bytes out, filling `out`.
    ///
    /// # Errors
    /// `OutOfBounds`; `Fault` if the file was cut short, and then `out` holds anything.
    #[inline]
    pub fn read_into(self, offset: usize, out: &mut [u8]) -> Result<()> {
        let from = self.at(offset, out.len())?;
        if let (false, Ok(out)) = (hooks::ON, <&mut [u8; 8]>::try_from(&mut *out)) {
            // SAFETY: `from` is mapped for eight bytes.
            *out = unsafe { copy::load(from) }.map_err(|at| read_fault(at, self.place(), offset))?;
            return Ok(());
        }
        // SAFETY: `from` is mapped for `out.len()` bytes, and `out` is borrowed for writing.
        unsafe { copy_out(out.as_mut_ptr(), from, out.len()) }
            .map_err(|at| read_fault(at, self.place(), offset))
    }

    /// [`read_into`](Self::read_into) for lengths that the compiler knows: up to 128 bytes it is a few instructions where
    /// it is called. **A fault in it is one of a word**: see [`Items`](crate::Items).
    ///
    /// ```
    /// # use samovar_mmap::{Access, SharedMap};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let file = tempfile::tempfile()?;
    /// # file.set_len(64)?;
    /// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
    /// map.view().write_from(8, b"in motion")?;
    /// let mut out = [0; 9];
    /// map.view().read_short(8, &mut out)?;
    /// assert_eq!(&out, b"in motion");
    /// assert!(!map.is_poisoned());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `OutOfBounds`; `Fault` if the file was cut short and that was noticed.
    #[inline(always)]
    pub fn read_short(self, offset: usize, out: &mut [u8]) -> Result<()> {
        if hooks::ON || out.len() > short::LONGEST {
            return self.read_into(offset, out);
        }
        let from = self.at(offset, out.len())?;
        // SAFETY: `from` is mapped for `out.len()` bytes; `out` is borrowed for writing, and lies elsewhere, since safe
        // code has no slice of mapped memory.
        unsafe { short::copy_short(out.as_mut_ptr(), from, out.len()) }
            .map_err(|at| read_fault(at, self.place(), offset))
    }

    /// Copies `len` bytes to the end of `out`, which grows by exactly those.
    ///
    /// # Errors
    /// `OutOfBounds`; `Fault` if the file was cut short. `out` is unchanged then.
    #[inline]
    pub fn append_to(self, offset: usize, len: usize, out: &mut Vec<u8>) -> Result<()> {
        let from = self.at(offset, len)?;
        out.reserve(len);
        let room = out.spare_capacity_mut().as_mut_ptr().cast::<u8>();
        // SAFETY: `from` is mapped for `len` bytes, and the vector has room for as many, borrowed for
        // writing.
        unsafe { copy_out(room, from, len) }.map_err(|at| read_fault(at, self.place(), offset))?;
        let grown = out.len() + len;
        // SAFETY: within the capacity just reserved, and the copy initialised the new bytes.
        unsafe { out.set_len(grown) };
        Ok(())
    }

    /// Copies `bytes` in.
    ///
    /// # Errors
    /// `OutOfBounds`; `PermissionDenied` if the map is read-only; `Fault` if the file was cut short or the
    /// device is full, and then any part may have been written.
    #[inline]
    pub fn write_from(self, offset: usize, bytes: &[u8]) -> Result<()> {
        let to = self.writable(offset, bytes.len())?;
        if let (false, Ok(bytes)) = (hooks::ON, <[u8; 8]>::try_from(bytes)) {
            // SAFETY: `to` is mapped for writing eight bytes.
            return unsafe { copy::store(to, bytes) }.map_err(|at| write_fault(at, self.place(), offset));
        }
        // SAFETY: `to` is mapped for writing `bytes.len()` bytes; safe code has no slice of mapped memory, so
        // that `bytes` lies elsewhere; it is borrowed.
        unsafe { copy_in(to, bytes.as_ptr(), bytes.len()) }
            .map_err(|at| write_fault(at, self.place(), offset))
    }

    /// [`write_from`](Self::write_from) for many bytes that nobody reads soon: it writes them past the processor's caches
    /// where it can, which leaves there what others need, and does not first fetch what is to be overwritten. From some 16 KiB
    /// on it is faster, where the map is larger than the caches. Stores that follow are seen after the bytes, as ever.
    ///
    /// ```
    /// # use samovar_mmap::{Access, SharedMap};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let file = tempfile::tempfile()?;
    /// # file.set_len(1 << 20)?;
    /// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
    /// map.view().stream_from(100, &[7; 100_000])?;
    /// assert!(map.view().equals(100, &[7; 100_000])?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`write_from`](Self::write_from).
    #[inline]
    pub fn stream_from(self, offset: usize, bytes: &[u8]) -> Result<()> {
        if hooks::ON {
            return self.write_from(offset, bytes);
        }
        let to = self.writable(offset, bytes.len())?;
        // SAFETY: `to` is mapped for writing `bytes.len()` bytes; `bytes` is borrowed, and lies elsewhere, since safe code
        // has no slice of mapped memory.
        unsafe { copy::stream(to, bytes.as_ptr(), bytes.len()) }
            .map_err(|at| write_fault(at, self.place(), offset))
    }

    /// [`write_from`](Self::write_from) for lengths that the compiler knows: up to 128 bytes it is a few instructions where
    /// it is called. **A fault in it is one of a word**: see [`Items`](crate::Items).
    ///
    /// ```
    /// # use samovar_mmap::{Access, SharedMap};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let file = tempfile::tempfile()?;
    /// # file.set_len(64)?;
    /// let map = SharedMap::map(&file, Access::ReadWrite, 0, None)?;
    /// map.view().write_short(8, b"in motion")?;
    /// assert!(map.view().equals(8, b"in motion")?);
    /// assert!(!map.is_poisoned());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `OutOfBounds`; `PermissionDenied` if the map is read-only; `Fault` as for [`write_from`](Self::write_from), if that was
    /// noticed.
    #[inline(always)]
    pub fn write_short(self, offset: usize, bytes: &[u8]) -> Result<()> {
        if hooks::ON || bytes.len() > short::LONGEST {
            return self.write_from(offset, bytes);
        }
        let to = self.writable(offset, bytes.len())?;
        // SAFETY: `to` is mapped for writing `bytes.len()` bytes; `bytes` is borrowed, and lies elsewhere, since safe code
        // has no slice of mapped memory.
        unsafe { short::store_short(to, bytes.as_ptr(), bytes.len()) }
            .map_err(|at| write_fault(at, self.place(), offset))
    }

    /// Copies `len` bytes to `to_offset` of another view, of the same map or of another.
    ///
    /// # Errors
    /// `OutOfBounds` of either; `InvalidArgument` if the two ranges overlap; `PermissionDenied` if `to` is
    /// read-only; `Fault` as for [`write_from`](Self::write_from).
    #[inline]
    pub fn copy_to(self, offset: usize, len: usize, to: View<'_>, to_offset: usize) -> Result<()> {
        let from = self.at(offset, len)?;
        let target = to.writable(to_offset, len)?;
        if from.addr().abs_diff(target.addr()) < len {
            return Err(overlapping(offset, len));
        }
        // SAFETY: `from` is mapped for `len` bytes, `target` for writing as many, and they were seen not to
        // overlap.
        unsafe { copy_in(target, from, len) }.map_err(|at| write_fault(at, self.place(), offset))
    }

    /// Whether the bytes at `offset` are these.
    ///
    /// # Errors
    /// `OutOfBounds`; `Fault` if the file was cut short.
    #[inline]
    pub fn equals(self, offset: usize, bytes: &[u8]) -> Result<bool> {
        let at = self.at(offset, bytes.len())?;
        hooks::report(Event::CopyOut);
        // SAFETY: `at` is mapped for `bytes.len()` bytes, and `bytes` is borrowed.
        unsafe { copy::equals(at, bytes.as_ptr(), bytes.len()) }
            .map_err(|at| read_fault(at, self.place(), offset))
    }

    /// Writes `len` zeroes.
    ///
    /// # Errors
    /// As [`write_from`](Self::write_from).
    #[inline]
    pub fn zero(self, offset: usize, len: usize) -> Result<()> {
        let to = self.writable(offset, len)?;
        hooks::report(Event::CopyIn);
        let half = if hooks::ON { len / 2 } else { 0 };
        if half > 0 {
            // SAFETY: the first half of a range that is mapped for writing.
            unsafe { copy::zero(to, half) }.map_err(|at| write_fault(at, self.place(), offset))?;
            hooks::report(Event::CopyHalf);
        }
        // SAFETY: the rest of a range that is mapped for writing.
        unsafe { copy::zero(to.wrapping_add(half), len - half) }
            .map_err(|at| write_fault(at, self.place(), offset))
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

    #[inline(always)]
    pub(crate) fn base(self) -> *mut u8 {
        self.base
    }

    /// The window's place, in registers, so that it need not be in memory for what hardly ever happens.
    #[inline(always)]
    pub(crate) fn place(self) -> (usize, usize) {
        (self.base.addr(), self.len)
    }

    #[inline(always)]
    fn at(self, offset: usize, len: usize) -> Result<*mut u8> {
        if offset > self.len || len > self.len - offset {
            return Err(out_of_bounds(offset, len, self.len));
        }
        Ok(self.base.wrapping_add(offset))
    }

    #[inline(always)]
    fn aligned(self, offset: usize, len: usize, align: usize) -> Result<*mut u8> {
        let at = self.at(offset, len)?;
        if at.addr() & (align - 1) != 0 {
            return Err(misaligned(offset, align));
        }
        Ok(at)
    }

    #[inline(always)]
    fn writable(self, offset: usize, len: usize) -> Result<*mut u8> {
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

/// Copies into the map, with a hook before it and at its middle.
///
/// # Safety
/// That of [`copy::copy`].
#[inline(always)]
unsafe fn copy_in(to: *mut u8, from: *const u8, len: usize) -> Result<(), Unreachable> {
    // SAFETY: the caller's promise.
    unsafe { copy_halves(to, from, len, [Event::CopyIn, Event::CopyHalf]) }
}

/// Copies out of the map, with a hook before it and at its middle.
///
/// # Safety
/// That of [`copy::copy`].
#[inline(always)]
pub(crate) unsafe fn copy_out(to: *mut u8, from: *const u8, len: usize) -> Result<(), Unreachable> {
    // SAFETY: the caller's promise.
    unsafe { copy_halves(to, from, len, [Event::CopyOut, Event::CopyOutHalf]) }
}

/// # Safety
/// That of [`copy::copy`].
#[inline(always)]
unsafe fn copy_halves(
    to: *mut u8,
    from: *const u8,
    len: usize,
    events: [Event; 2],
) -> Result<(), Unreachable> {
    hooks::report(events[0]);
    let half = if hooks::ON { len / 2 } else { 0 };
    if half > 0 {
        // SAFETY: the first half of what the caller promises.
        unsafe { copy::copy(to, from, half) }?;
        hooks::report(events[1]);
    }
    // SAFETY: the rest of what the caller promises.
    unsafe { copy::copy(to.wrapping_add(half), from.wrapping_add(half), len - half) }
}

#[cold]
#[inline(never)]
pub(crate) fn read_fault(at: Unreachable, window: (usize, usize), began: usize) -> Error {
    Error::faulted(Fault {
        offset: offset_of(at, window, began),
        kind: registry::kind_of(at.0).unwrap_or(FaultKind::Missing),
    })
}

#[cold]
#[inline(never)]
fn write_fault(at: Unreachable, window: (usize, usize), began: usize) -> Error {
    let kind = registry::kind_of(at.0).unwrap_or_else(|| sys::store_fault(at.0));
    Error::faulted(Fault { offset: offset_of(at, window, began), kind })
}

/// Where in a window a fault was; if it was on the other side of the copy, where this side began.
fn offset_of(at: Unreachable, (base, len): (usize, usize), began: usize) -> usize {
    at.0.checked_sub(base).filter(|offset| *offset < len).unwrap_or(began)
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
fn overlapping(offset: usize, len: usize) -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        format!("{len} bytes at {offset} overlap their target; copy them through memory of your own"),
    )
}
