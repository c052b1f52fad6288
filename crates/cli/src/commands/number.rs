//! `samovar incr` and `decr`: a number that processes count together.

use crate::answer::failure::{Outcome, Status};
use crate::answer::output;
use crate::args::Target;
use crate::commands::entry::with_cache;
use clap::Args;
use serde::Serialize;
use std::ffi::OsString;

/// `samovar incr` and `samovar decr`
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub(crate) struct StepArguments {
    #[command(flatten)]
    target: Target,
    /// The key, whose value is a decimal number
    key: OsString,
    /// By how much
    #[arg(default_value_t = 1)]
    by: u64,
    /// Print the number as JSON; null if the key is not there
    #[arg(long)]
    json: bool,
}

const NOTES: &str = "\
A number is decimal, from 0 to 18446744073709551615. A sum wraps around, a difference stops at 0. A key that is not there \
is not made: `samovar add FILE KEY 0` makes it, unless another process was first.";

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
