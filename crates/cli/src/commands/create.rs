//! `samovar create` and `delete`: the beginning of a cache file, and its end.

use crate::access;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output::Format;
use crate::answer::units::bytes;
use crate::args::file::{CreateArguments, DeleteArguments};
use samovar::{Cache, Options};
use serde::Serialize;
use std::fmt::{self, Display, Formatter};
use std::path::Path;

/// Makes the file. One that is already there, or that appears meanwhile, is left alone.
pub(crate) fn run(arguments: &CreateArguments, format: Format) -> Outcome<Status> {
    let path = arguments.file.as_path();
    if path.symlink_metadata().is_ok() {
        return Err(already_there(path));
    }
    if let Some(folder) = missing_folder(path) {
        let why = format!("the directory {} does not exist", folder.display());
        return Err(Failure::new(Status::Other, path.display(), why)
            .of_kind(&samovar::ErrorKind::NotFound)
            .with_remedy("make it first"));
    }
    let cache = options(arguments).open(path).map_err(|error| Failure::of_cache(path, &error))?;
    if !cache.attachment().created {
        return Err(already_there(path));
    }
    let created = Created::of(path, &cache);
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
    fn of(path: &Path, cache: &Cache) -> Self {
        let capacity = cache.capacity().ok();
        Created {
            file: path.display().to_string(),
            file_bytes: cache.stats().file_bytes,
            capacity_bytes: capacity.map(|capacity| capacity.bytes),
            max_capacity_bytes: capacity.map(|capacity| capacity.max_bytes),
        }
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
    let remedy = format!("use it as it is, or remove it with `samovar delete {}`", path.display());
    Failure::new(Status::Usage, path.display(), "it is already there")
        .of_kind(&std::io::ErrorKind::AlreadyExists)
        .with_remedy(remedy)
}

/// The folder that the file would lie in, if it is not there.
fn missing_folder(path: &Path) -> Option<&Path> {
    path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists())
}

/// Deletes a cache file.
pub(crate) fn delete(arguments: &DeleteArguments, format: Format) -> Outcome<Status> {
    let path = arguments.file.as_path();
    access::delete(path)?;
    format.line(&Deleted { file: path.display().to_string(), outcome: "deleted" })?;
    Ok(Status::Done)
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
