//! Where the demonstration takes place: its directory, which goes away at the end unless it was asked for, and its caches.

use crate::access;
use crate::answer::failure::{Failure, Outcome};
use samovar::Cache;
use std::path::{Path, PathBuf};

/// A directory for two cache files that are not there yet.
pub(super) struct Stage {
    directory: PathBuf,
    is_kept: bool,
}

impl Stage {
    /// Makes the directory that was asked for, or a temporary one. Caches of an earlier demonstration are removed.
    pub(super) fn set(asked_for: Option<&Path>) -> Outcome<Stage> {
        let stage = match asked_for {
            Some(directory) => Stage { directory: directory.to_owned(), is_kept: true },
            None => Stage { directory: temporary(), is_kept: false },
        };
        std::fs::create_dir_all(&stage.directory)
            .map_err(|error| Failure::of_file(&stage.directory, &error))?;
        for file in [stage.survivor(), stage.newcomer()] {
            if file.symlink_metadata().is_ok() {
                access::delete(&file)?;
            }
        }
        Ok(stage)
    }

    /// The cache that the killed process fills.
    pub(super) fn survivor(&self) -> PathBuf {
        self.directory.join("survivor.samovar")
    }

    /// The cache that starts empty, to compare.
    pub(super) fn newcomer(&self) -> PathBuf {
        self.directory.join("newcomer.samovar")
    }

    /// Whether the files stay.
    pub(super) fn is_kept(&self) -> bool {
        self.is_kept
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed now is the temporary directory's to clean.
            std::fs::remove_dir_all(&self.directory).unwrap_or_default();
        }
    }
}

fn temporary() -> PathBuf {
    std::env::temp_dir().join(format!("samovar-demo-{}", std::process::id()))
}

/// Opens a cache of the demonstration, or makes it.
pub(super) fn open_or_create(file: &Path) -> Outcome<Cache> {
    let options = Cache::options().capacity(CAPACITY_BYTES);
    options.open(file).map_err(|error| Failure::of_cache(file, &error))
}

/// Room for every page of the trace.
pub(super) const CAPACITY_BYTES: u64 = 4 << 20;
/// The length of a page: the trace records none.
pub(super) const PAGE_BYTES: u32 = 100;
