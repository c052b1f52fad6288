//! The process that is killed: this program again, filling a cache at a pace that can be watched.

use super::stage::{PAGE_BYTES, open_or_create};
use crate::access;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output;
use crate::answer::progress;
use crate::replay::runner::{Runner, ValueSizes};
use crate::replay::trace::Trace;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A running victim, seen from the process that will kill it.
pub(super) struct Victim {
    child: Child,
}

impl Victim {
    /// Starts the process that fills the cache at `file`.
    pub(super) fn start(file: &Path) -> Outcome<Victim> {
        let cannot_start = |error: io::Error| Failure::new(Status::Other, "starting another samovar", error);
        let program = std::env::current_exe().map_err(cannot_start)?;
        let mut command = Command::new(program);
        command.args(["demo", "--child"]).arg(file).stdin(Stdio::null()).stdout(Stdio::piped());
        Ok(Victim { child: command.spawn().map_err(cannot_start)? })
    }

    /// The number of the process.
    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Shows how far the process is, kills it half-way, and says how far it had come.
    pub(super) fn watch_and_kill(mut self, records: u64) -> Outcome<u64> {
        let bar = progress::bar(records, "    ", "requests");
        let half = records / 2;
        let words = self.child.stdout.take().map(BufReader::new).into_iter().flat_map(BufReader::lines);
        let steps = words.map_while(Result::ok).filter_map(|word| word.parse().ok());
        let done = steps.inspect(|done| bar.set_position(*done)).find(|done| *done >= half);
        bar.abandon();
        let is_running = self.child.try_wait().is_ok_and(|status| status.is_none());
        let killed = self.child.kill().and_then(|()| self.child.wait());
        killed.map_err(|error| Failure::new(Status::Other, "killing the other samovar", error))?;
        let early = || Failure::new(Status::Other, "the process to be killed", "it ended before its time");
        done.filter(|_| is_running).ok_or_else(early)
    }
}

/// What the victim does: it replays, waits so as to take seconds rather than an instant, and says how far it is.
///
/// It waits before it speaks, so that it is at work again when the kill arrives.
pub(super) fn fill_slowly(file: &Path, trace: &Trace) -> Outcome<Status> {
    let cache = open_or_create(file)?;
    let start = Instant::now();
    let mut watch = |done: u64| {
        let due = Duration::from_micros(done * 1_000_000 / PACE_PER_SECOND);
        thread::sleep(due.saturating_sub(start.elapsed()));
        // If the reader is gone, the replay ends by itself.
        output::put(&done.to_string()).unwrap_or_default();
    };
    Runner::new(&cache, file, ValueSizes::Fixed(PAGE_BYTES))?.run(trace, &mut watch)?;
    access::close(file, cache)?;
    Ok(Status::Done)
}

/// So that half of the trace takes a second and a half.
const PACE_PER_SECOND: u64 = 32_000;
