//! `samovar dump`: the bytes of a cache file, damaged or not, decoded for a person.

use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output::Format;
use crate::args::file::DumpArguments;
use samovar::Depth;
use serde::Serialize;
use std::fmt::{self, Display, Formatter};

/// Prints what the file says.
pub(crate) fn run(arguments: &DumpArguments, format: Format) -> Outcome<Status> {
    let depth = if arguments.entries { Depth::Entries } else { Depth::Heads };
    let mut told = Vec::new();
    samovar::dump(&arguments.file, depth, &mut told)
        .map_err(|error| Failure::of_cache(&arguments.file, &error))?;
    let text = String::from_utf8_lossy(&told);
    let lines = text.trim_end().lines().collect();
    format.report(&Dump { file: arguments.file.display().to_string(), lines })?;
    Ok(Status::Done)
}

/// The lines for a person; scripts get the same.
#[derive(Debug, Serialize)]
struct Dump<'a> {
    file: String,
    lines: Vec<&'a str>,
}

impl Display for Dump<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
