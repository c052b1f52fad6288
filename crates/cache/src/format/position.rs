//! A place in a ring: which lap, and how far into the shard's data area.
//!
//! Positions only grow. Packed as `lap << 34 | offset`, two positions of one ring compare as plain integers, and the
//! low 44 bits are what a slot has room for. Offsets count units of eight bytes.

use std::fmt;

/// Bytes in one unit of length or offset in the log.
pub(crate) const UNIT: u64 = 8;
/// Bits of a position that hold the offset.
pub(crate) const OFFSET_BITS: u32 = 34;
/// Bits of the lap that a slot keeps.
pub(crate) const LAP_LOW_BITS: u32 = 10;
/// Bits of a position that a slot keeps.
pub(crate) const LOW_BITS: u32 = OFFSET_BITS + LAP_LOW_BITS;

pub(crate) const OFFSET_MASK: u64 = (1 << OFFSET_BITS) - 1;
const LOW_MASK: u64 = (1 << LOW_BITS) - 1;

/// `lap << 34 | offset in units`. Laps never repeat: 2^30 of them outlast any device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position(u64);

impl Position {
    pub(crate) const ZERO: Position = Position(0);

    pub(crate) fn new(lap: u64, offset: u64) -> Self {
        Position(lap << OFFSET_BITS | offset & OFFSET_MASK)
    }

    pub(crate) fn from_word(word: u64) -> Self {
        Position(word)
    }

    pub(crate) fn word(self) -> u64 {
        self.0
    }

    pub(crate) fn lap(self) -> u64 {
        self.0 >> OFFSET_BITS
    }

    /// Units from the start of the shard's data area.
    pub(crate) fn offset(self) -> u64 {
        self.0 & OFFSET_MASK
    }

    /// What a slot keeps of this position.
    pub(crate) fn low(self) -> u64 {
        self.0 & LOW_MASK
    }

    /// The position `units` further on in the same lap.
    pub(crate) fn advance(self, units: u64) -> Self {
        Position(self.0.wrapping_add(units))
    }

    /// The start of the next lap, at `start`.
    pub(crate) fn wrap(self, start: u64) -> Self {
        Position::new(self.lap() + 1, start)
    }

    /// The position, less than a lap ahead of this frontier, that a slot keeps the low bits of.
    pub(crate) fn ahead(self, low: u64) -> Self {
        Position(self.0.wrapping_add(low.wrapping_sub(self.0) & LOW_MASK))
    }

    /// Is the entry at `low` (of a slot) still at or above this reclaim frontier? True for less than one lap ahead.
    pub(crate) fn protects(self, low: u64) -> bool {
        low.wrapping_sub(self.0) & LOW_MASK < 1 << OFFSET_BITS
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lap {} unit {}", self.lap(), self.offset())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frontier_protects_one_lap_ahead_and_nothing_behind() {
        let frontier = Position::new(5, 100);
        for (lap, offset, live) in
            [(5, 100, true), (5, 99, false), (5, 1000, true), (6, 99, true), (6, 100, false), (4, 500, false)]
        {
            assert_eq!(frontier.protects(Position::new(lap, offset).low()), live, "lap {lap} unit {offset}");
        }
    }

    #[test]
    fn what_a_slot_keeps_is_made_whole_again() {
        for lap in [0, 5, (1 << LAP_LOW_BITS) - 1, 1 << 20] {
            let frontier = Position::new(lap, 100);
            for at in [frontier, Position::new(lap, 900), Position::new(lap + 1, 99)] {
                assert_eq!(frontier.ahead(at.low()), at);
            }
        }
    }

    #[test]
    fn the_lap_bits_of_a_slot_wrap_around() {
        let frontier = Position::new((1 << LAP_LOW_BITS) - 1, 100);
        assert!(frontier.protects(Position::new(1 << LAP_LOW_BITS, 50).low()));
        assert!(!frontier.protects(Position::new((1 << LAP_LOW_BITS) + 1, 50).low()));
    }
}
