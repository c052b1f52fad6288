//! Runs a cell in the process that was started for it.

use crate::cell::{Cell, Measure, Outcome, Timing, Work};
use crate::latency;
use crate::machine;
use crate::order::Order;
use crate::payload::Payload;
use crate::peer::{Peer, Population, Setup};
use crate::random::mix;
use crate::worker::{self, Counts, Task};
use anyhow::{Result, anyhow, ensure};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

/// Each thread has so many new entries to itself, in bits.
const FRESH_BITS: u32 = 29;

/// Empty directories for a peer's files.
pub(crate) struct Places {
    pub(crate) disk: PathBuf,
    pub(crate) tmpfs: PathBuf,
    pub(crate) huge: Option<PathBuf>,
}

/// Fills the peer and times what the cell asks for.
pub(crate) fn run<P: Peer>(cell: &Cell, places: Places) -> Result<Outcome> {
    let before = machine::resident_bytes();
    let peer = P::open(&Setup {
        capacity: cell.capacity,
        entries: cell.size.entries,
        value_len: cell.size.value_len,
        disk: places.disk,
        tmpfs: places.tmpfs,
        huge: places.huge,
    })?;
    let load_ns = load(&peer, cell)?;
    let resident_bytes = machine::resident_bytes().saturating_sub(before);
    let held = peer.held();
    let mut orders: HashMap<Order, Vec<u32>> = HashMap::new();
    let mut timings = Vec::new();
    for measure in &cell.measures {
        ensure!(measure.work != Work::Insert || P::EVICTS, "{} never evicts", cell.peer);
        if !can::<P>(*measure) {
            continue;
        }
        let order =
            orders.entry(measure.order).or_insert_with(|| measure.order.draw(cell.size.entries, cell.seed));
        // No measure walks where the one before has warmed the way.
        let start = mix(cell.seed ^ (timings.len() as u64) << 48);
        timings.push(time(&peer, cell, *measure, Walk { order, start })?);
    }
    Ok(Outcome { load_ns, timings, resident_bytes, held })
}

/// Is this something that the peer does at all?
fn can<P: Peer>(measure: Measure) -> bool {
    let batch = matches!(measure.work, Work::Batch { .. });
    let borrows = P::BORROWS || measure.work != Work::Borrow;
    borrows
        && (P::WRITES || !measure.work.writes())
        && (P::BATCHES || !batch)
        && measure.threads <= P::THREADS
}

fn load<P: Peer>(peer: &P, cell: &Cell) -> Result<f64> {
    let mut payload = Payload::new(cell.size.value_len);
    let start = Instant::now();
    peer.load(&mut Population {
        entries: cell.size.entries,
        value_len: cell.size.value_len,
        payload: &mut payload,
    })?;
    let elapsed = start.elapsed();
    peer.settle()?;
    Ok(nanoseconds(elapsed) / f64::from(cell.size.entries))
}

/// An order, and where in it to begin.
#[derive(Clone, Copy)]
struct Walk<'a> {
    order: &'a [u32],
    start: u64,
}

fn time<P: Peer>(peer: &P, cell: &Cell, measure: Measure, walk: Walk<'_>) -> Result<Timing> {
    let timed = cell.operations.map_or(Duration::from_millis(cell.millis), |_| Duration::MAX);
    let ready = Barrier::new(measure.threads as usize);
    let task = |thread: u32| Task {
        work: measure.work,
        order: walk.order,
        entries: cell.size.entries,
        fresh: cell.size.entries + (thread << FRESH_BITS),
        start: usize::try_from(mix(walk.start ^ u64::from(thread) << 32)).unwrap_or(0),
        value_len: cell.size.value_len,
        warm_up: if cell.operations.is_some() { Duration::ZERO } else { timed },
        timed,
        operations: cell.operations.unwrap_or(u64::MAX),
    };
    let counts = thread::scope(|scope| {
        let spawn = |thread| {
            let (task, ready) = (task(thread), &ready);
            scope.spawn(move || worker::run(peer, &task, ready))
        };
        let workers: Vec<_> = (0..measure.threads).map(spawn).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, Result<Counts>>| {
            worker.join().map_err(|_| anyhow!("a worker panicked"))?
        };
        workers.into_iter().map(join).collect::<Result<Vec<Counts>>>()
    })?;
    let timing = sum(measure, &counts);
    let expected = if measure.work == Work::Miss { 0 } else { timing.gets };
    let kept = timing.hits == expected || !P::KEEPS && timing.hits < expected;
    ensure!(kept, "{} of {} gets hit, not {expected}", timing.hits, timing.gets);
    Ok(timing)
}

fn sum(measure: Measure, counts: &[Counts]) -> Timing {
    let total = |part: fn(&Counts) -> u64| counts.iter().map(part).sum::<u64>();
    let operations = total(|counts| counts.operations);
    let each = |part: fn(&Counts) -> Duration| {
        nanoseconds(counts.iter().map(part).sum::<Duration>()) / operations.max(1) as f64
    };
    Timing {
        measure,
        wall_ns: each(|counts| counts.elapsed.wall),
        cpu_ns: each(|counts| counts.elapsed.cpu),
        operations,
        hits: total(|counts| counts.hits),
        gets: total(|counts| counts.gets),
        latency: latency::of(counts.iter().filter_map(|counts| counts.latency.as_ref())),
    }
}

fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}
