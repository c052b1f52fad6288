//! What a process does while it holds a shard's writer lock.
//!
//! Every change of a slot goes through [`Writer::commit`]: the ledger that will hold is written beside the one that does,
//! the bytes are copied, the slot is exchanged (the commit point), and the new ledger holds. A death between any two of
//! these stores is decided by the slot alone; see [`crate::ledger`].

use crate::alteration::Current;
use crate::bounds::Bounds;
use crate::entry::{Extras, Header, Mark, Preface, Terms};
use crate::error::{Error, ErrorKind, Result};
use crate::evict::{self, Candidate, Fate};
use crate::hash::{KeyHash, SpaceWord};
use crate::index::Numbered;
use crate::layout::PINS_PER_SHARD;
use crate::lease::Leases;
use crate::ledger::{Change, Kind, Ledger, Selector};
use crate::pin::{self, Detour, Extent, IsDead, Pins};
use crate::position::Position;
use crate::recover;
use crate::ring::{Place, Queue};
use crate::seal::Home;
use crate::shard::Shard;
use crate::slot::Slot;
use crate::space::Changes;
use crate::ttl::Clock;

/// Detours on the way to one place: past every pin, and from the end of a lap to the start of the next. Whoever is not there
/// by then goes round in circles: a bound that moved, or a pin that came meanwhile, has left no stretch that is long enough.
const DETOURS: usize = 2 * PINS_PER_SHARD;

/// One shard, held by its writer lock.
pub(crate) struct Writer<'a> {
    pub(crate) shard: Shard<'a>,
    /// The accounts; tails may be ahead of the copy in the file.
    pub(crate) ledger: Ledger,
    /// Which copy in the file holds.
    pub(crate) holding: usize,
    /// Tails have moved since the copy in the file was written.
    pub(crate) unsettled: bool,
    /// The frontiers in the file.
    frontiers: [Position; 2],
    /// The bounds in the file.
    bounds: Bounds,
    pub(crate) clock: &'a Clock<'a>,
    /// Asks whether the owner of a pin has died.
    is_dead: IsDead<'a>,
    /// Everything that lives was passed in vain, since it fills the ring but for too little, or pins have cut it to pieces: what
    /// is drained now is not kept.
    is_pressed: bool,
    /// Entries moved by the write at hand.
    moves: u32,
    /// Slots changed by the write at hand.
    pub(crate) changes: u32,
    /// The namespace that is written to, in the epoch that this write belongs to.
    pub(crate) own: SpaceWord,
    /// What becomes of accounts of namespaces with the change at hand.
    pub(crate) accounts: Changes,
}

/// What is to be stored.
#[derive(Clone, Copy)]
pub(crate) struct Item<'v> {
    pub(crate) hash: KeyHash,
    pub(crate) key: &'v [u8],
    pub(crate) value: &'v [u8],
    pub(crate) terms: Terms,
    /// The stamp of the value that this one repeats; none for a new value.
    pub(crate) stamp: Option<u32>,
}

/// An entry in the log.
#[derive(Clone, Copy)]
pub(crate) struct Located {
    pub(crate) queue: Queue,
    pub(crate) at: Position,
    pub(crate) header: Header,
}

/// How a set will change its slot.
struct Plan {
    target: Numbered,
    old: Option<Replaced>,
    next: Ledger,
}

/// The entry that a set takes the slot of: the key's own, or the coldest where both buckets are full.
#[derive(Clone, Copy)]
struct Replaced {
    header: Header,
    same_key: bool,
}

impl Item<'_> {
    pub(crate) fn header(self, more: Extras) -> Result<Header> {
        let too_long = |_| Error::new(ErrorKind::KeyTooLong, "keys are at most 65,535 bytes long");
        let too_large =
            |_| Error::new(ErrorKind::ValueTooLarge, "values are at most 4,294,967,295 bytes long");
        Ok(Header {
            key_len: u16::try_from(self.key.len()).map_err(too_long)?,
            value_len: u32::try_from(self.value.len()).map_err(too_large)?,
            extras: self.terms.extras().with(more),
        })
    }
}

impl<'a> Writer<'a> {
    /// Takes up the shard's accounts, finishing or undoing what a dead writer left. The caller holds the writer lock.
    pub(crate) fn begin(shard: Shard<'a>, clock: &'a Clock<'a>) -> Result<Self> {
        let recover::Settled { ledger, holding, frontiers, bounds } = recover::settle(shard)?;
        Ok(Writer {
            shard,
            ledger,
            holding,
            unsettled: false,
            frontiers,
            bounds,
            clock,
            is_dead: &|_| Ok(false),
            is_pressed: false,
            moves: 0,
            changes: 0,
            own: SpaceWord::DEFAULT,
            accounts: Changes::default(),
        })
    }

    /// The same writer, which can tell the pins of the dead.
    pub(crate) fn asking(self, is_dead: IsDead<'a>) -> Self {
        Writer { is_dead, ..self }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Stores the item, evicting what has to go.
    pub(crate) fn set(&mut self, item: Item<'_>) -> Result<()> {
        let item = self.within(item);
        if !self.own.is_default() {
            self.make_share(item)?;
        }
        let header = item.header(self.shard.extras())?;
        Leases::of(self.shard).void(item.hash)?;
        let known = self.shard.find(item.hash, item.key)?;
        let queue = self.queue_for(item.hash, known.map(|(found, _)| found.slot), header.units())?;
        self.walk(queue, header.units())?;
        let (queue, place) = self.make_room_somewhere(queue, header.units())?;
        let located = Located { queue, at: place.at, header };
        let Plan { target, old, next } = self.plan_set(item, located, known)?;
        let freq = if old.is_some_and(|old| old.same_key) { target.slot.freq() } else { 0 };
        let new = Slot::live(item.hash, queue, place.at, freq);
        let change = Change { slot: target.number, old: target.slot, new };
        let unsealed = Preface { terms: item.terms, seal: None, stamp: item.stamp.unwrap_or(next.stamp()) };
        let preface = self.sealed(located, unsealed, [item.key, item.value]);
        let shard = self.shard;
        self.commit(change, next, |head| {
            mark_wrap(shard, queue, head, place)?;
            shard.log.put_entry(place.at.offset(), header, &preface, [item.key, item.value])
        })?;
        if let Some(old) = old {
            self.bury(target.slot, old.header)?;
        }
        Ok(())
    }

    /// What is stored for the key, if it may be given out.
    pub(crate) fn current(&self, hash: KeyHash, key: &[u8]) -> Result<Option<Current>> {
        let Some((found, header)) = self.shard.find(hash, key)? else { return Ok(None) };
        let offset = found.slot.offset();
        let preface = self.shard.log.preface(offset, header)?;
        let terms = preface.terms;
        let expired = terms.expiry_ms.is_some_and(|expiry_ms| expiry_ms <= self.clock.now_ms());
        if terms.absent || expired || self.is_orphan(offset, header)? {
            return Ok(None);
        }
        let mut value = Vec::new();
        self.shard.log.append_value(offset, header, &mut value)?;
        let queue = found.slot.queue();
        let home = Home { queue, at: self.frontiers[queue as usize].ahead(found.slot.low()) };
        let whole = self.shard.is_whole(home, header, &preface, [key, &value]);
        Ok(whole.then_some(Current { preface, value }))
    }

    /// The preface of an entry with the seal that it bears at this place, in a file where entries bear one.
    fn sealed(&self, entry: Located, preface: Preface, parts: [&[u8]; 2]) -> Preface {
        let Some(seal_key) = self.shard.seal_key else { return preface };
        let home = Home { queue: entry.queue, at: entry.at };
        preface.sealed_with(seal_key.seal(home, entry.header, &preface, parts))
    }

    /// Forgets the key; true if a live entry was there.
    pub(crate) fn remove(&mut self, hash: KeyHash, key: &[u8]) -> Result<bool> {
        Leases::of(self.shard).void(hash)?;
        let Some((found, header)) = self.shard.find(hash, key)? else { return Ok(false) };
        let gone = header.extras.has(Extras::ABSENT) || self.is_gone(found.slot.offset(), header)?;
        let mut next = self.ledger;
        self.unlink(&mut next, found.slot, header)?;
        self.commit(Change { slot: found.number, old: found.slot, new: Slot::EMPTY }, next, |_| Ok(()))?;
        self.bury(found.slot, header)?;
        Ok(!gone)
    }

    /// Is the entry of no more use to anybody?
    pub(crate) fn is_gone(&self, offset: u64, header: Header) -> Result<bool> {
        let expired = header.extras.has(Extras::EXPIRY)
            && self.shard.log.expiry_ms(offset, header)? <= self.clock.now_ms();
        Ok(expired || self.is_orphan(offset, header)?)
    }

    /// Marks an entry that its slot has let go, so that passing it costs no look at the index. It is a hint, left when all
    /// is done: nothing depends on its being there.
    pub(crate) fn bury(&self, slot: Slot, header: Header) -> Result<()> {
        self.shard.log.put_mark(slot.offset(), header.dead_word())
    }

    /// An overwrite stays in its ring, a key with a ghost goes to the main ring, a new one to the small ring; but what is
    /// large for the small ring, or comes while the main ring has room to spare, goes to the main ring.
    fn queue_for(&mut self, hash: KeyHash, known: Option<Slot>, units: u64) -> Result<Queue> {
        let bounds = &self.bounds;
        let span = bounds.span_for(Queue::Small, units);
        let small = self.ledger.ring(Queue::Small);
        if units > span.units() / 2 {
            return Ok(Queue::Main);
        }
        let full = span.place(small.head, small.tail, units).is_none();
        let main_has_room =
            evict::roomy(&self.ledger, bounds, units) || evict::free(&self.ledger, bounds, units);
        if full && main_has_room {
            return Ok(Queue::Main);
        }
        if let Some(slot) = known {
            return Ok(slot.queue());
        }
        let Some(ghost) = self.shard.index.find_ghost(hash)? else { return Ok(Queue::Small) };
        let (queue, age) = (ghost.slot.queue(), ghost.slot.ghost_age(self.ledger.ghost_clocks));
        if age < evict::regret_limit(&self.ledger) && !main_has_room {
            self.wish(queue, units)?;
        }
        let earned = queue == Queue::Small && age < evict::ghost_limit(&self.ledger);
        Ok(if earned { Queue::Main } else { Queue::Small })
    }

    /// The ring would still have the key, were it a little larger: it shall be, by as much as the key's entry takes.
    fn wish(&mut self, queue: Queue, units: u64) -> Result<()> {
        self.bounds.wish = match queue {
            Queue::Small => self.bounds.wished() + units,
            Queue::Main => self.bounds.wished().saturating_sub(units),
        };
        self.bounds.wish = self.bounds.wished().max(evict::least_small(&self.ledger));
        self.bounds.store(self.shard.head)
    }

    /// The slot to change, and the accounts after it. Making room may have moved or evicted what was known, so then it is
    /// looked up again.
    fn plan_set(&mut self, item: Item<'_>, new: Located, known: Option<(Numbered, Header)>) -> Result<Plan> {
        let known = if self.changes == 0 { known } else { self.shard.find(item.hash, item.key)? };
        let target = match known {
            Some((found, _)) => found,
            None => self.vacant_slot(item.hash)?,
        };
        let old = match known {
            Some((_, header)) => Some(Replaced { header, same_key: true }),
            None if target.slot.is_live() => {
                Some(Replaced { header: self.shard.header_of(target.slot)?, same_key: false })
            }
            None => None,
        };
        let mut next = self.ledger;
        if let Some(old) = old {
            self.unlink(&mut next, target.slot, old.header)?;
            if !old.same_key {
                self.count_eviction(target.slot.offset(), old.header)?;
                next.evictions = self.ledger.evictions;
            }
        }
        self.link(&mut next, new, self.own)?;
        next.ring_mut(new.queue).head = new.at.advance(new.header.units());
        next.sequence = next.sequence.wrapping_add(1);
        Ok(Plan { target, old, next })
    }

    /// The key's own ghost, so that it does not linger; else the best slot of the two buckets.
    fn vacant_slot(&self, hash: KeyHash) -> Result<Numbered> {
        match self.shard.index.find_ghost(hash)? {
            Some(ghost) => Ok(ghost),
            None => self.shard.index.vacancy(hash, self.ledger.ghost_clocks),
        }
    }

    /// Changes one slot, and the accounts with it. `copy` writes the bytes that the new slot names; it is given the heads
    /// before the change.
    pub(crate) fn commit(
        &mut self,
        change: Change,
        next: Ledger,
        copy: impl FnOnce(&Ledger) -> Result<()>,
    ) -> Result<()> {
        let mut next = next;
        (next.kind, next.change) = (Kind::Slot, change);
        let spare = self.announce(&mut next)?;
        copy(&self.ledger)?;
        self.exchange(change)?;
        self.settle_accounts()?;
        Selector::Holds(spare).store(self.shard.head)?;
        (self.ledger, self.holding, self.unsettled) = (next, spare, false);
        self.changes += 1;
        Ok(())
    }

    /// Writes the accounts that are to hold beside those that do; which copy they are.
    pub(crate) fn announce(&mut self, next: &mut Ledger) -> Result<usize> {
        next.accounts = self.shard.accounts().intend(&self.accounts)?;
        let spare = 1 - self.holding;
        next.write(self.shard.head, spare)?;
        Selector::Pending(spare).store(self.shard.head)?;
        Ok(spare)
    }

    /// The commit point. Only readers' frequency bumps may come between; anything else means that the lock was lost.
    fn exchange(&self, change: Change) -> Result<()> {
        let word = self.shard.index.word(change.slot)?;
        let mut expected = change.old;
        loop {
            match word.compare_exchange(expected.word(), change.new.word()) {
                Ok(_) => return Ok(()),
                Err(found) if Slot::from_word(found).same_entry(expected) => {
                    expected = Slot::from_word(found)
                }
                Err(_) => {
                    return Err(Error::new(
                        ErrorKind::Busy,
                        "the shard was taken over while this write was asleep; the write did not happen",
                    ));
                }
            }
        }
    }

    /// Writes down tails that have moved, without changing a slot.
    fn settle(&mut self) -> Result<()> {
        if self.unsettled {
            let spare = 1 - self.holding;
            (self.ledger.kind, self.ledger.accounts, self.ledger.change) = (Kind::Slot, 0, Change::NONE);
            self.ledger.write(self.shard.head, spare)?;
            Selector::Holds(spare).store(self.shard.head)?;
            (self.holding, self.unsettled) = (spare, false);
        }
        Ok(())
    }

    /// A place in this ring; in the main ring if the small one is full of pins.
    fn make_room_somewhere(&mut self, queue: Queue, units: u64) -> Result<(Queue, Place)> {
        let mut queue = queue;
        let mut place = self.make_room(queue, units);
        if queue == Queue::Small && is_pinned(&place) {
            queue = Queue::Main;
            place = self.make_room(queue, units);
        }
        if is_pinned(&place) {
            Pins::of(self.shard).refused()?;
        }
        Ok((queue, place?))
    }

    /// A place for `units` at the head of a ring, draining its tail until there is one.
    fn make_room(&mut self, queue: Queue, units: u64) -> Result<Place> {
        let span = self.bounds.span_for(queue, units);
        let pins = Pins::of(self.shard);
        let pinned = pins.any()?;
        if pinned && !pins.leave(span, units + 1, self.is_dead)? {
            return Err(pin::refusal());
        }
        let mut walked = 0;
        loop {
            if let Some(place) = self.place(queue, units)? {
                let (reserve, longest_walk) = evict::headroom(&self.ledger, &self.bounds, queue, units);
                let ring = self.ledger.ring(queue);
                let gap = self.bounds.span_for(queue, units).gap(ring.head, ring.tail);
                if gap >= units + reserve || ring.head == ring.tail || walked > longest_walk {
                    return Ok(place);
                }
            }
            if self.ledger.ring(queue).head == self.ledger.ring(queue).tail {
                self.restart_lap(queue)?;
                let place = self.place(queue, units)?;
                return place.ok_or_else(if pinned || pins.any()? { pin::refusal } else { too_large });
            }
            self.is_pressed |= walked > 2 * span.units();
            walked += self.drain_one(queue)?;
            if walked > 4 * self.shard.geometry.area().units() {
                return Err(Error::corrupt(
                    "a ring of the cache has no end of entries to keep; run `samovar check`",
                ));
            }
        }
    }

    /// A place for `units` as things stand, clear of all pins.
    fn place(&mut self, queue: Queue, units: u64) -> Result<Option<Place>> {
        let pins = Pins::of(self.shard);
        for _ in 0..DETOURS {
            let Some(place) = self.place_on_or_off_pins(queue, units)? else { break };
            if !pins.any()? {
                return Ok(Some(place));
            }
            let wanted = Extent { offset: place.at.offset(), units };
            let Some(pinned) = pins.obstacle(wanted, self.is_dead)? else { return Ok(Some(place)) };
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
            self.publish_frontier(queue)?;
        }
        let (mut ring, span) = (*self.ledger.ring(queue), self.bounds.span_for(queue, wanted.units));
        let head = ring.head;
        match pin::detour(span, [head, ring.tail], place, pinned) {
            Detour::Wait => return Ok(false),
            Detour::Restart => return self.restart_lap(queue).map(|()| true),
            Detour::Move(to) => {
                ring.head = Position::new(head.lap(), to);
                ring.tail = ring.head;
            }
            Detour::Lap(start) => {
                let place = Place { at: head.wrap(start), wraps: true };
                mark_wrap(self.shard, queue, &self.ledger, place)?;
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
        self.settle()?;
        Ok(true)
    }

    /// A place for `units` as things stand, moving the frontier up to the tail if that is what it takes.
    fn place_on_or_off_pins(&mut self, queue: Queue, units: u64) -> Result<Option<Place>> {
        self.move_boundary(queue, units)?;
        let span = self.bounds.span_for(queue, units);
        let ring = *self.ledger.ring(queue);
        if let Some(place) = span.place(ring.head, self.frontiers[queue as usize], units) {
            return Ok(Some(place));
        }
        let Some(place) = span.place(ring.head, ring.tail, units) else { return Ok(None) };
        self.publish_frontier(queue)?;
        Ok(Some(place))
    }

    /// The boundary is to be at this part of the data.
    #[cfg(feature = "inject")]
    pub(crate) fn wish_percent(&mut self, percent: u64) -> Result<()> {
        self.bounds.wish = self.bounds.end * percent / 100;
        self.bounds.brink = self.bounds.wished().min(self.bounds.boundary);
        self.bounds.store(self.shard.head)
    }

    /// Where the ring's lap is about to end, all of it lies in one lap: the time to move the boundary towards where it is
    /// to be, as far as this ring leaves bytes to the other one.
    fn move_boundary(&mut self, queue: Queue, units: u64) -> Result<()> {
        let (ring, bounds) = (*self.ledger.ring(queue), self.bounds);
        let span = bounds.span_for(queue, units);
        if ring.head.lap() != ring.tail.lap() || !span.ends_before(ring.head, units) {
            return Ok(());
        }
        let boundary = match queue {
            Queue::Small => span.end.max(ring.head.offset() + 1).min(bounds.boundary),
            Queue::Main if bounds.is_to_rise(bounds.boundary, ring.head) => {
                bounds.wished().min(ring.tail.offset().saturating_sub(units)).max(bounds.boundary)
            }
            Queue::Main => bounds.boundary,
        };
        if boundary != bounds.boundary {
            self.publish_frontier(queue)?;
            self.bounds.boundary = boundary;
            self.bounds.brink = if queue == Queue::Main { boundary } else { bounds.brink.min(boundary) };
            self.bounds.store(self.shard.head)?;
        }
        Ok(())
    }

    /// Near the end of the main ring's lap, the small ring begins to leave what the main one is to get with its next lap.
    fn move_brink(&mut self) -> Result<()> {
        let (head, bounds) = (self.ledger.ring(Queue::Main).head, self.bounds);
        if bounds.is_to_sink(head) || bounds.brink < bounds.boundary && bounds.is_to_rise(bounds.brink, head)
        {
            self.bounds.brink = bounds.wished().min(bounds.boundary);
            self.bounds.store(self.shard.head)?;
        }
        Ok(())
    }

    /// No slot names anything below the tail: say so, before a byte there is overwritten.
    fn publish_frontier(&mut self, queue: Queue) -> Result<()> {
        self.settle()?;
        let tail = self.ledger.ring(queue).tail;
        self.shard.frontier(queue)?.store_release(tail.word());
        self.frontiers[queue as usize] = tail;
        // Full fence: with the acquire fence in `Reader::look`, the frontier is seen before the bytes that follow; with the one in
        // `Pins::hold`, either a pin is seen, or its reader sees the frontier.
        samovar_mmap::fence_full();
        Ok(())
    }

    /// An empty ring begins anew at its start, so that its whole length is in one piece.
    fn restart_lap(&mut self, queue: Queue) -> Result<()> {
        let start = self.bounds.span(queue).start;
        let ring = self.ledger.ring_mut(queue);
        ring.head = ring.head.wrap(start);
        ring.tail = ring.head;
        self.unsettled = true;
        self.publish_frontier(queue)
    }

    /// Passes one entry or mark at the tail; how many units it was long.
    fn drain_one(&mut self, queue: Queue) -> Result<u64> {
        let ring = *self.ledger.ring(queue);
        let reach = self.bounds.reach(queue);
        let more_laps = ring.tail.lap() < ring.head.lap();
        let limit = if more_laps { reach.end } else { ring.head.offset() };
        let left = limit.saturating_sub(ring.tail.offset());
        match self.shard.log.mark(ring.tail.offset())? {
            Mark::Wrap(start) if more_laps && start >= reach.start && ring.tail.wrap(start) <= ring.head => {
                self.pass_tail(queue, ring.tail.wrap(start), 1)
            }
            Mark::Filler(units) | Mark::Dead(units) if units <= left => {
                self.pass_tail(queue, ring.tail.advance(units), units)
            }
            Mark::Entry(header) if header.units() <= left => {
                self.drain_entry(Located { queue, at: ring.tail, header })?;
                Ok(header.units())
            }
            _ => Err(Error::corrupt("the cache's log is damaged at a ring's tail; run `samovar check`")),
        }
    }

    fn pass_tail(&mut self, queue: Queue, to: Position, units: u64) -> Result<u64> {
        self.ledger.ring_mut(queue).tail = to;
        self.unsettled = true;
        Ok(units)
    }

    fn drain_entry(&mut self, entry: Located) -> Result<()> {
        let hash = self.shard.hash_at(entry.at.offset(), entry.header)?;
        let Some(found) = self.shard.index.find_entry(hash, entry.queue, entry.at)? else {
            return self.pass_tail(entry.queue, entry.at.advance(entry.header.units()), 0).map(|_| ());
        };
        let expired = self.is_gone(entry.at.offset(), entry.header)?;
        if !expired && self.is_over_limit(entry)? {
            self.count_eviction(entry.at.offset(), entry.header)?;
            return self.forget(entry, found, Slot::EMPTY);
        }
        let candidate =
            Candidate { queue: entry.queue, units: entry.header.units(), freq: found.slot.freq(), expired };
        let fate = match evict::fate(&self.ledger, &self.bounds, candidate, self.moves) {
            Fate::Move { .. } if self.is_pressed => Fate::Ghost,
            fate => fate,
        };
        match fate {
            Fate::Move { freq } => self.move_to_main(entry, hash, found, freq),
            Fate::Drop => self.forget(entry, found, Slot::EMPTY),
            Fate::Ghost => {
                self.count_eviction(entry.at.offset(), entry.header)?;
                let clock = &mut self.ledger.ghost_clocks[entry.queue as usize];
                *clock = clock.wrapping_add(1);
                let ghost = Slot::ghost(hash, entry.queue, *clock);
                self.forget(entry, found, ghost)
            }
        }
    }

    /// Unlinks the entry at the tail and passes it.
    fn forget(&mut self, entry: Located, found: Numbered, new: Slot) -> Result<()> {
        let mut next = self.ledger;
        self.unlink(&mut next, found.slot, entry.header)?;
        next.ring_mut(entry.queue).tail = entry.at.advance(entry.header.units());
        self.commit(Change { slot: found.number, old: found.slot, new }, next, |_| Ok(()))
    }

    /// Appends the entry at a tail to the main ring; where that has no room for it, the entry is evicted after all.
    fn move_to_main(&mut self, entry: Located, hash: KeyHash, found: Numbered, freq: u64) -> Result<()> {
        let units = entry.header.units();
        self.moves += 1;
        let place = match entry.queue {
            Queue::Small => match self.make_room(Queue::Main, units) {
                Err(error) if error.kind() == ErrorKind::Pinned => None,
                place => Some(place?),
            },
            Queue::Main => self.place(Queue::Main, units)?,
        };
        let Some(place) = place else {
            self.count_eviction(entry.at.offset(), entry.header)?;
            return self.forget(entry, found, Slot::EMPTY);
        };
        let mut next = self.ledger;
        let moved = Located { queue: Queue::Main, at: place.at, ..entry };
        let space = self.shard.log.space(entry.at.offset(), entry.header)?;
        self.unlink(&mut next, found.slot, entry.header)?;
        self.link(&mut next, moved, space)?;
        next.ring_mut(entry.queue).tail = entry.at.advance(units);
        next.ring_mut(Queue::Main).head = place.at.advance(units);
        let new = Slot::live(hash, Queue::Main, place.at, freq);
        let change = Change { slot: found.number, old: found.slot, new };
        let shard = self.shard;
        let resealed = self.resealed(entry, place)?;
        self.commit(change, next, |ledger| {
            mark_wrap(shard, Queue::Main, ledger, place)?;
            shard.log.copy_entry(entry.at.offset(), place.at.offset(), units)?;
            match resealed {
                Some(preface) => shard.log.put_preface(place.at.offset(), entry.header, &preface),
                None => Ok(()),
            }
        })?;
        if entry.queue == Queue::Small { self.walk(Queue::Main, units) } else { Ok(()) }
    }

    /// What is to stand before the key of a sealed entry that moves: a seal holds in one place alone. One that is broken
    /// stays broken.
    fn resealed(&self, entry: Located, place: Place) -> Result<Option<Preface>> {
        let Some(seal_key) = self.shard.seal_key else { return Ok(None) };
        let (log, offset, header) = (self.shard.log, entry.at.offset(), entry.header);
        let (mut key, mut value) = (Vec::new(), Vec::new());
        log.append_key(offset, header, &mut key)?;
        log.append_value(offset, header, &mut value)?;
        let preface = log.preface(offset, header)?;
        let home = Home { queue: entry.queue, at: entry.at };
        if !seal_key.is_whole(home, header, &preface, [&key, &value]) {
            return Ok(None);
        }
        let moved = Located { queue: Queue::Main, at: place.at, header };
        Ok(Some(self.sealed(moved, preface, [&key, &value])))
    }

    /// Drains a little ahead of need, in proportion to what is appended. It comes before the change that will write down
    /// how far the tail has come.
    fn walk(&mut self, queue: Queue, appended: u64) -> Result<()> {
        if queue == Queue::Main {
            self.move_brink()?;
        }
        let mut left = evict::walk_after(&self.ledger, &self.bounds, queue, appended);
        while left > 0 && self.ledger.ring(queue).head != self.ledger.ring(queue).tail {
            left = left.saturating_sub(self.drain_one(queue)?.max(1));
        }
        self.look_ahead(queue)
    }

    /// Asks for the buckets of the key at the tail: the next write will want them, and by then they are here.
    fn look_ahead(&self, queue: Queue) -> Result<()> {
        let (ring, area) = (self.ledger.ring(queue), self.shard.geometry.area());
        if ring.head == ring.tail {
            return Ok(());
        }
        if let Mark::Entry(header) = self.shard.log.mark(ring.tail.offset())?
            && header.units() <= area.end.saturating_sub(ring.tail.offset())
        {
            let hash = self.shard.hash_at(ring.tail.offset(), header)?;
            self.shard.index.prefetch_of(hash);
        }
        Ok(())
    }
}

fn is_pinned(place: &Result<Place>) -> bool {
    place.as_ref().is_err_and(|error| error.kind() == ErrorKind::Pinned)
}

#[cold]
fn too_large() -> Error {
    Error::new(ErrorKind::ValueTooLarge, "the entry is larger than its ring")
}

/// Tells a walk that the lap ends here, and where the next one begins.
fn mark_wrap(shard: Shard<'_>, queue: Queue, before: &Ledger, place: Place) -> Result<()> {
    let head = before.ring(queue).head;
    if place.wraps {
        shard.log.put_mark(head.offset(), Mark::wrap_word(place.at.offset()))?;
    }
    Ok(())
}
