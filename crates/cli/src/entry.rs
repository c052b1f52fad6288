//! `samovar set`, `get` and `del`: one entry.

use crate::access;
use crate::args::{DelArguments, GetArguments, SetArguments};
use crate::failure::{Failure, Outcome, Status};
use crate::output;
use samovar::Ttl;
use std::borrow::Cow;
use std::io::{self, Read};

/// Stores a value.
pub(crate) fn set(arguments: &SetArguments) -> Outcome<Status> {
    let path = arguments.file.as_path();
    let cache = access::open(path)?;
    let value = value(arguments)?;
    let ttl = arguments.ttl.unwrap_or(Ttl::NEVER);
    cache
        .set_with(arguments.key.as_encoded_bytes(), &value, ttl)
        .map_err(|error| Failure::of_cache(path, &error))?;
    access::close(path, cache)?;
    Ok(Status::Done)
}

/// Writes a value out, byte for byte.
pub(crate) fn get(arguments: &GetArguments) -> Outcome<Status> {
    let path = arguments.file.as_path();
    let cache = access::open_to_read(path)?;
    let found =
        cache.get(arguments.key.as_encoded_bytes()).map_err(|error| Failure::of_cache(path, &error))?;
    access::close(path, cache)?;
    let Some(value) = found else {
        return Ok(Status::Absent);
    };
    match &arguments.out {
        Some(out) => std::fs::write(out, value).map_err(|error| Failure::of_file(out, &error))?,
        None => output::put_bytes(&value)?,
    }
    Ok(Status::Done)
}

/// Removes an entry.
pub(crate) fn delete(arguments: &DelArguments) -> Outcome<Status> {
    let path = arguments.file.as_path();
    let cache = access::open(path)?;
    let found =
        cache.remove(arguments.key.as_encoded_bytes()).map_err(|error| Failure::of_cache(path, &error))?;
    access::close(path, cache)?;
    Ok(if found { Status::Done } else { Status::Absent })
}

/// The value to store, from wherever it was said to be.
fn value(arguments: &SetArguments) -> Outcome<Cow<'_, [u8]>> {
    match (&arguments.value_file, &arguments.value) {
        (Some(file), _) => {
            let bytes = std::fs::read(file).map_err(|error| Failure::of_file(file, &error))?;
            Ok(Cow::Owned(bytes))
        }
        (None, Some(value)) if value != "-" => Ok(Cow::Borrowed(value.as_encoded_bytes())),
        _ => read_standard_input().map(Cow::Owned),
    }
}

fn read_standard_input() -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(Status::Other, "standard input", error))?;
    Ok(bytes)
}
