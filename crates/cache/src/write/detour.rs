//! The way of a ring's head around entries that readers hold in place. It decides, and moves nothing.

use crate::format::layout::PINS_PER_SHARD;
use crate::format::ring::{Ends, Place, Span};

/// The most detours on the way to one place: past every pin, and from the end of a lap to the start of the next. A head
/// that needs more goes round in circles. A bound that moved, or a new pin, has then left no stretch that is long
/// enough.
pub(crate) const MOST: usize = 2 * PINS_PER_SHARD;

/// Where an entry was to go, and what is pinned there.
#[derive(Clone, Copy)]
pub(crate) struct Obstacle {
    pub(crate) wanted: Span,
    pub(crate) pinned: Span,
}

/// How a ring's head gets past a pinned stretch that lies where the next entry was to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Detour {
    /// What is left before the stretch is filled, and the ring goes on at this offset behind it.
    Skip(u64),
    /// The lap ends here, and the next one begins at this offset.
    Lap(u64),
    /// The ring is empty, and goes on at this offset of the same lap.
    Move(u64),
    /// The ring is empty, and begins a lap.
    Restart,
    /// There is no way before the tail has moved on.
    Wait,
}

/// The detour around `pinned`, which has a unit in common with the entry that was to go to `place`. A pin that came in
/// time has no head or tail of a ring inside it, unless the ring is empty or begins a lap there. A pin that came too
/// late may, for a moment.
pub(crate) fn around(span: Span, ends: Ends, place: Place, pinned: Span) -> Detour {
    let Ends { head, tail } = ends;
    let beyond = pinned.end;
    let (same_lap, covers_start) = (place.at.lap() == tail.lap(), pinned.start < place.at.offset());
    // The last unit of a lap is for the mark that ends it.
    let before_tail = beyond <= tail.offset() && beyond < span.end;
    match () {
        () if head == tail && place.wraps => Detour::Restart,
        () if head == tail && beyond < span.end => Detour::Move(beyond),
        () if head == tail => Detour::Wait,
        () if place.wraps && !covers_start => Detour::Lap(span.start),
        () if place.wraps && before_tail => Detour::Lap(beyond),
        () if covers_start => Detour::Wait,
        () if same_lap && beyond < span.end => Detour::Skip(beyond),
        () if same_lap => Detour::Lap(span.start),
        () if before_tail => Detour::Skip(beyond),
        () => Detour::Wait,
    }
}

#[cfg(test)]
mod tests;
