//! `samovar add`, `replace`, `append`, `prepend` and `touch`: an entry changed if it is there, or made if it is not. Each
//! looks and writes as one, whatever other processes do meanwhile.

use crate::answer::failure::{Outcome, Status};
use crate::answer::units::parse_ttl;
use crate::args::Target;
use crate::commands::entry::with_cache;
use crate::commands::source::ValueArguments;
use clap::Args;
use samovar::Ttl;
use std::ffi::OsString;

/// `samovar add` and `samovar replace`
#[derive(Debug, Args)]
pub(crate) struct StoreArguments {
    #[command(flatten)]
    target: Target,
    /// The key
    key: OsString,
    /// What to store
    #[command(flatten)]
    value: ValueArguments,
    /// Forget the value after this time, such as 30s, 250ms or 1h30m; without it, only for want of room
    #[arg(long, value_name = "TIME", value_parser = parse_ttl)]
    ttl: Option<Ttl>,
}

/// `samovar append` and `samovar prepend`
#[derive(Debug, Args)]
pub(crate) struct MoreArguments {
    #[command(flatten)]
    target: Target,
    /// The key
    key: OsString,
    /// What to put to the value, which keeps its time to live
    #[command(flatten)]
    value: ValueArguments,
}

/// `samovar touch`
#[derive(Debug, Args)]
pub(crate) struct TouchArguments {
    #[command(flatten)]
    target: Target,
    /// The key
    key: OsString,
    /// Forget the value after this time, from now; without it, only for want of room
    #[arg(long, value_name = "TIME", value_parser = parse_ttl)]
    ttl: Option<Ttl>,
}

/// Stores a value where there is none.
pub(crate) fn add(arguments: &StoreArguments) -> Outcome<Status> {
    let StoreArguments { target, key, value, ttl } = arguments;
    let (value, ttl) = (value.read()?, ttl.unwrap_or(Ttl::NEVER));
    with_cache(target, |cache| cache.add(key.as_encoded_bytes(), &value, ttl)).map(Status::of_answer)
}

/// Stores a value where there is one.
pub(crate) fn replace(arguments: &StoreArguments) -> Outcome<Status> {
    let StoreArguments { target, key, value, ttl } = arguments;
    let (value, ttl) = (value.read()?, ttl.unwrap_or(Ttl::NEVER));
    with_cache(target, |cache| cache.replace(key.as_encoded_bytes(), &value, ttl)).map(Status::of_answer)
}

/// Puts more behind a value.
pub(crate) fn append(arguments: &MoreArguments) -> Outcome<Status> {
    let more = arguments.value.read()?;
    let key = arguments.key.as_encoded_bytes();
    with_cache(&arguments.target, |cache| cache.append(key, &more)).map(Status::of_answer)
}

/// Puts more before a value.
pub(crate) fn prepend(arguments: &MoreArguments) -> Outcome<Status> {
    let more = arguments.value.read()?;
    let key = arguments.key.as_encoded_bytes();
    with_cache(&arguments.target, |cache| cache.prepend(key, &more)).map(Status::of_answer)
}

/// Gives a value a new time to live.
pub(crate) fn touch(arguments: &TouchArguments) -> Outcome<Status> {
    let (key, ttl) = (arguments.key.as_encoded_bytes(), arguments.ttl.unwrap_or(Ttl::NEVER));
    with_cache(&arguments.target, |cache| cache.touch(key, ttl)).map(Status::of_answer)
}
