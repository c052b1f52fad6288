//! Bytes of a window: copied out and in, compared, zeroed.
//!
//! Invariant: no function forms a reference to bytes of the map. Faults are reported by `copy`.

#[cfg(feature = "inject")]
use crate::copy::modelled::{across, equals, into, out, zero};
use crate::copy::{self, Unreachable, short};
#[cfg(not(feature = "inject"))]
use crate::copy::{copy_across as across, copy_in as into, copy_out as out, equals, zero};
use crate::error::{Error, ErrorKind, Result};
use crate::hooks::{self, Event};
use crate::view::View;

impl View<'_> {
    /// Copies bytes out, filling `out`.
    ///
    /// # Contract
    /// Nobody uses a word of these bytes meanwhile: see [words and bytes](crate#words-and-bytes).
    ///
    /// # Errors
    /// `OutOfBounds`; `Fault` if the file was cut short, and then `out` holds anything.
    #[inline]
    pub fn read_into(self, offset: usize, out: &mut [u8]) -> Result<()> {
        let from = self.at(offset, out.len())?;
        if let (false, Ok(out)) = (hooks::ON, <&mut [u8; 8]>::try_from(&mut *out)) {
            // SAFETY: `from` is mapped for eight bytes.
            *out = unsafe { copy::load(from) }.map_err(|at| self.bounds().read_fault(at, offset))?;
            return Ok(());
        }
        // SAFETY: `from` is mapped for `out.len()` bytes, and `out` is borrowed for writing.
        unsafe { copy_out(out.as_mut_ptr(), from, out.len()) }
            .map_err(|at| self.bounds().read_fault(at, offset))
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
    /// # Contract
    /// Nobody uses a word of these bytes meanwhile: see [words and bytes](crate#words-and-bytes).
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
            .map_err(|at| self.bounds().read_fault(at, offset))
    }

    /// Copies `len` bytes to the end of `out`, which grows by exactly those.
    ///
    /// # Contract
    /// Nobody uses a word of these bytes meanwhile: see [words and bytes](crate#words-and-bytes).
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
        unsafe { copy_out(room, from, len) }.map_err(|at| self.bounds().read_fault(at, offset))?;
        let grown = out.len() + len;
        // SAFETY: within the capacity just reserved, and the copy initialised the new bytes.
        unsafe { out.set_len(grown) };
        Ok(())
    }

    /// Copies `bytes` in.
    ///
    /// # Contract
    /// Nobody uses a word of these bytes meanwhile: see [words and bytes](crate#words-and-bytes).
    ///
    /// # Errors
    /// `OutOfBounds`; `PermissionDenied` if the map is read-only. `Fault` if the file was cut short or the device is
    /// full; any part may have been written then.
    #[inline]
    pub fn write_from(self, offset: usize, bytes: &[u8]) -> Result<()> {
        let to = self.writable(offset, bytes.len())?;
        if let (false, Ok(bytes)) = (hooks::ON, <[u8; 8]>::try_from(bytes)) {
            // SAFETY: `to` is mapped for writing eight bytes.
            return unsafe { copy::store(to, bytes) }.map_err(|at| self.bounds().write_fault(at, offset));
        }
        // SAFETY: `to` is mapped for writing `bytes.len()` bytes; safe code has no slice of mapped memory, so
        // that `bytes` lies elsewhere; it is borrowed.
        unsafe { copy_in(to, bytes.as_ptr(), bytes.len()) }
            .map_err(|at| self.bounds().write_fault(at, offset))
    }

    /// [`write_from`](Self::write_from) for many bytes that nobody reads soon: it writes them past the processor's caches
    /// where it can. The caches keep what others need, and no line is fetched just to be overwritten. From some 16 KiB on it
    /// is faster, if the map is larger than the caches. Stores that follow are seen after the bytes, as ever.
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
    /// # Contract
    /// Nobody uses a word of these bytes meanwhile: see [words and bytes](crate#words-and-bytes).
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
            .map_err(|at| self.bounds().write_fault(at, offset))
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
    /// # Contract
    /// Nobody uses a word of these bytes meanwhile: see [words and bytes](crate#words-and-bytes).
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
            .map_err(|at| self.bounds().write_fault(at, offset))
    }

    /// Copies `len` bytes to `to_offset` of another view, of the same map or of another.
    ///
    /// # Contract
    /// Nobody uses a word of these bytes meanwhile: see [words and bytes](crate#words-and-bytes).
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
        let part = |at: usize, len: usize| {
            // SAFETY: a part of `from`, mapped for `len` bytes, and of `target`, mapped for writing as many; they do
            // not overlap, as checked above.
            unsafe { across(target.wrapping_add(at), from.wrapping_add(at), len) }
        };
        in_parts(len, COPY_IN, part).map_err(|at| self.bounds().write_fault(at, offset))
    }

    /// Whether the bytes at `offset` are these.
    ///
    /// # Contract
    /// Nobody uses a word of these bytes meanwhile: see [words and bytes](crate#words-and-bytes).
    ///
    /// # Errors
    /// `OutOfBounds`; `Fault` if the file was cut short.
    #[inline]
    pub fn equals(self, offset: usize, bytes: &[u8]) -> Result<bool> {
        let at = self.at(offset, bytes.len())?;
        hooks::report(Event::CopyOut);
        // SAFETY: `at` is mapped for `bytes.len()` bytes, and `bytes` is borrowed.
        unsafe { equals(at, bytes.as_ptr(), bytes.len()) }.map_err(|at| self.bounds().read_fault(at, offset))
    }

    /// Writes `len` zeroes.
    ///
    /// # Contract
    /// Nobody uses a word of these bytes meanwhile: see [words and bytes](crate#words-and-bytes).
    ///
    /// # Errors
    /// As [`write_from`](Self::write_from).
    #[inline]
    pub fn zero(self, offset: usize, len: usize) -> Result<()> {
        let to = self.writable(offset, len)?;
        // SAFETY: a part of a range that is mapped for writing.
        let part = |at: usize, len: usize| unsafe { zero(to.wrapping_add(at), len) };
        in_parts(len, COPY_IN, part).map_err(|at| self.bounds().write_fault(at, offset))
    }
}

/// What the hooks are told of a copy: before its first byte, and in its middle.
#[derive(Clone, Copy)]
struct Events {
    before: Event,
    amid: Event,
}

const COPY_IN: Events = Events { before: Event::CopyIn, amid: Event::CopyHalf };
const COPY_OUT: Events = Events { before: Event::CopyOut, amid: Event::CopyOutHalf };

/// Does `part` for the bytes from an offset on: for all `len` of them at once, or where there are hooks, for each half.
#[inline(always)]
fn in_parts(
    len: usize,
    events: Events,
    part: impl Fn(usize, usize) -> Result<(), Unreachable>,
) -> Result<(), Unreachable> {
    hooks::report(events.before);
    let half = if hooks::ON { len / 2 } else { 0 };
    if half > 0 {
        part(0, half)?;
        hooks::report(events.amid);
    }
    part(half, len - half)
}

/// Copies into the map, by way of the hooks.
///
/// # Safety
/// That of [`copy::copy_in`].
#[inline(always)]
unsafe fn copy_in(to: *mut u8, from: *const u8, len: usize) -> Result<(), Unreachable> {
    // SAFETY: a part of what the caller promises.
    in_parts(len, COPY_IN, |at, len| unsafe { into(to.wrapping_add(at), from.wrapping_add(at), len) })
}

/// Copies out of the map, by way of the hooks.
///
/// # Safety
/// That of [`copy::copy_out`].
#[inline(always)]
pub(crate) unsafe fn copy_out(to: *mut u8, from: *const u8, len: usize) -> Result<(), Unreachable> {
    // SAFETY: a part of what the caller promises.
    in_parts(len, COPY_OUT, |at, len| unsafe { out(to.wrapping_add(at), from.wrapping_add(at), len) })
}

#[cold]
#[inline(never)]
fn overlapping(offset: usize, len: usize) -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        format!("{len} bytes at {offset} overlap their target; copy them through memory of your own"),
    )
}
