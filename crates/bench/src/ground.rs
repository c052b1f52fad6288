//! Where files are made: new directories, gone when their use ends.

use crate::drive::Places;
use anyhow::{Context, Result};
use clap::Args;
use std::path::PathBuf;
use tempfile::TempDir;

/// The two places for files.
#[derive(Args, Clone, Debug)]
pub(crate) struct Ground {
    /// Where files on a disk are made; the system's directory for temporary files unless told otherwise.
    #[arg(long, value_name = "DIRECTORY", global = true)]
    disk: Option<PathBuf>,
    /// Where files in memory are made.
    #[arg(long, value_name = "DIRECTORY", default_value = "/dev/shm", global = true)]
    tmpfs: PathBuf,
}

/// Two directories that vanish with this.
pub(crate) struct Plot {
    pub(crate) disk: TempDir,
    pub(crate) tmpfs: TempDir,
}

impl Ground {
    pub(crate) fn disk(&self) -> PathBuf {
        self.disk.clone().unwrap_or_else(std::env::temp_dir)
    }

    /// The places themselves, for a process that was given directories of its own.
    pub(crate) fn here(&self) -> Places {
        Places { disk: self.disk(), tmpfs: self.tmpfs.clone() }
    }

    pub(crate) fn plot(&self) -> Result<Plot> {
        let make = |place: PathBuf| {
            let made = tempfile::Builder::new().prefix("samovar-bench-").tempdir_in(&place);
            made.with_context(|| format!("no directory could be made in {}", place.display()))
        };
        Ok(Plot { disk: make(self.disk())?, tmpfs: make(self.tmpfs.clone())? })
    }
}
