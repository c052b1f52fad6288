//! A file before it is mapped: opened, given its space, and told from others.

use crate::access::Access;
use crate::error::{Error, ErrorKind, Result};
use crate::hooks;
use crate::identity::FileId;
use crate::sys;
use std::fs::{File, OpenOptions};
use std::path::Path;

/// Whether the space of a reserved file is truly there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AllocGuarantee {
    /// Writing within the reserved length does not run out of space.
    Reserved,
    /// It may: the file system writes anew elsewhere (btrfs, ZFS, APFS), or is layered, remote or unknown. A
    /// full device is then a fault on writing. Also when a part of the file was sparse and could not be
    /// filled.
    None,
}

/// Makes the file at least `len` bytes long, with space for all of them. Never makes it shorter. What it held
/// stays; what is new is zero. To be called by one process at a time.
///
/// Volumes that are thin themselves, and clones made of the file later, are not seen: no guarantee holds
/// there.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = tempfile::tempfile()?;
/// println!("{:?}", samovar_mmap::reserve(&file, 1 << 16)?);
/// assert_eq!(file.metadata()?.len(), 1 << 16);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `NoSpace` if the device, the quota or the process's limit on file sizes has no room; the file is then as long as it
/// was.
pub fn reserve(file: &File, len: u64) -> Result<AllocGuarantee> {
    let doing = || format!("reserving {len} bytes");
    let before = size(file)?;
    if len > before {
        within_size_limit(len)?;
    }
    if let Err(source) = sys::reserve(&sys::ReserveRequest { file, before, len }) {
        let now = size(file)?;
        if now > before {
            file.set_len(before).map_err(|source| Error::os("restoring the file's size", source))?;
        }
        return Err(Error::os(doing(), source));
    }
    let kept = sys::keeps_reserved_space(file, len).map_err(|source| Error::os(doing(), source))?;
    Ok(if kept { AllocGuarantee::Reserved } else { AllocGuarantee::None })
}

/// Gives a range within the file its space, though the file is mapped and in use. What the range held stays; a hole
/// reads as zeroes, as it did.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = tempfile::tempfile()?;
/// file.set_len(1 << 20)?;
/// println!("{:?}", samovar_mmap::reserve_range(&file, 1 << 16, 1 << 16)?);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `OutOfBounds` if the range leaves the file; `NoSpace`, and a part of the range may have its space then: give it back
/// with [`punch`].
pub fn reserve_range(file: &File, offset: u64, len: u64) -> Result<AllocGuarantee> {
    let Some(request) = range(file, offset, len)? else { return Ok(AllocGuarantee::Reserved) };
    let doing = || format!("reserving {len} bytes at {offset}");
    hooks::report(hooks::Event::Space);
    match sys::reserve_range(&request) {
        Err(error) if error.kind() == std::io::ErrorKind::Unsupported => return Ok(AllocGuarantee::None),
        done => done.map_err(|source| Error::os(doing(), source))?,
    }
    let kept = sys::keeps_reserved_space(file, 0).map_err(|source| Error::os(doing(), source))?;
    Ok(if kept { AllocGuarantee::Reserved } else { AllocGuarantee::None })
}

/// Gives the space of a range back to the file system. The file keeps its length, and the range reads as zeroes from now
/// on, for everybody who maps it. Blocks that lie in the range only in part keep their space.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = tempfile::tempfile()?;
/// samovar_mmap::reserve(&file, 1 << 20)?;
/// match samovar_mmap::punch(&file, 1 << 16, 1 << 16) {
///     Err(error) if error.kind() == samovar_mmap::ErrorKind::Unsupported => {}
///     done => done?,
/// }
/// assert_eq!(file.metadata()?.len(), 1 << 20);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `OutOfBounds` if the range leaves the file; `Unsupported` where the system or the file system has no holes, and
/// everything is as it was.
pub fn punch(file: &File, offset: u64, len: u64) -> Result<()> {
    let Some(request) = range(file, offset, len)? else { return Ok(()) };
    hooks::report(hooks::Event::Space);
    sys::punch(&request)
        .map_err(|source| Error::os(format_args!("giving {len} bytes at {offset} back"), source))
}

/// Bytes that the file takes on its device, which are fewer than its length if it has holes.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = tempfile::tempfile()?;
/// file.set_len(1 << 30)?;
/// assert!(samovar_mmap::disk_bytes(&file)? <= 1 << 30);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `Io` if the system does not say.
pub fn disk_bytes(file: &File) -> Result<u64> {
    sys::disk_bytes(file).map_err(|source| Error::os("asking for the file's space", source))
}

/// The request for a range; none for an empty one.
fn range(file: &File, offset: u64, len: u64) -> Result<Option<sys::RangeRequest<'_>>> {
    let size = size(file)?;
    if offset > size || len > size - offset {
        return Err(Error::new(
            ErrorKind::OutOfBounds,
            format!("{len} bytes at {offset} leave the file, which has {size}; make the file longer first"),
        ));
    }
    Ok((len > 0).then_some(sys::RangeRequest { file, offset, len }))
}

/// Begins to write a range of the file to its device, and does not wait: nothing is durable by that. `len` 0 is to
/// the end.
///
/// ```
/// # #[cfg(target_os = "linux")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = tempfile::tempfile()?;
/// file.set_len(1 << 16)?;
/// samovar_mmap::start_writeback(&file, 0, 4096)?;
/// # Ok(())
/// # }
/// # #[cfg(not(target_os = "linux"))]
/// # fn main() {}
/// ```
///
/// # Errors
/// `Unsupported` on systems other than Linux; `Io`.
pub fn start_writeback(file: &File, offset: u64, len: u64) -> Result<()> {
    sys::start_writeback(file, offset, len)
        .map_err(|source| Error::os(format_args!("starting to write {len} bytes at {offset}"), source))
}

/// An error if no file of this process may become so long: the system would end the process for trying.
pub(crate) fn within_size_limit(len: u64) -> Result<()> {
    match sys::file_size_limit() {
        Some(limit) if len > limit => Err(Error::new(
            ErrorKind::NoSpace,
            format!(
                "a file of {len} bytes is longer than this process may make one, which is {limit} (ulimit -f); raise the limit, \
                 or ask for less"
            ),
        )),
        _ => Ok(()),
    }
}

fn size(file: &File) -> Result<u64> {
    let metadata = file.metadata().map_err(|source| Error::os("asking for the file's size", source))?;
    if !metadata.is_file() {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            "only regular files have space of their own; name one",
        ));
    }
    Ok(metadata.len())
}

/// The identity of an open file. It is that file's while it is open; numbers of deleted files are used again.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (one, other) = (tempfile::tempfile()?, tempfile::tempfile()?);
/// assert_eq!(samovar_mmap::file_id(&one)?, samovar_mmap::file_id(&one.try_clone()?)?);
/// assert_ne!(samovar_mmap::file_id(&one)?, samovar_mmap::file_id(&other)?);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `Io` if the system does not say.
pub fn file_id(file: &File) -> Result<FileId> {
    sys::file_id(file).map_err(|source| Error::os("asking for the file's identity", source))
}

/// Whether the file lies on another machine, or is served by a program (NFS, SMB, 9p, Ceph, FUSE and the like). There,
/// neither maps nor locks are sure to be shared.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// println!("{}", samovar_mmap::is_remote(&tempfile::tempfile()?)?);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `Io` if the system does not say.
pub fn is_remote(file: &File) -> Result<bool> {
    sys::is_remote(file).map_err(|source| Error::os("asking for the file system's kind", source))
}

/// Opens a file that is there. Symbolic links are followed, programs that are started do not inherit it, and
/// it does not wait for the other end of a pipe. The caller checks that it is a regular file.
///
/// # Errors
/// `NotFound`, `PermissionDenied`, `Io`.
pub fn open_existing(path: &Path, access: Access) -> Result<File> {
    sys::open(path, access)
        .map_err(|source| Error::os(format_args!("opening {} ({access:?})", path.display()), source))
}

/// Opens a file, or a folder, by these options, under a descriptor that is none of the standard streams'. Where a program has
/// closed one of those, `options.open` would give the file its number, and what is printed would go into the file. Programs
/// that are started do not inherit it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("list");
/// let file = samovar_mmap::open_with(std::fs::File::options().write(true).create(true), &path)?;
/// assert_eq!(file.metadata()?.len(), 0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of [`OpenOptions::open`], as the system tells them.
pub fn open_with(options: &OpenOptions, path: &Path) -> std::io::Result<File> {
    sys::open_by(options, path)
}
