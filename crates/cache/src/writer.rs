//! What a process does while it holds a shard's writer lock.
//!
//! Every change of a slot goes through [`Writer::commit`]: the ledger that will hold is written beside the one that does,
//! the bytes are copied, the slot is exchanged (the commit point), and the new ledger holds. A death between any two of
//! these stores is decided by the slot alone; see [`crate::ledger`].

use crate::alteration::Current;
use crate::bounds::Bounds;
use crate::entry::{Extras, Header, Mark, Preface, Terms};
use crate::error::{Error, ErrorKind, Result};
use crate::evict;
use crate::hash::{KeyHash, SpaceWord};
use crate::index::Numbered;
use crate::lease::Leases;
use crate::ledger::{Change, Kind, Ledger, Selector};
use crate::pin::IsDead;
use crate::position::Position;
use crate::recover;
use crate::ring::{Place, Queue};
use crate::seal::Home;
use crate::shard::Shard;
use crate::slot::Slot;
use crate::space::Changes;
use crate::ttl::Clock;

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
    pub(crate) frontiers: [Position; 2],
    /// The bounds in the file.
    pub(crate) bounds: Bounds,
    pub(crate) clock: &'a Clock<'a>,
    /// Asks whether the owner of a pin has died.
    pub(crate) is_dead: IsDead<'a>,
    /// Everything that lives was passed in vain, since it fills the ring but for too little, or pins have cut it to pieces: what
    /// is drained now is not kept.
    pub(crate) is_pressed: bool,
    /// Entries moved by the write at hand.
    pub(crate) moves: u32,
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
    pub(crate) fn sealed(&self, entry: Located, preface: Preface, parts: [&[u8]; 2]) -> Preface {
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
    pub(crate) fn settle(&mut self) -> Result<()> {
        if self.unsettled {
            let spare = 1 - self.holding;
            (self.ledger.kind, self.ledger.accounts, self.ledger.change) = (Kind::Slot, 0, Change::NONE);
            self.ledger.write(self.shard.head, spare)?;
            Selector::Holds(spare).store(self.shard.head)?;
            (self.holding, self.unsettled) = (spare, false);
        }
        Ok(())
    }
}

/// Tells a walk that the lap ends here, and where the next one begins.
pub(crate) fn mark_wrap(shard: Shard<'_>, queue: Queue, before: &Ledger, place: Place) -> Result<()> {
    let head = before.ring(queue).head;
    if place.wraps {
        shard.log.put_mark(head.offset(), Mark::wrap_word(place.at.offset()))?;
    }
    Ok(())
}
