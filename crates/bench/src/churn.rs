//! Room for twice the data, and every key overwritten in random order for twenty rounds. Dead bytes are no reason to
//! evict, so nothing may be lost.

use crate::ground::Ground;
use crate::key::{KEY_LEN, key};
use crate::payload::{self, MIN_VALUE_LEN, Payload};
use crate::random::Random;
use crate::table::{self, Table};
use anyhow::Result;
use clap::Args;
use samovar::Cache;
use serde::{Deserialize, Serialize};
use std::time::Instant;

const LONGEST: usize = 16 << 10;

/// What to run.
#[derive(Args, Clone, Debug)]
pub(crate) struct Churn {
    /// Times that every key is overwritten.
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// Capacities in MiB.
    #[arg(long, value_delimiter = ',', default_values_t = [16, 256])]
    capacities: Vec<u64>,
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How long values are.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Lengths {
    /// All the same.
    Fixed(usize),
    /// Drawn anew at every write between 10 B and 16 KiB, every power of two as likely as any other.
    Mixed,
}

const LENGTHS: [Lengths; 3] = [Lengths::Fixed(64), Lengths::Fixed(1024), Lengths::Mixed];

/// One capacity with one kind of value.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    capacity: u64,
    lengths: Lengths,
    keys: u32,
    evictions: u64,
    /// Keys that are gone, or have another value than the last one written.
    lost: u64,
    clean: bool,
    set_ns: f64,
}

/// What was found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    rounds: u32,
    rows: Vec<Row>,
}

impl Churn {
    pub(crate) fn run(&self, ground: &Ground) -> Result<Found> {
        let mut rows = Vec::new();
        for mib in &self.capacities {
            for lengths in LENGTHS {
                let row = self.measure(ground, mib << 20, lengths)?;
                eprintln!(
                    "{mib} MiB, {lengths:?}: {} evictions, {} of {} lost",
                    row.evictions, row.lost, row.keys
                );
                rows.push(row);
            }
        }
        Ok(Found { rounds: self.rounds, rows })
    }

    fn measure(&self, ground: &Ground, capacity: u64, lengths: Lengths) -> Result<Row> {
        let plot = ground.plot()?;
        let cache = Cache::options().capacity(capacity).open(plot.tmpfs.path().join("churn.samovar"))?;
        let mut random = Random::new(self.seed);
        let mut payload = Payload::new(LONGEST);
        let mut lens = population(capacity / 2, lengths, &mut random);
        let mut order: Vec<u32> = (0..).take(lens.len()).collect();
        let start = Instant::now();
        for round in 0..=self.rounds {
            for number in &order {
                let len = lengths.draw(&mut random);
                let len = if round == 0 { lens[*number as usize] } else { len };
                cache.set(&key(*number), payload.value(len, *number, round))?;
                lens[*number as usize] = len;
            }
            random.shuffle(&mut order);
        }
        let elapsed = start.elapsed();
        let keys = u32::try_from(lens.len())?;
        Ok(Row {
            capacity,
            lengths,
            keys,
            evictions: cache.stats()?.evictions,
            lost: lost(&cache, &lens, self.rounds)?,
            clean: cache.check()?.is_clean(),
            set_ns: elapsed.as_secs_f64() * 1e9 / f64::from(keys) / f64::from(self.rounds + 1),
        })
    }
}

impl Lengths {
    fn draw(self, random: &mut Random) -> usize {
        match self {
            Lengths::Fixed(len) => len,
            Lengths::Mixed => {
                let span = (LONGEST as f64 / MIN_VALUE_LEN as f64).ln();
                let len = MIN_VALUE_LEN as f64 * (random.unit() * span).exp();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "10.0 to 16384.0"
                )]
                let len = len as usize;
                len.min(LONGEST)
            }
        }
    }

    fn name(self) -> String {
        match self {
            Lengths::Fixed(len) => table::bytes(len as u64),
            Lengths::Mixed => "10 B to 16 KiB".to_owned(),
        }
    }
}

/// Lengths of values that, with their keys, come to so many bytes.
fn population(bytes: u64, lengths: Lengths, random: &mut Random) -> Vec<usize> {
    let (mut lens, mut left) = (Vec::new(), bytes);
    loop {
        let len = lengths.draw(random);
        match left.checked_sub((KEY_LEN + len) as u64) {
            Some(rest) => left = rest,
            None => return lens,
        }
        lens.push(len);
    }
}

fn lost(cache: &Cache, lens: &[usize], version: u32) -> Result<u64> {
    let (mut lost, mut value) = (0, Vec::new());
    for (number, len) in (0..).zip(lens) {
        let hit = cache.get_into(&key(number), &mut value)?;
        let right = hit && value.len() == *len && payload::version(&value, number) == Some(version);
        lost += u64::from(!right);
    }
    Ok(lost)
}

impl Found {
    pub(crate) fn holds(&self) -> bool {
        self.rows.iter().all(|row| row.evictions == 0 && row.lost == 0 && row.clean)
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "Capacity twice the bytes of keys and values; every key overwritten at random, {} rounds:\n",
            self.rounds
        )?;
        let mut table = Table::new(["capacity", "values", "keys", "evictions", "lost", "check", "ns a set"]);
        for row in &self.rows {
            table.row([
                table::bytes(row.capacity),
                row.lengths.name(),
                row.keys.to_string(),
                row.evictions.to_string(),
                row.lost.to_string(),
                if row.clean { "clean" } else { "NOT CLEAN" }.to_owned(),
                table::digits(row.set_ns),
            ]);
        }
        writeln!(f, "{table}")?;
        let verdict = if self.holds() { "holds" } else { "DOES NOT HOLD" };
        writeln!(f, "Bound: no eviction, nothing lost, check is clean: {verdict}.")
    }
}
