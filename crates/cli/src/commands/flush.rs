//! `samovar flush`: everything stored so far reaches the disk.

use crate::access;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output::Format;
use crate::answer::units::entries;
use crate::args::file::FileArguments;
use serde::Serialize;
use std::fmt::{self, Display, Formatter};

/// Flushes, and tells how much is safe now.
pub(crate) fn run(arguments: &FileArguments, format: Format) -> Outcome<Status> {
    let path = &arguments.file;
    let cache = access::open(path)?;
    let stats =
        cache.flush().and_then(|()| cache.stats()).map_err(|error| Failure::of_cache(path, &error))?;
    format.line(&Flushed { file: path.display().to_string(), entries: stats.entries })?;
    access::close(path, cache)?;
    Ok(Status::Done)
}

/// What is on disk now.
#[derive(Debug, Serialize)]
struct Flushed {
    file: String,
    entries: u64,
}

impl Display for Flushed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "flushed, with {}", entries(self.entries))
    }
}
