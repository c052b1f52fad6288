//! `samovar incr` and `decr`: a number that processes count together.

use crate::access::with_keys;
use crate::answer::bytes::KeyText;
use crate::answer::failure::{Outcome, Status};
use crate::answer::output::{self, Format};
use crate::args::entry::StepArguments;
use serde::Serialize;

/// Counts up.
pub(crate) fn incr(arguments: &StepArguments, format: Format) -> Outcome<Status> {
    let key = arguments.key.as_encoded_bytes();
    put(key, with_keys(&arguments.target, |cache| cache.incr(key, arguments.by))?, format)
}

/// Counts down.
pub(crate) fn decr(arguments: &StepArguments, format: Format) -> Outcome<Status> {
    let key = arguments.key.as_encoded_bytes();
    put(key, with_keys(&arguments.target, |cache| cache.decr(key, arguments.by))?, format)
}

/// The number, for scripts; none if the key is not there.
#[derive(Debug, Serialize)]
struct NumberAnswer<'a> {
    #[serde(flatten)]
    key: KeyText<'a>,
    value: Option<u64>,
}

fn put(key: &[u8], value: Option<u64>, format: Format) -> Outcome<Status> {
    match format {
        Format::Json => output::put_json_line(&NumberAnswer { key: KeyText::of(key), value })?,
        Format::Text => value.map_or(Ok(()), |number| output::put(&number.to_string()))?,
    }
    Ok(Status::from(value.is_some()))
}
