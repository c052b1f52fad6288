//! `samovar salvage`: what can be kept of a cache that lost power, or was restarted, before it was flushed.

use crate::access;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output::Format;
use crate::answer::progress;
use crate::answer::units::{bytes, entries};
use crate::args::file::FileArguments;
use crate::opening::existing;
use indicatif::ProgressBar;
use samovar::{Cache, ErrorKind, Options, Salvaged};
use serde::Serialize;
use std::fmt::{self, Display, Formatter};
use std::path::Path;

/// Salvages the file, if it needs that, and tells what was kept. One that is warm stays as it is.
pub(crate) fn run(arguments: &FileArguments, format: Format) -> Outcome<Status> {
    let path = arguments.file.as_path();
    let read_only = existing().read_only(true).open(path);
    let story = match read_only {
        Ok(cache) => Story::of(path, &cache),
        Err(error) if error.kind() == ErrorKind::Cold => salvage(path)?,
        Err(error) => return Err(Failure::of_cache(path, &error)),
    };
    format.report(&story)?;
    Ok(Status::from(story.salvage.is_some_and(|salvage| salvage.kept > 0)))
}

fn salvage(path: &Path) -> Outcome<Story> {
    let bar = progress::bar(0, "salvaging  ", "slots");
    let cache = options(bar.clone()).open(path).map_err(|error| Failure::of_cache(path, &error))?;
    bar.finish_and_clear();
    let story = Story::of(path, &cache);
    access::close(path, cache)?;
    Ok(story)
}

fn options(bar: ProgressBar) -> Options {
    existing().salvage_telling(move |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    })
}

/// What became of the file.
#[derive(Debug, Serialize)]
struct Story {
    file: String,
    /// Nothing was wrong with it.
    warm: bool,
    /// Why it could not be trusted, if it could not.
    because: Option<String>,
    /// What was kept of it; absent if it was warm, or had to be emptied.
    salvage: Option<Counts>,
    entries: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Counts {
    kept: u64,
    kept_bytes: u64,
    dropped: u64,
    broken: u64,
    untold: u64,
    replaced: u64,
    expired: u64,
    emptied: u64,
    no_room: u64,
}

impl Story {
    fn of(path: &Path, cache: &Cache) -> Self {
        let attachment = cache.attachment();
        Story {
            file: path.display().to_string(),
            warm: attachment.warm,
            because: attachment.cold_reason,
            salvage: attachment.salvaged.map(Counts::of),
            entries: attachment.entries,
        }
    }
}

impl Counts {
    fn of(salvaged: Salvaged) -> Self {
        Counts {
            kept: salvaged.kept,
            kept_bytes: salvaged.kept_bytes,
            dropped: salvaged.dropped(),
            broken: salvaged.broken,
            untold: salvaged.untold,
            replaced: salvaged.replaced,
            expired: salvaged.expired,
            emptied: salvaged.emptied,
            no_room: salvaged.no_room,
        }
    }
}

impl Display for Story {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let because = self.because.as_deref().unwrap_or("it cannot be trusted");
        let Some(counts) = self.salvage else {
            return if self.warm {
                write!(f, "{}: warm, with {}; there is nothing to salvage", self.file, entries(self.entries))
            } else {
                write!(f, "{}: emptied, because {because}; nothing of that can be salvaged", self.file)
            };
        };
        writeln!(f, "{}: salvaged, because {because}", self.file)?;
        let kept = format!("{}, {} of keys and values", entries(counts.kept), bytes(counts.kept_bytes));
        writeln!(f, "{:<26}{kept}", "kept")?;
        writeln!(f, "{:<26}{}", "dropped", entries(counts.dropped))?;
        let reasons = [
            ("  not whole", counts.broken),
            ("  not told for too long", counts.untold),
            ("  replaced", counts.replaced),
            ("  expired", counts.expired),
            ("  of emptied namespaces", counts.emptied),
            ("  without room", counts.no_room),
        ];
        reasons.into_iter().try_for_each(|(reason, many)| writeln!(f, "{reason:<26}{}", entries(many)))
    }
}
