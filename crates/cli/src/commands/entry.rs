//! `samovar set`, `get`, `contains` and `del`: one entry.

use crate::access::{with_cache, with_cache_to_read};
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output;
use crate::args::entry::{GetArguments, KeyArguments, SetArguments};
use crate::commands::source;
use samovar::{Swap, Ttl, Version};
use serde::Serialize;
use std::path::Path;

/// Stores a value, if nothing speaks against it.
pub(crate) fn set(arguments: &SetArguments) -> Outcome<Status> {
    let value = source::read(&arguments.value)?;
    let (key, ttl) = (arguments.key.as_encoded_bytes(), arguments.ttl.unwrap_or(Ttl::NEVER));
    let swap = with_cache(&arguments.target, |cache| match arguments.if_version {
        None => cache.set_with(key, &value, ttl).map(|()| Swap::Stored),
        Some(number) => cache.compare_and_set(key, Version::from_number(number), &value, ttl),
    })?;
    if arguments.json {
        output::put_json(&SetAnswer { outcome: name(swap) })?;
    }
    Ok(Status::of_answer(swap == Swap::Stored))
}

/// What became of a value, for scripts.
#[derive(Debug, Serialize)]
struct SetAnswer {
    outcome: &'static str,
}

fn name(swap: Swap) -> &'static str {
    match swap {
        Swap::Stored => "stored",
        Swap::Changed => "changed",
        Swap::Missing => "missing",
    }
}

/// Writes a value out, byte for byte, or what else of it was asked for.
pub(crate) fn get(arguments: &GetArguments) -> Outcome<Status> {
    let key = arguments.key.as_encoded_bytes();
    let target = &arguments.target;
    if arguments.version || arguments.json {
        let found = with_cache_to_read(target, |cache| cache.get_with_version(key))?;
        return put_versioned(arguments, found);
    }
    let found = match arguments.touch {
        Some(ttl) => with_cache(target, |cache| cache.get_and_touch(key, ttl))?,
        None => with_cache_to_read(target, |cache| cache.get(key))?,
    };
    let Some(value) = found else { return Ok(Status::No) };
    match &arguments.out {
        Some(out) => put_file(out, &value)?,
        None => output::put_bytes(&value)?,
    }
    Ok(Status::Done)
}

fn put_versioned(arguments: &GetArguments, found: Option<(Vec<u8>, Version)>) -> Outcome<Status> {
    let answer = Status::of_answer(found.is_some());
    if arguments.json {
        output::put_json(&found.as_ref().map(|(value, version)| GetAnswer::new(value, *version)))?;
    } else if let Some((value, version)) = &found {
        arguments.out.as_ref().map_or(Ok(()), |out| put_file(out, value))?;
        output::put(&version.number().to_string())?;
    }
    Ok(answer)
}

fn put_file(out: &Path, value: &[u8]) -> Outcome<()> {
    std::fs::write(out, value).map_err(|error| Failure::of_file(out, &error))
}

/// A value, for scripts: as text if it is one, else in hexadecimal.
#[derive(Debug, Serialize)]
struct GetAnswer<'a> {
    version: u32,
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_hex: Option<String>,
}

impl<'a> GetAnswer<'a> {
    fn new(value: &'a [u8], version: Version) -> Self {
        let text = std::str::from_utf8(value).ok();
        let hex = || value.iter().map(|byte| format!("{byte:02x}")).collect();
        let value_hex = text.is_none().then(hex);
        GetAnswer { version: version.number(), bytes: value.len(), value: text, value_hex }
    }
}

/// Says whether an entry is there.
pub(crate) fn contains(arguments: &KeyArguments) -> Outcome<Status> {
    let key = arguments.key.as_encoded_bytes();
    with_cache_to_read(&arguments.target, |cache| cache.contains(key)).map(Status::of_answer)
}

/// Removes an entry.
pub(crate) fn delete(arguments: &KeyArguments) -> Outcome<Status> {
    let key = arguments.key.as_encoded_bytes();
    with_cache(&arguments.target, |cache| cache.remove(key)).map(Status::of_answer)
}
