//! Where a shard's two rings meet, and where the main ring ends.
//!
//! ```text
//!   0                boundary                         end           high water    end of the data area
//!   |   small ring   |   main ring                    |   to leave   |   unused   |
//!          ^ small_end: where the small ring's laps end from now on
//!            target: where the boundary will be, on either side of it
//!                                 end target: where the end will be, not above it
//! ```
//!
//! Each bound is one word of the shard head. Only the holder of the writer lock moves them, one at a time. So a death
//! leaves the old or the new value of each. What must hold at every moment:
//!
//! * all bytes at or above the small ring's frontier lie below the boundary; all bytes at or above the main ring's
//!   frontier do not. So the boundary sinks only once the small ring's lap ends below it, and rises only once the main
//!   ring's frontier has passed;
//! * heads go no further than `small_end` and `end`; entries beyond them, from an earlier lap, stay until their tail
//!   has passed;
//! * all bytes at or above the main ring's frontier lie below `high_water`. So it rises before `end` does, and sinks to
//!   `end` only once the frontier has passed the entries beyond.
//!
//! How large the small ring should be depends on the workload. So both rings leave ghosts, as in ARC (Megiddo and
//! Modha, FAST 2003) and S3-FIFO-D (Yang et al., SOSP 2023). A key that comes back while its ghost is among the latest
//! of its ring would have been a hit in a slightly larger ring. So the target moves in that ring's favour, by the size
//! of the key's entry. Following it has a cost. Space that the small ring gives up lies idle until the main ring begins
//! a lap; space that it gets must be reclaimed first. So the bounds follow only if the target is a [`SLACK`] away, and
//! only near the end of the main ring's lap.
//!
//! Readers use no bounds: they check against the whole data area, and then by the frontiers.

use crate::format::entry::{self, Extras};
use crate::format::geometry::{Geometry, Policy};
use crate::format::layout::BOUNDS;
use crate::format::position::Position;
use crate::format::ring::{Ends, RINGS, Ring, Span};
use crate::shard::head::Head;

/// The least and the most of a shard's data that the small ring may have. With more, half a cache could not be kept.
const SMALL_PERCENT: [u64; 2] = [1, 22];
/// A frontier moves in steps of this part of its ring, so that readers seldom see its line change.
const STEPS_PER_RING: u64 = 1024;
const BOUNDARY: usize = BOUNDS;
const SMALL_END: usize = BOUNDS + 8;
const TARGET: usize = BOUNDS + 16;
const END: usize = BOUNDS + 24;
const END_TARGET: usize = BOUNDS + 32;
const HIGH_WATER: usize = BOUNDS + 40;
/// A target that is closer to the boundary than this part of the data is not followed.
const SLACK: u64 = 64;
/// The boundary moves in the last of so many parts of the main ring's lap.
const LATE: u64 = 4;
/// While no more than this part of the main ring is live, nothing in it is evicted.
const ROOMY_PERCENT: u64 = 88;
/// A shrink leaves this part of the main ring free, for writes that come meanwhile.
const SPARE_PARTS: u64 = 32;

/// The bounds of one shard's rings, in units from the start of its data area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) boundary: u64,
    pub(crate) small_end: u64,
    pub(crate) target: u64,
    pub(crate) end: u64,
    /// Where the end will be; above it, or equal to it, if it stays.
    pub(crate) end_target: u64,
    pub(crate) high_water: u64,
    /// The end of the data area.
    outer: u64,
    /// Units of an entry with the largest value.
    largest: u64,
    pub(crate) policy: Policy,
    /// For a shrink: all entries that fit are kept, however many steps that takes.
    pub(crate) is_shrink: bool,
}

impl Bounds {
    /// Those of a new shard with so many units of data.
    pub(crate) fn new(geometry: &Geometry, units: u64) -> Self {
        let small = geometry.small_part(units);
        Bounds {
            boundary: small,
            small_end: small,
            target: small,
            end: units,
            end_target: units,
            high_water: units,
            outer: geometry.area().end,
            largest: entry::units_for(0, geometry.max_value_size, Extras::EXPIRY),
            policy: geometry.policy,
            is_shrink: false,
        }
    }

    /// Those in the file, which may be anything; see [`Bounds::are_sound`].
    #[inline(always)]
    pub(crate) fn load(head: Head<'_>, geometry: &Geometry) -> Self {
        let word = |at| head.word64(at).load();
        let (boundary, small_end, target, end) = (word(BOUNDARY), word(SMALL_END), word(TARGET), word(END));
        Bounds {
            boundary,
            small_end: small_end.min(boundary),
            target,
            end,
            end_target: word(END_TARGET),
            high_water: word(HIGH_WATER),
            outer: geometry.area().end,
            largest: entry::units_for(0, geometry.max_value_size, Extras::EXPIRY),
            policy: geometry.policy,
            is_shrink: false,
        }
    }

    pub(crate) fn store(&self, head: Head<'_>) {
        let bounds = [
            (BOUNDARY, self.boundary),
            (SMALL_END, self.small_end),
            (TARGET, self.target),
            (END, self.end),
            (END_TARGET, self.end_target),
            (HIGH_WATER, self.high_water),
        ];
        for (at, bound) in bounds {
            let word = head.word64(at);
            if word.load() != bound {
                word.store(bound);
            }
        }
    }

    /// Can these be the bounds of a shard? The two targets may be any number.
    #[inline(always)]
    pub(crate) fn are_sound(&self) -> bool {
        self.end <= self.high_water
            && self.high_water <= self.outer
            && 1 <= self.boundary
            && self.boundary.saturating_add(4) <= self.end
    }

    /// Are these positions possible: frontier, tail and head in order and less than a lap apart, and each ring on its side?
    #[inline(always)]
    pub(crate) fn allow(&self, frontiers: [Position; 2], ends: impl Fn(Ring) -> Ends) -> bool {
        let is_in_order = |ring: Ring| {
            let Ends { head, tail } = ends(ring);
            self.reach(ring).orders(frontiers[ring as usize], tail, head)
        };
        self.are_sound() && RINGS.into_iter().all(is_in_order)
    }

    /// Where the end is, or will be.
    pub(crate) fn aim(&self) -> u64 {
        self.end_target.min(self.end)
    }

    /// Must the end sink?
    pub(crate) fn is_to_shrink(&self) -> bool {
        self.end_target < self.end
    }

    /// Do all live entries lie below an end that stays? If not, the main ring needs its free space for the entries that
    /// must move.
    pub(crate) fn is_settled(&self) -> bool {
        self.high_water == self.end && !self.is_to_shrink()
    }

    /// Has the small ring more than it may have once the end has reached its target?
    pub(crate) fn is_small_too_large(&self) -> bool {
        self.policy != Policy::Fifo && self.boundary > self.small_limits()[1]
    }

    /// The least and the most that the small ring may have.
    fn small_limits(&self) -> [u64; 2] {
        SMALL_PERCENT.map(|percent| (self.aim() / 100 * percent).max(1))
    }

    /// Units of the main ring once the end has reached its target.
    pub(crate) fn main_aim(&self) -> u64 {
        let sinks = self.is_to_shrink() && self.is_small_too_large();
        self.aim().saturating_sub(if sinks { self.small_end } else { self.boundary })
    }

    /// Units that must be free in the main ring once its end has reached its target, so that all live entries can move.
    /// That is room for two of the largest entries that must be kept.
    pub(crate) fn slack_for_moves(&self) -> u64 {
        2 * self.largest.min(self.main_aim() / 16)
    }

    /// Units that may live in the main ring before any entry has to go.
    pub(crate) fn holds(&self) -> u64 {
        let size = self.main_aim();
        if self.is_shrink {
            return size.saturating_sub(self.slack_for_moves() + size / SPARE_PARTS);
        }
        size.saturating_mul(ROOMY_PERCENT) / 100
    }

    /// The target of the boundary, within what is allowed.
    #[inline]
    pub(crate) fn small_target(&self) -> u64 {
        if self.policy == Policy::Fifo {
            return self.boundary;
        }
        let [least, most] = self.small_limits();
        self.target.clamp(least, most)
    }

    /// Is the target so far above this bound, and the main ring's head so near its end, that the boundary must rise
    /// now?
    #[inline]
    pub(crate) fn is_to_rise(&self, bound: u64, main_head: Position) -> bool {
        // canary: settled
        self.is_late(main_head) && self.is_settled() && self.small_target() > bound + self.end / SLACK
    }

    /// Must the small end sink to its target?
    #[inline]
    pub(crate) fn is_to_sink(&self, main_head: Position) -> bool {
        self.is_late(main_head) && self.small_target() + self.end / SLACK < self.small_end
    }

    #[inline]
    fn is_late(&self, main_head: Position) -> bool {
        self.end.saturating_sub(main_head.offset()) <= self.main_units() / LATE
    }

    /// The span that the ring's head may use from now on.
    #[inline]
    pub(crate) fn span(&self, ring: Ring) -> Span {
        match ring {
            Ring::Small => Span { start: 0, end: self.small_end.max(1) },
            // canary: heads
            Ring::Main => Span { start: self.boundary, end: self.end },
        }
    }

    /// The span that the ring's head may use for an entry of `units`. A small ring shrinks only so far that two such
    /// entries fit.
    #[inline]
    pub(crate) fn span_for(&self, ring: Ring, units: u64) -> Span {
        match ring {
            Ring::Small => Span { start: 0, end: self.boundary.min(self.small_end.max(2 * units + 1)) },
            Ring::Main => self.span(Ring::Main),
        }
    }

    /// The span in which the ring's entries may still lie, from before its bounds were moved.
    #[inline]
    pub(crate) fn reach(&self, ring: Ring) -> Span {
        match ring {
            Ring::Small => Span { start: 0, end: self.boundary },
            Ring::Main => Span { start: self.boundary, end: self.high_water },
        }
    }

    #[inline]
    pub(crate) fn main_units(&self) -> u64 {
        self.span(Ring::Main).units()
    }

    /// The least that the ring's frontier moves.
    #[inline]
    pub(crate) fn step(&self, ring: Ring) -> u64 {
        self.span(ring).units() / STEPS_PER_RING
    }

    /// The largest entry that must be kept while the cache is half empty. It has the largest value, but at most a
    /// sixteenth of a main ring.
    #[inline]
    pub(crate) fn kept_units(&self) -> u64 {
        self.largest.min(self.main_units() / 16)
    }
}
