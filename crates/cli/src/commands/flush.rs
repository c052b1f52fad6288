//! `samovar flush`: everything stored so far reaches the disk.

use crate::access;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output;
use crate::answer::units;
use crate::args::file::FileArguments;

/// Flushes, and tells how much is safe now.
pub(crate) fn run(arguments: &FileArguments) -> Outcome<Status> {
    let path = &arguments.file;
    let cache = access::open(path)?;
    cache.flush().map_err(|error| Failure::of_cache(path, &error))?;
    output::put(&format!("flushed, with {}", units::entries(cache.stats().entries)))?;
    access::close(path, cache)?;
    Ok(Status::Done)
}
