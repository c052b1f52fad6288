//! What went wrong, in one line: `samovar: what: why; what to do`, and the exit status that goes with it.
//!
//! One kind of error is one exit status, whichever command meets it. [`Status`] is documented for users in
//! the help of the program.

use samovar::{Error, ErrorKind};
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// What a command answers.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// The exit status of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Done.
    Done = 0,
    /// The answer is no: the key is not there, or is there already, or is of another version. No error: nothing is printed.
    No = 1,
    /// The request makes no sense: usage, a trace that is none, a file that is no cache, a size out of range.
    Usage = 2,
    /// The cache file is damaged, or it returned a value that was never set for that key.
    Damage = 3,
    /// Anything else: a file that is missing, may not be read, or cannot be written just now.
    Other = 4,
}

impl Status {
    /// The status that answers a question.
    pub(crate) fn of_answer(yes: bool) -> Status {
        if yes { Status::Done } else { Status::No }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        ExitCode::from(status as u8)
    }
}

/// An error on its way to the user.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    why: String,
    remedy: Option<String>,
    status: Status,
}

impl Failure {
    /// `what` could not be done, `why`.
    pub(crate) fn new(status: Status, what: impl Display, why: impl Display) -> Self {
        Failure { what: what.to_string(), why: why.to_string(), remedy: None, status }
    }

    /// The engine's answer about the cache at `path`. It says itself what to do, in terms of the engine.
    pub(crate) fn of_cache(path: &Path, error: &Error) -> Self {
        let failure = Failure::new(status_of(error.kind()), path.display(), error);
        match error.kind() {
            ErrorKind::NotFound => Failure { why: "it does not exist".to_owned(), ..failure }.with_remedy(
                "make it with `samovar create FILE --capacity 64MiB`, in a directory that exists",
            ),
            _ => failure,
        }
    }

    /// The system's answer about the file at `path`.
    pub(crate) fn of_file(path: &Path, error: &io::Error) -> Self {
        Failure::new(Status::Other, path.display(), error)
    }

    /// Adds what the user can do about it.
    pub(crate) fn with_remedy(mut self, remedy: impl Display) -> Self {
        self.remedy = Some(remedy.to_string());
        self
    }

    /// The status to exit with.
    pub(crate) fn status(&self) -> Status {
        self.status
    }

    /// Writes the line to standard error. A closed one is nobody's concern any more.
    pub(crate) fn print(&self) {
        // The engine often names the file itself.
        let is_named = self.why.contains(&self.what);
        let mut line = if is_named {
            format!("samovar: {}", self.why)
        } else {
            format!("samovar: {}: {}", self.what, self.why)
        };
        if let Some(remedy) = &self.remedy {
            line.push_str("; ");
            line.push_str(remedy);
        }
        drop(writeln!(io::stderr(), "{line}"));
    }
}

fn status_of(kind: ErrorKind) -> Status {
    match kind {
        ErrorKind::InvalidArgument
        | ErrorKind::EmptyFile
        | ErrorKind::NotACache
        | ErrorKind::NotRegularFile
        | ErrorKind::CapacityMismatch
        | ErrorKind::KeyTooLong
        | ErrorKind::NoNamespace
        | ErrorKind::TooManyNamespaces
        | ErrorKind::ValueTooLarge
        | ErrorKind::NotANumber => Status::Usage,
        ErrorKind::Truncated | ErrorKind::Corrupt | ErrorKind::Fault => Status::Damage,
        _ => Status::Other,
    }
}
