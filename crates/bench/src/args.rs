//! The command line.

use crate::catalogue;
use crate::cell::Cell;
use crate::churn::Churn;
use crate::eviction::Eviction;
use crate::floor::Floor;
use crate::floor_probe::FloorProbe;
use crate::full::Full;
use crate::goals::Goals;
use crate::ground::Ground;
use crate::machine::Machine;
use crate::open::{Open, Probe};
use crate::overhead::Overhead;
use crate::pair::Pair;
use crate::pair_probe::PairProbe;
use crate::replay::Replay;
use crate::report::Report;
use crate::results::{Destination, Results};
use crate::roster;
use crate::verdict::Verdict;
use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use serde::Serialize;

const EXIT_STATUS: &str =
    "Exit status: 0 if every bound held, 1 if one did not, 2 for anything else that went wrong.";

/// Measures Samovar beside its peers.
#[derive(Parser, Debug)]
#[command(version, after_help = EXIT_STATUS)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    ground: Ground,
    #[command(flatten)]
    destination: Destination,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Every speed that a goal of the project is about, beside the peers that it names; about a quarter of an hour.
    Goals(Goals),
    /// More loads (zipf, 95/5, 50/50), larger values, and every peer that is built in.
    Full(Full),
    /// Sets of new keys into a full cache: how long each takes, and how long the slowest.
    Eviction(Eviction),
    /// Two processes on one file, beside two that share nothing.
    Pair(Pair),
    /// Time until a file that was closed, killed or is in use is open; a hit within 2 ms, whatever it holds.
    Open(Open),
    /// Bytes of the file above keys and values, once five times the capacity was written; at most 32 an entry.
    Overhead(Overhead),
    /// Twenty rounds of overwriting every key of a cache that has room for twice the data; nothing may be lost.
    Churn(Churn),
    /// What the machine itself can do: random accesses, copies, a hash.
    Floor(Floor),
    /// Who can be measured, in which version, set how and why.
    Peers,
    /// Misses of peers' policies on a trace, with room for so many entries each.
    Replay(Replay),
    /// Writes docs/COMPARE.md from the results that are kept.
    Report(Report),
    /// Runs one cell in this process (started by the others).
    #[command(hide = true)]
    Cell {
        /// The cell, as JSON.
        cell: String,
    },
    /// Opens a file once and tells how long it took (started by `open`).
    #[command(hide = true)]
    Probe(Probe),
    /// Hits one file, perhaps beside another process (started by `pair`).
    #[command(hide = true)]
    PairProbe {
        /// The probe, as JSON.
        probe: String,
    },
    /// Measures the machine on one map (started by `floor`).
    #[command(hide = true)]
    FloorProbe {
        /// The probe, as JSON.
        probe: String,
    },
}

impl Args {
    /// Does what was asked.
    pub(crate) fn run(self) -> Result<Verdict> {
        match &self.command {
            Command::Goals(goals) => self.deliver("goals", |ground| goals.run(ground), |_| true),
            Command::Full(full) => self.deliver("full", |ground| full.run(ground), |_| true),
            Command::Eviction(eviction) => {
                self.deliver("eviction", |ground| eviction.run(ground), |found| found.holds())
            }
            Command::Pair(pair) => self.deliver("pair", |ground| pair.run(ground), |_| true),
            Command::Open(open) => self.deliver("open", |ground| open.run(ground), |found| found.holds()),
            Command::Overhead(overhead) => {
                self.deliver("overhead", |ground| overhead.run(ground), |found| found.holds())
            }
            Command::Churn(churn) => self.deliver("churn", |ground| churn.run(ground), |found| found.holds()),
            Command::Floor(floor) => self.deliver("floor", |ground| floor.run(ground), |_| true),
            Command::Peers => {
                print!("{}", roster::table(&catalogue::names()));
                Ok(Verdict::Held)
            }
            Command::Cell { cell } => {
                let cell: Cell = serde_json::from_str(cell).context("a cell that makes no sense")?;
                let outcome = catalogue::run(&cell, self.ground.here())?;
                println!("{}", serde_json::to_string(&outcome)?);
                Ok(Verdict::Held)
            }
            Command::Probe(probe) => probe.run(),
            Command::FloorProbe { probe } => {
                let probe: FloorProbe = serde_json::from_str(probe).context("a probe that makes no sense")?;
                probe.run(&self.ground)
            }
            Command::PairProbe { probe } => {
                let probe: PairProbe = serde_json::from_str(probe).context("a probe that makes no sense")?;
                probe.run()
            }
            Command::Replay(replay) => replay.run(),
            Command::Report(report) => report.write(),
        }
    }

    fn deliver<T: Serialize + std::fmt::Display>(
        &self,
        command: &str,
        run: impl FnOnce(&Ground) -> Result<T>,
        holds: impl Fn(&T) -> bool,
    ) -> Result<Verdict> {
        let machine = Machine::here(&self.ground.disk());
        let found = run(&self.ground)?;
        let machine = machine.at_end();
        let verdict = Verdict::of(holds(&found));
        Results { command: command.to_owned(), machine, found }.deliver(&self.destination)?;
        Ok(verdict)
    }
}
