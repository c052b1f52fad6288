//! `samovar replay`: a trace of real accesses, replayed into a cache file.

use crate::access;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output::Format;
use crate::answer::progress;
use crate::args::trace::ReplayArguments;
use crate::replay::counts::ReplayCounts;
use crate::replay::plan::Plan;
use crate::replay::report::Report;
use crate::replay::trace::Trace;
use samovar::Cache;

/// Replays and reports; the status says whether every value was right.
pub(crate) fn run(arguments: &ReplayArguments, format: Format) -> Outcome<Status> {
    let trace = Trace::open(&arguments.trace)?;
    if arguments.cold && arguments.cache.symlink_metadata().is_ok() {
        access::delete(&arguments.cache)?;
    }
    let plan = Plan::new(arguments, &trace);
    let cache = plan.open()?;
    let start = plan.start(&cache)?;
    format.say(&start.to_string())?;
    let stats = || cache.stats().map_err(|error| Failure::of_cache(&arguments.cache, &error));
    let before = stats()?;
    let counts = replay(&plan, &cache, &trace)?;
    let report = Report::new(start, &counts, &before, &stats()?);
    access::close(&arguments.cache, cache)?;
    format.report(&report)?;
    Ok(if counts.wrong_values == 0 { Status::Done } else { Status::Damage })
}

fn replay(plan: &Plan<'_>, cache: &Cache, trace: &Trace) -> Outcome<ReplayCounts> {
    let bar = progress::bar(trace.len(), "", "requests");
    let counts = plan.runner(cache)?.run(trace, &mut |done| bar.set_position(done));
    bar.finish_and_clear();
    counts
}
