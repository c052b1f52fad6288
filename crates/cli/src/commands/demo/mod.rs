//! `samovar demo`: a real trace, a process killed in the middle of it, and a cache that is still warm.

mod stage;
mod victim;

use crate::access;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output;
use crate::answer::units;
use crate::args::trace::DemoArguments;
use crate::replay::runner::{Runner, ValueSizes};
use crate::replay::tally::Tally;
use crate::replay::trace::Trace;
use console::style;
use samovar::Attachment;
use stage::{CAPACITY_BYTES, PAGE_BYTES, Stage, open_or_create};
use std::path::Path;
use std::time::Instant;
use victim::Victim;

/// The whole demonstration, or the part of it that is killed.
pub(crate) fn run(arguments: &DemoArguments) -> Outcome<Status> {
    let trace = Trace::decode(WEB12).map_err(|why| Failure::new(Status::Other, "the trace web12", why))?;
    if let Some(file) = &arguments.child {
        return victim::fill_slowly(file, &trace);
    }
    let stage = Stage::set(arguments.dir.as_deref())?;
    introduce(&trace)?;
    kill_in_the_middle(&stage.survivor(), &trace)?;
    let found = look_again(&stage.survivor())?;
    let runs = compare(&stage, &trace)?;
    conclude(&stage, &found, &runs)
}

fn introduce(trace: &Trace) -> Outcome<()> {
    output::put(&format!("{}\n", style("Samovar: a cache that is a file").bold()))?;
    let requests = units::count(trace.len());
    output::put(&format!("  trace   web12: {requests} HTTP requests for product pages of a web shop"))?;
    let capacity = units::bytes(CAPACITY_BYTES);
    output::put(&format!("  cache   one file of {capacity}; a page is {PAGE_BYTES} bytes here"))
}

fn kill_in_the_middle(file: &Path, trace: &Trace) -> Outcome<()> {
    step("1. Another process fills the cache, slowly enough to watch. Half-way, it is killed.")?;
    let victim = Victim::start(file)?;
    let process = victim.process();
    let done = units::count(victim.watch_and_kill(trace.len())?);
    let killed = style("killed").red().bold();
    output::put(&format!(
        "    process {process} {killed} after {done} requests, with no time to save anything"
    ))
}

/// What was in the file after the kill.
struct Found {
    attachment: Attachment,
    is_clean: bool,
}

fn look_again(file: &Path) -> Outcome<Found> {
    step("2. The file is opened again.")?;
    let start = Instant::now();
    let cache = access::open(file)?;
    let open_time = units::duration(start.elapsed());
    let report = cache.check().map_err(|error| Failure::of_cache(file, &error))?;
    let state = style(access::describe(&cache)).green().bold();
    output::put(&format!("    {state}; it took {open_time}"))?;
    output::put(&format!("    every entry read and recounted: {} problems", report.problem_count))?;
    let found = Found { attachment: cache.attachment(), is_clean: report.is_clean() };
    access::close(file, cache)?;
    Ok(found)
}

fn compare(stage: &Stage, trace: &Trace) -> Outcome<[Tally; 3]> {
    step("3. The whole trace is replayed, from its first request to its last.")?;
    output::put(&format!("    {:<32}{:>10}{:>14}", "", "misses", "miss ratio"))?;
    Ok([
        replay("cold: a new file", &stage.newcomer(), trace)?,
        replay("warm: the file that survived", &stage.survivor(), trace)?,
        replay("warm: the same, once more", &stage.survivor(), trace)?,
    ])
}

fn replay(name: &str, file: &Path, trace: &Trace) -> Outcome<Tally> {
    let cache = open_or_create(file)?;
    let tally = Runner::new(&cache, file, ValueSizes::Fixed(PAGE_BYTES))?.run(trace, &mut |_| ())?;
    access::close(file, cache)?;
    let miss_ratio = units::ratio(tally.misses, tally.requests).map(units::percent).unwrap_or_default();
    output::put(&format!("    {name:<32}{:>10}{miss_ratio:>14}", units::count(tally.misses)))?;
    Ok(tally)
}

fn conclude(stage: &Stage, found: &Found, runs: &[Tally; 3]) -> Outcome<Status> {
    let wrong: u64 = runs.iter().map(|tally| tally.wrong_values).sum();
    let hits = units::count(runs.iter().map(|tally| tally.hits).sum());
    if !found.attachment.warm || !found.is_clean || wrong > 0 {
        let why = format!("the cache was lost or damaged, with {wrong} wrong values in {hits} hits");
        return Err(Failure::new(Status::Damage, "the demonstration failed", why));
    }
    step("What this shows")?;
    let kept = units::entries(found.attachment.entries);
    output::put(&format!(
        "    A miss is a page to be made anew. The killed process saved nothing and closed nothing, and yet the\n    \
         {kept} that it had stored were there: they were in the file, which is its memory.\n    \
         Every hit, {hits} in all, was compared to the last byte: none was wrong."
    ))?;
    let survivor = stage.survivor();
    if stage.is_kept() {
        step(&format!("Look at it: samovar stat {}", survivor.display()))?
    }
    Ok(Status::Done)
}

fn step(title: &str) -> Outcome<()> {
    output::put(&format!("\n{}", style(title).bold()))
}

/// The trace, as it ships in the project.
const WEB12: &[u8] = include_bytes!("../../../../../data/web12.trace.zst");
