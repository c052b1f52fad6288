//! A ring: a circular log of entries in a fixed span of a shard's data area.
//!
//! Entries are appended at the head and drained from the tail; they never change in between, and never cross the end of
//! the span: what does not fit there begins the next lap at its start. A third position, the *frontier*, trails the tail:
//! bytes below it may be overwritten, bytes at or above it never are.
//!
//! ```text
//!            span.start                                                     span.end
//!   one lap:     |  free  | frontier .. tail == live and dead entries == head |  free  |
//!   two laps:    | == head |      free      | frontier .. tail == live and dead ====== |
//! ```

use crate::position::{OFFSET_BITS, Position};

/// Which of a shard's two rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Queue {
    /// Where new keys wait for a second look.
    Small = 0,
    /// Where entries live that were read, or came back after an eviction.
    Main = 1,
}

pub(crate) const QUEUES: [Queue; 2] = [Queue::Small, Queue::Main];

/// The ring's part of the shard's data area, in units.
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
    pub(crate) fn units(self) -> u64 {
        self.end - self.start
    }

    /// Room for `units` contiguous units at `head` without touching anything at or above `limit`.
    pub(crate) fn place(self, head: Position, limit: Position, units: u64) -> Option<Place> {
        let here = Place { at: head, wraps: false };
        if head.lap() != limit.lap() {
            return (limit.offset().saturating_sub(head.offset()) >= units).then_some(here);
        }
        if self.end.saturating_sub(head.offset()) >= units {
            return Some(here);
        }
        let wrapped = Place { at: head.wrap(self.start), wraps: true };
        (limit.offset().saturating_sub(self.start) >= units).then_some(wrapped)
    }

    /// Units between head and `limit`, in one piece or two.
    pub(crate) fn gap(self, head: Position, limit: Position) -> u64 {
        if head.lap() == limit.lap() {
            self.units().saturating_sub(head.offset().saturating_sub(limit.offset()))
        } else {
            limit.offset().saturating_sub(head.offset())
        }
    }

    /// Are these a possible frontier, tail and head: inside the span, in this order, and at most a lap apart?
    #[inline]
    pub(crate) fn orders(self, frontier: Position, tail: Position, head: Position) -> bool {
        let inside = |at: Position| (self.start..=self.end).contains(&at.offset());
        let lap_apart = head.word().wrapping_sub(frontier.word()) <= 1 << OFFSET_BITS;
        frontier <= tail && tail <= head && lap_apart && inside(frontier) && inside(tail) && inside(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span { start: 100, end: 200 };

    fn at(lap: u64, offset: u64) -> Position {
        Position::new(lap, offset)
    }

    #[test]
    fn an_entry_goes_to_the_head_or_to_the_next_lap_or_nowhere() {
        let place = |head, limit, units| SPAN.place(head, limit, units).map(|p| (p.at, p.wraps));
        assert_eq!(place(at(0, 100), at(0, 100), 100), Some((at(0, 100), false)));
        assert_eq!(place(at(0, 100), at(0, 100), 101), None);
        assert_eq!(place(at(0, 190), at(0, 130), 10), Some((at(0, 190), false)));
        assert_eq!(place(at(0, 190), at(0, 130), 30), Some((at(1, 100), true)));
        assert_eq!(place(at(0, 190), at(0, 130), 31), None);
        assert_eq!(place(at(1, 110), at(0, 130), 20), Some((at(1, 110), false)));
        assert_eq!(place(at(1, 110), at(0, 130), 21), None);
    }

    #[test]
    fn positions_out_of_order_or_place_are_seen() {
        let orders = |frontier, tail, head| SPAN.orders(frontier, tail, head);
        assert!(orders(at(1, 150), at(1, 150), at(1, 150)));
        assert!(orders(at(1, 150), at(1, 160), at(2, 150)));
        assert!(!orders(at(1, 150), at(1, 160), at(2, 151)), "more than a lap apart");
        assert!(!orders(at(1, 150), at(1, 140), at(1, 160)), "a frontier ahead of its tail");
        assert!(!orders(at(1, 150), at(1, 170), at(1, 160)), "a tail ahead of its head");
        assert!(!orders(at(1, 90), at(1, 150), at(1, 160)), "outside the span");
        assert!(!orders(at(1, 150), at(1, 160), at(1, 201)), "outside the span");
    }

    #[test]
    fn the_gap_is_what_is_not_used() {
        assert_eq!(SPAN.gap(at(3, 150), at(3, 150)), 100);
        assert_eq!(SPAN.gap(at(3, 190), at(3, 150)), 60);
        assert_eq!(SPAN.gap(at(4, 120), at(3, 150)), 30);
        assert_eq!(SPAN.gap(at(4, 150), at(3, 150)), 0);
    }
}
