//! Bytes of the file above keys and values, in the steady state: once five times the capacity was written.

use crate::ground::Ground;
use crate::key::{KEY_LEN, key};
use crate::order::Order;
use crate::payload::Payload;
use crate::table::{self, Table};
use anyhow::{Result, ensure};
use clap::Args;
use samovar::Cache;
use serde::{Deserialize, Serialize};

const VALUE_LEN: usize = 64;
const BOUND: f64 = 40.0;
/// Capacities written before the count.
const LAPS: u64 = 5;
/// Options under which the bound has to hold: the entry size told as it is.
const TOLD: u64 = (8 + KEY_LEN + VALUE_LEN) as u64;

/// What to run.
#[derive(Args, Clone, Debug)]
pub(crate) struct Overhead {
    /// Capacities in MiB.
    #[arg(long, value_delimiter = ',', default_values_t = [64, 256, 1024])]
    capacities: Vec<u64>,
    /// Sizes to expect, in bytes; 0 leaves the default.
    #[arg(long, value_delimiter = ',', default_values_t = [0, TOLD])]
    expected: Vec<u64>,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Pattern {
    /// Keys that were never there before.
    NewKeys,
    /// Gets by Zipf's law over four times the keys that fit; a miss is set.
    Zipf,
}

/// One capacity under one option.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    capacity: u64,
    expected_entry_size: Option<u64>,
    pattern: Pattern,
    entries: u64,
    evictions: u64,
    overhead: f64,
    /// Of the overhead: the index.
    index: f64,
    /// Of the overhead: bytes of the log that no live entry uses, headers and padding included.
    log: f64,
    clean: bool,
}

/// What was found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    rows: Vec<Row>,
}

impl Overhead {
    pub(crate) fn run(&self, ground: &Ground) -> Result<Found> {
        let mut rows = Vec::new();
        for mib in &self.capacities {
            for expected in &self.expected {
                for pattern in [Pattern::NewKeys, Pattern::Zipf] {
                    let row = measure(ground, mib << 20, (*expected > 0).then_some(*expected), pattern)?;
                    eprintln!("{mib} MiB, expecting {expected}, {pattern:?}: {:.1} bytes", row.overhead);
                    rows.push(row);
                }
            }
        }
        Ok(Found { rows })
    }
}

fn measure(ground: &Ground, capacity: u64, expected: Option<u64>, pattern: Pattern) -> Result<Row> {
    let plot = ground.plot()?;
    let mut options = Cache::options().capacity(capacity);
    if let Some(bytes) = expected {
        options = options.expected_entry_size(bytes);
    }
    let cache = options.open(plot.tmpfs.path().join("overhead.samovar"))?;
    let sets = LAPS * capacity / (KEY_LEN + VALUE_LEN) as u64;
    match pattern {
        Pattern::NewKeys => write_new(&cache, u32::try_from(sets)?)?,
        Pattern::Zipf => write_zipf(&cache, sets, u32::try_from(sets * 4 / LAPS)?)?,
    }
    let stats = cache.stats();
    ensure!(stats.entries > 0, "nothing is held");
    let each = |bytes: u64| bytes as f64 / stats.entries as f64;
    Ok(Row {
        capacity,
        expected_entry_size: expected,
        pattern,
        entries: stats.entries,
        evictions: stats.evictions,
        overhead: each(stats.file_bytes - stats.live_bytes),
        index: each(stats.index_bytes),
        log: each(stats.data_bytes - stats.live_bytes),
        clean: cache.check()?.is_clean(),
    })
}

fn write_new(cache: &Cache, sets: u32) -> Result<()> {
    let mut payload = Payload::new(VALUE_LEN);
    for number in 0..sets {
        cache.set(&key(number), payload.stamp(VALUE_LEN, number, 0))?;
    }
    Ok(())
}

fn write_zipf(cache: &Cache, sets: u64, keys: u32) -> Result<()> {
    let (mut payload, mut value) = (Payload::new(VALUE_LEN), Vec::with_capacity(VALUE_LEN));
    let mut requests = Order::Zipf.stream(keys, 1);
    let mut written = 0;
    while written < sets {
        let number = requests.next();
        if !cache.get_into(&key(number), &mut value)? {
            cache.set(&key(number), payload.stamp(VALUE_LEN, number, 0))?;
            written += 1;
        }
    }
    Ok(())
}

impl Found {
    /// The bound holds for the entry size told as it is.
    pub(crate) fn holds(&self) -> bool {
        self.rows
            .iter()
            .all(|row| row.clean && (row.expected_entry_size != Some(TOLD) || row.overhead <= BOUND))
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "Bytes of the file above key and value, for each entry held (20 B keys, 64 B values, no TTL):\n"
        )?;
        let mut table =
            Table::new(["capacity", "expected size", "written", "entries", "overhead", "index", "log"]);
        for row in &self.rows {
            table.row([
                table::bytes(row.capacity),
                row.expected_entry_size.map_or("default".to_owned(), |bytes| bytes.to_string()),
                match row.pattern {
                    Pattern::NewKeys => "new keys",
                    Pattern::Zipf => "zipf, misses set",
                }
                .to_owned(),
                row.entries.to_string(),
                format!("{:.1}", row.overhead),
                format!("{:.1}", row.index),
                format!("{:.1}", row.log),
            ]);
        }
        writeln!(f, "{table}")?;
        let verdict = if self.holds() { "holds" } else { "DOES NOT HOLD" };
        writeln!(
            f,
            "Bound: at most {BOUND} bytes with expected_entry_size({TOLD}), and check is clean: {verdict}."
        )
    }
}
