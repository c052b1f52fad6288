//! What the machine can do, measured in the same way: the limit that a get on memory cannot beat.
//!
//! A get of an entry in a file takes two accesses that depend on each other: one in the index, one in the log. So the floor
//! of a get is one dependent random access over a map as large as the index plus one over a map as large as the log. Every
//! probe has a process of its own.

use crate::child;
use crate::ground::Ground;
use crate::key::key;
use crate::order::Order;
use crate::peers::samovar::{INDEX, entry_size};
use crate::summary::Summary;
use crate::table::{self, Table, digits};
use crate::terrain::{KINDS, Kind, LINE, Terrain};
use crate::verdict::Verdict;
use anyhow::{Result, anyhow};
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};
use xxhash_rust::xxh3::xxh3_64_with_seed;

const VALUE_LEN: usize = 64;
/// Operations between two looks at the clock.
const CHUNK: usize = 1024;

/// What to run.
#[derive(Args, Clone, Debug)]
pub(crate) struct Floor {
    /// Times that every probe is run.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Milliseconds of a probe.
    #[arg(long, default_value_t = 500)]
    millis: u64,
    /// Entries (20 B keys, 64 B values) whose index and log the maps are as large as.
    #[arg(long, value_delimiter = ',', default_values_t = [4 << 10, 4 << 20])]
    entries: Vec<u32>,
}

/// What is done over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Step {
    /// A load whose address the one before gave.
    Dependent,
    /// A load whose address was known long before.
    Independent,
    /// A copy of 64 bytes from an address known long before.
    Copy,
    /// A key made and hashed, without memory.
    Hash,
}

const STEPS: [Step; 3] = [Step::Dependent, Step::Independent, Step::Copy];

/// One probe, in a process of its own.
#[derive(Args, Clone, Debug)]
pub(crate) struct FloorProbe {
    #[arg(value_enum)]
    step: Step,
    #[arg(value_enum)]
    kind: Kind,
    bytes: usize,
    threads: u32,
    millis: u64,
    seed: u64,
}

/// What the rounds of one probe came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    step: Step,
    kind: Kind,
    entries: u32,
    /// The map is as large as the index; else as the log.
    index: bool,
    bytes: usize,
    threads: u32,
    ns: Summary,
}

/// What was found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    rows: Vec<Row>,
}

impl Floor {
    pub(crate) fn run(&self, ground: &Ground) -> Result<Found> {
        let mut rows = Vec::new();
        for entries in &self.entries {
            for kind in KINDS {
                for (step, index) in STEPS.into_iter().flat_map(|step| [(step, true), (step, false)]) {
                    let each = if index { 2 * INDEX } else { entry_size(VALUE_LEN) };
                    let bytes = usize::try_from(u64::from(*entries) * each)?;
                    for threads in [1, 2] {
                        let probe = FloorProbe { step, kind, bytes, threads, millis: self.millis, seed: 0 };
                        let ns = self.repeat(&probe, ground)?;
                        eprintln!(
                            "{entries} entries, {kind:?}, {step:?}, {} KiB: {:.1} ns",
                            bytes >> 10,
                            ns.median
                        );
                        rows.push(Row { step, kind, entries: *entries, index, bytes, threads, ns });
                    }
                }
            }
        }
        let (step, kind) = (Step::Hash, Kind::Anonymous);
        let probe = FloorProbe { step, kind, bytes: 0, threads: 1, millis: self.millis, seed: 0 };
        let ns = self.repeat(&probe, ground)?;
        rows.push(Row { step, kind, entries: 0, index: false, bytes: 0, threads: 1, ns });
        Ok(Found { rows })
    }

    fn repeat(&self, probe: &FloorProbe, ground: &Ground) -> Result<Summary> {
        let mut all = Vec::new();
        for round in 0..self.rounds {
            all.push(FloorProbe { seed: u64::from(round), ..probe.clone() }.ask(ground)?);
        }
        Summary::of(all).ok_or_else(|| anyhow!("no rounds were asked for"))
    }
}

impl FloorProbe {
    fn ask(&self, ground: &Ground) -> Result<f64> {
        let plot = ground.plot()?;
        let name = |value: &dyn Fn() -> Option<clap::builder::PossibleValue>| -> OsString {
            value().map_or_else(String::new, |value| value.get_name().to_owned()).into()
        };
        let arguments: [OsString; 11] = [
            "floor-probe".into(),
            name(&|| self.step.to_possible_value()),
            name(&|| self.kind.to_possible_value()),
            self.bytes.to_string().into(),
            self.threads.to_string().into(),
            self.millis.to_string().into(),
            self.seed.to_string().into(),
            "--disk".into(),
            plot.disk.path().into(),
            "--tmpfs".into(),
            plot.tmpfs.path().into(),
        ];
        child::ask(&arguments)
    }

    /// Prints nanoseconds of a step as its thread sees it.
    pub(crate) fn run(&self, ground: &Ground) -> Result<Verdict> {
        let terrain = Terrain::new(self.kind, self.bytes, &ground.here(), self.seed)?;
        let ready = Barrier::new(self.threads as usize);
        let each = thread::scope(|scope| {
            let (terrain, ready) = (&terrain, &ready);
            let workers: Vec<_> = (0..self.threads)
                .map(|thread| scope.spawn(move || self.work(terrain, thread, ready)))
                .collect();
            let join = |worker: thread::ScopedJoinHandle<'_, Result<f64>>| {
                worker.join().map_err(|_| anyhow!("a worker panicked"))?
            };
            workers.into_iter().map(join).collect::<Result<Vec<f64>>>()
        })?;
        println!("{}", each.iter().sum::<f64>() / f64::from(self.threads));
        Ok(Verdict::Held)
    }

    fn work(&self, terrain: &Terrain, thread: u32, ready: &Barrier) -> Result<f64> {
        let lines = u32::try_from(terrain.lines())?;
        let order = Order::Uniform.draw(lines, self.seed ^ u64::from(thread) << 32);
        let mut out = [0; LINE];
        let mut line = order[0] as usize;
        let timed = Duration::from_millis(self.millis);
        ready.wait();
        match self.step {
            Step::Dependent => repeat(&order, timed, |_| {
                line = usize::try_from(terrain.word(line)?)?;
                Ok(())
            }),
            Step::Independent => repeat(&order, timed, |number| {
                black_box(terrain.word(number as usize)?);
                Ok(())
            }),
            Step::Copy => repeat(&order, timed, |number| {
                terrain.copy(number as usize, &mut out)?;
                black_box(&out);
                Ok(())
            }),
            Step::Hash => repeat(&order, timed, |number| {
                black_box(xxh3_64_with_seed(&key(number), 7));
                Ok(())
            }),
        }
    }
}

/// Nanoseconds of a step, after a quarter as long untimed.
fn repeat(order: &[u32], timed: Duration, mut step: impl FnMut(u32) -> Result<()>) -> Result<f64> {
    let mut chunks = order.chunks(CHUNK).cycle();
    let mut run = |time: Duration| -> Result<f64> {
        let (start, mut steps) = (Instant::now(), 0);
        while start.elapsed() < time {
            let chunk = chunks.next().unwrap_or_default();
            chunk.iter().try_for_each(|number| step(*number))?;
            steps += chunk.len();
        }
        Ok(start.elapsed().as_secs_f64() * 1e9 / steps.max(1) as f64)
    };
    run(timed / 4)?;
    run(timed)
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "What the machine can do, ns as a thread sees it, median (least to most), one thread; two threads:\n"
        )?;
        let mut table = Table::new(["bytes", "step", "anonymous", "file on disk", "file on tmpfs"]);
        let mut seen: Vec<&Row> = Vec::new();
        for row in self.rows.iter().filter(|row| row.kind == Kind::Anonymous && row.threads == 1) {
            let alike = |other: &&Row| {
                other.step == row.step && other.entries == row.entries && other.index == row.index
            };
            if seen.iter().any(alike) {
                continue;
            }
            seen.push(row);
            let part = if row.index { "index" } else { "log" };
            let size = format!("{part} of {}, {} KiB", table::entries(row.entries), row.bytes >> 10);
            let label = if row.step == Step::Hash { "none".to_owned() } else { size };
            let cell = |kind: Kind| {
                let rows = self.rows.iter().filter(alike).filter(|other| other.kind == kind);
                let text =
                    |ns: Summary| format!("{} ({} to {})", digits(ns.median), digits(ns.min), digits(ns.max));
                rows.map(|row| text(row.ns)).collect::<Vec<_>>().join("; ")
            };
            table.row([label, format!("{:?}", row.step).to_lowercase()].into_iter().chain(KINDS.map(cell)));
        }
        write!(f, "{table}")
    }
}
