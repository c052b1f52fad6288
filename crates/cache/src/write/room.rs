//! Making room at a ring's head: where the next entry goes, what is drained for it, the way around pins, and the bounds that
//! move when a lap ends. Everything here is done under the shard's writer lock.

use crate::error::{Error, ErrorKind, Result};
use crate::format::entry::Mark;
use crate::format::layout::PINS_PER_SHARD;
use crate::format::position::Position;
use crate::format::ring::{Place, Queue};
use crate::policy::evict;
use crate::shard::pin::{self, Detour, Extent, Pins};
use crate::write::writer::{Writer, mark_wrap};

/// Detours on the way to one place: past every pin, and from the end of a lap to the start of the next. Whoever is not there
/// by then goes round in circles: a bound that moved, or a pin that came meanwhile, has left no stretch that is long enough.
const DETOURS: usize = 2 * PINS_PER_SHARD;

impl Writer<'_> {
    /// A place in this ring; in the main ring if the small one is full of pins.
    pub(crate) fn make_room_somewhere(&mut self, queue: Queue, units: u64) -> Result<(Queue, Place)> {
        let mut queue = queue;
        let mut place = self.make_room(queue, units);
        if queue == Queue::Small && is_pinned(&place) {
            queue = Queue::Main;
            place = self.make_room(queue, units);
        }
        if is_pinned(&place) {
            Pins::of(self.shard).refused();
        }
        Ok((queue, place?))
    }

    /// A place for `units` at the head of a ring, draining its tail until there is one.
    pub(crate) fn make_room(&mut self, queue: Queue, units: u64) -> Result<Place> {
        let span = self.bounds.span_for(queue, units);
        let pins = Pins::of(self.shard);
        let pinned = pins.any();
        if pinned && !pins.leave(span, units + 1, self.process.is_dead)? {
            return Err(pin::refusal());
        }
        let (mut walked, beyond) = (0, evict::beyond(&self.ledger, &self.bounds, queue));
        loop {
            if let Some(place) = self.place(queue, units)? {
                let main_live = self.ledger.ring(Queue::Main).live;
                let (reserve, longest_walk) = evict::headroom(main_live, &self.bounds, queue, units);
                let ring = self.ledger.ring(queue);
                let gap = self.bounds.span_for(queue, units).gap(ring.head, ring.tail);
                let fits = gap >= units + reserve
                    && evict::leaves_room(&self.ledger, &self.bounds, queue, units + reserve);
                if fits || ring.head == ring.tail || walked > longest_walk + beyond {
                    return Ok(place);
                }
            }
            if self.ledger.ring(queue).head == self.ledger.ring(queue).tail {
                self.restart_lap(queue);
                let place = self.place(queue, units)?;
                return place.ok_or_else(if pinned || pins.any() { pin::refusal } else { too_large });
            }
            self.is_pressed |= walked > 2 * span.units() + beyond;
            walked += self.drain_one(queue)?;
            if walked > 4 * self.shard.geometry.area().units() {
                return Err(Error::corrupt(
                    "a ring of the cache has no end of entries to keep; run `samovar check`",
                ));
            }
        }
    }

    /// A place for `units` as things stand, clear of all pins.
    #[inline]
    pub(crate) fn place(&mut self, queue: Queue, units: u64) -> Result<Option<Place>> {
        let place = self.place_on_or_off_pins(queue, units);
        if place.is_none() || !Pins::of(self.shard).any() {
            return Ok(place);
        }
        self.place_clear_of_pins(queue, units)
    }

    #[cold]
    fn place_clear_of_pins(&mut self, queue: Queue, units: u64) -> Result<Option<Place>> {
        let pins = Pins::of(self.shard);
        for _ in 0..DETOURS {
            let Some(place) = self.place_on_or_off_pins(queue, units) else { break };
            let wanted = Extent { offset: place.at.offset(), units };
            let Some(pinned) = pins.obstacle(wanted, self.process.is_dead)? else { return Ok(Some(place)) };
            if !self.take_detour(queue, place, [wanted, pinned])? {
                break;
            }
        }
        Ok(None)
    }

    /// Moves the head past a pinned stretch, and writes that down before anything is appended behind it; false if it cannot be
    /// done before the tail has moved. A mark may take the header of what is pinned, never its value.
    fn take_detour(&mut self, queue: Queue, place: Place, [wanted, pinned]: [Extent; 2]) -> Result<bool> {
        if self.frontiers[queue as usize] != self.ledger.ring(queue).tail {
            self.publish_frontier(queue);
        }
        let (mut ring, span) = (*self.ledger.ring(queue), self.bounds.span_for(queue, wanted.units));
        let head = ring.head;
        match pin::detour(span, [head, ring.tail], place, pinned) {
            Detour::Wait => return Ok(false),
            Detour::Restart => {
                self.restart_lap(queue);
                return Ok(true);
            }
            Detour::Move(to) => {
                ring.head = Position::new(head.lap(), to);
                ring.tail = ring.head;
            }
            Detour::Lap(start) => {
                let place = Place { at: head.wrap(start), wraps: true };
                mark_wrap(self.shard.log, head, place)?;
                ring.head = place.at;
            }
            Detour::Skip(to) => {
                // Entries are shorter than 2^30 units, so that two of them are shorter than a filler can be.
                let units = u32::try_from(to - head.offset()).unwrap_or(u32::MAX);
                self.shard.log.put_mark(head.offset(), Mark::filler_word(units))?;
                ring.head = head.advance(u64::from(units));
            }
        }
        *self.ledger.ring_mut(queue) = ring;
        self.unsettled = true;
        self.settle();
        Ok(true)
    }

    /// A place for `units` as things stand, moving the frontier up to the tail if that is what it takes.
    #[inline]
    fn place_on_or_off_pins(&mut self, queue: Queue, units: u64) -> Option<Place> {
        self.move_boundary(queue, units);
        let span = self.bounds.span_for(queue, units);
        let ring = *self.ledger.ring(queue);
        if let Some(place) = span.place(ring.head, self.frontiers[queue as usize], units) {
            return Some(place);
        }
        let place = span.place(ring.head, ring.tail, units)?;
        self.publish_frontier(queue);
        Some(place)
    }

    /// The boundary is to be at this part of the data.
    #[cfg(feature = "inject")]
    pub(crate) fn wish_percent(&mut self, percent: u64) {
        self.bounds.wish = self.bounds.end * percent / 100;
        self.bounds.brink = self.bounds.wished().min(self.bounds.boundary);
        self.bounds.store(self.shard.head);
    }

    /// Where the ring's lap is about to end, all of it lies in one lap: the time to move the boundary towards where it is
    /// to be, as far as this ring leaves bytes to the other one.
    #[inline]
    fn move_boundary(&mut self, queue: Queue, units: u64) {
        let (ring, bounds) = (*self.ledger.ring(queue), self.bounds);
        let span = bounds.span_for(queue, units);
        if ring.head.lap() != ring.tail.lap() || !span.ends_before(ring.head, units) {
            return;
        }
        let boundary = match queue {
            Queue::Small => span.end.max(ring.head.offset() + 1).min(bounds.boundary),
            Queue::Main if bounds.is_to_rise(bounds.boundary, ring.head) => {
                // Where everything that lives is kept, what the tail meets next has to find room.
                let keeps_all = evict::roomy(&self.ledger, &bounds, units);
                let room = units + if keeps_all { bounds.slack_for_moves() } else { 0 };
                bounds.wished().min(ring.tail.offset().saturating_sub(room)).max(bounds.boundary)
            }
            Queue::Main => bounds.boundary,
        };
        if boundary != bounds.boundary {
            self.publish_frontier(queue);
            self.bounds.boundary = boundary;
            self.bounds.brink = if queue == Queue::Main { boundary } else { bounds.brink.min(boundary) };
            self.bounds.store(self.shard.head);
        }
    }

    /// Near the end of the main ring's lap, the small ring begins to leave what the main one is to get with its next lap.
    #[inline]
    pub(crate) fn move_brink(&mut self) {
        let (head, bounds) = (self.ledger.ring(Queue::Main).head, self.bounds);
        if bounds.is_to_sink(head) || bounds.brink < bounds.boundary && bounds.is_to_rise(bounds.brink, head)
        {
            self.bounds.brink = bounds.wished().min(bounds.boundary);
            self.bounds.store(self.shard.head);
        }
    }

    /// No slot names anything below the tail: say so, before a byte there is overwritten.
    pub(crate) fn publish_frontier(&mut self, queue: Queue) {
        self.settle();
        let tail = self.ledger.ring(queue).tail;
        self.shard.frontier(queue).store_release(tail.word());
        self.frontiers[queue as usize] = tail;
        // Full fence: with the acquire fence in `Reader::look`, the frontier is seen before the bytes that follow; with the one in
        // `Pins::hold`, either a pin is seen, or its reader sees the frontier.
        samovar_mmap::fence_full();
    }

    /// An empty ring begins anew at its start, so that its whole length is in one piece.
    pub(crate) fn restart_lap(&mut self, queue: Queue) {
        let start = self.bounds.span(queue).start;
        let ring = self.ledger.ring_mut(queue);
        ring.head = ring.head.wrap(start);
        ring.tail = ring.head;
        self.unsettled = true;
        self.publish_frontier(queue);
    }
}

fn is_pinned(place: &Result<Place>) -> bool {
    place.as_ref().is_err_and(|error| error.kind() == ErrorKind::Pinned)
}

#[cold]
fn too_large() -> Error {
    Error::new(ErrorKind::ValueTooLarge, "the entry is larger than its ring")
}
