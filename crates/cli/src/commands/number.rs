//! `samovar incr` and `decr`: a number that processes count together.

use crate::access::with_cache;
use crate::answer::failure::{Outcome, Status};
use crate::answer::output;
use crate::args::entry::StepArguments;
use serde::Serialize;

/// Counts up.
pub(crate) fn incr(arguments: &StepArguments) -> Outcome<Status> {
    let key = arguments.key.as_encoded_bytes();
    tell(arguments, with_cache(&arguments.target, |cache| cache.incr(key, arguments.by))?)
}

/// Counts down.
pub(crate) fn decr(arguments: &StepArguments) -> Outcome<Status> {
    let key = arguments.key.as_encoded_bytes();
    tell(arguments, with_cache(&arguments.target, |cache| cache.decr(key, arguments.by))?)
}

/// The number, for scripts.
#[derive(Debug, Serialize)]
struct NumberAnswer {
    value: Option<u64>,
}

fn tell(arguments: &StepArguments, value: Option<u64>) -> Outcome<Status> {
    if arguments.json {
        output::put_json(&NumberAnswer { value })?;
    } else if let Some(number) = value {
        output::put(&number.to_string())?;
    }
    Ok(Status::of_answer(value.is_some()))
}
