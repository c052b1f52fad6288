//! First light: where Samovar stands beside an in-heap cache of either kind and a mapped database.

use crate::catalogue;
use crate::cell::{Cell, Measure, Work};
use crate::floor::Floor;
use crate::grid;
use crate::ground::Ground;
use crate::order::Order;
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
        catalogue::know(&self.peers)?;
        let each = |size: &Size| self.peers.iter().map(|peer| self.cell(peer, *size)).collect::<Vec<_>>();
        let cells: Vec<Cell> = self.sizes.iter().flat_map(each).collect();
        let floor = Floor::below(&self.sizes, self.millis / 2);
        let mut readings = Vec::new();
        let ran = grid::run(&cells, self.rounds, ground, |round| {
            readings.extend(floor.round(round, ground)?);
            Ok(())
        })?;
        let floor = Some(crate::floor::Found::of(&readings));
        let (peers, sizes) = (self.peers.clone(), self.sizes.clone());
        Ok(Speeds { peers, sizes, measures: measures(), ran, floor })
    }

    fn cell(&self, peer: &str, size: Size) -> Cell {
        Cell {
            peer: peer.to_owned(),
            size,
            measures: measures(),
            millis: self.millis,
            operations: None,
            seed: self.seed,
        }
    }
}

/// Reads before writes, so that no peer is read in a state that the writes of a benchmark made.
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
