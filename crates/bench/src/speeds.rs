//! What the rounds of many cells came to: times, ratios, and how far each is from what the machine can do.

use crate::cell::{Measure, Timing, Work};
use crate::floor;
use crate::grid::Ran;
use crate::order::Order;
use crate::size::Size;
use crate::summary::Summary;
use crate::table::{Table, digits};
use serde::{Deserialize, Serialize};

/// What was found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Speeds {
    /// Who was measured; the first is compared with the others.
    pub(crate) peers: Vec<String>,
    pub(crate) sizes: Vec<Size>,
    pub(crate) measures: Vec<Measure>,
    pub(crate) ran: Vec<Ran>,
    /// What the machine can do, measured between the cells of the same rounds.
    pub(crate) floor: Option<floor::Found>,
}

type Figure = fn(&Timing) -> f64;

const WALL: Figure = |timing| timing.wall_ns;
const CPU: Figure = |timing| timing.cpu_ns;

impl Speeds {
    fn summary(&self, peer: &str, size: Size, measure: Measure, part: Figure) -> Option<Summary> {
        let mine = self.ran.iter().filter(|ran| ran.peer == peer && ran.size == size);
        let timings = mine.flat_map(|ran| &ran.outcome.timings);
        Summary::of(timings.filter(|timing| timing.measure == measure).map(part))
    }

    /// Nanoseconds of an operation.
    pub(crate) fn wall(&self, peer: &str, size: Size, measure: Measure) -> Option<Summary> {
        self.summary(peer, size, measure, WALL)
    }

    /// How many times the one's time is the other's: of the medians, and least to most of the rounds.
    pub(crate) fn times(&self, size: Size, over: (&str, Measure), under: (&str, Measure)) -> Option<Summary> {
        let each = |(peer, measure)| self.rounds(peer, size, measure);
        let ratios = each(over).zip(each(under)).map(|(over, under)| over / under);
        let median = |(peer, measure)| Some(self.wall(peer, size, measure)?.median);
        Some(Summary { median: median(over)? / median(under)?, ..Summary::of(ratios)? })
    }

    /// Nanoseconds of each round in turn; of a cell that has them all.
    fn rounds(&self, peer: &str, size: Size, measure: Measure) -> impl Iterator<Item = f64> {
        let mine = self.ran.iter().filter(move |ran| ran.peer == peer && ran.size == size);
        let timings = mine.flat_map(|ran| &ran.outcome.timings);
        timings.filter(move |timing| timing.measure == measure).map(WALL)
    }

    /// A row for each size and measure, a column for each peer; rows without any cell are left out.
    fn table(&self, cell: impl Fn(&str, Size, Measure) -> Option<String>) -> Table {
        let mut table = Table::new(["entries, work"]);
        table.extend_head(self.peers.iter().cloned());
        for size in &self.sizes {
            for measure in &self.measures {
                let cells: Vec<_> = self.peers.iter().map(|peer| cell(peer, *size, *measure)).collect();
                if cells.iter().any(Option::is_some) {
                    let name = format!("{}, {}", size.name(), measure.name());
                    table.row([name].into_iter().chain(cells.into_iter().map(Option::unwrap_or_default)));
                }
            }
        }
        table
    }

    fn walls(&self) -> Table {
        self.table(|peer, size, measure| {
            let all = self.summary(peer, size, measure, WALL)?;
            Some(format!("{} ({} to {})", digits(all.median), digits(all.min), digits(all.max)))
        })
    }

    fn cpu(&self) -> Table {
        self.table(|peer, size, measure| Some(digits(self.summary(peer, size, measure, CPU)?.median)))
    }

    fn ratios(&self, part: Figure) -> Table {
        self.table(|peer, size, measure| {
            let ours = self.summary(self.peers.first()?, size, measure, part)?.median;
            Some(format!("{:.2}", self.summary(peer, size, measure, part)?.median / ours))
        })
    }

    /// Hits in random order over two dependent random accesses, misses over one, on the kind of memory that the peer uses.
    fn to_floor(&self, floor: &floor::Found) -> Table {
        self.table(|peer, size, measure| {
            let kind = floor::kind_of(peer);
            let accesses = match (measure.work, measure.order) {
                (Work::Hit | Work::Saturated, Order::Uniform) => floor.hit_ns(kind, size, measure.threads)?,
                (Work::Miss, Order::Uniform) => floor.miss_ns(kind, size, measure.threads)?,
                _ => return None,
            };
            let ours = self.summary(peer, size, measure, WALL)?.median;
            Some(format!("{:.2} ({})", ours / accesses, digits(accesses)))
        })
    }
}

impl std::fmt::Display for Speeds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ours = self.peers.first().map_or("", String::as_str);
        let rounds = self.ran.iter().map(|ran| ran.round + 1).max().unwrap_or(0);
        writeln!(
            f,
            "Nanoseconds of an operation as its thread sees it, median (least to most) of {rounds} rounds:\n"
        )?;
        writeln!(f, "{}", self.walls())?;
        writeln!(f, "Times that {ours}'s median goes into the peer's: above 1, {ours} is faster:\n")?;
        writeln!(f, "{}", self.ratios(WALL))?;
        writeln!(f, "CPU nanoseconds of an operation, median:\n")?;
        writeln!(f, "{}", self.cpu())?;
        writeln!(f, "The same ratio, of CPU time:\n")?;
        write!(f, "{}", self.ratios(CPU))?;
        if let Some(floor) = &self.floor {
            writeln!(
                f,
                "\nDistance from the floor: the median over what the machine needs for the accesses alone (in brackets, ns).\n\
                 A hit needs one dependent random access over a map as large as Samovar's index, and one over a map as large as\n\
                 its log; a miss the first. The maps are files for peers that keep files, else memory of the process.\n\
                 Independent accesses overlap, so a get in a loop may come below 1:\n"
            )?;
            write!(f, "{}", self.to_floor(floor))?;
        }
        Ok(())
    }
}
