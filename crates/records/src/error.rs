//! What can go wrong, told twice: a fieldless [`ErrorKind`] for programs, a sentence with a remedy for people.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

/// The result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. Display names what was wrong and what to do about it; what the system said is the
/// [source](std::error::Error::source).
///
/// It is a pointer wide, since hot functions return it, and is built in cold functions only.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The reason behind an [`Error`], for code that has to choose what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is outside what it may be.
    InvalidArgument,
    /// There is no such file, key or generation.
    NotFound,
    /// There is one already.
    AlreadyExists,
    /// The path names a directory, a device or another thing that is not a regular file.
    NotRegularFile,
    /// The file lies on a network file system, where mapped memory is not shared between machines.
    RemoteFilesystem,
    /// The file is empty.
    EmptyFile,
    /// The file holds no records of this kind.
    NotRecords,
    /// The file was written by a version, or with a feature, that this one does not know.
    UnsupportedVersion,
    /// The file was written on a machine of the other byte order.
    WrongEndianness,
    /// The file's records have another size.
    WrongSize,
    /// The file's records have the size, but other fields.
    WrongType,
    /// The file is shorter than it says.
    Truncated,
    /// The file's bytes contradict themselves.
    Corrupt,
    /// Another handle writes this file.
    Locked,
    /// A write was asked of a handle that only reads.
    ReadOnly,
    /// A write was asked of a handle that a forked child has from its parent.
    Inherited,
    /// The record changed faster than it could be read.
    Busy,
    /// There is no record with this index.
    OutOfRange,
    /// The disk, or a quota, is full.
    NoSpace,
    /// This process has as many open files, or maps, as it may have.
    Limit,
    /// The operating system refused access to the file.
    PermissionDenied,
    /// The mapped file could not be read or written: cut short, or its device failed.
    Fault,
    /// The path names another file than it did.
    Replaced,
    /// The file, or a link to it, may have been put there by another user: see
    /// [`Options::trust_owner`](crate::Options::trust_owner).
    ForeignOwner,
    /// This platform lacks what the call needs.
    Unsupported,
    /// Any other failure that the operating system reported.
    Io,
}

impl Error {
    #[cold]
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Error(Box::new(Inner { kind, message: message.into(), source: None }))
    }

    #[cold]
    pub(crate) fn with_source(
        kind: ErrorKind,
        message: impl Into<Cow<'static, str>>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Error(Box::new(Inner { kind, message: message.into(), source: Some(source.into()) }))
    }

    #[cold]
    pub(crate) fn corrupt(message: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Corrupt, message)
    }

    #[cold]
    pub(crate) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::InvalidArgument, message)
    }

    /// An error of the operating system; `doing` is what was tried.
    #[cold]
    pub(crate) fn io(doing: &str, path: &Path, source: std::io::Error) -> Self {
        let kind = kind_of(&source);
        Error::with_source(kind, format!("{doing} {}: {}", path.display(), told(kind)), source)
    }

    /// An error of the operating system on a file that is open; `doing` is what was tried.
    #[cold]
    pub(crate) fn system(doing: &'static str, source: std::io::Error) -> Self {
        let kind = kind_of(&source);
        Error::with_source(kind, format!("{doing}: {}", told(kind)), source)
    }

    /// The reason, for code.
    ///
    /// ```
    /// use samovar_records::{ErrorKind, RawFile};
    ///
    /// let missing = RawFile::open("/no/such/file").unwrap_err();
    /// assert_eq!(missing.kind(), ErrorKind::NotFound);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
}

fn kind_of(source: &std::io::Error) -> ErrorKind {
    if is_too_many_files(source) {
        return ErrorKind::Limit;
    }
    match source.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::DirectoryNotEmpty => ErrorKind::AlreadyExists,
        std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        std::io::ErrorKind::StorageFull
        | std::io::ErrorKind::QuotaExceeded
        | std::io::ErrorKind::FileTooLarge => ErrorKind::NoSpace,
        _ => ErrorKind::Io,
    }
}

/// Whether the process, or the system, may open no more files.
fn is_too_many_files(source: &std::io::Error) -> bool {
    const TOO_MANY: [i32; 2] = [23, 24];
    cfg!(unix) && source.raw_os_error().is_some_and(|code| TOO_MANY.contains(&code))
}

/// What an error of the system means, and what to do about it.
fn told(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "there is no such file; check the path",
        ErrorKind::AlreadyExists => "something has that name already; choose another",
        ErrorKind::PermissionDenied => "the system refused access; check the permissions",
        ErrorKind::NoSpace => "no room on the device; free some, or ask for less",
        ErrorKind::Limit => "too many files are open; raise the limit (ulimit -n), or keep tables in a set",
        _ => "the system reported an error",
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)?;
        self.0.source.as_ref().map_or(Ok(()), |source| write!(f, ": {source}"))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

impl From<samovar_mmap::Error> for Error {
    #[cold]
    fn from(error: samovar_mmap::Error) -> Self {
        use samovar_mmap::ErrorKind as Map;
        let (kind, message) = match error.kind() {
            Map::OutOfBounds | Map::Misaligned => {
                (ErrorKind::Corrupt, "an offset in the record file points outside it; import the data anew")
            }
            Map::TooManyFiles => (ErrorKind::Limit, told(ErrorKind::Limit)),
            Map::NoMemory => (
                ErrorKind::Limit,
                "this process may map no more files or memory; raise vm.max_map_count or its address space, or keep tables in a set",
            ),
            Map::NoSpace => (ErrorKind::NoSpace, "no room for more records; the file is as it was"),
            Map::PermissionDenied => {
                (ErrorKind::PermissionDenied, "the system refused access to the record file")
            }
            Map::NotFound => (ErrorKind::NotFound, "the record file does not exist"),
            Map::AlreadyExists => (ErrorKind::AlreadyExists, "the record file exists already"),
            Map::Fault | Map::Truncated => {
                (ErrorKind::Fault, "the mapped record file was cut short or its device failed; reopen it")
            }
            Map::Replaced => (ErrorKind::Replaced, "the record file was replaced; open it again"),
            Map::ForeignOwner => (
                ErrorKind::ForeignOwner,
                "the record file may have been put there by another user; make one in a folder of your own, or see Options::trust_owner",
            ),
            Map::Unsupported => (ErrorKind::Unsupported, "this platform cannot do what record files need"),
            Map::InvalidArgument => (ErrorKind::InvalidArgument, "the system cannot do this to the file"),
            _ => (ErrorKind::Io, "the system reported an error on the record file"),
        };
        Error::with_source(kind, message, error)
    }
}
