//! What a table of speeds is made of: who, how much, what, how often.

use crate::catalogue;
use crate::cell::{Cell, Measure};
use crate::floor::{self, Floor};
use crate::grid;
use crate::ground::Ground;
use crate::size::Size;
use crate::speeds::Speeds;
use anyhow::Result;

/// Every peer with every population, and the floor beside them.
pub(crate) struct Plan {
    pub(crate) rounds: u32,
    pub(crate) millis: u64,
    pub(crate) seed: u64,
    pub(crate) sizes: Vec<Size>,
    /// The first is compared with the others.
    pub(crate) peers: Vec<String>,
    /// Reads before writes, so that no peer is read in a state that the writes of a benchmark made.
    pub(crate) measures: Vec<Measure>,
}

impl Plan {
    pub(crate) fn run(self, ground: &Ground) -> Result<Speeds> {
        catalogue::know(&self.peers)?;
        let each = |size: &Size| self.peers.iter().map(|peer| self.cell(peer, *size)).collect::<Vec<_>>();
        let cells: Vec<Cell> = self.sizes.iter().flat_map(each).collect();
        let floor = Floor::below(&self.sizes, self.millis / 2);
        let mut readings = Vec::new();
        let ran = grid::run(&cells, self.rounds, ground, |round| {
            readings.extend(floor.round(round, ground)?);
            Ok(())
        })?;
        let floor = Some(floor::Found::of(&readings));
        Ok(Speeds { peers: self.peers, sizes: self.sizes, measures: self.measures, ran, floor })
    }

    fn cell(&self, peer: &str, size: Size) -> Cell {
        Cell {
            peer: peer.to_owned(),
            size,
            capacity: size.entries * ROOM,
            measures: self.measures.clone(),
            millis: self.millis,
            operations: None,
            seed: self.seed,
        }
    }
}

/// Entries of room for each that is stored: nothing has to be evicted.
const ROOM: u32 = 2;
