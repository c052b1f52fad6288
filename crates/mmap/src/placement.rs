//! Which part of a file is mapped: the caller's bytes, and those before them, since maps begin at multiples of the granularity.

use crate::error::{Error, ErrorKind, Result};
use crate::sys;
use std::fs::File;

/// Where a part of a file begins in memory. Maps begin at multiples of the granularity, so some bytes may come before
/// the caller's first.
pub(crate) struct Placement {
    /// In the file, a multiple of the granularity.
    pub(crate) offset: u64,
    /// Bytes before the caller's first.
    pub(crate) lead: usize,
    /// All bytes, those before included.
    pub(crate) total: usize,
}

impl Placement {
    /// `len` bytes of the file from `offset`; `None` is to the end.
    pub(crate) fn within(file: &File, offset: u64, len: Option<usize>) -> Result<Placement> {
        Placement::of(offset, length_within(file, offset, len)?)
    }

    /// `len` bytes from `offset`, wherever the file ends.
    pub(crate) fn of(offset: u64, len: usize) -> Result<Placement> {
        if len == 0 {
            return Ok(Placement { offset: 0, lead: 0, total: 0 });
        }
        let skipped = offset % sys::granularity();
        let lead = usize::try_from(skipped).unwrap_or(0);
        let total = len.checked_add(lead).filter(|total| isize::try_from(*total).is_ok());
        let total = total.ok_or_else(|| too_long(len as u64))?;
        Ok(Placement { offset: offset - skipped, lead, total })
    }
}

#[cold]
pub(crate) fn too_long(len: u64) -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        format!("{len} bytes are more than this platform's addresses; map less at a time"),
    )
}

pub(crate) fn size_of_regular(file: &File) -> Result<u64> {
    let metadata = file.metadata().map_err(|source| Error::os("asking for the file's size", source))?;
    if !metadata.is_file() {
        return Err(Error::new(ErrorKind::InvalidArgument, "only regular files can be mapped; name one"));
    }
    Ok(metadata.len())
}

pub(crate) fn length_within(file: &File, offset: u64, len: Option<usize>) -> Result<usize> {
    let size = size_of_regular(file)?;
    let outside = |len: u64| {
        Error::new(
            ErrorKind::OutOfBounds,
            format!(
                "{len} bytes at {offset} leave the file, which has {size}; make the file longer before mapping it"
            ),
        )
    };
    if offset > size {
        return Err(outside(len.unwrap_or(0) as u64));
    }
    let rest = size - offset;
    match len {
        Some(len) if len as u64 > rest => Err(outside(len as u64)),
        Some(len) => Ok(len),
        None => usize::try_from(rest).map_err(|_| too_long(rest)),
    }
}
