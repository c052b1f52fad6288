//! The allocator: it finds the place of the next entry of a ring. It leads the head around pins, publishes the frontier
//! behind the tail, and moves the bounds when a lap ends. It evicts nothing: if no place is left,
//! [`crate::write::reclaimer`] makes room.

use crate::error::{ErrorKind, Result};
use crate::format::position::Position;
use crate::format::ring::{Ends, Place, Ring, Span};
use crate::policy::eviction;
use crate::shard::bounds::Bounds;
use crate::shard::metadata::MetadataCopy;
use crate::shard::pin::{IsDead, Pins};
use crate::shard::view::Shard;
use crate::write::detour::{self, Detour, Obstacle};
use crate::write::transaction::Transaction;

/// Hands out places in the two rings of a shard.
pub(crate) struct Allocator<'a> {
    pub(crate) tx: Transaction<'a>,
    pub(crate) bounds: Bounds,
    /// The frontiers in the file.
    frontiers: [Position; 2],
    is_dead: IsDead<'a>,
}

impl<'a> Allocator<'a> {
    #[inline(always)]
    pub(crate) fn new(tx: Transaction<'a>, is_dead: IsDead<'a>) -> Self {
        let (bounds, frontiers) = (tx.shard.bounds(), tx.shard.load_frontiers());
        Allocator { tx, bounds, frontiers, is_dead }
    }

    pub(crate) fn shard(&self) -> &'a Shard<'a> {
        self.tx.shard
    }

    /// The frontier of a ring.
    pub(crate) fn frontier(&self, ring: Ring) -> Position {
        self.frontiers[ring as usize]
    }

    pub(crate) fn pins(&self) -> Pins<'a> {
        Pins::of(*self.tx.shard)
    }

    /// Is there a stretch of the ring without a pin where this many units fit?
    pub(crate) fn leaves_room_between_pins(&self, ring: Ring, units: u64) -> Result<bool> {
        let (pins, span) = (self.pins(), self.bounds.span_for(ring, units));
        Ok(!pins.any() || pins.leaves_room(span, units + 1, self.is_dead)?)
    }

    /// Do readers hold anything beyond the end? No new pin can come there, since the frontier has passed it all.
    pub(crate) fn is_pinned_beyond_end(&self) -> Result<bool> {
        let (end, area) = (self.bounds.end, self.tx.shard.geometry.area());
        let pins = self.pins();
        if end >= area.end || !pins.any() {
            return Ok(false);
        }
        let beyond = Span { start: end, end: area.end };
        Ok(pins.obstacle(beyond, self.is_dead)?.is_some())
    }

    /// A place for `units` at the head of a ring, clear of all pins; none if there is none yet.
    #[inline(always)]
    pub(crate) fn place(&mut self, ring: Ring, units: u64) -> Result<Option<Place>> {
        let place = self.place_on_or_off_pins(ring, units);
        // canary: pins seen
        if place.is_none() || !self.pins().any() {
            return Ok(place);
        }
        self.place_clear_of_pins(ring, units)
    }

    #[cold]
    fn place_clear_of_pins(&mut self, ring: Ring, units: u64) -> Result<Option<Place>> {
        for _ in 0..detour::MOST {
            let Some(place) = self.place_on_or_off_pins(ring, units) else { break };
            let wanted = Span::of(place.at.offset(), units);
            let Some(pinned) = self.pins().obstacle(wanted, self.is_dead)? else { return Ok(Some(place)) };
            if !self.take_detour(ring, place, Obstacle { wanted, pinned })? {
                break;
            }
        }
        Ok(None)
    }

    /// Moves the head past a pinned stretch, and commits that before anything is appended behind it. False if the tail
    /// must move first. A mark may overwrite the header of a pinned entry, never its value.
    fn take_detour(&mut self, ring: Ring, place: Place, obstacle: Obstacle) -> Result<bool> {
        if self.frontiers[ring as usize] != self.tx.metadata().tail(ring) {
            self.publish_frontier(ring);
        }
        let span = self.bounds.span_for(ring, obstacle.wanted.units());
        let (head, tail) = (self.tx.metadata().head(ring), self.tx.metadata().tail(ring));
        match detour::around(span, Ends { head, tail }, place, obstacle.pinned) {
            Detour::Wait => return Ok(false),
            Detour::Restart => self.restart_lap(ring),
            Detour::Move(to) => {
                self.tx.restart(ring, Position::new(head.lap(), to));
                self.tx.commit_moves();
            }
            Detour::Lap(start) => {
                self.tx.skip_to(ring, Place { at: head.wrap(start), wraps: true })?;
            }
            Detour::Skip(to) => {
                self.tx.skip_to(ring, Place { at: head.advance(to - head.offset()), wraps: false })?;
            }
        }
        Ok(true)
    }

    /// A place for `units`. It moves the frontier up to the tail if it needs to.
    #[inline]
    fn place_on_or_off_pins(&mut self, ring: Ring, units: u64) -> Option<Place> {
        self.move_boundary(ring, units);
        let (span, metadata) = (self.bounds.span_for(ring, units), self.tx.metadata());
        let (head, tail) = (metadata.head(ring), metadata.tail(ring));
        if let Some(place) = span.place(head, self.frontiers[ring as usize], units) {
            return Some(place);
        }
        let place = span.place(head, tail, units)?;
        self.publish_frontier(ring);
        Some(place)
    }

    /// A slightly larger ring would still have a key that came back: the ring's target grows by the units of that
    /// entry.
    pub(crate) fn enlarge_target(&mut self, ring: Ring, units: u64) {
        self.bounds.target = match ring {
            Ring::Small => self.bounds.small_target() + units,
            Ring::Main => self.bounds.small_target().saturating_sub(units),
        };
        let least = eviction::least_small(self.tx.metadata());
        self.bounds.target = self.bounds.small_target().max(least);
        self.store_bounds();
    }

    /// Sets the target of the boundary: this part of the data.
    #[cfg(feature = "inject")]
    pub(crate) fn set_target_percent(&mut self, percent: u64) {
        self.bounds.target = self.bounds.end * percent / 100;
        self.bounds.small_end = self.bounds.small_target().min(self.bounds.boundary);
        self.store_bounds();
    }

    pub(crate) fn store_bounds(&self) {
        self.bounds.store(self.tx.shard.head);
    }

    /// When the ring's lap is about to end, all of it lies in one lap. Then the boundary moves towards its target, as
    /// far as this ring gives bytes up.
    #[inline]
    fn move_boundary(&mut self, ring: Ring, units: u64) {
        let (metadata, bounds) = (self.tx.metadata(), self.bounds);
        let (head, tail, span) = (metadata.head(ring), metadata.tail(ring), bounds.span_for(ring, units));
        if head.lap() != tail.lap() || !span.ends_before(head, units) {
            return;
        }
        let boundary = match ring {
            Ring::Small => span.end.max(head.offset() + 1).min(bounds.boundary),
            Ring::Main if bounds.is_to_rise(bounds.boundary, head) => {
                // If all live entries are kept, the next one at the tail must find room.
                // canary: keeps all
                let keeps_all = eviction::roomy(metadata, &bounds, units);
                let room = units + if keeps_all { bounds.slack_for_moves() } else { 0 };
                bounds.small_target().min(tail.offset().saturating_sub(room)).max(bounds.boundary)
            }
            Ring::Main => bounds.boundary,
        };
        if boundary != bounds.boundary {
            self.publish_frontier(ring);
            self.bounds.boundary = boundary;
            self.bounds.small_end =
                if ring == Ring::Main { boundary } else { bounds.small_end.min(boundary) };
            self.store_bounds();
        }
    }

    /// Near the end of the main ring's lap, the small ring begins to leave the space that the main one gets with its
    /// next lap.
    #[inline]
    pub(crate) fn move_small_end(&mut self) {
        let (head, bounds) = (self.tx.metadata().head(Ring::Main), self.bounds);
        let rises = bounds.small_end < bounds.boundary && bounds.is_to_rise(bounds.small_end, head);
        if bounds.is_to_sink(head) || rises {
            self.bounds.small_end = bounds.small_target().min(bounds.boundary);
            self.store_bounds();
        }
    }

    /// Publishes the frontier before a byte below the tail is overwritten. No slot names anything there.
    pub(crate) fn publish_frontier(&mut self, ring: Ring) {
        self.tx.commit_moves();
        let tail = self.tx.metadata().tail(ring);
        self.tx.shard.move_frontier(ring, tail);
        self.frontiers[ring as usize] = tail;
        // Full fence. Its partner in `Validation::end` is an acquire fence: the frontier is seen before the bytes that
        // follow. Its partner in `Pins::hold` is a full one: either a pin is seen, or its reader sees the frontier.
        samovar_mmap::fence_full();
    }

    /// An empty ring begins anew at its start, so that its whole length is in one piece.
    pub(crate) fn restart_lap(&mut self, ring: Ring) {
        let start = self.bounds.span(ring).start;
        self.tx.restart(ring, self.tx.metadata().head(ring).wrap(start));
        self.publish_frontier(ring);
    }
}

/// Can this be the metadata of the shard? See [`Bounds::allow`].
#[inline(never)]
pub(crate) fn is_sound(shard: &Shard<'_>, metadata: MetadataCopy<'_>) -> bool {
    let ends = |ring| Ends { head: metadata.head(ring), tail: metadata.tail(ring) };
    // canary: sound
    shard.bounds().allow(shard.load_frontiers(), ends)
}

/// There is no place because of pins.
pub(crate) fn is_pinned(place: &Result<Place>) -> bool {
    place.as_ref().is_err_and(|error| error.kind() == ErrorKind::Pinned)
}
