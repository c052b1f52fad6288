//! First light: where Samovar stands beside an in-heap cache of either kind and a mapped database.

use crate::catalogue;
use crate::cell::{Cell, Measure, Work};
use crate::grid::{self, Ran};
use crate::ground::Ground;
use crate::order::Order;
use crate::table::{self, Table, digits};
use anyhow::{Result, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

const VALUE_LEN: usize = 64;

/// What to run.
#[derive(Args, Clone, Debug)]
pub(crate) struct First {
    /// Times that every cell is run.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Milliseconds that each measure is timed.
    #[arg(long, default_value_t = 1000)]
    millis: u64,
    /// The first round's seed; each round has the next one.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Entries stored, one population each.
    #[arg(long, value_delimiter = ',', default_values_t = [4 << 10, 4 << 20])]
    entries: Vec<u32>,
    /// Who is measured; the first is compared with the others.
    #[arg(long, value_delimiter = ',', default_values_t = ["samovar-tmpfs", "samovar", "samovar-ro", "quick_cache", "moka", "lmdb"].map(str::to_owned))]
    peers: Vec<String>,
}

/// What was found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    peers: Vec<String>,
    entries: Vec<u32>,
    ran: Vec<Ran>,
}

impl First {
    pub(crate) fn run(&self, ground: &Ground) -> Result<Found> {
        let known = catalogue::names();
        for peer in &self.peers {
            ensure!(
                known.contains(&peer.as_str()),
                "no peer is called {peer}; built in: {}",
                known.join(", ")
            );
        }
        let cells: Vec<Cell> = self
            .entries
            .iter()
            .flat_map(|entries| self.peers.iter().map(move |peer| self.cell(peer, *entries)))
            .collect();
        let ran = grid::run(&cells, self.rounds, ground)?;
        Ok(Found { peers: self.peers.clone(), entries: self.entries.clone(), ran })
    }

    fn cell(&self, peer: &str, entries: u32) -> Cell {
        Cell {
            peer: peer.to_owned(),
            entries,
            value_len: VALUE_LEN,
            measures: measures(),
            millis: self.millis,
            operations: None,
            seed: self.seed,
        }
    }
}

/// Reads before writes, so that no peer is read in a state that the writes of a benchmark made.
fn measures() -> Vec<Measure> {
    let works = [Work::Hit, Work::Miss, Work::Overwrite];
    let each = |work| [1, 2].map(|threads| Measure { work, order: Order::Uniform, threads });
    works.into_iter().flat_map(each).collect()
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "Nanoseconds of an operation as its thread sees it, median (least to most) of the rounds:\n"
        )?;
        writeln!(f, "{}", self.times())?;
        let ours = self.peers.first().map_or("", String::as_str);
        writeln!(f, "Times that {ours} goes into the peer's median: above 1, {ours} is faster:\n")?;
        writeln!(f, "{}", self.ratios())?;
        writeln!(f, "CPU nanoseconds of an operation, median:\n")?;
        write!(f, "{}", self.cpu())
    }
}

impl Found {
    fn table(&self, cell: impl Fn(&str, u32, Measure) -> Option<String>) -> Table {
        let mut table = Table::new(["entries, work"]);
        table.extend_head(self.peers.iter().cloned());
        for entries in &self.entries {
            for measure in measures() {
                let name = format!("{}, {}", table::entries(*entries), measure.name());
                let cells = self.peers.iter().map(|peer| cell(peer, *entries, measure).unwrap_or_default());
                table.row([name].into_iter().chain(cells));
            }
        }
        table
    }

    fn times(&self) -> Table {
        self.table(|peer, entries, measure| {
            let all = grid::summary(&self.ran, peer, entries, measure, |timing| timing.wall_ns)?;
            Some(format!("{} ({} to {})", digits(all.median), digits(all.min), digits(all.max)))
        })
    }

    fn cpu(&self) -> Table {
        self.table(|peer, entries, measure| {
            Some(digits(grid::summary(&self.ran, peer, entries, measure, |timing| timing.cpu_ns)?.median))
        })
    }

    fn ratios(&self) -> Table {
        self.table(|peer, entries, measure| {
            let median = |peer| grid::summary(&self.ran, peer, entries, measure, |timing| timing.wall_ns);
            let ours = median(self.peers.first()?)?.median;
            Some(format!("{:.2}", median(peer)?.median / ours))
        })
    }
}
