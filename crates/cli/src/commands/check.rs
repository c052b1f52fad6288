//! `samovar check`: everything in the file is read and recounted.

use crate::access;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output::Format;
use crate::args::file::FileArguments;
use samovar::{Cache, Report};
use serde::Serialize;
use std::fmt::{self, Display, Formatter};
use std::path::Path;

/// Prints the findings; the status says whether there are any.
pub(crate) fn run(arguments: &FileArguments, format: Format) -> Outcome<Status> {
    let report = recount(&arguments.file)?;
    format.report(&Findings::of(&arguments.file, &report))?;
    Ok(if report.is_clean() { Status::Done } else { Status::Damage })
}

/// A recount that writes nothing is the first choice. It cannot keep writers out, nor finish a change of a dead one. If
/// that may be the trouble, and the file may be written, the check is made again with writers kept out.
fn recount(path: &Path) -> Outcome<Report> {
    let first = recount_in(path, access::open_read_only(path)?);
    match first {
        Ok(report) if report.is_clean() => Ok(report),
        first => access::open(path).and_then(|cache| recount_in(path, cache)).or(first),
    }
}

fn recount_in(path: &Path, cache: Cache) -> Outcome<Report> {
    let report = cache.check().map_err(|error| Failure::of_cache(path, &error))?;
    access::close(path, cache)?;
    Ok(report)
}

/// The report, as it is shown.
#[derive(Debug, Serialize)]
struct Findings<'a> {
    file: String,
    clean: bool,
    entries: u64,
    live_bytes: u64,
    dead_entries: u64,
    slots: u64,
    ghosts: u64,
    resize_pending: bool,
    problem_count: u64,
    problems: &'a [String],
    #[serde(skip)]
    text: &'a Report,
}

impl<'a> Findings<'a> {
    fn of(path: &Path, report: &'a Report) -> Self {
        Findings {
            file: path.display().to_string(),
            clean: report.is_clean(),
            entries: report.entries,
            live_bytes: report.live_bytes,
            dead_entries: report.dead_entries,
            slots: report.slots,
            ghosts: report.ghosts,
            resize_pending: report.resize_pending,
            problem_count: report.problem_count,
            problems: &report.problems,
            text: report,
        }
    }
}

impl Display for Findings<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text)
    }
}
