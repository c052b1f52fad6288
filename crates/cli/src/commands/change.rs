//! `samovar add`, `replace`, `append`, `prepend` and `touch`: an entry is changed if it is there, or made if it is not. To
//! look and to write is one step for all other processes.

use super::source;
use crate::access::with_keys;
use crate::answer::bytes::{Effect, put_effect};
use crate::answer::failure::{Outcome, Status};
use crate::answer::output::Format;
use crate::args::entry::{MoreArguments, StoreArguments, TouchArguments};

/// Stores a value where there is none.
pub(crate) fn add(arguments: &StoreArguments, format: Format) -> Outcome<Status> {
    let StoreArguments { target, key, value, life } = arguments;
    let value = source::read(value, &target.file)?;
    let done = with_keys(target, |cache| cache.add(key.as_encoded_bytes(), &value, life.ttl.ttl()))?;
    put_effect(key.as_encoded_bytes(), if done { Effect::Stored } else { Effect::Exists }, format)
}

/// Stores a value where there is one.
pub(crate) fn replace(arguments: &StoreArguments, format: Format) -> Outcome<Status> {
    let StoreArguments { target, key, value, life } = arguments;
    let value = source::read(value, &target.file)?;
    let done = with_keys(target, |cache| cache.replace(key.as_encoded_bytes(), &value, life.ttl.ttl()))?;
    put_effect(key.as_encoded_bytes(), if done { Effect::Stored } else { Effect::Missing }, format)
}

/// Puts more behind a value.
pub(crate) fn append(arguments: &MoreArguments, format: Format) -> Outcome<Status> {
    let MoreArguments { target, key, value } = arguments;
    let more = source::read(value, &target.file)?;
    let done = with_keys(target, |cache| cache.append(key.as_encoded_bytes(), &more))?;
    put_effect(key.as_encoded_bytes(), if done { Effect::Stored } else { Effect::Missing }, format)
}

/// Puts more before a value.
pub(crate) fn prepend(arguments: &MoreArguments, format: Format) -> Outcome<Status> {
    let MoreArguments { target, key, value } = arguments;
    let more = source::read(value, &target.file)?;
    let done = with_keys(target, |cache| cache.prepend(key.as_encoded_bytes(), &more))?;
    put_effect(key.as_encoded_bytes(), if done { Effect::Stored } else { Effect::Missing }, format)
}

/// Gives a value a new time to live.
pub(crate) fn touch(arguments: &TouchArguments, format: Format) -> Outcome<Status> {
    let TouchArguments { target, key, ttl } = arguments;
    let done = with_keys(target, |cache| cache.touch(key.as_encoded_bytes(), ttl.ttl()))?;
    put_effect(key.as_encoded_bytes(), if done { Effect::Touched } else { Effect::Missing }, format)
}
