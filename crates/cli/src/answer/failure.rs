//! What went wrong, in one line: `samovar: what: why; what to do`, or the same as JSON, and the exit status that goes with it.
//!
//! One kind of error is one exit status, whichever command meets it. [`Status`] is documented for users in the help of
//! the program.

use samovar::{Error, ErrorKind};
use serde::Serialize;
use std::fmt::{self, Debug, Display, Formatter};
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// What a command answers.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// The exit status of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Done.
    Done = 0,
    /// The answer is no: the key is not there, is there already, or has another version. It is not an error: nothing is printed.
    No = 1,
    /// The request is wrong: usage, a bad trace, a file that is not a cache, a size out of range.
    Usage = 2,
    /// The cache file is damaged, or it returned a value that was never set for that key.
    Damage = 3,
    /// Any other error: a file is missing, may not be read, or cannot be written just now.
    Other = 4,
}

/// The status that answers a question: yes is done.
impl From<bool> for Status {
    fn from(yes: bool) -> Self {
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
    kind: String,
    status: Status,
}

impl Failure {
    /// `what` could not be done, `why`.
    pub(crate) fn new(status: Status, what: impl Display, why: impl Display) -> Self {
        Failure {
            what: what.to_string(),
            why: why.to_string(),
            remedy: None,
            kind: snake_case(&status),
            status,
        }
    }

    /// What is wrong with the command line. The usage that people are shown with it is left out.
    pub(crate) fn of_usage(error: &clap::Error) -> Self {
        let text = error.render().to_string();
        let lines =
            text.lines().take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
        let why = lines.map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let why = why.strip_prefix("error: ").unwrap_or(&why);
        Failure::new(Status::Usage, "samovar", why).with_remedy("see `samovar help`")
    }

    /// The engine's answer about the cache at `path`. Where the engine's remedy is a call, the command is named instead.
    pub(crate) fn of_cache(path: &Path, error: &Error) -> Self {
        let (cause, told) = match (error.kind(), missing_folder(path)) {
            (ErrorKind::NotFound, Some(folder)) => (
                format!("its directory, {}, does not exist", folder.display()),
                Some("make that first".to_owned()),
            ),
            (ErrorKind::NotFound, None) => ("it does not exist".to_owned(), remedy(path, error.kind())),
            _ => {
                let (cause, told) = Cause::of(path, error).split();
                (cause, remedy(path, error.kind()).or(told.map(|told| with_options_named(&told))))
            }
        };
        let failure = Failure::new(status_of(error.kind()), path.display(), cause).of_kind(&error.kind());
        Failure { remedy: told, ..failure }
    }

    /// The system's answer about the file at `path`.
    pub(crate) fn of_file(path: &Path, error: &io::Error) -> Self {
        Failure::new(Status::Other, path.display(), error).of_kind(&error.kind())
    }

    /// Names the kind of error, by which a program tells it from others.
    pub(crate) fn of_kind(mut self, kind: &impl Debug) -> Self {
        self.kind = snake_case(kind);
        self
    }

    /// Adds what the user can do about it.
    pub(crate) fn with_remedy(mut self, remedy: impl Display) -> Self {
        self.remedy = Some(remedy.to_string());
        self
    }

    /// What went wrong and what to do, for a line that names the file itself.
    pub(crate) fn reason(&self) -> String {
        let remedy = self.remedy.iter().map(|remedy| format!("; {remedy}"));
        std::iter::once(self.why.clone()).chain(remedy).collect()
    }

    /// The status to exit with.
    pub(crate) fn status(&self) -> Status {
        self.status
    }

    /// The failure as an object in one line.
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(&FailureReport::of(self)).unwrap_or_default()
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // The engine often names the file itself.
        if !names(&self.why, &self.what) {
            write!(f, "{}: ", self.what)?;
        }
        f.write_str(&self.reason())
    }
}

/// Whether a message names its file: at its beginning, or behind what the system was doing with it. The name may be as
/// short as a word.
fn names(message: &str, file: &str) -> bool {
    let begins = message.strip_prefix(file).is_some_and(|rest| rest.starts_with(' '));
    begins || [": ", " ("].iter().any(|next| message.contains(&format!(" {file}{next}")))
}

/// The folder that the file would lie in, if it is not there.
fn missing_folder(path: &Path) -> Option<&Path> {
    path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists())
}

/// A remedy of the engine's, with its options as the command has them.
fn with_options_named(remedy: &str) -> String {
    ["max_capacity", "max_value_size", "expected_entry_size"]
        .iter()
        .fold(remedy.to_owned(), |text, option| {
            text.replace(option, &format!("--{}", option.replace('_', "-")))
        })
}

/// A failure, for scripts.
#[derive(Debug, Serialize)]
struct FailureReport<'a> {
    error: String,
    kind: &'a str,
    what: &'a str,
    why: &'a str,
    remedy: Option<&'a str>,
    status: u8,
}

impl<'a> FailureReport<'a> {
    fn of(failure: &'a Failure) -> Self {
        let Failure { what, why, remedy, kind, status } = failure;
        FailureReport {
            error: failure.to_string(),
            kind,
            what,
            why,
            remedy: remedy.as_deref(),
            status: *status as u8,
        }
    }
}

/// What lies behind an error, from what is nearest to what the system said; none if it is the whole story.
pub(crate) fn causes(error: &dyn std::error::Error) -> Option<String> {
    let causes: Vec<String> =
        std::iter::successors(error.source(), |error| error.source()).map(ToString::to_string).collect();
    (!causes.is_empty()).then(|| causes.join(": "))
}

/// `NotFound` as `not_found`.
fn snake_case(kind: &impl Debug) -> String {
    let mut name = String::new();
    for letter in format!("{kind:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// An engine's message: `cause; remedy`, and what the system said.
struct Cause {
    message: String,
    /// Where the name of the file ends, which may have a semicolon.
    named: usize,
    source: Option<String>,
}

impl Cause {
    fn of(path: &Path, error: &Error) -> Self {
        let source = causes(error);
        let message = error.to_string();
        let name = path.display().to_string();
        let named = message.find(&name).map_or(0, |at| at + name.len());
        Cause { message, named, source }
    }

    fn split(self) -> (String, Option<String>) {
        let Cause { message, named, source } = self;
        let (cause, remedy) = match message[named..].split_once("; ") {
            Some((cause, remedy)) => (format!("{}{cause}", &message[..named]), Some(remedy.to_owned())),
            None => (message, None),
        };
        // What is below the engine names a remedy as well, for programs.
        let source = source.as_deref().map(|source| source.split("; ").next().unwrap_or(source));
        match source.filter(|source| !cause.contains(source)) {
            Some(source) => (format!("{cause}: {source}"), remedy),
            None => (cause, remedy),
        }
    }
}

/// What the user of the command can do, where the engine's own message names what a program can do.
fn remedy(path: &Path, kind: ErrorKind) -> Option<String> {
    let file = path.display();
    let remedy = match kind {
        ErrorKind::NotFound => format!("make it with `samovar create {file} --capacity 64MiB`"),
        ErrorKind::EmptyFile | ErrorKind::Truncated => {
            format!("remove it with `samovar delete {file}`, and make a new one")
        }
        ErrorKind::UnsupportedVersion => {
            format!("use it with the program that made it, or remove it with `samovar delete {file}`")
        }
        ErrorKind::Cold => format!(
            "`samovar salvage {file}` keeps what can be kept; the next command that writes empties it"
        ),
        ErrorKind::NoNamespace => format!("make it with `samovar ns create {file} NAME`"),
        ErrorKind::PermissionDenied => "run it as the owner of the file, or have its mode changed".to_owned(),
        ErrorKind::Replaced => "run it again".to_owned(),
        ErrorKind::ForeignOwner => "if you trust its owner, set SAMOVAR_TRUST_OWNER=1".to_owned(),
        ErrorKind::ReadOnly => "change its mode to write to it".to_owned(),
        ErrorKind::ValueTooLarge => "make a cache with a larger --max-value-size".to_owned(),
        ErrorKind::Fault => format!("`samovar check {file}` says what is left of it"),
        _ => return None,
    };
    Some(remedy)
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
