//! Making room at a ring's head: where the next entry goes, what is drained for it, the way around pins, and the bounds that
//! move when a lap ends. Everything here is done under the shard's writer lock.

use crate::error::{Error, ErrorKind, Result};
use crate::format::entry::Mark;
use crate::format::layout::PINS_PER_SHARD;
use crate::format::position::Position;
use crate::format::ring::{Place, Ring};
use crate::policy::eviction;
use crate::shard::pin::{self, Detour, Extent, Pins};
use crate::write::writer::{Writer, mark_wrap};

/// Detours on the way to one place: past every pin, and from the end of a lap to the start of the next. Whoever is not there
/// by then goes round in circles: a bound that moved, or a pin that came meanwhile, has left no stretch that is long enough.
const DETOURS: usize = 2 * PINS_PER_SHARD;

impl Writer<'_> {
    /// A place in this ring; in the main ring if the small one is full of pins.
    pub(crate) fn make_room_somewhere(&mut self, ring: Ring, units: u64) -> Result<(Ring, Place)> {
        let mut ring = ring;
        let mut place = self.make_room(ring, units);
        if ring == Ring::Small && is_pinned(&place) {
            ring = Ring::Main;
            place = self.make_room(ring, units);
        }
        if is_pinned(&place) {
            Pins::of(self.shard).refused();
        }
        Ok((ring, place?))
    }

    /// A place for `units` at the head of a ring, draining its tail until there is one.
    pub(crate) fn make_room(&mut self, ring: Ring, units: u64) -> Result<Place> {
        let span = self.bounds.span_for(ring, units);
        let pins = Pins::of(self.shard);
        let pinned = pins.any();
        if pinned && !pins.leave(span, units + 1, self.process.is_dead)? {
            return Err(pin::refusal());
        }
        let (mut walked, beyond) = (0, eviction::beyond(&self.metadata, &self.bounds, ring));
        loop {
            if let Some(place) = self.place(ring, units)? {
                let main_live = self.metadata.ring(Ring::Main).live;
                let (reserve, longest_walk) = eviction::headroom(main_live, &self.bounds, ring, units);
                let state = self.metadata.ring(ring);
                let gap = self.bounds.span_for(ring, units).gap(state.head, state.tail);
                let fits = gap >= units + reserve
                    && eviction::leaves_room(&self.metadata, &self.bounds, ring, units + reserve);
                if fits || state.head == state.tail || walked > longest_walk + beyond {
                    return Ok(place);
                }
            }
            if self.metadata.ring(ring).head == self.metadata.ring(ring).tail {
                self.restart_lap(ring);
                let place = self.place(ring, units)?;
                return place.ok_or_else(if pinned || pins.any() { pin::refusal } else { too_large });
            }
            self.is_pressed |= walked > 2 * span.units() + beyond;
            walked += self.drain_one(ring)?;
            if walked > 4 * self.shard.geometry.area().units() {
                return Err(Error::corrupt(
                    "a state of the cache has no end of entries to keep; run `samovar check`",
                ));
            }
        }
    }

    /// A place for `units` as things stand, clear of all pins.
    #[inline]
    pub(crate) fn place(&mut self, ring: Ring, units: u64) -> Result<Option<Place>> {
        let place = self.place_on_or_off_pins(ring, units);
        if place.is_none() || !Pins::of(self.shard).any() {
            return Ok(place);
        }
        self.place_clear_of_pins(ring, units)
    }

    #[cold]
    fn place_clear_of_pins(&mut self, ring: Ring, units: u64) -> Result<Option<Place>> {
        let pins = Pins::of(self.shard);
        for _ in 0..DETOURS {
            let Some(place) = self.place_on_or_off_pins(ring, units) else { break };
            let wanted = Extent { offset: place.at.offset(), units };
            let Some(pinned) = pins.obstacle(wanted, self.process.is_dead)? else { return Ok(Some(place)) };
            if !self.take_detour(ring, place, [wanted, pinned])? {
                break;
            }
        }
        Ok(None)
    }

    /// Moves the head past a pinned stretch, and writes that down before anything is appended behind it; false if it cannot be
    /// done before the tail has moved. A mark may take the header of what is pinned, never its value.
    fn take_detour(&mut self, ring: Ring, place: Place, [wanted, pinned]: [Extent; 2]) -> Result<bool> {
        if self.frontiers[ring as usize] != self.metadata.ring(ring).tail {
            self.publish_frontier(ring);
        }
        let (mut state, span) = (*self.metadata.ring(ring), self.bounds.span_for(ring, wanted.units));
        let head = state.head;
        match pin::detour(span, [head, state.tail], place, pinned) {
            Detour::Wait => return Ok(false),
            Detour::Restart => {
                self.restart_lap(ring);
                return Ok(true);
            }
            Detour::Move(to) => {
                state.head = Position::new(head.lap(), to);
                state.tail = state.head;
            }
            Detour::Lap(start) => {
                let place = Place { at: head.wrap(start), wraps: true };
                mark_wrap(self.shard.log, head, place)?;
                state.head = place.at;
            }
            Detour::Skip(to) => {
                // Entries are shorter than 2^30 units, so that two of them are shorter than a filler can be.
                let units = u32::try_from(to - head.offset()).unwrap_or(u32::MAX);
                self.shard.log.put_mark(head.offset(), Mark::filler_word(units))?;
                state.head = head.advance(u64::from(units));
            }
        }
        *self.metadata.ring_mut(ring) = state;
        self.unsettled = true;
        self.settle();
        Ok(true)
    }

    /// A place for `units` as things stand, moving the frontier up to the tail if that is what it takes.
    #[inline]
    fn place_on_or_off_pins(&mut self, ring: Ring, units: u64) -> Option<Place> {
        self.move_boundary(ring, units);
        let span = self.bounds.span_for(ring, units);
        let state = *self.metadata.ring(ring);
        if let Some(place) = span.place(state.head, self.frontiers[ring as usize], units) {
            return Some(place);
        }
        let place = span.place(state.head, state.tail, units)?;
        self.publish_frontier(ring);
        Some(place)
    }

    /// The boundary is to be at this part of the data.
    #[cfg(feature = "inject")]
    pub(crate) fn wish_percent(&mut self, percent: u64) {
        self.bounds.target = self.bounds.end * percent / 100;
        self.bounds.small_end = self.bounds.small_target().min(self.bounds.boundary);
        self.bounds.store(self.shard.head);
    }

    /// Where the ring's lap is about to end, all of it lies in one lap: the time to move the boundary towards where it is
    /// to be, as far as this ring leaves bytes to the other one.
    #[inline]
    fn move_boundary(&mut self, ring: Ring, units: u64) {
        let (state, bounds) = (*self.metadata.ring(ring), self.bounds);
        let span = bounds.span_for(ring, units);
        if state.head.lap() != state.tail.lap() || !span.ends_before(state.head, units) {
            return;
        }
        let boundary = match ring {
            Ring::Small => span.end.max(state.head.offset() + 1).min(bounds.boundary),
            Ring::Main if bounds.is_to_rise(bounds.boundary, state.head) => {
                // Where everything that lives is kept, what the tail meets next has to find room.
                let keeps_all = eviction::roomy(&self.metadata, &bounds, units);
                let room = units + if keeps_all { bounds.slack_for_moves() } else { 0 };
                bounds.small_target().min(state.tail.offset().saturating_sub(room)).max(bounds.boundary)
            }
            Ring::Main => bounds.boundary,
        };
        if boundary != bounds.boundary {
            self.publish_frontier(ring);
            self.bounds.boundary = boundary;
            self.bounds.small_end =
                if ring == Ring::Main { boundary } else { bounds.small_end.min(boundary) };
            self.bounds.store(self.shard.head);
        }
    }

    /// Near the end of the main ring's lap, the small ring begins to leave what the main one is to get with its next lap.
    #[inline]
    pub(crate) fn move_small_end(&mut self) {
        let (head, bounds) = (self.metadata.ring(Ring::Main).head, self.bounds);
        if bounds.is_to_sink(head)
            || bounds.small_end < bounds.boundary && bounds.is_to_rise(bounds.small_end, head)
        {
            self.bounds.small_end = bounds.small_target().min(bounds.boundary);
            self.bounds.store(self.shard.head);
        }
    }

    /// No slot names anything below the tail: say so, before a byte there is overwritten.
    pub(crate) fn publish_frontier(&mut self, ring: Ring) {
        self.settle();
        let tail = self.metadata.ring(ring).tail;
        self.shard.frontier(ring).store_release(tail.word());
        self.frontiers[ring as usize] = tail;
        // Full fence: with the acquire fence in `Reader::look`, the frontier is seen before the bytes that follow; with the one in
        // `Pins::hold`, either a pin is seen, or its reader sees the frontier.
        samovar_mmap::fence_full();
    }

    /// An empty ring begins anew at its start, so that its whole length is in one piece.
    pub(crate) fn restart_lap(&mut self, ring: Ring) {
        let start = self.bounds.span(ring).start;
        let state = self.metadata.ring_mut(ring);
        state.head = state.head.wrap(start);
        state.tail = state.head;
        self.unsettled = true;
        self.publish_frontier(ring);
    }
}

fn is_pinned(place: &Result<Place>) -> bool {
    place.as_ref().is_err_and(|error| error.kind() == ErrorKind::Pinned)
}

#[cold]
fn too_large() -> Error {
    Error::new(ErrorKind::ValueTooLarge, "the entry is larger than its state")
}
