//! Where a value comes from: the command line, a file, or standard input.

use crate::answer::failure::{Failure, Outcome, Status};
use clap::Args;
use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::PathBuf;

/// A value, for every command that stores one.
#[derive(Debug, Args)]
pub(crate) struct ValueArguments {
    /// The value; `-` reads it from standard input
    #[arg(required_unless_present = "value_file")]
    value: Option<OsString>,
    /// Read the value from this file instead
    #[arg(long, value_name = "PATH", conflicts_with = "value")]
    value_file: Option<PathBuf>,
}

impl ValueArguments {
    /// The value's bytes.
    pub(crate) fn read(&self) -> Outcome<Cow<'_, [u8]>> {
        match (&self.value_file, &self.value) {
            (Some(file), _) => {
                let bytes = std::fs::read(file).map_err(|error| Failure::of_file(file, &error))?;
                Ok(Cow::Owned(bytes))
            }
            (None, Some(value)) if value != "-" => Ok(Cow::Borrowed(value.as_encoded_bytes())),
            _ => read_standard_input().map(Cow::Owned),
        }
    }
}

fn read_standard_input() -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(Status::Other, "standard input", error))?;
    Ok(bytes)
}
