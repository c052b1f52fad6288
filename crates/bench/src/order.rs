//! In which order entries are asked for: drawn before the clock starts, the same for every peer.
//!
//! An order is an array of entry numbers, read from front to back: four bytes an operation, which the processor fetches
//! ahead. It is at least as long as there are entries, or 65,536, and begins anew at its end.

use crate::random::Random;
use serde::{Deserialize, Serialize};

const SHORTEST: usize = 1 << 16;
const LONGEST: usize = 1 << 22;

/// How likely each entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Order {
    /// Every entry as likely as any other.
    Uniform,
    /// Zipf's law with an exponent of 0.99; ranks are dealt to entries at random.
    Zipf,
}

impl Order {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Order::Uniform => "uniform",
            Order::Zipf => "zipf 0.99",
        }
    }

    /// Entry numbers below `entries`.
    pub(crate) fn draw(self, entries: u32, seed: u64) -> Vec<u32> {
        let len = (entries as usize).clamp(SHORTEST, LONGEST);
        let mut stream = self.stream(entries, seed);
        (0..len).map(|_| stream.next()).collect()
    }

    /// The same without an end, drawn one at a time.
    pub(crate) fn stream(self, entries: u32, seed: u64) -> Stream {
        let mut random = Random::new(seed);
        let skew = match self {
            Order::Uniform => None,
            Order::Zipf => {
                let mut dealt: Vec<u32> = (0..entries).collect();
                random.shuffle(&mut dealt);
                Some((Zipf::new(entries, 0.99), dealt))
            }
        };
        Stream { entries, random, skew }
    }
}

/// Draws entry numbers.
pub(crate) struct Stream {
    entries: u32,
    random: Random,
    /// The law of ranks, and which entry has which.
    skew: Option<(Zipf, Vec<u32>)>,
}

impl Stream {
    pub(crate) fn next(&mut self) -> u32 {
        match &self.skew {
            None => self.random.below(self.entries),
            Some((zipf, dealt)) => dealt[zipf.rank(&mut self.random) as usize],
        }
    }
}

/// Zipf's law by its cumulative weights.
struct Zipf {
    sums: Vec<f64>,
}

impl Zipf {
    fn new(ranks: u32, exponent: f64) -> Self {
        let mut sum = 0.0;
        let sums = (1..=ranks).map(|rank| {
            sum += f64::from(rank).powf(-exponent);
            sum
        });
        Zipf { sums: sums.collect() }
    }

    fn rank(&self, random: &mut Random) -> u32 {
        let total = self.sums.last().copied().unwrap_or(0.0);
        let point = random.unit() * total;
        let rank = self.sums.partition_point(|sum| *sum <= point).min(self.sums.len().saturating_sub(1));
        u32::try_from(rank).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_stay_below_their_bound_and_zipf_is_skewed() {
        for order in [Order::Uniform, Order::Zipf] {
            let drawn = order.draw(1000, 5);
            assert!(drawn.len() >= SHORTEST && drawn.iter().all(|number| *number < 1000));
            let mut counts = vec![0u32; 1000];
            drawn.iter().for_each(|number| counts[*number as usize] += 1);
            let most = counts.iter().max().copied().unwrap_or(0) as usize * 100 / drawn.len();
            assert_eq!(most > 5, order == Order::Zipf, "{order:?}: the hottest has {most} %");
        }
    }
}
