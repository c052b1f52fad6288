//! Bytes above keys and values, in the steady state: once five times the capacity was written. Of Samovar's file, and of
//! the memory of those peers that make room.

use crate::catalogue;
use crate::cell::Cell;
use crate::grid;
use crate::ground::Ground;
use crate::key::{KEY_LEN, key};
use crate::order::Order;
use crate::payload::Payload;
use crate::peers::samovar::{SEAL, entry_size};
use crate::size::Size;
use crate::table::{self, Table};
use anyhow::{Context, Result, ensure};
use clap::Args;
use samovar::Cache;
use serde::{Deserialize, Serialize};

const VALUE_LEN: usize = 64;
const PAYLOAD: usize = KEY_LEN + VALUE_LEN;
pub(crate) const BOUND: f64 = 32.0;
/// Capacities written before the count.
const LAPS: u32 = 5;
/// Entries that a peer has room for.
const PEER_ENTRIES: u32 = 512 << 10;

/// What to run.
#[derive(Args, Clone, Debug)]
pub(crate) struct Overhead {
    /// Capacities in MiB.
    #[arg(long, value_delimiter = ',', default_values_t = [64, 256])]
    capacities: Vec<u64>,
    /// Whose memory is measured beside the file.
    #[arg(long, value_delimiter = ',', default_values_t = catalogue::of_these(&["quick_cache", "moka", "foyer"]))]
    peers: Vec<String>,
}

/// Whether entries bear seals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sealing {
    Off,
    On,
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

/// One capacity, with seals or without.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    capacity: u64,
    sealed: bool,
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

/// The memory of a peer.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Memory {
    peer: String,
    entries: u64,
    overhead: f64,
}

/// What was found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    rows: Vec<Row>,
    peers: Vec<Memory>,
}

impl Overhead {
    pub(crate) fn run(&self, ground: &Ground) -> Result<Found> {
        let mut rows = Vec::new();
        for mib in &self.capacities {
            for seal in [None, Some(SEAL)] {
                for pattern in [Pattern::NewKeys, Pattern::Zipf] {
                    let row = measure(ground, mib << 20, seal, pattern)?;
                    eprintln!("{mib} MiB, seal {seal:?}, {pattern:?}: {:.1} bytes", row.overhead);
                    rows.push(row);
                }
            }
        }
        let peers = self.peers.iter().map(|peer| memory(peer, ground)).collect::<Result<_>>()?;
        Ok(Found { rows, peers })
    }
}

/// By how much a process of its own grows when the peer is filled five times over, for each entry that it then holds.
fn memory(peer: &str, ground: &Ground) -> Result<Memory> {
    let cell = Cell {
        peer: peer.to_owned(),
        size: Size { entries: LAPS * PEER_ENTRIES, value_len: VALUE_LEN },
        capacity: PEER_ENTRIES,
        measures: Vec::new(),
        millis: 0,
        operations: None,
        seed: 1,
    };
    let outcome = grid::run_one(&cell, ground)?;
    let entries = outcome.held.with_context(|| format!("{peer} does not say how many entries it holds"))?;
    let overhead = outcome.resident_bytes as f64 / entries.max(1) as f64 - PAYLOAD as f64;
    eprintln!("{peer}: {overhead:.1} bytes");
    Ok(Memory { peer: peer.to_owned(), entries, overhead })
}

fn measure(ground: &Ground, capacity: u64, seal: Option<usize>, pattern: Pattern) -> Result<Row> {
    let plot = ground.plot()?;
    let options = Cache::options().capacity(capacity).seals(seal.is_some());
    let options = options.expected_entry_size(entry_size(VALUE_LEN + seal.unwrap_or(0)));
    let cache = options.open(plot.tmpfs.path().join("overhead.samovar"))?;
    let fits = capacity / PAYLOAD as u64;
    let sets = u64::from(LAPS) * fits;
    match pattern {
        Pattern::NewKeys => write_new(&cache, u32::try_from(sets)?)?,
        Pattern::Zipf => write_zipf(&cache, sets, u32::try_from(fits * 4)?)?,
    }
    let stats = cache.stats()?;
    ensure!(stats.entries > 0, "nothing is held");
    let each = |bytes: u64| bytes as f64 / stats.entries as f64;
    Ok(Row {
        capacity,
        sealed: seal.is_some(),
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
        cache.set(&key(number), payload.value(VALUE_LEN, number, 0))?;
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
            cache.set(&key(number), payload.value(VALUE_LEN, number, 0))?;
            written += 1;
        }
    }
    Ok(())
}

impl Found {
    /// The bound holds without seals.
    pub(crate) fn holds(&self) -> bool {
        self.rows.iter().all(|row| row.clean && (row.sealed || row.overhead <= BOUND))
    }

    /// The largest overhead at any capacity, with these seals or without.
    pub(crate) fn worst(&self, sealed: Sealing) -> Option<f64> {
        let rows = self.rows.iter().filter(|row| row.sealed == (sealed == Sealing::On));
        rows.map(|row| row.overhead).max_by(f64::total_cmp)
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "Bytes of the file above key and value, for each entry held (20 B keys, 64 B values, no TTL):\n"
        )?;
        let mut table = Table::new(["capacity", "seals", "written", "entries", "overhead", "index", "log"]);
        for row in &self.rows {
            table.row([
                table::bytes(row.capacity),
                if row.sealed { "of 8 bytes" } else { "none" }.to_owned(),
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
        if !self.peers.is_empty() {
            let mut table = Table::new(["peer", "entries", "overhead"]);
            for Memory { peer, entries, overhead } in &self.peers {
                table.row([peer.clone(), entries.to_string(), format!("{overhead:.1}")]);
            }
            writeln!(
                f,
                "The same of the memory of a process that holds a peer, filled in the same way:\n\n{table}"
            )?;
        }
        let verdict = if self.holds() { "holds" } else { "DOES NOT HOLD" };
        writeln!(f, "Bound: at most {BOUND} bytes without seals, and check is clean: {verdict}.")
    }
}
