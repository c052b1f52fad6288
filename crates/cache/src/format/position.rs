//! A place in a ring: which lap, and how far into the shard's data area.
//!
//! Positions only go on. Packed as `lap << 34 | offset`, the low 44 bits are what a slot has room for. Offsets count units of
//! eight bytes.
//!
//! Laps come round: after 2^30 of them, which a small cache takes hours for, a position is used again. So there is no order
//! of positions, only how far one is from another. Whatever keeps a position keeps it for far fewer laps: a slot for one, a
//! reader for 512, a flush horizon for 900.

use std::cmp::Ordering;
use std::fmt;

/// Bytes in one unit of length or offset in the log.
pub(crate) const UNIT: u64 = 8;
/// Bits of a position that hold the offset.
pub(crate) const OFFSET_BITS: u32 = 34;
/// Bits of the lap that a slot keeps.
pub(crate) const LAP_LOW_BITS: u32 = if cfg!(samovar_short_counters) { 4 } else { 10 };
/// Bits of the lap: all that the offset leaves, unless a proof has counters come round often.
pub(crate) const LAP_BITS: u32 = if cfg!(samovar_short_counters) { 6 } else { u64::BITS - OFFSET_BITS };
/// Bits of a position that a slot keeps.
pub(crate) const LOW_BITS: u32 = OFFSET_BITS + LAP_LOW_BITS;

pub(crate) const OFFSET_MASK: u64 = (1 << OFFSET_BITS) - 1;
const LOW_MASK: u64 = (1 << LOW_BITS) - 1;
const MASK: u64 = u64::MAX >> (u64::BITS - LAP_BITS - OFFSET_BITS);
/// From a position to the one at the same offset in the next lap.
pub(crate) const A_LAP: u64 = 1 << OFFSET_BITS;
/// What is fewer laps ahead is ahead; what is more is behind.
pub(crate) const HALF_OF_ALL_LAPS: u64 = 1 << (LAP_BITS - 1);
const _: () = assert!(LAP_LOW_BITS + 2 <= LAP_BITS);

/// `lap << 34 | offset in units`, modulo 2^64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position(u64);

impl Position {
    pub(crate) const ZERO: Position = Position(0);

    pub(crate) fn new(lap: u64, offset: u64) -> Self {
        Position((lap << OFFSET_BITS | offset & OFFSET_MASK) & MASK)
    }

    pub(crate) fn from_word(word: u64) -> Self {
        Position(word & MASK)
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
        Position(self.0.wrapping_add(units) & MASK)
    }

    /// The start of the next lap, at `start`.
    pub(crate) fn wrap(self, start: u64) -> Self {
        Position::new(self.lap() + 1, start)
    }

    /// The position, less than a lap ahead of this frontier, that a slot keeps the low bits of.
    pub(crate) fn ahead(self, low: u64) -> Self {
        Position(self.0.wrapping_add(low.wrapping_sub(self.0) & LOW_MASK) & MASK)
    }

    /// How far this is ahead of another position, modulo 2^64: at most [`A_LAP`] of what lies within one lap of it.
    #[inline(always)]
    pub(crate) fn ahead_of(self, other: Position) -> u64 {
        // canary: laps come round
        self.0.wrapping_sub(other.0) & MASK
    }

    /// Laps from another position's to this one's, modulo 2^30.
    #[inline]
    pub(crate) fn laps_ahead_of(self, other: Position) -> u64 {
        Position::new(self.lap().wrapping_sub(other.lap()), 0).lap()
    }

    /// The order of two positions less than [`HALF_OF_ALL_LAPS`] apart.
    pub(crate) fn cmp_near(self, other: Position) -> Ordering {
        match self.ahead_of(other) {
            0 => Ordering::Equal,
            ahead if ahead >> OFFSET_BITS < HALF_OF_ALL_LAPS => Ordering::Greater,
            _ => Ordering::Less,
        }
    }

    /// Is there room for so many units before `end`, which lies at most a lap ahead of this? None before one that does not.
    #[inline(always)]
    pub(crate) fn has_before(self, end: Position, units: u64) -> bool {
        (units..=A_LAP).contains(&end.ahead_of(self))
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
