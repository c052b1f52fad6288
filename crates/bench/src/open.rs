//! How long it takes until a file is open, and until the first hit.
//!
//! Every probe is a process of its own. What the last user of the file did. It closed it; or it was killed in the
//! middle of writing, so that the first opener must repair; or it still writes. The file is in the page cache.

use crate::child::{self, Victim};
use crate::ground::Ground;
use crate::key::key;
use crate::payload::Payload;
use crate::peers::samovar::{capacity, entry_size};
use crate::summary::Summary;
use crate::table::{self, Table};
use crate::verdict::Verdict;
use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use samovar::Cache;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

const VALUE_LEN: usize = 64;
pub(crate) const BOUND_MS: f64 = 2.0;
/// What opening the larger file may take above the smaller one before it counts as growth.
const NOISE: f64 = 1.5;
const NOISE_MS: f64 = 0.2;

/// What to run.
#[derive(Args, Clone, Debug)]
pub(crate) struct Open {
    /// Probes of each state of each file.
    #[arg(long, default_value_t = 31)]
    probes: u32,
    /// Entries stored, one file each; the first is the smallest.
    #[arg(long, value_delimiter = ',', default_values_t = [4 << 10, 4 << 20])]
    entries: Vec<u32>,
}

/// What the last user of a file did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// Closed it.
    Closed,
    /// Was killed while it wrote.
    Killed,
    /// Still writes.
    InUse,
}

const STATES: [State; 3] = [State::Closed, State::Killed, State::InUse];

/// Opens a file once.
#[derive(Args, Clone, Debug)]
pub(crate) struct Probe {
    path: PathBuf,
    /// What to do afterwards.
    #[arg(value_enum)]
    then: State,
}

/// What one probe saw.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Seen {
    open_ms: f64,
    /// From the call of open to the first value.
    first_hit_ms: f64,
}

/// One file in one state.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    place: String,
    entries: u32,
    file_bytes: u64,
    state: State,
    open_ms: Summary,
    first_hit_ms: Summary,
}

/// What was found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    rows: Vec<Row>,
}

impl Open {
    pub(crate) fn run(&self, ground: &Ground) -> Result<Found> {
        let plot = ground.plot()?;
        let mut rows = Vec::new();
        for (place, directory) in [("disk", plot.disk.path()), ("tmpfs", plot.tmpfs.path())] {
            for entries in &self.entries {
                let path = directory.join(format!("{entries}.samovar"));
                let file_bytes = fill(&path, *entries)?;
                for state in STATES {
                    let seen = self.probe(&path, state)?;
                    let part = |part: fn(&Seen) -> f64| Summary::of(seen.iter().map(part)).unwrap_or(NOTHING);
                    let (open_ms, first_hit_ms) = (part(|seen| seen.open_ms), part(|seen| seen.first_hit_ms));
                    let place = place.to_owned();
                    eprintln!("{place}, {entries} entries, {state:?}: {:.3} ms", open_ms.median);
                    rows.push(Row { place, entries: *entries, file_bytes, state, open_ms, first_hit_ms });
                }
                std::fs::remove_file(&path)?;
            }
        }
        Ok(Found { rows })
    }

    /// Each probe leaves the file in the state in which the next one finds it; the first finds another, and is dropped.
    fn probe(&self, path: &Path, state: State) -> Result<Vec<Seen>> {
        let arguments = |then: &str| -> [OsString; 3] { ["probe".into(), path.into(), then.into()] };
        let _writer = match state {
            State::InUse => Some(linger(&arguments("in-use"))?),
            State::Closed | State::Killed => None,
        };
        let mut seen = Vec::new();
        for _ in 0..=self.probes {
            seen.push(match state {
                State::Killed => linger(&arguments("killed"))?.0,
                State::Closed | State::InUse => child::ask(&arguments("closed"))?,
            });
        }
        Ok(seen.split_off(1))
    }
}

const NOTHING: Summary = Summary { median: f64::NAN, min: f64::NAN, max: f64::NAN };

/// Starts a probe that goes on to write, and lets it for a moment. It is killed when what is returned is dropped.
fn linger(arguments: &[OsString]) -> Result<(Seen, Victim)> {
    let mut victim = Victim::start(arguments)?;
    let seen = victim.answer()?;
    thread::sleep(Duration::from_millis(5));
    Ok((seen, victim))
}

/// Makes a file with so many entries and room for as many again; how long it is.
fn fill(path: &Path, entries: u32) -> Result<u64> {
    let options = Cache::options().capacity(capacity(2 * entries, VALUE_LEN));
    let cache = options.expected_entry_size(entry_size(VALUE_LEN)).open(path)?;
    let mut payload = Payload::new(VALUE_LEN);
    for number in 0..entries {
        cache.set(&key(number), payload.value(VALUE_LEN, number, 0))?;
    }
    let stats = cache.stats()?;
    ensure!(stats.entries == u64::from(entries), "{} of {entries} entries were kept", stats.entries);
    cache.close()?;
    Ok(stats.file_bytes)
}

impl Probe {
    pub(crate) fn run(&self) -> Result<Verdict> {
        let mut value = Vec::with_capacity(VALUE_LEN);
        let start = Instant::now();
        let cache = Cache::options().open(&self.path)?;
        let open = start.elapsed();
        let hit = cache.get_into(&key(0), &mut value)?;
        let first_hit = start.elapsed();
        ensure!(hit && crate::payload::version(&value, 0).is_some(), "the first entry is not there");
        let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
        println!("{}", serde_json::to_string(&Seen { open_ms: ms(open), first_hit_ms: ms(first_hit) })?);
        if self.then == State::Closed {
            cache.close()?;
            return Ok(Verdict::Held);
        }
        let mut payload = Payload::new(VALUE_LEN);
        for number in (0..cache.stats()?.entries).cycle() {
            let number = u32::try_from(number)?;
            cache.set(&key(number), payload.value(VALUE_LEN, number, 1))?;
        }
        Ok(Verdict::Held)
    }
}

impl Found {
    /// Milliseconds to the first hit after a kill, at most, in the places in turn: on tmpfs, on disk.
    pub(crate) fn after_kill(&self) -> [Option<Summary>; 2] {
        ["tmpfs", "disk"].map(|place| {
            let killed = self.rows.iter().filter(|row| row.place == place && row.state == State::Killed);
            killed.map(|row| row.first_hit_ms).max_by(|one, other| one.median.total_cmp(&other.median))
        })
    }

    /// Below the bound, and no longer for more entries.
    pub(crate) fn holds(&self) -> bool {
        let smallest = self.rows.iter().map(|row| row.entries).min();
        self.rows.iter().all(|row| {
            let mut small = self.rows.iter().filter(|other| Some(other.entries) == smallest);
            let small = small.find(|other| other.place == row.place && other.state == row.state);
            let limit = small.map_or(BOUND_MS, |small| small.open_ms.median * NOISE + NOISE_MS);
            row.open_ms.median < limit && row.first_hit_ms.median < BOUND_MS
        })
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "Milliseconds in a new process, median (least to most); the last user of the file had:\n"
        )?;
        let mut table = Table::new(["file", "size", "last user", "open", "open and first hit"]);
        let times = |all: Summary| format!("{:.3} ({:.3} to {:.3})", all.median, all.min, all.max);
        for row in &self.rows {
            table.row([
                format!("{}, {} entries", row.place, table::entries(row.entries)),
                format!("{} MiB", row.file_bytes >> 20),
                match row.state {
                    State::Closed => "closed it",
                    State::Killed => "been killed while writing",
                    State::InUse => "not ended, and writes",
                }
                .to_owned(),
                times(row.open_ms),
                times(row.first_hit_ms),
            ]);
        }
        writeln!(f, "{table}")?;
        let verdict = if self.holds() { "holds" } else { "DOES NOT HOLD" };
        writeln!(
            f,
            "Bound: medians of open and first hit below {BOUND_MS} ms, and no growth of open with the entries: {verdict}."
        )
    }
}
