//! Sets of keys that were never there into a cache that is full: every one of them makes room first.
//!
//! The cache has taken twice its capacity before the clock starts. Each set is timed by itself (a clock's reading of some
//! thirty nanoseconds is in every figure), so that the slowest are seen.

use crate::catalogue;
use crate::cell::{Cell, Measure, Timing, Work};
use crate::grid::{self, Ran};
use crate::ground::Ground;
use crate::latency::Latency;
use crate::order::Order;
use crate::size::Size;
use crate::summary::Summary;
use crate::table::{Table, digits};
use anyhow::Result;
use clap::Args;
use serde::{Deserialize, Serialize};

/// What p99.9 of sets of one size may be, in medians.
pub(crate) const BOUND: f64 = 20.0;
/// Capacities written before the clock starts.
const LAPS: u32 = 2;

/// What to run.
#[derive(Args, Clone, Debug)]
pub(crate) struct Eviction {
    /// Times that every cell is run.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Milliseconds that each measure is timed.
    #[arg(long, default_value_t = 750)]
    millis: u64,
    /// The first round's seed; each round has the next one.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Capacities, as ENTRIESxBYTES of a value.
    #[arg(long, value_delimiter = ',', default_values_t = SIZES)]
    sizes: Vec<Size>,
    /// Who is measured, all of whom have to evict; the first is compared with the others.
    #[arg(long, value_delimiter = ',', default_values_t = catalogue::of_these(&PEERS))]
    peers: Vec<String>,
}

const SIZES: [Size; 1] = [Size { entries: 1 << 20, value_len: 64 }];
const PEERS: [&str; 5] = ["samovar-tmpfs", "samovar", "quick_cache", "moka", "foyer"];

/// What was found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) peers: Vec<String>,
    /// Capacities.
    pub(crate) sizes: Vec<Size>,
    ran: Vec<Ran>,
}

impl Eviction {
    pub(crate) fn run(&self, ground: &Ground) -> Result<Found> {
        catalogue::know(&self.peers)?;
        let each = |size: &Size| self.peers.iter().map(|peer| self.cell(peer, *size)).collect::<Vec<_>>();
        let cells: Vec<Cell> = self.sizes.iter().flat_map(each).collect();
        let ran = grid::run(&cells, self.rounds, ground, |_| Ok(()))?;
        Ok(Found { peers: self.peers.clone(), sizes: self.sizes.clone(), ran })
    }

    fn cell(&self, peer: &str, size: Size) -> Cell {
        Cell {
            peer: peer.to_owned(),
            size: stored(size),
            capacity: size.entries,
            measures: MEASURES.to_vec(),
            millis: self.millis,
            operations: None,
            seed: self.seed,
        }
    }
}

const MEASURES: [Measure; 2] = [measure(1), measure(2)];

const fn measure(threads: u32) -> Measure {
    Measure { work: Work::Insert, order: Order::Uniform, threads }
}

/// What is stored before the clock starts.
fn stored(capacity: Size) -> Size {
    Size { entries: capacity.entries * LAPS, ..capacity }
}

impl Found {
    /// How many times the one's time of a set is the other's, one thread.
    pub(crate) fn times(&self, size: Size, over: &str, under: &str) -> Option<Summary> {
        let ran = |peer: &str| {
            let mine = self.ran.iter().filter(|ran| ran.peer == peer && ran.size == stored(size));
            let timings = mine.flat_map(|ran| &ran.outcome.timings);
            timings
                .filter(|timing| timing.measure == MEASURES[0])
                .map(|timing| timing.wall_ns)
                .collect::<Vec<_>>()
        };
        let (over, under) = (ran(over), ran(under));
        let median = |all: &[f64]| Some(Summary::of(all.iter().copied())?.median);
        let ratio = median(&over)? / median(&under)?;
        Some(Summary {
            median: ratio,
            ..Summary::of(over.iter().zip(&under).map(|(over, under)| over / under))?
        })
    }

    /// The p99.9 of a set in medians, one thread.
    pub(crate) fn tail(&self, peer: &str, size: Size) -> Option<Summary> {
        let mine = self.ran.iter().filter(|ran| ran.peer == peer && ran.size == stored(size));
        let timings =
            mine.flat_map(|ran| &ran.outcome.timings).filter(|timing| timing.measure == MEASURES[0]);
        Summary::of(
            timings.filter_map(|timing| timing.latency.map(|latency| latency.p999_ns / latency.p50_ns)),
        )
    }

    fn median(
        &self,
        peer: &str,
        size: Size,
        measure: Measure,
        part: fn(&Timing) -> Option<f64>,
    ) -> Option<f64> {
        let mine = self.ran.iter().filter(|ran| ran.peer == peer && ran.size == stored(size));
        let timings = mine.flat_map(|ran| &ran.outcome.timings);
        let parts = timings.filter(|timing| timing.measure == measure).filter_map(part);
        Summary::of(parts).map(|all| all.median)
    }

    fn latency(&self, peer: &str, size: Size, measure: Measure) -> Option<Latency> {
        let median = |part| self.median(peer, size, measure, part);
        Some(Latency {
            p50_ns: median(|timing| Some(timing.latency?.p50_ns))?,
            p99_ns: median(|timing| Some(timing.latency?.p99_ns))?,
            p999_ns: median(|timing| Some(timing.latency?.p999_ns))?,
            max_ns: median(|timing| Some(timing.latency?.max_ns))?,
        })
    }

    /// The bound is on Samovar, one thread.
    pub(crate) fn holds(&self) -> bool {
        let ours = self.peers.iter().filter(|peer| peer.starts_with("samovar"));
        let mut latencies =
            ours.flat_map(|peer| self.sizes.iter().filter_map(|size| self.latency(peer, *size, MEASURES[0])));
        latencies.all(|latency| latency.p999_ns <= BOUND * latency.p50_ns)
    }

    fn row(&self, peer: &str, size: Size, measure: Measure) -> Option<Vec<String>> {
        let wall = |peer| self.median(peer, size, measure, |timing| Some(timing.wall_ns));
        let cpu = self.median(peer, size, measure, |timing| Some(timing.cpu_ns))?;
        let latency = self.latency(peer, size, measure)?;
        let threads = if measure.threads == 1 { "1 thread" } else { "2 threads" };
        Some(vec![
            format!("{}, {threads}, {peer}", size.name()),
            digits(wall(peer)?),
            format!("{:.2}", wall(peer)? / wall(self.peers.first()?)?),
            digits(cpu),
            digits(latency.p50_ns),
            digits(latency.p99_ns),
            digits(latency.p999_ns),
            digits(latency.max_ns),
            format!("{:.1}", latency.p999_ns / latency.p50_ns),
        ])
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ours = self.peers.first().map_or("", String::as_str);
        writeln!(
            f,
            "Sets of new keys into a full cache, nanoseconds, medians of the rounds; ratio: over {ours}'s mean:\n"
        )?;
        let head = ["capacity, peer", "mean", "ratio", "CPU", "p50", "p99", "p99.9", "most", "p99.9 / p50"];
        let mut table = Table::new(head);
        for size in &self.sizes {
            for measure in MEASURES {
                let rows = self.peers.iter().filter_map(|peer| self.row(peer, *size, measure));
                rows.for_each(|row| table.row(row));
            }
        }
        writeln!(f, "{table}")?;
        let verdict = if self.holds() { "holds" } else { "DOES NOT HOLD" };
        writeln!(
            f,
            "Bound: Samovar's p99.9 of sets of one size at most {BOUND} medians, one thread: {verdict}."
        )
    }
}
