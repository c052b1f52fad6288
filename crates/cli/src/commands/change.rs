//! `samovar add`, `replace`, `append`, `prepend` and `touch`: an entry changed if it is there, or made if it is not. Each
//! looks and writes as one, whatever other processes do meanwhile.

use crate::access::with_cache;
use crate::answer::failure::{Outcome, Status};
use crate::args::entry::{MoreArguments, StoreArguments, TouchArguments};
use crate::commands::source;
use samovar::Ttl;

/// Stores a value where there is none.
pub(crate) fn add(arguments: &StoreArguments) -> Outcome<Status> {
    let StoreArguments { target, key, value, ttl } = arguments;
    let (value, ttl) = (source::read(value)?, ttl.unwrap_or(Ttl::NEVER));
    with_cache(target, |cache| cache.add(key.as_encoded_bytes(), &value, ttl)).map(Status::of_answer)
}

/// Stores a value where there is one.
pub(crate) fn replace(arguments: &StoreArguments) -> Outcome<Status> {
    let StoreArguments { target, key, value, ttl } = arguments;
    let (value, ttl) = (source::read(value)?, ttl.unwrap_or(Ttl::NEVER));
    with_cache(target, |cache| cache.replace(key.as_encoded_bytes(), &value, ttl)).map(Status::of_answer)
}

/// Puts more behind a value.
pub(crate) fn append(arguments: &MoreArguments) -> Outcome<Status> {
    let more = source::read(&arguments.value)?;
    let key = arguments.key.as_encoded_bytes();
    with_cache(&arguments.target, |cache| cache.append(key, &more)).map(Status::of_answer)
}

/// Puts more before a value.
pub(crate) fn prepend(arguments: &MoreArguments) -> Outcome<Status> {
    let more = source::read(&arguments.value)?;
    let key = arguments.key.as_encoded_bytes();
    with_cache(&arguments.target, |cache| cache.prepend(key, &more)).map(Status::of_answer)
}

/// Gives a value a new time to live.
pub(crate) fn touch(arguments: &TouchArguments) -> Outcome<Status> {
    let (key, ttl) = (arguments.key.as_encoded_bytes(), arguments.ttl.unwrap_or(Ttl::NEVER));
    with_cache(&arguments.target, |cache| cache.touch(key, ttl)).map(Status::of_answer)
}
