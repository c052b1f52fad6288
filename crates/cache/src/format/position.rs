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
mod tests;
