//! A ring: a circular log of entries in a span of a shard's data area.
//!
//! Entries are appended at the head and reclaimed from the tail, and never change in between. No entry crosses the end
//! of the span: one that does not fit there begins the next lap, at the start of the span. A third position, the
//! *frontier*, trails the tail: bytes below it may be overwritten, bytes at or above it never are.
//!
//! ```text
//!            span.start                                                     span.end
//!   one lap:     |  free  | frontier .. tail == live and dead entries == head |  free  |
//!   two laps:    | == head |      free      | frontier .. tail == live and dead ==== W |
//! ```
//!
//! A lap ends with a mark, W, which says where the next one begins; a span's last unit is kept for it. So a walk needs
//! no span, and the span may move: entries beyond its end stay until the tail has passed them.

use crate::format::position::{A_LAP, Position};

/// Which of a shard's two rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ring {
    /// Where new keys wait for a second look.
    Small = 0,
    /// Where entries live that were read, or came back after an eviction.
    Main = 1,
}

pub(crate) const RINGS: [Ring; 2] = [Ring::Small, Ring::Main];

/// Where a ring begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) head: Position,
    pub(crate) tail: Position,
}

/// A part of the shard's data area, in units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
}

/// Where an entry can be appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at: Position,
    /// The entry begins a new lap, and what is left at the end of this one is marked.
    pub(crate) wraps: bool,
}

impl Span {
    /// So many units from `start` on.
    #[inline]
    pub(crate) fn of(start: u64, units: u64) -> Self {
        Span { start, end: start + units }
    }

    pub(crate) fn overlaps(self, other: Span) -> bool {
        self.start < other.end && other.start < self.end
    }

    #[inline]
    pub(crate) fn units(self) -> u64 {
        // While a file is being cut short, its bounds may have any value.
        self.end.saturating_sub(self.start)
    }

    /// Where the last entry of a lap must end.
    #[inline]
    fn last(self) -> u64 {
        self.end.saturating_sub(1)
    }

    /// Units from `offset` on before the lap must end, or before `limit`.
    #[inline]
    fn room(self, offset: u64, limit: u64) -> u64 {
        limit.min(self.last()).saturating_sub(offset)
    }

    /// Must an entry of `units` at `head` begin the next lap?
    #[inline]
    pub(crate) fn ends_before(self, head: Position, units: u64) -> bool {
        self.room(head.offset(), self.end) < units
    }

    /// Room for `units` contiguous units at `head` without touching anything at or above `limit`.
    #[inline(always)]
    pub(crate) fn place(self, head: Position, limit: Position, units: u64) -> Option<Place> {
        let here = Place { at: head, wraps: false };
        if head.lap() != limit.lap() {
            return (self.room(head.offset(), limit.offset()) >= units).then_some(here);
        }
        if !self.ends_before(head, units) {
            return Some(here);
        }
        let wrapped = Place { at: head.wrap(self.start), wraps: true };
        (self.room(self.start, limit.offset()) >= units).then_some(wrapped)
    }

    /// Units in one piece at `head`, below `limit`.
    #[inline(always)]
    pub(crate) fn units_ahead(self, head: Position, limit: Position) -> u64 {
        let limit = if head.lap() == limit.lap() { self.end } else { limit.offset() };
        self.room(head.offset(), limit)
    }

    /// Units between head and `limit`, in one piece or two.
    #[inline]
    pub(crate) fn gap(self, head: Position, limit: Position) -> u64 {
        if head.lap() == limit.lap() {
            self.room(head.offset(), self.end) + self.room(self.start, limit.offset())
        } else {
            self.room(head.offset(), limit.offset())
        }
    }

    /// Are these a possible frontier, tail and head: inside the span, in this order, and at most a lap apart?
    #[inline(always)]
    pub(crate) fn orders(self, frontier: Position, tail: Position, head: Position) -> bool {
        let inside = |at: Position| (self.start..=self.end).contains(&at.offset());
        let (to_tail, to_head) = (tail.ahead_of(frontier), head.ahead_of(frontier));
        to_tail <= to_head && to_head <= A_LAP && inside(frontier) && inside(tail) && inside(head)
    }
}

#[cfg(test)]
mod tests;
