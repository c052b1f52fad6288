//! The one error of this crate: what was wrong, what to do about it, and a kind to match on.
//!
//! It is a pointer wide, since hot functions return it, and is built in cold functions only.

use crate::fault::{Fault, FaultKind};
use crate::sys;
use std::borrow::Cow;
use std::fmt;
use std::io;

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Says what was wrong and what to do; [`Error::kind`] is for matching on. What the system said is the
/// [source](std::error::Error::source), and not part of the message.
///
/// ```
/// use samovar_mmap::{ErrorKind, open_existing, Access};
///
/// let error = open_existing("/no/such/file".as_ref(), Access::ReadOnly).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::NotFound);
/// let source = std::error::Error::source(&error).unwrap();
/// println!("{error}: {source}");
/// assert!(!error.to_string().contains(&source.to_string()));
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<io::Error>,
    fault: Option<Fault>,
}

/// What went wrong, without the details.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument makes no sense, whatever the file holds.
    InvalidArgument,
    /// A range leaves the view or the file.
    OutOfBounds,
    /// A word or a line does not begin at a multiple of its size.
    Misaligned,
    /// The device or the quota has no room, or a file may not become so long.
    NoSpace,
    /// There are no addresses or no memory for it: a limit of the process or of the system.
    NoMemory,
    /// This process, or the system, may open no more files.
    TooManyFiles,
    /// The file or the map was not opened for this, or its permissions forbid it.
    PermissionDenied,
    /// There is no such file.
    NotFound,
    /// Somebody else was first.
    AlreadyExists,
    /// The path names another file than it did.
    Replaced,
    /// The file, or a link to it, may have been put there by another user.
    ForeignOwner,
    /// This platform or this file system cannot do it.
    Unsupported,
    /// Mapped memory could not be reached: the file was cut short, or the device failed.
    Fault,
    /// It would have had to wait.
    WouldBlock,
    /// It waited long enough.
    TimedOut,
    /// The file is shorter than it was said to be.
    Truncated,
    /// Anything else that the operating system reports.
    Io,
}

impl Error {
    #[cold]
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Inner { kind, message: message.into(), source: None, fault: None }))
    }

    /// An error of the operating system; `doing` is what was tried, and with what.
    #[cold]
    pub(crate) fn os(doing: impl fmt::Display, source: io::Error) -> Error {
        let kind = kind_of(&source);
        Error::os_told(doing, source, &told(kind))
    }

    /// An error of the operating system that the caller can explain better.
    #[cold]
    pub(crate) fn os_told(doing: impl fmt::Display, source: io::Error, told: &str) -> Error {
        let (kind, message) = (kind_of(&source), format!("{doing}: {told}"));
        Error(Box::new(Inner { kind, message, source: Some(source), fault: None }))
    }

    /// Mapped memory could not be reached.
    #[cold]
    pub(crate) fn faulted(fault: Fault) -> Error {
        let offset = fault.offset;
        let why = match fault.kind {
            FaultKind::Missing => {
                "the file was cut short, or its device failed or (in memory) is full; open the file anew"
            }
            FaultKind::NoSpace => "its device is full; free some space and reserve it before writing",
        };
        let message = format!("the map could not be reached at {offset}: {why}");
        Error(Box::new(Inner { kind: ErrorKind::Fault, message, source: None, fault: Some(fault) }))
    }

    /// Where and why mapped memory could not be reached, if that is what it is about.
    pub fn fault(&self) -> Option<Fault> {
        self.0.fault
    }

    /// What went wrong, for matching on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
}

fn kind_of(error: &io::Error) -> ErrorKind {
    match error.kind() {
        _ if sys::is_too_many_files(error) => ErrorKind::TooManyFiles,
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::PermissionDenied,
        io::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
        io::ErrorKind::InvalidInput => ErrorKind::InvalidArgument,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::NoSpace,
        io::ErrorKind::FileTooLarge => ErrorKind::NoSpace,
        io::ErrorKind::Unsupported => ErrorKind::Unsupported,
        io::ErrorKind::WouldBlock | io::ErrorKind::ResourceBusy => ErrorKind::WouldBlock,
        io::ErrorKind::OutOfMemory => ErrorKind::NoMemory,
        io::ErrorKind::TimedOut => ErrorKind::TimedOut,
        io::ErrorKind::UnexpectedEof => ErrorKind::Truncated,
        _ => ErrorKind::Io,
    }
}

/// What an error of the system means, and what to do about it.
fn told(kind: ErrorKind) -> Cow<'static, str> {
    Cow::from(match kind {
        ErrorKind::NoMemory => return no_memory(&sys::map_limits()).into(),
        ErrorKind::TooManyFiles => {
            "too many files are open; close some, or raise the limit (ulimit -n of the process, fs.file-max of the system)"
        }
        ErrorKind::NoSpace => "there is no room; free some space, raise the limit, or ask for less",
        ErrorKind::PermissionDenied => "refused; check the permissions and how the file was opened",
        ErrorKind::NotFound => "there is no such file; check the path",
        ErrorKind::AlreadyExists => "something has that name already; choose another",
        ErrorKind::Unsupported => {
            "this system or file system cannot do that; use another one, such as ext4, XFS or tmpfs"
        }
        ErrorKind::WouldBlock | ErrorKind::TimedOut => "somebody else is in the way; try again",
        ErrorKind::InvalidArgument => "the system refuses what was asked for",
        ErrorKind::Truncated => "the file is shorter than it should be",
        _ => "the system reported an error",
    })
}

fn no_memory(limits: &sys::MapLimits) -> String {
    let mut told = String::from("there is no address space or no memory for it; map less");
    if let Some(bytes) = limits.address_bytes {
        told += &format!(", raise the limit on address space (ulimit -v, now {} KiB)", bytes / 1024);
    }
    if let Some(maps) = limits.maps {
        told += &format!(", raise the limit on maps (vm.max_map_count, now {maps})");
    }
    told
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.0.message)?;
        self.0.source.as_ref().map_or(Ok(()), |source| write!(f, ": {source}"))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        let kind = match error.kind() {
            ErrorKind::InvalidArgument | ErrorKind::OutOfBounds | ErrorKind::Misaligned => {
                io::ErrorKind::InvalidInput
            }
            ErrorKind::NoSpace => io::ErrorKind::StorageFull,
            ErrorKind::NoMemory => io::ErrorKind::OutOfMemory,
            ErrorKind::PermissionDenied | ErrorKind::ForeignOwner => io::ErrorKind::PermissionDenied,
            ErrorKind::NotFound => io::ErrorKind::NotFound,
            ErrorKind::AlreadyExists => io::ErrorKind::AlreadyExists,
            ErrorKind::Replaced => io::ErrorKind::StaleNetworkFileHandle,
            ErrorKind::Unsupported => io::ErrorKind::Unsupported,
            ErrorKind::WouldBlock => io::ErrorKind::WouldBlock,
            ErrorKind::TimedOut => io::ErrorKind::TimedOut,
            ErrorKind::Truncated => io::ErrorKind::UnexpectedEof,
            ErrorKind::Fault | ErrorKind::TooManyFiles | ErrorKind::Io => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}
