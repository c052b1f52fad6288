//! `samovar completions` and `samovar man`: what a package brings along, made from what the program itself says.

use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output::{self, Format};
use crate::args::Arguments;
use crate::args::generate::{CompletionsArguments, ManArguments};
use serde::Serialize;
use std::fmt::{self, Display, Formatter};

/// Writes the completions for one shell to standard output, as JSON or not.
pub(crate) fn completions(arguments: &CompletionsArguments) -> Outcome<Status> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::program(), "samovar", &mut script);
    output::put_bytes(&script)?;
    Ok(Status::Done)
}

/// Writes one manual page a command.
pub(crate) fn man(arguments: &ManArguments, format: Format) -> Outcome<Status> {
    let dir = arguments.dir.as_path();
    std::fs::create_dir_all(dir)
        .and_then(|()| clap_mangen::generate_to(Arguments::program(), dir))
        .map_err(|error| Failure::of_file(dir, &error))?;
    format.line(&Written { dir: dir.display().to_string() })?;
    Ok(Status::Done)
}

/// Where the pages are.
#[derive(Debug, Serialize)]
struct Written {
    dir: String,
}

impl Display for Written {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: manual pages written", self.dir)
    }
}
