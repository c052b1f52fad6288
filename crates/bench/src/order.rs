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
                Some((Zipf::new(entries), dealt))
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

/// Zipf's law with an exponent of 0.99, drawn without a table by rejection-inversion (Hoermann and Derflinger, 1996). A
/// point under the curve x^-0.99 is rounded to a rank, and kept if it is also below that rank's bar.
struct Zipf {
    ranks: f64,
    /// The curve's integral at one and a half, less the first bar; and at the end.
    from: f64,
    to: f64,
}

const EXPONENT: f64 = 0.99;

impl Zipf {
    fn new(ranks: u32) -> Self {
        let ranks = f64::from(ranks);
        Zipf { ranks, from: integral(1.5) - 1.0, to: integral(ranks + 0.5) }
    }

    /// From 0, the likeliest.
    fn rank(&self, random: &mut Random) -> u32 {
        loop {
            let area = self.to + random.unit() * (self.from - self.to);
            let rank = inverse(area).round().clamp(1.0, self.ranks);
            if area >= integral(rank + 0.5) - rank.powf(-EXPONENT) {
                return whole(rank) - 1;
            }
        }
    }
}

/// Of x^-0.99.
fn integral(x: f64) -> f64 {
    (x.powf(1.0 - EXPONENT) - 1.0) / (1.0 - EXPONENT)
}

fn inverse(area: f64) -> f64 {
    (1.0 + area * (1.0 - EXPONENT)).powf(1.0 / (1.0 - EXPONENT))
}

/// Of a rank, which is whole and at most 2^32.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the ranks, which are a u32"
)]
fn whole(rank: f64) -> u32 {
    rank as u32
}

#[cfg(test)]
mod tests;
