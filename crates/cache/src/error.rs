//! What can go wrong, told twice: a fieldless [`ErrorKind`] for programs, a sentence with a remedy for people.

use std::borrow::Cow;
use std::fmt;

/// The result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. Display names what was wrong and what to do about it; what the system said is the
/// [source](std::error::Error::source). It is a pointer wide, since every get returns room for one.
///
/// ```
/// use std::error::Error;
///
/// let missing = samovar::Cache::options().open("/no/such/file").unwrap_err();
/// let source = missing.source().unwrap();
/// println!("{missing}: {source}");
/// assert!(!missing.to_string().contains(&source.to_string()));
/// ```
pub struct Error(Box<ErrorParts>);

struct ErrorParts {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// A shard's bytes say what no writer ever stored there: its next writer empties it.
    is_damage: bool,
}

/// The reason behind an [`Error`], for code that has to choose what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An option or argument is outside what it may be.
    InvalidArgument,
    /// The file does not exist and no capacity was given to create it with.
    NotFound,
    /// The path names a directory, a device or another thing that is not a regular file.
    NotRegularFile,
    /// The file lies on a network file system, where mapped memory is not shared between machines.
    RemoteFilesystem,
    /// The file is empty.
    EmptyFile,
    /// The file is not a Samovar cache.
    NotACache,
    /// The file is shorter than its header says.
    Truncated,
    /// The file was written by a version, or with a feature, that this one does not know.
    UnsupportedVersion,
    /// The file's bytes contradict themselves.
    Corrupt,
    /// The file exists with another capacity than the one asked for.
    CapacityMismatch,
    /// The file cannot be trusted as it is, and this handle may not reset it.
    Cold,
    /// The disk, or a quota, is full.
    NoSpace,
    /// The operating system refused access to the file.
    PermissionDenied,
    /// A write was asked of a handle, or a file, that is read-only.
    ReadOnly,
    /// The key is longer than 65,535 bytes.
    KeyTooLong,
    /// The key and value together are larger than this cache takes.
    ValueTooLarge,
    /// The value is not the decimal number that the operation needs.
    NotANumber,
    /// Somebody else held what the call needed for longer than it may wait.
    Busy,
    /// Readers hold too much in place: see [`Cache::get_ref`](crate::Cache::get_ref).
    Pinned,
    /// The process that holds what the call needed is alive but does not get on: it was stopped, or its disk is stuck.
    OwnerStopped,
    /// The path names another file than the one that this handle has open.
    Replaced,
    /// The file, or a link to it, may have been put there by another user: see [`Options::trust_owner`](crate::Options::trust_owner).
    ForeignOwner,
    /// The cache has no namespace of that name, or it was removed since it was looked up.
    NoNamespace,
    /// The cache has as many namespaces as it takes.
    TooManyNamespaces,
    /// Every process slot of the file is taken.
    TooManyProcesses,
    /// The mapped file could not be read or written: cut short, or its device failed.
    Fault,
    /// This platform lacks what the call needs.
    Unsupported,
    /// Any other failure that the operating system reported.
    Io,
}

impl Error {
    #[cold]
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Error(Box::new(ErrorParts { kind, message: message.into(), source: None, is_damage: false }))
    }

    #[cold]
    pub(crate) fn with_source(
        kind: ErrorKind,
        message: impl Into<Cow<'static, str>>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Error(Box::new(ErrorParts {
            kind,
            message: message.into(),
            source: Some(source.into()),
            is_damage: false,
        }))
    }

    /// An error of the operating system; `doing` is what was tried, and with what.
    #[cold]
    pub(crate) fn system(doing: impl fmt::Display, source: std::io::Error) -> Self {
        use std::io::ErrorKind as System;
        let (kind, told) = match source.kind() {
            System::NotFound => (ErrorKind::NotFound, "there is no such file; check the path"),
            System::PermissionDenied | System::ReadOnlyFilesystem => {
                (ErrorKind::PermissionDenied, "the system refused access; check the permissions")
            }
            System::StorageFull | System::QuotaExceeded | System::FileTooLarge => {
                (ErrorKind::NoSpace, "no room on the device; free some, or ask for less")
            }
            _ => (ErrorKind::Io, "the system reported an error"),
        };
        Error::with_source(kind, format!("{doing}: {told}"), source)
    }

    #[cold]
    pub(crate) fn corrupt(message: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Corrupt, message)
    }

    /// What only the bytes of a shard can be the reason of.
    #[cold]
    pub(crate) fn damaged(message: &'static str) -> Self {
        let (kind, message) = (ErrorKind::Corrupt, Cow::Borrowed(message));
        Error(Box::new(ErrorParts { kind, message, source: None, is_damage: true }))
    }

    /// Is it the damage of a shard, which may be emptied for it?
    pub(crate) fn is_damage(&self) -> bool {
        self.0.is_damage
    }

    /// The reason, for code.
    ///
    /// ```
    /// let missing = samovar::Cache::options().open("/no/such/file").unwrap_err();
    /// assert_eq!(missing.kind(), samovar::ErrorKind::NotFound);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ErrorParts { kind, message, source, is_damage: _ } = &*self.0;
        f.debug_struct("Error").field("kind", kind).field("message", message).field("source", source).finish()
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
            Map::OutOfBounds | Map::Misaligned => (
                ErrorKind::Corrupt,
                "an offset in the cache file points outside its region; run `samovar check`",
            ),
            Map::NoSpace => (ErrorKind::NoSpace, "no room on the device; free some, or ask for less"),
            Map::NoMemory => (
                ErrorKind::Io,
                "there is no address space or no memory to map the cache; raise `ulimit -v` or vm.max_map_count",
            ),
            Map::TooManyFiles => {
                (ErrorKind::Io, "too many files are open; close some, or raise the limit (`ulimit -n`)")
            }
            Map::PermissionDenied => {
                (ErrorKind::PermissionDenied, "the system refused access to the cache file")
            }
            Map::NotFound => (ErrorKind::NotFound, "the cache file does not exist"),
            Map::Fault | Map::Truncated => {
                (ErrorKind::Fault, "the mapped cache file was cut short or its device failed; reopen it")
            }
            Map::Replaced => {
                (ErrorKind::Replaced, "the cache file was replaced by another one; open it again")
            }
            Map::ForeignOwner => (
                ErrorKind::ForeignOwner,
                "the cache file may have been put there by another user; make one in a folder of your own, or see Options::trust_owner",
            ),
            Map::Unsupported => (ErrorKind::Unsupported, "this platform cannot do what the cache needs"),
            Map::TimedOut | Map::WouldBlock => {
                (ErrorKind::Busy, "the cache file is in use by another process")
            }
            _ => (ErrorKind::Io, "the system reported an error on the cache file"),
        };
        Error::with_source(kind, message, error)
    }
}
