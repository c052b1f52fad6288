//! `samovar demo`: a real trace, a process killed in the middle of it, and a cache that is still warm.

mod stage;
mod victim;

use crate::access;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output::{self, Format};
use crate::answer::units;
use crate::args::trace::DemoArguments;
use crate::replay::counts::ReplayCounts;
use crate::replay::runner::{Runner, ValueSizes};
use crate::replay::trace::Trace;
use console::style;
use samovar::Attachment;
use serde::Serialize;
use stage::{CAPACITY_BYTES, PAGE_BYTES, Stage, open_or_create};
use std::path::Path;
use std::time::{Duration, Instant};
use victim::Victim;

/// The whole demonstration, or the part of it that is killed, or only its trace.
pub(crate) fn run(arguments: &DemoArguments, format: Format) -> Outcome<Status> {
    if let Some(file) = &arguments.write_trace {
        std::fs::write(file, WEB12).map_err(|error| Failure::of_file(file, &error))?;
        return Ok(Status::Done);
    }
    let trace = Trace::decode(WEB12).map_err(|why| Failure::new(Status::Other, "the trace web12", why))?;
    if let Some(file) = &arguments.child {
        return victim::fill_slowly(file, &trace);
    }
    let stage = Stage::set(arguments.dir.as_deref())?;
    Demo { stage, trace, format }.run()
}

/// The demonstration.
struct Demo {
    stage: Stage,
    trace: Trace,
    format: Format,
}

/// What was in the file after the kill.
struct AfterKill {
    attachment: Attachment,
    is_clean: bool,
    open_time: Duration,
}

/// A replay, to the end.
struct Run {
    name: &'static str,
    counts: ReplayCounts,
}

impl Demo {
    fn run(&self) -> Outcome<Status> {
        self.introduce()?;
        let killed_after = self.kill_in_the_middle()?;
        let found = self.look_again()?;
        let runs = self.compare()?;
        self.expect_intact(&found, &runs)?;
        if self.format == Format::Json {
            output::put_json_report(&DemoReport::of(killed_after, &found, &runs))?;
            return Ok(Status::Done);
        }
        self.conclude(&found, &runs)
    }

    fn say(&self, text: &str) -> Outcome<()> {
        self.format.say(text)
    }

    fn step(&self, title: &str) -> Outcome<()> {
        self.say(&format!("\n{}", style(title).bold()))
    }

    fn introduce(&self) -> Outcome<()> {
        self.say(&format!("{}\n", style("Samovar: a cache that is a file").bold()))?;
        let requests = units::count(self.trace.len());
        self.say(&format!("  trace   web12: {requests} HTTP requests for product pages of a web shop"))?;
        let capacity = units::bytes(CAPACITY_BYTES);
        self.say(&format!("  cache   one file of {capacity}; a page is {PAGE_BYTES} bytes here"))
    }

    /// Says after how many requests the process was killed.
    fn kill_in_the_middle(&self) -> Outcome<u64> {
        self.step("1. Another process fills the cache, slowly enough to watch. Half-way, it is killed.")?;
        // Made here, so that it is told here, and once, if there is no room for it.
        let file = self.stage.survivor();
        access::close(&file, open_or_create(&file)?)?;
        let victim = Victim::start(&file)?;
        let process = victim.process();
        let done = victim.watch_and_kill(self.trace.len())?;
        let (killed, requests) = (style("killed").red().bold(), units::count(done));
        self.say(&format!(
            "    process {process} {killed} after {requests} requests, with no time to save anything"
        ))?;
        Ok(done)
    }

    fn look_again(&self) -> Outcome<AfterKill> {
        self.step("2. The file is opened again.")?;
        let file = self.stage.survivor();
        let start = Instant::now();
        let cache = access::open(&file)?;
        let open_time = start.elapsed();
        let report = cache.check().map_err(|error| Failure::of_cache(&file, &error))?;
        let state = style(access::describe(&cache)).green().bold();
        self.say(&format!("    {state}; it took {}", units::duration(open_time)))?;
        self.say(&format!("    every entry read and recounted: {} problems", report.problem_count))?;
        let found = AfterKill { attachment: cache.attachment(), is_clean: report.is_clean(), open_time };
        access::close(&file, cache)?;
        Ok(found)
    }

    fn compare(&self) -> Outcome<[Run; 3]> {
        self.step("3. The whole trace is replayed, from its first request to its last.")?;
        self.say(&format!("    {:<32}{:>10}{:>14}", "", "misses", "miss ratio"))?;
        let (survivor, newcomer) = (self.stage.survivor(), self.stage.newcomer());
        Ok([
            self.replay("cold: a new file", &newcomer)?,
            self.replay("warm: the file that survived", &survivor)?,
            self.replay("warm: the same, once more", &survivor)?,
        ])
    }

    fn replay(&self, name: &'static str, file: &Path) -> Outcome<Run> {
        let cache = open_or_create(file)?;
        let counts =
            Runner::new(&cache, file, ValueSizes::Fixed(PAGE_BYTES))?.run(&self.trace, &mut |_| ())?;
        access::close(file, cache)?;
        let miss_ratio = units::ratio(counts.misses, counts.requests).map(units::percent).unwrap_or_default();
        self.say(&format!("    {name:<32}{:>10}{miss_ratio:>14}", units::count(counts.misses)))?;
        Ok(Run { name, counts })
    }

    fn expect_intact(&self, found: &AfterKill, runs: &[Run; 3]) -> Outcome<()> {
        let wrong: u64 = runs.iter().map(|run| run.counts.wrong_values).sum();
        if found.attachment.warm && found.is_clean && wrong == 0 {
            return Ok(());
        }
        let why = format!("the cache was lost or damaged, with {wrong} wrong values in {} hits", hits(runs));
        Err(Failure::new(Status::Damage, "the demonstration failed", why))
    }

    fn conclude(&self, found: &AfterKill, runs: &[Run; 3]) -> Outcome<Status> {
        self.step("What this shows")?;
        let kept = units::entries(found.attachment.entries);
        let hits = units::count(hits(runs));
        self.say(&format!(
            "    A miss is a page to be made anew. The killed process saved nothing and closed nothing, and yet the\n    \
             {kept} that it had stored were there: they were in the file, which is its memory.\n    \
             Every hit, {hits} in all, was compared to the last byte: none was wrong."
        ))?;
        if self.stage.is_kept() {
            self.step(&format!("Look at it: samovar stat {}", self.stage.survivor().display()))?
        }
        Ok(Status::Done)
    }
}

fn hits(runs: &[Run; 3]) -> u64 {
    runs.iter().map(|run| run.counts.hits).sum()
}

/// The demonstration, for scripts. It is only told if it ended well.
#[derive(Debug, Serialize)]
struct DemoReport {
    killed_after: u64,
    entries_found: u64,
    open_ns: u64,
    runs: Vec<RunReport>,
}

#[derive(Debug, Serialize)]
struct RunReport {
    name: &'static str,
    requests: u64,
    misses: u64,
    wrong_values: u64,
}

impl DemoReport {
    fn of(killed_after: u64, found: &AfterKill, runs: &[Run; 3]) -> Self {
        let run = |Run { name, counts }: &Run| RunReport {
            name,
            requests: counts.requests,
            misses: counts.misses,
            wrong_values: counts.wrong_values,
        };
        DemoReport {
            killed_after,
            entries_found: found.attachment.entries,
            open_ns: u64::try_from(found.open_time.as_nanos()).unwrap_or(u64::MAX),
            runs: runs.iter().map(run).collect(),
        }
    }
}

/// The trace, as it ships in the crate.
const WEB12: &[u8] = include_bytes!("../../../data/web12.trace.zst");
