//! `samovar dump`: the bytes of a cache file, decoded for a person, whatever they are.

use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output;
use crate::args::file::DumpArguments;
use samovar::Depth;

/// Prints what the file says.
pub(crate) fn run(arguments: &DumpArguments) -> Outcome<Status> {
    let depth = if arguments.entries { Depth::Entries } else { Depth::Heads };
    let mut told = Vec::new();
    samovar::dump(&arguments.file, depth, &mut told)
        .map_err(|error| Failure::of_cache(&arguments.file, &error))?;
    output::put(String::from_utf8_lossy(&told).trim_end())?;
    Ok(Status::Done)
}
