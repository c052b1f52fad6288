//! Where a shard's two rings meet, and where the main ring ends.
//!
//! ```text
//!   0                boundary                         end          end of the data area
//!   |   small ring   |   main ring                    |   unused   |
//!          ^ wish: where the boundary is to be, on either side of it
//! ```
//!
//! Each bound is one word of the shard head, and only the holder of the writer lock moves it, one at a time, so that a
//! death leaves the old or the new value of each. What must hold at every moment:
//!
//! * everything at or above the small ring's frontier lies below the boundary, everything at or above the main ring's
//!   lies not below it: so the boundary sinks only once the small ring's lap ends below, and rises only once the main
//!   ring's frontier has passed;
//! * heads go no further than `wish`, `boundary` and `end` allow from now on, but what lies beyond `end` since an
//!   earlier lap stays until its tail has passed.
//!
//! Readers need none of this: they check against the whole data area, and the frontiers do the rest.

use crate::area::Area;
use crate::entry::{self, Extras};
use crate::error::Result;
use crate::geometry::Geometry;
use crate::layout::BOUNDS;
use crate::ring::{Queue, Span};

/// The least and the most of a shard's data that the small ring may have.
const SMALL_PERCENT: [u64; 2] = [1, 40];
/// A frontier moves in steps of this part of its ring, so that readers seldom see its line change.
const STEPS_PER_RING: u64 = 256;
const BOUNDARY: usize = BOUNDS;
const WISH: usize = BOUNDS + 8;
const END: usize = BOUNDS + 16;

/// The bounds of one shard's rings, in units from the start of its data area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) boundary: u64,
    pub(crate) wish: u64,
    pub(crate) end: u64,
    /// The end of the data area.
    outer: u64,
    /// Units of an entry with the largest value.
    largest: u64,
}

impl Bounds {
    /// Those of a new shard.
    pub(crate) fn new(geometry: &Geometry) -> Self {
        Bounds {
            boundary: geometry.small_units,
            wish: geometry.small_units,
            end: geometry.small_units + geometry.main_units,
            outer: geometry.area().end,
            largest: entry::units_for(0, geometry.max_value_size, Extras::EXPIRY),
        }
    }

    /// Those in the file, which may be anything; see [`Bounds::are_sound`].
    pub(crate) fn load(head: Area<'_>, geometry: &Geometry) -> Result<Self> {
        let word = |at| -> Result<u64> { Ok(head.word64(at)?.load()) };
        let (boundary, wish, end) = (word(BOUNDARY)?, word(WISH)?, word(END)?);
        Ok(Bounds { boundary, wish, end, ..Bounds::new(geometry) })
    }

    pub(crate) fn store(&self, head: Area<'_>) -> Result<()> {
        for (at, bound) in [(BOUNDARY, self.boundary), (WISH, self.wish), (END, self.end)] {
            let word = head.word64(at)?;
            if word.load() != bound {
                word.store(bound);
            }
        }
        Ok(())
    }

    /// Can these be the bounds of a shard? The wish may be any number.
    pub(crate) fn are_sound(&self) -> bool {
        self.end <= self.outer && 1 <= self.boundary && self.boundary.saturating_add(4) <= self.end
    }

    /// Where the boundary is to be, within what is allowed.
    pub(crate) fn wished(&self) -> u64 {
        let [least, most] = SMALL_PERCENT.map(|percent| (self.end / 100 * percent).max(1));
        self.wish.clamp(least, most)
    }

    /// What the ring's head may use from now on.
    pub(crate) fn span(&self, queue: Queue) -> Span {
        match queue {
            Queue::Small => Span { start: 0, end: self.boundary.min(self.wished()) },
            Queue::Main => Span { start: self.boundary, end: self.end },
        }
    }

    /// What the ring's head may use for an entry of `units`: a small ring that is to shrink does so only as far as leaves
    /// two of them.
    pub(crate) fn span_for(&self, queue: Queue, units: u64) -> Span {
        match queue {
            Queue::Small => Span { start: 0, end: self.boundary.min(self.wished().max(2 * units + 1)) },
            Queue::Main => self.span(Queue::Main),
        }
    }

    /// What the ring's entries may still lie in, from before its bounds were moved.
    pub(crate) fn reach(&self, queue: Queue) -> Span {
        match queue {
            Queue::Small => Span { start: 0, end: self.boundary },
            Queue::Main => Span { start: self.boundary, end: self.outer },
        }
    }

    pub(crate) fn main_units(&self) -> u64 {
        self.span(Queue::Main).units()
    }

    /// The least that the ring's frontier moves.
    pub(crate) fn step(&self, queue: Queue) -> u64 {
        self.span(queue).units() / STEPS_PER_RING
    }

    /// The largest entry that is never evicted while the cache is half empty: one of the largest value, if that is no more
    /// than a sixteenth of a main ring.
    pub(crate) fn kept_units(&self) -> u64 {
        self.largest.min(self.main_units() / 16)
    }
}
