//! Whose a file is. In a folder where anybody may make files, somebody may have made this one first, or a link in its place.

use crate::access::Access;
use crate::error::{Error, ErrorKind, Result};
use crate::sys;
use std::fs::File;
use std::path::Path;

/// [`open_existing`](crate::open_existing), for a file whose bytes are believed. The file has to belong to the user that this
/// process acts as, or to root. In a folder where anybody may make files but nobody can remove those of others (`/tmp`), the
/// path must not be a symbolic link. On systems other than Unix nothing of that is asked.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use samovar_mmap::{Access, open_owned};
/// # let file = tempfile::NamedTempFile::new()?;
/// let mine = open_owned(file.path(), Access::ReadOnly)?;
/// assert_eq!(mine.metadata()?.len(), 0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `ForeignOwner` if it is somebody else's; the errors of `open_existing`.
pub fn open_owned(path: &Path, access: Access) -> Result<File> {
    let file = match sys::open_no_link(path, access) {
        Err(_) if is_link(path) => open_linked(path, access)?,
        opened => opened
            .map_err(|source| Error::os(format_args!("opening {} ({access:?})", path.display()), source))?,
    };
    match sys::is_foreign(&file) {
        Ok(false) => Ok(file),
        Ok(true) => Err(foreign(path)),
        Err(source) => Err(Error::os(format_args!("asking whose {} is", path.display()), source)),
    }
}

fn is_link(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink())
}

/// Follows a link, if not anybody could have made it.
fn open_linked(path: &Path, access: Access) -> Result<File> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match sys::is_shared_folder(folder) {
        Ok(false) => crate::open_existing(path, access),
        Ok(true) => Err(Error::new(
            ErrorKind::ForeignOwner,
            format!(
                "{} is a link in a folder where anybody may make one; name the file itself",
                path.display()
            ),
        )),
        Err(source) => Err(Error::os(format_args!("looking at {}", folder.display()), source)),
    }
}

#[cold]
fn foreign(path: &Path) -> Error {
    Error::new(
        ErrorKind::ForeignOwner,
        format!("{} belongs to another user; make a file of your own elsewhere", path.display()),
    )
}
