//! Where files are made: new directories, gone when their use ends.

use crate::drive::Places;
use anyhow::{Context, Result};
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;
use tempfile::TempDir;

/// The places for files.
#[derive(Args, Clone, Debug)]
pub(crate) struct Ground {
    /// Where files on a disk are made; the system's directory for temporary files unless told otherwise.
    #[arg(long, value_name = "DIRECTORY", global = true)]
    disk: Option<PathBuf>,
    /// Where files in memory are made.
    #[arg(long, value_name = "DIRECTORY", default_value = "/dev/shm", global = true)]
    tmpfs: PathBuf,
    /// A tmpfs mounted with huge=always, for measures in huge pages.
    #[arg(long, value_name = "DIRECTORY", global = true)]
    huge: Option<PathBuf>,
}

/// Directories that vanish with this.
pub(crate) struct Plot {
    pub(crate) disk: TempDir,
    pub(crate) tmpfs: TempDir,
    huge: Option<TempDir>,
}

impl Plot {
    /// What a process is told to make its files here.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let places =
            [("--disk", Some(&self.disk)), ("--tmpfs", Some(&self.tmpfs)), ("--huge", self.huge.as_ref())];
        let told =
            places.into_iter().filter_map(|(option, place)| Some([option.into(), place?.path().into()]));
        told.flatten().collect()
    }
}

impl Ground {
    pub(crate) fn disk(&self) -> PathBuf {
        self.disk.clone().unwrap_or_else(std::env::temp_dir)
    }

    /// The places themselves, for a process that was given directories of its own.
    pub(crate) fn here(&self) -> Places {
        Places { disk: self.disk(), tmpfs: self.tmpfs.clone(), huge: self.huge.clone() }
    }

    /// Are there huge pages to be had?
    pub(crate) fn has_huge(&self) -> bool {
        self.huge.is_some()
    }

    pub(crate) fn plot(&self) -> Result<Plot> {
        let make = |place: PathBuf| {
            let made = tempfile::Builder::new().prefix("samovar-bench-").tempdir_in(&place);
            made.with_context(|| format!("no directory could be made in {}", place.display()))
        };
        let huge = self.huge.clone().map(make).transpose()?;
        Ok(Plot { disk: make(self.disk())?, tmpfs: make(self.tmpfs.clone())?, huge })
    }
}
