//! `samovar load`: the value of a key, made by a command if it is missing, by one at a time over all processes.

use crate::access;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output;
use crate::args::entry::LoadArguments;
use samovar::{Cache, Error, Ttl};
use serde::Serialize;
use std::ffi::OsString;
use std::process::{Command, Stdio};

/// What is told of a load instead of the value.
#[derive(Serialize)]
struct Told {
    /// This process ran the command.
    loaded: bool,
    value_bytes: usize,
}

/// Who failed: the cache or the command.
enum Trouble {
    Cache(Error),
    Command(Failure),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Trouble::Cache(error)
    }
}

/// Writes the value out, running the command first if there is none.
pub(crate) fn run(arguments: &LoadArguments) -> Outcome<Status> {
    let path = arguments.target.file.as_path();
    let options = Cache::options().create(false).load_timeout(arguments.timeout);
    let cache = options.open(path).map_err(|error| Failure::of_cache(path, &error))?;
    let (key, ttl) = (arguments.key.as_encoded_bytes(), arguments.ttl.unwrap_or(Ttl::NEVER));
    let mut loaded = false;
    let mut load = || {
        loaded = true;
        output_of(&arguments.command)
    };
    let made = match &arguments.target.namespace {
        None => cache.get_or_try_insert_with(key, ttl, &mut load),
        Some(name) => cache
            .namespace(name)
            .map_err(Trouble::Cache)
            .and_then(|space| space.get_or_try_insert_with(key, ttl, &mut load)),
    };
    let value = made.map_err(|trouble| match trouble {
        Trouble::Cache(error) => Failure::of_cache(path, &error),
        Trouble::Command(failure) => failure,
    })?;
    access::close(path, cache)?;
    if arguments.json {
        output::put_json(&Told { loaded, value_bytes: value.len() })?;
    } else {
        output::put_bytes(&value)?;
    }
    Ok(Status::Done)
}

/// What the command writes to its standard output, if it succeeds.
fn output_of(command: &[OsString]) -> Result<Vec<u8>, Trouble> {
    let [program, arguments @ ..] = command else { return Ok(Vec::new()) };
    let failed = |why: &dyn std::fmt::Display| {
        let failure = Failure::new(Status::Other, program.display(), why);
        Trouble::Command(failure.with_remedy("nothing was stored"))
    };
    let run = Command::new(program).args(arguments).stderr(Stdio::inherit()).stdin(Stdio::inherit()).output();
    let done = run.map_err(|error| failed(&error))?;
    if done.status.success() { Ok(done.stdout) } else { Err(failed(&done.status)) }
}
