//! Runs cells in rounds: all of them before any comes again, in another order each time. So a slow minute of the
//! machine falls on all alike.

use crate::cell::{Cell, Outcome};
use crate::child;
use crate::ground::Ground;
use crate::random::Random;
use crate::size::Size;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::time::Instant;

/// One cell in one round.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ran {
    pub(crate) round: u32,
    pub(crate) peer: String,
    pub(crate) size: Size,
    pub(crate) outcome: Outcome,
}

/// Every cell, as often as there are rounds; `between` is called once before each round.
pub(crate) fn run(
    cells: &[Cell],
    rounds: u32,
    ground: &Ground,
    mut between: impl FnMut(u32) -> Result<()>,
) -> Result<Vec<Ran>> {
    let start = Instant::now();
    let mut ran = Vec::new();
    for round in 0..rounds {
        between(round)?;
        for cell in order(cells, round) {
            let mut cell = cells[cell].clone();
            cell.seed = cell.seed.wrapping_add(u64::from(round));
            let outcome = run_one(&cell, ground).with_context(|| format!("{}: a cell failed", cell.peer))?;
            eprintln!(
                "[{:4.0} s] round {}/{rounds}  {:14} {:16} {}",
                start.elapsed().as_secs_f64(),
                round + 1,
                cell.peer,
                cell.size.name(),
                outcome.timings.iter().map(|t| format!("{:.0}", t.wall_ns)).collect::<Vec<_>>().join(" "),
            );
            ran.push(Ran { round, peer: cell.peer, size: cell.size, outcome });
        }
    }
    Ok(ran)
}

fn order(cells: &[Cell], round: u32) -> Vec<usize> {
    let mut order: Vec<u32> = (0..).take(cells.len()).collect();
    Random::new(u64::from(round)).shuffle(&mut order);
    order.into_iter().map(|cell| cell as usize).collect()
}

/// One cell, in a process of its own.
pub(crate) fn run_one(cell: &Cell, ground: &Ground) -> Result<Outcome> {
    let plot = ground.plot()?;
    let mut arguments: Vec<OsString> = vec!["cell".into(), serde_json::to_string(cell)?.into()];
    arguments.extend(plot.arguments());
    child::ask(&arguments)
}
