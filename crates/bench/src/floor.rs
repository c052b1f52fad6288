//! What the machine can do, measured in the same way: the limit that a get on memory cannot beat.
//!
//! A get of an entry in a file takes two accesses that depend on each other: one in the index, one in the log. So the
//! floor of a get is two dependent random accesses: one over the size of the index, one over the size of the log. Every
//! probe has a process of its own, and rounds go through all of them before any comes again.

use crate::floor_probe::{FloorProbe, Pace, Step};
use crate::ground::Ground;
use crate::peers::samovar::{INDEX, entry_size};
use crate::size::Size;
use crate::summary::Summary;
use crate::table::{self, Table, digits};
use crate::terrain::{KINDS, Kind};
use anyhow::Result;
use clap::Args;
use serde::{Deserialize, Serialize};

const VALUE_LEN: usize = 64;
const THREADS: [u32; 2] = [1, 2];
const STEPS: [Step; 3] = [Step::Dependent, Step::Independent, Step::Copy];

/// What to run.
#[derive(Args, Clone, Debug)]
pub(crate) struct Floor {
    /// Times that every probe is run.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Milliseconds that each step is timed.
    #[arg(long, default_value_t = 500)]
    millis: u64,
    /// Entries (20 B keys, 64 B values) whose index and log the maps are as large as.
    #[arg(long, value_delimiter = ',', default_values_t = [2 << 10, 4 << 10, 4 << 20])]
    entries: Vec<u32>,
    #[arg(skip = STEPS.to_vec())]
    steps: Vec<Step>,
}

/// Which part of a cache a map stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Part {
    Index,
    Log,
    /// No map at all.
    Nothing,
}

/// A map to walk over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Map {
    kind: Kind,
    part: Part,
    entries: u32,
    bytes: usize,
}

/// One map in one round.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    map: Map,
    paces: Vec<Pace>,
}

/// What the rounds of one step on one map came to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Row {
    map: Map,
    step: Step,
    threads: u32,
    ns: Summary,
}

/// What was found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    rows: Vec<Row>,
}

impl Floor {
    /// What is needed to say how far a get is from the limit.
    pub(crate) fn below(sizes: &[Size], millis: u64) -> Self {
        let entries = sizes.iter().filter(|size| size.value_len == VALUE_LEN).map(|size| size.entries);
        Floor { rounds: 0, millis, entries: entries.collect(), steps: vec![Step::Dependent] }
    }

    pub(crate) fn run(&self, ground: &Ground) -> Result<Found> {
        let mut readings = Vec::new();
        for round in 0..self.rounds {
            readings.extend(self.round(round, ground)?);
        }
        Ok(Found::of(&readings))
    }

    /// Every map once.
    pub(crate) fn round(&self, round: u32, ground: &Ground) -> Result<Vec<Reading>> {
        let mut readings = Vec::new();
        for entries in &self.entries {
            for kind in KINDS {
                for part in [Part::Index, Part::Log] {
                    let map = Map::new(kind, part, *entries)?;
                    readings.push(self.read(map, &self.steps, round, ground)?);
                }
            }
        }
        if self.steps.len() > 1 {
            let map = Map { kind: Kind::Anonymous, part: Part::Nothing, entries: 0, bytes: 0 };
            readings.push(self.read(map, &[Step::Hash], round, ground)?);
        }
        Ok(readings)
    }

    fn read(&self, map: Map, steps: &[Step], round: u32, ground: &Ground) -> Result<Reading> {
        let probe = FloorProbe {
            kind: map.kind,
            bytes: map.bytes,
            steps: steps.to_vec(),
            threads: THREADS.to_vec(),
            millis: self.millis,
            seed: u64::from(round),
            race: false,
        };
        let paces = probe.ask(ground)?;
        let ns = paces.iter().map(|pace| format!("{:.1}", pace.ns)).collect::<Vec<_>>().join(" ");
        eprintln!("floor, round {}: {:?}, {}: {ns}", round + 1, map.kind, map.name());
        Ok(Reading { map, paces })
    }
}

impl Map {
    fn new(kind: Kind, part: Part, entries: u32) -> Result<Self> {
        let each = match part {
            Part::Index => 2 * INDEX,
            Part::Log => entry_size(VALUE_LEN),
            Part::Nothing => 0,
        };
        Ok(Map { kind, part, entries, bytes: usize::try_from(u64::from(entries) * each)? })
    }

    fn name(self) -> String {
        let part = match self.part {
            Part::Index => "index",
            Part::Log => "log",
            Part::Nothing => return "none".to_owned(),
        };
        format!("{part} of {}, {} KiB", table::entries(self.entries), self.bytes >> 10)
    }
}

/// Where a peer keeps what it reads.
pub(crate) fn kind_of(peer: &str) -> Kind {
    match peer {
        "samovar" | "samovar-ro" | "lmdb" | "redb" => Kind::Disk,
        "samovar-tmpfs" => Kind::Tmpfs,
        _ => Kind::Anonymous,
    }
}

impl Found {
    /// Of readings that may come from several rounds.
    pub(crate) fn of(readings: &[Reading]) -> Self {
        let mut rows: Vec<Row> = Vec::new();
        for reading in readings {
            for pace in &reading.paces {
                let (map, step, threads) = (reading.map, pace.step, pace.threads);
                if rows.iter().any(|row| row.map == map && row.step == step && row.threads == threads) {
                    continue;
                }
                let alike = readings.iter().filter(|other| other.map == map).flat_map(|other| &other.paces);
                let alike = alike.filter(|other| other.step == step && other.threads == threads);
                if let Some(ns) = Summary::of(alike.map(|pace| pace.ns)) {
                    rows.push(Row { map, step, threads, ns });
                }
            }
        }
        Found { rows }
    }

    /// Nanoseconds of the two accesses that a hit cannot do without.
    pub(crate) fn hit_ns(&self, kind: Kind, size: Size, threads: u32) -> Option<f64> {
        let index = self.dependent_ns(Map::new(kind, Part::Index, size.entries).ok()?, threads)?;
        let log = self.dependent_ns(Map::new(kind, Part::Log, size.entries).ok()?, threads)?;
        (size.value_len == VALUE_LEN).then_some(index + log)
    }

    /// Nanoseconds of the one access that a miss cannot do without.
    pub(crate) fn miss_ns(&self, kind: Kind, size: Size, threads: u32) -> Option<f64> {
        self.dependent_ns(Map::new(kind, Part::Index, size.entries).ok()?, threads)
    }

    /// The speed of each of two threads of what one has alone, at dependent random accesses over the log.
    pub(crate) fn kept_by_two(&self, kind: Kind, size: Size) -> Option<f64> {
        let log = Map::new(kind, Part::Log, size.entries).ok()?;
        Some(self.dependent_ns(log, 1)? / self.dependent_ns(log, 2)?)
    }

    fn dependent_ns(&self, map: Map, threads: u32) -> Option<f64> {
        let mut rows = self.rows.iter();
        let row = rows.find(|row| row.map == map && row.step == Step::Dependent && row.threads == threads)?;
        Some(row.ns.median)
    }

    fn cell(&self, map: Map, step: Step) -> String {
        let rows = self.rows.iter().filter(|row| row.map == map && row.step == step);
        let text = |ns: Summary| format!("{} ({} to {})", digits(ns.median), digits(ns.min), digits(ns.max));
        rows.map(|row| text(row.ns)).collect::<Vec<_>>().join("; ")
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "What the machine can do, ns as a thread sees it, median (least to most), one thread; two threads:\n"
        )?;
        let mut table = Table::new(["bytes", "step", "anonymous", "file on disk", "file on tmpfs"]);
        for row in self.rows.iter().filter(|row| row.map.kind == Kind::Anonymous && row.threads == THREADS[0])
        {
            let step = format!("{:?}", row.step).to_lowercase();
            let cells = KINDS.map(|kind| self.cell(Map { kind, ..row.map }, row.step));
            table.row([row.map.name(), step].into_iter().chain(cells));
        }
        write!(f, "{table}")
    }
}
