//! Results as they are kept: what was found, on what, and when.

use crate::machine::Machine;
use anyhow::{Context, Result};
use clap::Args;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// What a command found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Results<T> {
    /// The command.
    pub(crate) command: String,
    pub(crate) machine: Machine,
    pub(crate) found: T,
}

/// Where results go.
#[derive(Args, Clone, Debug)]
pub(crate) struct Destination {
    /// Print JSON instead of tables.
    #[arg(long, global = true)]
    json: bool,
    /// Also keep the JSON in this file.
    #[arg(long, value_name = "FILE", global = true)]
    save: Option<PathBuf>,
}

impl<T: Serialize + std::fmt::Display> Results<T> {
    /// Prints and keeps them as asked.
    pub(crate) fn deliver(&self, destination: &Destination) -> Result<()> {
        if let Some(path) = &destination.save {
            let json = serde_json::to_string(self)? + "\n";
            fs::write(path, json).with_context(|| format!("{} could not be written", path.display()))?;
        }
        if destination.json {
            println!("{}", serde_json::to_string_pretty(self)?);
        } else {
            println!("{}\n{}", self.found, self.machine);
        }
        Ok(())
    }
}

impl<T: DeserializeOwned> Results<T> {
    /// What was kept in this file; none if there is no such file.
    pub(crate) fn kept(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let json =
            fs::read_to_string(path).with_context(|| format!("{} could not be read", path.display()))?;
        let kept = serde_json::from_str(&json);
        kept.with_context(|| format!("{} is not what this version stores", path.display())).map(Some)
    }
}
