//! Opening an existing cache file, for the commands that work on one.

use crate::answer::failure::{Failure, Outcome};
use crate::args::entry::Target;
use samovar::{Cache, Error, ErrorKind};
use std::path::Path;

/// Opens the cache at `path` for reading and writing.
pub(crate) fn open(path: &Path) -> Outcome<Cache> {
    Cache::options().create(false).open(path).map_err(|error| Failure::of_cache(path, &error))
}

/// Opens the cache at `path` so that nothing in the file changes, not even a counter.
pub(crate) fn open_read_only(path: &Path) -> Outcome<Cache> {
    let options = Cache::options().create(false).read_only(true);
    options.open(path).map_err(|error| Failure::of_cache(path, &error))
}

/// Opens the cache at `path` so that reads count as such, or at least can be made: who may not write the file may still
/// read it.
pub(crate) fn open_to_read(path: &Path) -> Outcome<Cache> {
    match Cache::options().create(false).open(path) {
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnly) => {
            open_read_only(path)
        }
        opened => opened.map_err(|error| Failure::of_cache(path, &error)),
    }
}

/// Closes the cache, and reports what could not be written.
pub(crate) fn close(path: &Path, cache: Cache) -> Outcome<()> {
    cache.close().map_err(|error| Failure::of_cache(path, &error))
}

/// Does something with the keys at `target`, whose cache is then closed.
pub(crate) fn with_cache<T>(target: &Target, act: impl FnOnce(&Cache) -> Result<T, Error>) -> Outcome<T> {
    within(target, open(&target.file)?, act)
}

/// Does something with the cache at `path`, which is then closed.
pub(crate) fn with_file<T>(path: &Path, act: impl FnOnce(&Cache) -> Result<T, Error>) -> Outcome<T> {
    let cache = open(path)?;
    let done = act(&cache).map_err(|error| Failure::of_cache(path, &error))?;
    close(path, cache)?;
    Ok(done)
}

/// The same as `with_cache` for those who only read, and may not be allowed to do more.
pub(crate) fn with_cache_to_read<T>(
    target: &Target,
    act: impl FnOnce(&Cache) -> Result<T, Error>,
) -> Outcome<T> {
    within(target, open_to_read(&target.file)?, act)
}

/// Does something with the cache, or with one of its namespaces, and closes it.
fn within<T>(target: &Target, cache: Cache, act: impl FnOnce(&Cache) -> Result<T, Error>) -> Outcome<T> {
    let done = match &target.namespace {
        None => act(&cache),
        Some(name) => cache.namespace(name).and_then(|space| act(&space)),
    };
    let done = done.map_err(|error| Failure::of_cache(&target.file, &error))?;
    close(&target.file, cache)?;
    Ok(done)
}

/// What opening found, in a few words.
pub(crate) fn describe(cache: &Cache) -> String {
    let attachment = cache.attachment();
    match &attachment.cold_reason {
        Some(reason) if attachment.salvaged.is_some() => {
            format!("salvaged, with {}: {reason}", crate::answer::units::entries(attachment.entries))
        }
        _ if attachment.created => "cold: the file is new".to_owned(),
        _ if attachment.warm => format!("warm, with {}", crate::answer::units::entries(attachment.entries)),
        Some(reason) => format!("cold: {reason}"),
        None => "cold".to_owned(),
    }
}

/// Removes the cache file at `path`, if there is one. A file that is no cache is left alone.
pub(crate) fn remove(path: &Path) -> Outcome<()> {
    if path.symlink_metadata().is_err() {
        return Ok(());
    }
    match Cache::delete(path) {
        Ok(()) => return Ok(()),
        Err(error) if !is_a_cache(error.kind()) => return Err(Failure::of_cache(path, &error)),
        Err(_) => {}
    }
    std::fs::remove_file(path).map_err(|error| Failure::of_file(path, &error))
}

/// Whether a file that cannot be opened is still known to be a cache, or to be nothing at all.
fn is_a_cache(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Cold
            | ErrorKind::Corrupt
            | ErrorKind::EmptyFile
            | ErrorKind::Truncated
            | ErrorKind::UnsupportedVersion
    )
}
