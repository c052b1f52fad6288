//! The measures that the project's goals name, in one run of about a quarter of an hour. Each population has the peers
//! that a goal names, and the floor beside them.

use crate::catalogue;
use crate::cell::{Measure, Work};
use crate::ground::Ground;
use crate::order::Order;
use crate::plan::Plan;
use crate::size::Size;
use crate::speeds::Speeds;
use anyhow::Result;
use clap::Args;
use serde::{Deserialize, Serialize};

/// What to run.
#[derive(Args, Clone, Debug)]
pub(crate) struct Goals {
    /// Times that every cell is run.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Milliseconds that each measure is timed.
    #[arg(long, default_value_t = 250)]
    millis: u64,
    /// The first round's seed; each round has the next one.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Of the populations only these, as ENTRIESxBYTES of a value.
    #[arg(long, value_delimiter = ',', default_values_t = SUITES.map(|suite| suite.size))]
    sizes: Vec<Size>,
}

/// What was found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) suites: Vec<Speeds>,
    /// Programs among the peers, with their versions.
    pub(crate) servers: Vec<String>,
}

/// A population, who is measured on it, and at what.
struct Suite {
    size: Size,
    peers: &'static [&'static str],
    measures: &'static [Measure],
}

pub(crate) const LARGE: Size = Size { entries: 4 << 20, value_len: 64 };
pub(crate) const SMALL: Size = Size { entries: 2 << 10, value_len: 64 };
pub(crate) const LONG: Size = Size { entries: 64 << 10, value_len: 16 << 10 };

/// Values of a page each, as many as the long ones: what a get of those costs beyond their length.
pub(crate) const PAGED: Size = Size { entries: 64 << 10, value_len: 4 << 10 };

pub(crate) const HIT: Measure = uniform(Work::Hit, 1);
pub(crate) const HIT_TWO: Measure = uniform(Work::Hit, 2);
pub(crate) const HIT_ZIPF: Measure = zipf(Work::Hit, 1);
pub(crate) const BATCH_16: Measure = uniform(Work::Batch { keys: 16 }, 1);
pub(crate) const BATCH_64: Measure = uniform(Work::Batch { keys: 64 }, 1);
pub(crate) const BORROW: Measure = uniform(Work::Borrow, 1);
pub(crate) const MISS: Measure = uniform(Work::Miss, 1);
pub(crate) const OVERWRITE: Measure = uniform(Work::Overwrite, 1);
pub(crate) const MIXED: Measure = zipf(Work::Mixed { sets_percent: 5 }, 1);
pub(crate) const MIXED_TWO: Measure = zipf(Work::Mixed { sets_percent: 5 }, 2);

/// Reads before writes.
const SUITES: [Suite; 4] = [
    Suite {
        size: LARGE,
        peers: &[
            "samovar-tmpfs",
            "samovar",
            "samovar-ro",
            "samovar-sealed",
            catalogue::HUGE,
            "flat",
            "papaya",
            "segcache",
            "quick_cache",
            "moka",
            "foyer",
            "lmdb",
            "memcached",
            "redis",
        ],
        measures: &[HIT, HIT_ZIPF, BATCH_16, BATCH_64, MISS, MIXED, MIXED_TWO, OVERWRITE],
    },
    Suite {
        size: SMALL,
        peers: &[
            "samovar-tmpfs",
            "samovar",
            "samovar-ro",
            "samovar-sealed",
            "flat",
            "papaya",
            "segcache",
            "quick_cache",
            "moka",
            "foyer",
            "lmdb",
            "memcached",
            "redis",
        ],
        measures: &[HIT, HIT_TWO, BATCH_16, BATCH_64, MISS, MIXED_TWO, OVERWRITE],
    },
    Suite {
        size: LONG,
        peers: &[
            "samovar-tmpfs",
            "samovar",
            "samovar-sealed",
            "samovar-sealed-disk",
            "segcache",
            "quick_cache",
            "lmdb",
        ],
        measures: &[HIT, BORROW, OVERWRITE],
    },
    Suite { size: PAGED, peers: &["samovar-tmpfs", "samovar"], measures: &[HIT, BORROW] },
];

const fn uniform(work: Work, threads: u32) -> Measure {
    Measure { work, order: Order::Uniform, threads }
}

const fn zipf(work: Work, threads: u32) -> Measure {
    Measure { work, order: Order::Zipf, threads }
}

impl Goals {
    pub(crate) fn run(&self, ground: &Ground) -> Result<Found> {
        let wanted = SUITES.iter().filter(|suite| self.sizes.contains(&suite.size));
        let suites = wanted.map(|suite| self.plan(suite, ground).run(ground)).collect::<Result<_>>()?;
        Ok(Found { suites, servers: catalogue::servers() })
    }

    fn plan(&self, suite: &Suite, ground: &Ground) -> Plan {
        let mut peers = catalogue::of_these(suite.peers);
        if ground.has_huge() && suite.peers.contains(&catalogue::HUGE) {
            peers.push(catalogue::HUGE.to_owned());
        }
        Plan {
            rounds: self.rounds,
            millis: self.millis,
            seed: self.seed,
            sizes: vec![suite.size],
            peers,
            measures: suite.measures.to_vec(),
        }
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for suite in &self.suites {
            let name = suite.sizes.first().map(|size| size.name()).unwrap_or_default();
            writeln!(f, "### {name}\n\n{suite}")?;
        }
        let servers = if self.servers.is_empty() { "none".to_owned() } else { self.servers.join("; ") };
        writeln!(f, "Servers installed: {servers}.")
    }
}
