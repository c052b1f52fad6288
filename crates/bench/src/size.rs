//! How large a population is: written `4194304x64`, so many entries with values of so many bytes.

use crate::table;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Entries, and the length of each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Size {
    pub(crate) entries: u32,
    pub(crate) value_len: usize,
}

impl Size {
    /// As the tables name it.
    pub(crate) fn name(self) -> String {
        format!("{} of {}", table::entries(self.entries), table::bytes(self.value_len as u64))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.entries, self.value_len)
    }
}

impl FromStr for Size {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (entries, value_len) = text.split_once('x').context("a population is written ENTRIESxBYTES")?;
        let size = Size { entries: entries.parse()?, value_len: value_len.parse()? };
        ensure!(size.entries > 0, "a population has at least one entry");
        ensure!(size.value_len >= crate::payload::MIN_VALUE_LEN, "values have at least ten bytes");
        Ok(size)
    }
}

#[cfg(test)]
mod tests;
