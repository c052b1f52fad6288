//! The checks that need no lock: what a path must name, and what its header must say, each with its own error.
//!
//! ```text
//!   regular, own or root's, local, not empty --> magic, version, features, fingerprint, checksum, structure --> as long as it says
//! ```

use crate::error::{Error, ErrorKind, Result};
use crate::file::size_record::SizeRecord;
use crate::format::geometry::{Geometry, Size};
use crate::format::header::{FileHeader, Unchecked};
use crate::format::layout::{HEADER_LEN, MAGIC};
use samovar_mmap::Access;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Opens an existing file and makes the checks that need no lock.
pub(crate) fn open_checked(path: &Path, access: Access, owners: Owners) -> Result<(File, FileHeader)> {
    let (file, header, len) = open_decoded(path, access, owners)?;
    if len < header.geometry.file_bytes {
        return Err(truncated(path, len, header.geometry.file_bytes));
    }
    Ok((file, header))
}

/// Opens a file that is only looked at. A part of it may be missing.
pub(crate) fn open_any_length(path: &Path) -> Result<(File, FileHeader, u64)> {
    open_decoded(path, Access::ReadOnly, Owners::All)
}

/// Whose files are believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Owners {
    /// Those of the user as whom this process acts, and root's.
    #[default]
    OwnAndRoot,
    All,
}

fn open_decoded(path: &Path, access: Access, owners: Owners) -> Result<(File, FileHeader, u64)> {
    let metadata = std::fs::metadata(path).map_err(|source| io_error("looking at", path, source))?;
    if !metadata.is_file() {
        return Err(Error::new(
            ErrorKind::NotRegularFile,
            format!("{} is not a regular file; name a file", path.display()),
        ));
    }
    if access == Access::ReadWrite && metadata.permissions().readonly() {
        return Err(Error::new(
            ErrorKind::ReadOnly,
            format!("{} is read-only; open it with read_only(true), or change its mode", path.display()),
        ));
    }
    let mut file = match owners {
        // canary: owner
        Owners::OwnAndRoot => samovar_mmap::open_owned(path, access)?,
        Owners::All => samovar_mmap::open_existing(path, access)?,
    };
    if samovar_mmap::is_remote(&file)? {
        return Err(Error::new(
            ErrorKind::RemoteFilesystem,
            format!("{} is on a network file system; use a local disk or tmpfs", path.display()),
        ));
    }
    let len = file.metadata().map_err(|source| io_error("looking at", path, source))?.len();
    let header = read_header(&mut file, path, len)?;
    Ok((file, header, len))
}

/// What an opener asks of a file that is there: its size, if it names one, and an owner whom it trusts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) size: Option<Size>,
    pub(crate) max_capacity: Option<u64>,
    pub(crate) owners: Owners,
}

pub(crate) fn check_size(asked: Asked, geometry: &Geometry, size_record: &SizeRecord) -> Result<()> {
    if let Some(most) = asked.max_capacity.filter(|most| *most != geometry.max_capacity) {
        return Err(Error::new(
            ErrorKind::CapacityMismatch,
            format!(
                "the cache was made for at most {} bytes, not {most}; name that, or none",
                geometry.max_capacity
            ),
        ));
    }
    let found = match geometry.size {
        Size::Capacity(_) => Size::Capacity(size_record.capacity),
        entries @ Size::Entries { .. } => entries,
    };
    let Some(asked) = asked.size.filter(|asked| *asked != found) else { return Ok(()) };
    let tell = |size| match size {
        Size::Capacity(bytes) => format!("{bytes} bytes"),
        Size::Entries { entries, entry_bytes } => format!("{entries} entries of {entry_bytes} bytes"),
    };
    Err(Error::new(
        ErrorKind::CapacityMismatch,
        format!("the cache has a capacity of {}, not {}; name that, or none", tell(found), tell(asked)),
    ))
}

fn read_header(file: &mut File, path: &Path, len: u64) -> Result<FileHeader> {
    if len == 0 {
        return Err(Error::new(
            ErrorKind::EmptyFile,
            format!("{} is empty, not a cache; remove it and open again", path.display()),
        ));
    }
    let mut page = Box::new([0; HEADER_LEN]);
    let there = usize::try_from(len).unwrap_or(usize::MAX).min(HEADER_LEN);
    file.read_exact(&mut page[..there]).map_err(|source| io_error("reading", path, source))?;
    if there < HEADER_LEN && page.starts_with(&MAGIC) {
        return Err(truncated(path, len, HEADER_LEN as u64));
    }
    Unchecked::new(page).verify()
}

fn truncated(path: &Path, len: u64, expected: u64) -> Error {
    Error::new(
        ErrorKind::Truncated,
        format!("{} was cut short: {len} bytes of {expected} are there; make a new file", path.display()),
    )
}

pub(crate) fn io_error(doing: &str, path: &Path, source: std::io::Error) -> Error {
    Error::system(format_args!("{doing} {}", path.display()), source)
}
