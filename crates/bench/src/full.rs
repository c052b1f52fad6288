//! Every load and every peer that is built in: what the quick look leaves out.

use crate::catalogue;
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
pub(crate) struct Full {
    /// Times that every cell is run.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Milliseconds that each measure is timed.
    #[arg(long, default_value_t = 1000)]
    millis: u64,
    /// The first round's seed; each round has the next one.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Populations, as ENTRIESxBYTES of a value.
    #[arg(long, value_delimiter = ',', default_values_t = SIZES)]
    sizes: Vec<Size>,
    /// Who is measured; the first is compared with the others.
    #[arg(long, value_delimiter = ',', default_values_t = catalogue::everyone())]
    peers: Vec<String>,
}

const SIZES: [Size; 4] = [
    Size { entries: 2 << 10, value_len: 64 },
    Size { entries: 4 << 20, value_len: 64 },
    Size { entries: 1 << 20, value_len: 1 << 10 },
    Size { entries: 64 << 10, value_len: 16 << 10 },
];

impl Full {
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
    let works = [
        (Work::Hit, Order::Uniform),
        (Work::Hit, Order::Zipf),
        (Work::Miss, Order::Uniform),
        (Work::Mixed { sets_percent: 5 }, Order::Zipf),
        (Work::Mixed { sets_percent: 50 }, Order::Zipf),
        (Work::Overwrite, Order::Uniform),
    ];
    let each = |(work, order)| [1, 2].map(|threads| Measure { work, order, threads });
    works.into_iter().flat_map(each).collect()
}
