//! `samovar load`: the value of a key, made by a command if it is missing, by one at a time over all processes.
//!
//! ```text
//!   fresh, or stale and being refreshed ----------> the value
//!   missing, or stale, and ours to load ----------> the command --fails--> the stale value, if there is one, else an error
//!                                                        '---> stored, unless the key was written meanwhile
//!   missing, and being loaded --------------------> wait for it, then look again; after the timeout, run the command
//! ```

use crate::access::Place;
use crate::answer::bytes::KeyText;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output::{self, Format};
use crate::args::entry::LoadArguments;
use crate::opening::existing;
use samovar::{Cache, Error, Lease, Lookup, Ttl};
use serde::Serialize;
use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Writes the value out, running the command first if there is none.
pub(crate) fn run(arguments: &LoadArguments, format: Format) -> Outcome<Status> {
    let path = arguments.target.file.as_path();
    let ttl = ttl(arguments)?;
    let options = existing().load_timeout(arguments.timeout);
    let cache = options.open(path).map_err(|error| Failure::of_cache(path, &error))?;
    let place = Place::within(&arguments.target, cache)?;
    let given = Loading { place: &place, arguments, ttl }.value()?;
    place.close()?;
    put(&given, arguments, format)?;
    Ok(Status::Done)
}

fn ttl(arguments: &LoadArguments) -> Outcome<Ttl> {
    let life = arguments.life.ttl;
    let Some(soft) = arguments.stale_after else { return Ok(life.ttl()) };
    life.stale_after(soft).ok_or_else(|| {
        Failure::new(Status::Usage, "--stale-after", "the value would be forgotten before it is stale")
            .with_remedy("name a shorter time than that of --ttl")
    })
}

/// A value, and how it was come by.
struct Given {
    value: Vec<u8>,
    origin: Origin,
}

/// Where a value is from.
enum Origin {
    /// It was there.
    Kept,
    /// It was there, past the time that it should be refreshed after.
    Stale,
    /// The same, and the command that was to refresh it failed.
    StaleSince(Failure),
    /// The command wrote it, and it was stored.
    Loaded,
    /// The command wrote it, and it was not stored.
    Unstored(String),
}

/// One load.
struct Loading<'a> {
    place: &'a Place,
    arguments: &'a LoadArguments,
    ttl: Ttl,
}

/// Why a wait for the load of another process ended without a value.
enum Ended {
    /// It is not being loaded any more.
    TurnCame,
    Failed(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Ended::Failed(error)
    }
}

impl Loading<'_> {
    fn value(&self) -> Outcome<Given> {
        let begun = Instant::now();
        loop {
            return match self.place.with(|cache| cache.lookup(self.key()))? {
                Lookup::Fresh(value) => Ok(Given { value, origin: Origin::Kept }),
                Lookup::Stale(value) => Ok(Given { value, origin: Origin::Stale }),
                Lookup::StaleYours(value, lease) => self.refresh(value, lease),
                Lookup::MissingYours(lease) => self.load(lease),
                Lookup::MissingTaken if begun.elapsed() < self.arguments.timeout => match self.wait()? {
                    Some(value) => Ok(Given { value, origin: Origin::Kept }),
                    None => continue,
                },
                Lookup::MissingTaken => self.load_alone("another process is still loading it"),
                Lookup::Absent => self.load_alone("a program has stored that there is no value"),
            };
        }
    }

    fn key(&self) -> &[u8] {
        self.arguments.key.as_encoded_bytes()
    }

    fn load(&self, lease: Lease) -> Outcome<Given> {
        let value = output_of(&self.arguments.command)?;
        let origin = match lease.fulfil(&value, self.ttl) {
            Ok(true) => Origin::Loaded,
            Ok(false) => Origin::Unstored("the key was set or deleted meanwhile".to_owned()),
            Err(error) => Origin::Unstored(Failure::of_cache(&self.arguments.target.file, &error).reason()),
        };
        Ok(Given { value, origin })
    }

    /// Loads, or, if that fails, makes do with the stale value.
    fn refresh(&self, stale: Vec<u8>, lease: Lease) -> Outcome<Given> {
        let made_do = |failure| Ok(Given { value: stale, origin: Origin::StaleSince(failure) });
        self.load(lease).or_else(made_do)
    }

    /// Runs the command with no right to store what it writes.
    fn load_alone(&self, why: &str) -> Outcome<Given> {
        let value = output_of(&self.arguments.command)?;
        Ok(Given { value, origin: Origin::Unstored(why.to_owned()) })
    }

    /// The value that another process loads; none if it fails.
    fn wait(&self) -> Outcome<Option<Vec<u8>>> {
        let wait = |cache: &Cache| match cache
            .get_or_try_insert_with(self.key(), self.ttl, || Err(Ended::TurnCame))
        {
            Ok(value) => Ok(Some(value)),
            Err(Ended::TurnCame) => Ok(None),
            Err(Ended::Failed(error)) => Err(error),
        };
        self.place.with(wait)
    }
}

/// The kind of that failure.
#[derive(Debug)]
struct CommandFailed;

/// What the command writes to its standard output, if it succeeds.
fn output_of(command: &[OsString]) -> Outcome<Vec<u8>> {
    let [program, arguments @ ..] = command else { return Ok(Vec::new()) };
    let failed = |why: &dyn std::fmt::Display| {
        let failure = Failure::new(Status::Other, program.display(), why);
        failure.of_kind(&CommandFailed).with_remedy("nothing was stored")
    };
    let run = Command::new(program).args(arguments).stderr(Stdio::inherit()).stdin(Stdio::inherit()).output();
    let done = run.map_err(|error| failed(&error))?;
    if done.status.success() { Ok(done.stdout) } else { Err(failed(&done.status)) }
}

/// What is told of a load to scripts, instead of the value.
#[derive(Debug, Serialize)]
struct LoadReport<'a> {
    #[serde(flatten)]
    key: KeyText<'a>,
    /// The command ran, and its output is the value.
    loaded: bool,
    /// The value is in the cache, or was when it was looked up.
    stored: bool,
    stale: bool,
    value_bytes: usize,
    /// Why the output was not stored, or why the command failed and the value is stale.
    because: Option<String>,
}

fn put(given: &Given, arguments: &LoadArguments, format: Format) -> Outcome<()> {
    let because = match &given.origin {
        Origin::Kept | Origin::Stale | Origin::Loaded => None,
        Origin::StaleSince(failure) => Some(failure.to_string()),
        Origin::Unstored(why) => Some(why.clone()),
    };
    if format == Format::Json {
        return output::put_json_line(&LoadReport {
            key: KeyText::of(arguments.key.as_encoded_bytes()),
            loaded: matches!(given.origin, Origin::Loaded | Origin::Unstored(_)),
            stored: !matches!(given.origin, Origin::Unstored(_)),
            stale: matches!(given.origin, Origin::Stale | Origin::StaleSince(_)),
            value_bytes: given.value.len(),
            because,
        });
    }
    output::put_bytes(&given.value)?;
    let file = arguments.target.file.display();
    match (&given.origin, because) {
        (Origin::StaleSince(_), Some(why)) => format.note(file, format_args!("the value is stale: {why}")),
        (_, Some(why)) => format.note(file, format_args!("the output was not stored: {why}")),
        _ => {}
    }
    Ok(())
}
