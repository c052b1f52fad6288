//! `samovar create` and `delete`: the beginning of a cache file, and its end.

use crate::access;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output::Format;
use crate::answer::units::bytes;
use crate::args::file::{CreateArguments, DeleteArguments};
use crate::probe;
use samovar::{Cache, Options};
use serde::Serialize;
use std::fmt::{self, Display, Formatter};
use std::io;
use std::path::Path;

/// Makes the file. One that is already there, or that appears meanwhile, is left alone.
pub(crate) fn run(arguments: &CreateArguments, format: Format) -> Outcome<Status> {
    let path = arguments.file.as_path();
    if path.symlink_metadata().is_ok() {
        return Err(already_there(path));
    }
    let cache = options(arguments).open(path).map_err(|error| Failure::of_cache(path, &error))?;
    if !cache.attachment().created {
        return Err(already_there(path));
    }
    let created = Created::of(path, &cache).map_err(|error| Failure::of_cache(path, &error))?;
    access::close(path, cache)?;
    format.line(&created)?;
    Ok(Status::Done)
}

/// A cache that was made.
#[derive(Debug, Serialize)]
struct Created {
    file: String,
    file_bytes: u64,
    capacity_bytes: Option<u64>,
    max_capacity_bytes: Option<u64>,
}

impl Created {
    fn of(path: &Path, cache: &Cache) -> samovar::Result<Self> {
        let capacity = cache.capacity().ok();
        Ok(Created {
            file: path.display().to_string(),
            file_bytes: cache.stats()?.file_bytes,
            capacity_bytes: capacity.map(|capacity| capacity.bytes),
            max_capacity_bytes: capacity.map(|capacity| capacity.max_bytes),
        })
    }
}

impl Display for Created {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: a cache of {}, empty",
            self.file,
            bytes(self.capacity_bytes.unwrap_or(self.file_bytes))
        )
    }
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
    let remedy = if probe::is_cache(path) {
        format!("use it as it is, or remove it with `samovar delete {}`", path.display())
    } else {
        "it is no cache: name another path".to_owned()
    };
    Failure::new(Status::Usage, path.display(), "it is already there")
        .of_kind(&io::ErrorKind::AlreadyExists)
        .with_remedy(remedy)
}

/// Deletes a cache file.
pub(crate) fn delete(arguments: &DeleteArguments, format: Format) -> Outcome<Status> {
    let path = arguments.file.as_path();
    if path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Err(nothing_there(path));
    }
    access::delete(path)?;
    format.line(&Deleted { file: path.display().to_string(), outcome: "deleted" })?;
    Ok(Status::Done)
}

fn nothing_there(path: &Path) -> Failure {
    Failure::new(Status::Other, path.display(), "it does not exist; there is nothing to delete")
        .of_kind(&io::ErrorKind::NotFound)
}

/// A cache that is gone.
#[derive(Debug, Serialize)]
struct Deleted {
    file: String,
    outcome: &'static str,
}

impl Display for Deleted {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: deleted", self.file)
    }
}
