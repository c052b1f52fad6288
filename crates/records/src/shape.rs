//! Where a record lies: its ordinal, which it keeps for ever, and its slot, which the ring of slots decides.
//!
//! Ordinals count the records ever pushed. The live ones are `first..end`; slot = (ordinal - base) mod capacity, and
//! slot 0 begins at the byte `origin`. A table that was never cut in front is a plain array from slot 0. Only growth
//! changes the shape:
//!
//! ```text
//!   Current(epoch) --write shape (epoch + 1) mod 2, copy what moves, store epoch--> Current(epoch + 1)
//! ```
//!
//! What moves: in a file of its own, the records that wrapped, to behind the old end. In a pack, all of them, to a
//! larger extent; the old one is never used again. A death before the store of the epoch leaves the old shape, whose
//! slots were only read. There is no edge back.
//!
//! `lap` is the ordinal in slot 0 when the ring last came round. A record between `lap` and `lap + capacity` keeps its
//! slot while it is live, whatever grows, unless the origin changes.

use crate::layout;

/// A base, a capacity and an origin, and the epoch that named them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) epoch: u64,
    pub(crate) base: u64,
    pub(crate) capacity: u64,
    pub(crate) origin: u64,
}

impl Shape {
    /// A checksum that goes with it in the file.
    pub(crate) fn sum(self) -> u64 {
        let words = [self.epoch, self.base, self.capacity, self.origin];
        layout::checksum(words.map(u64::to_le_bytes).as_flattened())
    }

    /// The slot of a record. Any slot, even one beyond the capacity, if the file's words make no sense: who uses
    /// it checks that it is mapped.
    #[inline]
    pub(crate) fn slot(self, ordinal: u64) -> u64 {
        let distance = ordinal.wrapping_sub(self.base);
        if distance < self.capacity {
            distance
        } else {
            distance.checked_rem(self.capacity).unwrap_or(distance)
        }
    }

    /// The byte of the file at which a record begins; beyond any file if the words make no sense.
    #[inline]
    pub(crate) fn offset(self, ordinal: u64, slot_size: u64) -> u64 {
        self.slot(ordinal).saturating_mul(slot_size).saturating_add(self.origin)
    }

    /// The byte of the file at which the last slot ends.
    pub(crate) fn end_offset(self, slot_size: u64) -> u64 {
        self.capacity.saturating_mul(slot_size).saturating_add(self.origin)
    }

    /// How many of `count` records from `ordinal` lie one behind the other.
    #[inline]
    pub(crate) fn straight(self, ordinal: u64, count: u64) -> u64 {
        count.min(self.capacity.saturating_sub(self.slot(ordinal)))
    }

    /// How many of the live records lie before the oldest one, because the ring came round.
    pub(crate) fn wrapped(self, first: u64, end: u64) -> u64 {
        let count = end.wrapping_sub(first);
        count - self.straight(first, count)
    }

    /// The ordinal that was, or would have been, in slot 0 when `first` got its slot.
    pub(crate) fn lap(self, first: u64) -> u64 {
        first.wrapping_sub(self.slot(first))
    }

    /// The shape after growth in place: everything stays where it is but the wrapped records, which move behind the old
    /// end.
    pub(crate) fn grown(self, first: u64, capacity: u64) -> Shape {
        Shape { epoch: self.epoch.wrapping_add(1), base: self.lap(first), capacity, origin: self.origin }
    }

    /// The shape after a move to a larger extent: a plain array again.
    pub(crate) fn moved(self, first: u64, capacity: u64, origin: u64) -> Shape {
        Shape { epoch: self.epoch.wrapping_add(1), base: first, capacity, origin }
    }
}

#[cfg(test)]
mod tests;
