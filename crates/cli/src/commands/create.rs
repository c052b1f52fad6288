//! `samovar create`: a new, empty cache file.

use crate::access;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output;
use crate::answer::units;
use crate::args::file::CreateArguments;
use samovar::{Cache, Options};
use std::path::Path;

/// Makes the file. One that is already there, or that appears meanwhile, is left alone.
pub(crate) fn run(arguments: &CreateArguments) -> Outcome<Status> {
    let path = arguments.file.as_path();
    if path.symlink_metadata().is_ok() {
        return Err(already_there(path));
    }
    let cache = options(arguments).open(path).map_err(|error| Failure::of_cache(path, &error))?;
    if !cache.attachment().created {
        return Err(already_there(path));
    }
    let capacity = units::bytes(cache.stats().file_bytes);
    access::close(path, cache)?;
    output::put(&format!("{}: a cache of {capacity}, empty", path.display()))?;
    Ok(Status::Done)
}

fn options(arguments: &CreateArguments) -> Options {
    let mut options = Cache::options()
        .capacity(arguments.capacity)
        .seals(arguments.seals)
        .policy(arguments.policy)
        .prefault(arguments.prefault);
    if let Some(size) = arguments.max_capacity {
        options = options.max_capacity(size);
    }
    if let Some(size) = arguments.max_value_size {
        options = options.max_value_size(size);
    }
    if let Some(size) = arguments.expected_entry_size {
        options = options.expected_entry_size(size);
    }
    options
}

fn already_there(path: &Path) -> Failure {
    Failure::new(Status::Usage, path.display(), "it is already there")
        .with_remedy("use it as it is, or remove it first")
}
