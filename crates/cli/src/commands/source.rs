//! Where a value comes from: the command line, a file, or standard input.

use crate::answer::failure::{Failure, Outcome, Status};
use crate::args::entry::ValueArguments;
use samovar::ErrorKind;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The bytes of a value for the cache at `cache`. A source with more bytes than the file is read no further, since it
/// may have no end. If there is no file, nothing is read; opening it tells why.
pub(crate) fn read<'a>(arguments: &'a ValueArguments, cache: &Path) -> Outcome<Cow<'a, [u8]>> {
    let there = cache.metadata().ok().filter(|metadata| metadata.is_file() && metadata.len() > 0);
    let Some(limit) = there.map(|metadata| metadata.len()) else { return Ok(Cow::Borrowed(&[])) };
    match (&arguments.value_file, &arguments.value) {
        (Some(file), _) => {
            let opened = File::open(file).map_err(|error| Failure::of_file(file, &error))?;
            let bytes = read_to(opened, limit).map_err(|error| Failure::of_file(file, &error))?;
            within(bytes, limit, cache).map(Cow::Owned)
        }
        (None, Some(value)) if value != "-" => Ok(Cow::Borrowed(value.as_encoded_bytes())),
        _ => {
            let bytes = read_to(io::stdin().lock(), limit)
                .map_err(|error| Failure::of_file(Path::new("standard input"), &error))?;
            within(bytes, limit, cache).map(Cow::Owned)
        }
    }
}

/// Everything, or a byte more than the limit.
fn read_to(source: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn within(bytes: Vec<u8>, limit: u64, cache: &Path) -> Outcome<Vec<u8>> {
    if bytes.len() as u64 <= limit {
        return Ok(bytes);
    }
    let why = format!("the value has more bytes than the whole file, which has {limit}");
    Err(Failure::new(Status::Usage, cache.display(), why).of_kind(&ErrorKind::ValueTooLarge))
}
