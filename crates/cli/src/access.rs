//! Opening a cache file that is there, for the commands that work on one.
//!
//! Commands that only look open it for reading. Then nothing in the file changes, not even a counter, and a flushed
//! file stays flushed. A file that may not be written can be read.

use crate::answer::failure::{Failure, Outcome};
use crate::answer::units::entries;
use crate::args::entry::Target;
use crate::opening::existing;
use crate::probe::was_a_cache;
use samovar::{Cache, Error, ErrorKind, Namespace};
use std::path::{Path, PathBuf};

/// Opens the cache at `path` for reading and writing.
pub(crate) fn open(path: &Path) -> Outcome<Cache> {
    existing().open(path).map_err(|error| Failure::of_cache(path, &error))
}

/// Opens the cache at `path` for reading.
pub(crate) fn open_read_only(path: &Path) -> Outcome<Cache> {
    let options = existing().read_only(true);
    options.open(path).map_err(|error| Failure::of_cache(path, &error))
}

/// Opens the cache at `path` for reading. The entries of a file that cannot be trusted cannot be read. So it is opened
/// for writing, which empties it, and the answer is that nothing is there.
fn open_to_look(path: &Path) -> Outcome<Cache> {
    match existing().read_only(true).open(path) {
        Err(error) if error.kind() == ErrorKind::Cold => open(path),
        opened => opened.map_err(|error| Failure::of_cache(path, &error)),
    }
}

/// Closes the cache, and reports what could not be written.
pub(crate) fn close(path: &Path, cache: Cache) -> Outcome<()> {
    cache.close().map_err(|error| Failure::of_cache(path, &error))
}

/// An open cache, or one of its namespaces: where keys are looked for.
pub(crate) struct Place {
    path: PathBuf,
    cache: Cache,
    namespace: Option<Namespace>,
}

impl Place {
    /// Opens what `target` names, for reading and writing.
    pub(crate) fn open(target: &Target) -> Outcome<Place> {
        Place::within(target, open(&target.file)?)
    }

    /// Opens what `target` names, for reading.
    pub(crate) fn open_to_look(target: &Target) -> Outcome<Place> {
        Place::within(target, open_to_look(&target.file)?)
    }

    /// What `target` names in a cache that is open.
    pub(crate) fn within(target: &Target, cache: Cache) -> Outcome<Place> {
        let path = target.file.clone();
        let namespace = target.namespace.as_ref().map(|name| cache.namespace(name)).transpose();
        let namespace = namespace.map_err(|error| Failure::of_cache(&path, &error))?;
        Ok(Place { path, cache, namespace })
    }

    /// Does something with the keys.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&Cache) -> Result<T, Error>) -> Outcome<T> {
        let keys = self.namespace.as_deref().unwrap_or(&self.cache);
        act(keys).map_err(|error| Failure::of_cache(&self.path, &error))
    }

    /// Closes the cache, and reports what could not be written.
    pub(crate) fn close(self) -> Outcome<()> {
        drop(self.namespace);
        close(&self.path, self.cache)
    }
}

/// Does one thing with the keys of `target`, in a cache that is open for as long as that takes.
pub(crate) fn with_keys<T>(target: &Target, act: impl FnOnce(&Cache) -> Result<T, Error>) -> Outcome<T> {
    let place = Place::open(target)?;
    let done = place.with(act)?;
    place.close()?;
    Ok(done)
}

/// Does one thing with the cache at `path`, which is open for as long as that takes.
pub(crate) fn with_file<T>(path: &Path, act: impl FnOnce(&Cache) -> Result<T, Error>) -> Outcome<T> {
    let cache = open(path)?;
    let done = act(&cache).map_err(|error| Failure::of_cache(path, &error))?;
    close(path, cache)?;
    Ok(done)
}

/// What opening found, in a few words: new, warm, or cold and why.
pub(crate) fn describe(cache: &Cache) -> String {
    let attachment = cache.attachment();
    match &attachment.cold_reason {
        Some(reason) if attachment.salvaged.is_some() => {
            format!("salvaged, with {}: {reason}", entries(attachment.entries))
        }
        _ if attachment.created => "cold: the file is new".to_owned(),
        _ if attachment.warm => format!("warm, with {}", entries(attachment.entries)),
        Some(reason) => format!("cold: {reason}"),
        None => "cold".to_owned(),
    }
}

/// Deletes the cache file at `path`; every program that has it open is told. A cache that cannot be opened any more is removed. A
/// file that is not a cache is left alone.
pub(crate) fn delete(path: &Path) -> Outcome<()> {
    match Cache::delete(path) {
        Ok(()) => return Ok(()),
        Err(error) if !was_a_cache(error.kind()) => return Err(Failure::of_cache(path, &error)),
        Err(_) => {}
    }
    std::fs::remove_file(path).map_err(|error| Failure::of_file(path, &error))
}
