//! Where a record lies: its ordinal, which it keeps for ever, and its slot, which the ring of slots decides.
//!
//! Ordinals count the records ever pushed. The live ones are `first..end`; slot = (ordinal - anchor) mod capacity. A
//! file that was never cut in front is a plain array from slot 0. Only growth changes the shape:
//!
//! ```text
//!   Holds(epoch) --write shape (epoch + 1) mod 2, copy the wrapped records behind the old end, store epoch--> Holds(epoch + 1)
//! ```
//!
//! A death before the store of the epoch leaves the old shape, whose slots were only read. There is no edge back.

/// An anchor and a capacity, and the epoch that named them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) epoch: u64,
    pub(crate) anchor: u64,
    pub(crate) capacity: u64,
}

impl Shape {
    /// The slot of a record. Any slot, even one beyond the capacity, if the file's words make no sense: whoever uses
    /// it checks that it is mapped.
    #[inline]
    pub(crate) fn slot(self, ordinal: u64) -> u64 {
        let distance = ordinal.wrapping_sub(self.anchor);
        if distance < self.capacity {
            distance
        } else {
            distance.checked_rem(self.capacity).unwrap_or(distance)
        }
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

    /// The shape after growth: everything stays where it is but the wrapped records, which move behind the old end.
    pub(crate) fn grown(self, first: u64, capacity: u64) -> Shape {
        Shape { epoch: self.epoch.wrapping_add(1), anchor: first.wrapping_sub(self.slot(first)), capacity }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_moves_only_what_wrapped() {
        for (first, end) in [(0, 0), (0, 10), (3, 9), (7, 17), (12, 20), (25, 33)] {
            let old = Shape { epoch: 5, anchor: 0, capacity: 10 };
            let wrapped = old.wrapped(first, end);
            let new = old.grown(first, 10 + wrapped.max(1));
            for ordinal in first..end {
                let slot = old.slot(ordinal);
                let moved = ordinal >= end - wrapped;
                let expected = if moved { slot + 10 } else { slot };
                assert_eq!(new.slot(ordinal), expected, "{ordinal} of {first}..{end}");
            }
        }
    }

    #[test]
    fn nonsense_gives_a_slot_and_no_panic() {
        for anchor in [0, 1, u64::MAX] {
            for capacity in [0, 1, u64::MAX] {
                let shape = Shape { epoch: 0, anchor, capacity };
                shape.slot(7);
                shape.straight(7, 3);
            }
        }
    }
}
