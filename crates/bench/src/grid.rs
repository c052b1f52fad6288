//! Runs cells in rounds: all of them before any comes again, in another order each time, so that a slow minute of the
//! machine falls on everyone alike.

use crate::cell::{Cell, Measure, Outcome, Timing};
use crate::child;
use crate::ground::Ground;
use crate::random::Random;
use crate::summary::Summary;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::time::Instant;

/// One cell in one round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ran {
    pub(crate) round: u32,
    pub(crate) cell: Cell,
    pub(crate) outcome: Outcome,
}

/// Every cell, as often as there are rounds.
pub(crate) fn run(cells: &[Cell], rounds: u32, ground: &Ground) -> Result<Vec<Ran>> {
    let start = Instant::now();
    let mut ran = Vec::new();
    for round in 0..rounds {
        for cell in order(cells, round) {
            let mut cell = cells[cell].clone();
            cell.seed = cell.seed.wrapping_add(u64::from(round));
            let outcome = run_one(&cell, ground).with_context(|| format!("{}: a cell failed", cell.peer))?;
            eprintln!(
                "[{:4.0} s] round {}/{rounds}  {:14} {:>5} entries of {} B  {}",
                start.elapsed().as_secs_f64(),
                round + 1,
                cell.peer,
                crate::table::entries(cell.entries),
                cell.value_len,
                outcome.timings.iter().map(|t| format!("{:.0}", t.wall_ns)).collect::<Vec<_>>().join(" "),
            );
            ran.push(Ran { round, cell, outcome });
        }
    }
    Ok(ran)
}

fn order(cells: &[Cell], round: u32) -> Vec<usize> {
    let mut order: Vec<u32> = (0..).take(cells.len()).collect();
    Random::new(u64::from(round)).shuffle(&mut order);
    order.into_iter().map(|cell| cell as usize).collect()
}

fn run_one(cell: &Cell, ground: &Ground) -> Result<Outcome> {
    let plot = ground.plot()?;
    let arguments: [OsString; 6] = [
        "cell".into(),
        serde_json::to_string(cell)?.into(),
        "--disk".into(),
        plot.disk.path().into(),
        "--tmpfs".into(),
        plot.tmpfs.path().into(),
    ];
    child::ask(&arguments)
}

/// What one peer's rounds of one measure came to.
pub(crate) fn summary(
    ran: &[Ran],
    peer: &str,
    entries: u32,
    measure: Measure,
    part: fn(&Timing) -> f64,
) -> Option<Summary> {
    let mine = ran.iter().filter(|ran| ran.cell.peer == peer && ran.cell.entries == entries);
    Summary::of(
        mine.flat_map(|ran| &ran.outcome.timings).filter(|timing| timing.measure == measure).map(part),
    )
}
