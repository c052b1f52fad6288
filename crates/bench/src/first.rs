//! First light: where Samovar stands beside an in-heap cache of either kind and a mapped database.

use crate::cell::{Measure, Work};
use crate::ground::Ground;
use crate::order::Order;
use crate::plan::Plan;
use crate::size::Size;
use crate::speeds::Speeds;
use anyhow::Result;
use clap::Args;

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
    /// Populations, as ENTRIESxBYTES of a value. `65536x16384` is worth a look too.
    #[arg(long, value_delimiter = ',', default_values_t = SIZES)]
    sizes: Vec<Size>,
    /// Who is measured; the first is compared with the others.
    #[arg(long, value_delimiter = ',', default_values_t = ["samovar-tmpfs", "samovar", "samovar-ro", "quick_cache", "moka", "lmdb"].map(str::to_owned))]
    peers: Vec<String>,
}

const SIZES: [Size; 3] = [
    Size { entries: 2 << 10, value_len: 64 },
    Size { entries: 4 << 10, value_len: 64 },
    Size { entries: 4 << 20, value_len: 64 },
];

impl First {
    pub(crate) fn run(&self, ground: &Ground) -> Result<Speeds> {
        let plan = Plan {
            rounds: self.rounds,
            millis: self.millis,
            seed: self.seed,
            sizes: self.sizes.clone(),
            peers: self.peers.clone(),
            measures: measures(),
        };
        plan.run(ground)
    }
}

fn measures() -> Vec<Measure> {
    let each = |(work, threads)| Measure { work, order: Order::Uniform, threads };
    let works = [
        (Work::Hit, 1),
        (Work::Hit, 2),
        (Work::Saturated, 1),
        (Work::Miss, 1),
        (Work::Miss, 2),
        (Work::Overwrite, 1),
        (Work::Overwrite, 2),
    ];
    works.map(each).to_vec()
}
