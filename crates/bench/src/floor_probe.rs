//! One terrain, walked over in every way that was asked for, in a process of its own.

use crate::child;
use crate::ground::{Ground, Plot};
use crate::key::key;
use crate::order::Order;
use crate::terrain::{Kind, LINE, Terrain};
use crate::verdict::Verdict;
use anyhow::{Result, anyhow};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Operations between two looks at the clock.
const CHUNK: usize = 1024;

/// What is done over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// What to walk over, and how; it travels as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FloorProbe {
    pub(crate) kind: Kind,
    pub(crate) bytes: usize,
    pub(crate) steps: Vec<Step>,
    pub(crate) threads: Vec<u32>,
    pub(crate) millis: u64,
    pub(crate) seed: u64,
    /// Others go at the same time: wait for them.
    #[serde(default)]
    pub(crate) race: bool,
}

/// Nanoseconds of one step as a thread sees it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Pace {
    pub(crate) step: Step,
    pub(crate) threads: u32,
    pub(crate) ns: f64,
}

impl FloorProbe {
    /// Starts the process.
    pub(crate) fn ask(&self, ground: &Ground) -> Result<Vec<Pace>> {
        let plot = ground.plot()?;
        child::ask(&self.arguments(&plot)?)
    }

    /// What a process is started with to do this.
    pub(crate) fn arguments(&self, plot: &Plot) -> Result<Vec<OsString>> {
        let mut arguments = vec!["floor-probe".into(), serde_json::to_string(self)?.into()];
        arguments.extend(plot.arguments());
        Ok(arguments)
    }

    /// Walks in this process, and prints the paces.
    pub(crate) fn run(&self, ground: &Ground) -> Result<Verdict> {
        let terrain = Terrain::new(self.kind, self.bytes, &ground.here(), self.seed)?;
        if self.race {
            child::ready()?;
        }
        let mut paces = Vec::new();
        for step in &self.steps {
            for threads in &self.threads {
                paces.push(Pace {
                    step: *step,
                    threads: *threads,
                    ns: self.pace(&terrain, *step, *threads)?,
                });
            }
        }
        println!("{}", serde_json::to_string(&paces)?);
        Ok(Verdict::Held)
    }

    fn pace(&self, terrain: &Terrain, step: Step, threads: u32) -> Result<f64> {
        let ready = &Barrier::new(threads as usize);
        let each = thread::scope(|scope| {
            let work = |thread| scope.spawn(move || self.work(terrain, step, thread, ready));
            let workers: Vec<_> = (0..threads).map(work).collect();
            let join = |worker: thread::ScopedJoinHandle<'_, Result<f64>>| {
                worker.join().map_err(|_| anyhow!("a worker panicked"))?
            };
            workers.into_iter().map(join).collect::<Result<Vec<f64>>>()
        })?;
        Ok(each.iter().sum::<f64>() / f64::from(threads))
    }

    fn work(&self, terrain: &Terrain, step: Step, thread: u32, ready: &Barrier) -> Result<f64> {
        let lines = u32::try_from(terrain.lines())?;
        let order = Order::Uniform.draw(lines, self.seed ^ u64::from(thread) << 32);
        let mut out = [0; LINE];
        let mut line = order[0] as usize;
        let timed = Duration::from_millis(self.millis);
        ready.wait();
        match step {
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
