//! `samovar keys`: what is in a cache, a line each, while others use it. The file is only read.

use crate::access;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output;
use crate::args::file::KeysArguments;
use samovar::{Cache, Entry, ErrorKind};
use serde::Serialize;

/// Lines that are written at once.
const PAGE: usize = 64 << 10;

/// A key, for scripts: as text if it is one, else in hexadecimal.
#[derive(Serialize)]
struct Line {
    key: Option<String>,
    key_hex: Option<String>,
    value_bytes: usize,
    ttl_ms: Option<u64>,
}

/// Prints the keys in no particular order.
pub(crate) fn run(arguments: &KeysArguments) -> Outcome<Status> {
    let path = arguments.file.as_path();
    let cache = access::open_read_only(path)?;
    let space = arguments.namespace.as_ref().map(|name| cache.namespace(name)).transpose();
    let space = space.map_err(|error| Failure::of_cache(path, &error))?;
    let here: &Cache = space.as_deref().unwrap_or(&cache);
    let mut page = Vec::new();
    for entry in here {
        match entry {
            Ok(entry) if arguments.json => {
                let text = serde_json::to_string(&Line::of(entry))
                    .map_err(|error| Failure::new(Status::Other, "the key as JSON", error))?;
                page.extend_from_slice(text.as_bytes());
            }
            Ok(entry) => page.extend_from_slice(entry.key.escape_ascii().to_string().as_bytes()),
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

impl Line {
    fn of(entry: Entry) -> Self {
        let hex = |key: &[u8]| key.iter().map(|byte| format!("{byte:02x}")).collect();
        let (key, key_hex) = match String::from_utf8(entry.key) {
            Ok(text) => (Some(text), None),
            Err(bytes) => (None, Some(hex(bytes.as_bytes()))),
        };
        let ttl_ms = entry.ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX));
        Line { key, key_hex, value_bytes: entry.value.len(), ttl_ms }
    }
}
