//! A record file, opened to be read, and what its errors mean to the user.

use crate::answer::failure::{Failure, Outcome, Status, causes};
use samovar_records::{Error, ErrorKind, RawFile, Schema};
use std::path::Path;

/// Opens a record file to read it.
pub(crate) fn open(path: &Path) -> Outcome<RawFile> {
    RawFile::open(path).map_err(|error| failure_of(path, &error))
}

/// The schema that the user wrote.
pub(crate) fn parse_schema(text: &str) -> Outcome<Schema> {
    text.parse().map_err(|error: Error| Failure::new(Status::Usage, "--schema", error))
}

/// What a record file's error means to the user.
pub(crate) fn failure_of(path: &Path, error: &Error) -> Failure {
    let status = match error.kind() {
        ErrorKind::InvalidArgument
        | ErrorKind::AlreadyExists
        | ErrorKind::EmptyFile
        | ErrorKind::NotRecords
        | ErrorKind::NotRegularFile
        | ErrorKind::WrongSize
        | ErrorKind::WrongType => Status::Usage,
        ErrorKind::Truncated | ErrorKind::Corrupt | ErrorKind::Fault => Status::Damage,
        _ => Status::Other,
    };
    let why = causes(error).map_or_else(|| error.to_string(), |causes| format!("{error}: {causes}"));
    let failure = Failure::new(status, path.display(), why).of_kind(&error.kind());
    match error.kind() {
        ErrorKind::NotFound => {
            failure.with_remedy("make it with `samovar records import FILE CSV --schema time:i64,close:f64`")
        }
        _ => failure,
    }
}
