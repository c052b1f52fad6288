//! `samovar keys`: what is in a cache, a line each, while others use it. The file is only read.

use crate::access;
use crate::answer::bytes::KeyText;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output::{self, Format};
use crate::args::file::KeysArguments;
use samovar::{Cache, Entry, ErrorKind};
use serde::Serialize;

/// Bytes that are written at once.
const PAGE: usize = 64 << 10;

/// Prints the keys in no particular order.
pub(crate) fn run(arguments: &KeysArguments, format: Format) -> Outcome<Status> {
    let path = arguments.file.as_path();
    let cache = access::open_read_only(path)?;
    let space = arguments.namespace.as_ref().map(|name| cache.namespace(name)).transpose();
    let space = space.map_err(|error| Failure::of_cache(path, &error))?;
    let here: &Cache = space.as_deref().unwrap_or(&cache);
    let mut page = Vec::new();
    for entry in here {
        match entry {
            Ok(entry) => page.extend_from_slice(line(&entry, format)?.as_bytes()),
            // Rewritten all the time, and so left out.
            Err(error) if error.kind() == ErrorKind::Busy => continue,
            Err(error) => return Err(Failure::of_cache(path, &error)),
        }
        page.push(b'\n');
        if page.len() >= PAGE {
            output::put_bytes(&page)?;
            page.clear();
        }
    }
    output::put_bytes(&page)?;
    Ok(Status::Done)
}

fn line(entry: &Entry, format: Format) -> Outcome<String> {
    match format {
        Format::Text => Ok(entry.key.escape_ascii().to_string()),
        Format::Json => output::json_line(&Line::of(entry)),
    }
}

/// A key, for scripts.
#[derive(Debug, Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    key: KeyText<'a>,
    value_bytes: usize,
    ttl_ms: Option<u64>,
}

impl<'a> Line<'a> {
    fn of(entry: &'a Entry) -> Self {
        let ttl_ms = entry.ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
        Line { key: KeyText::of(&entry.key), value_bytes: entry.value.len(), ttl_ms }
    }
}
