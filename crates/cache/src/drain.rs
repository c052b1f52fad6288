//! Passing what lies at a ring's tail: entries move on, go round, or go, and their slots with them. Everything here is done
//! under the shard's writer lock.

use crate::entry::{Mark, Preface};
use crate::error::{Error, ErrorKind, Result};
use crate::evict::{self, Candidate, Fate, MOST_WRITES_PER_WALK};
use crate::hash::KeyHash;
use crate::index::Numbered;
use crate::ledger::Change;
use crate::pin::Extent;
use crate::position::{Position, UNIT};
use crate::ring::{Place, Queue};
use crate::seal::Home;
use crate::slot::Slot;
use crate::writer::{Located, Writer, mark_wrap};

/// Cache lines asked for behind what a walk has looked at; each is asked for together with the next.
const LINES_AHEAD: u64 = 24;
const UNITS_PER_LINE: u64 = 64 / UNIT;
/// Indexes below this length stay in the processor's caches anyway.
const INDEX_OUT_OF_CACHE: u64 = 256 << 10;

impl Writer<'_> {
    /// Passes one entry or mark at the tail; how many units it was long.
    pub(crate) fn drain_one(&mut self, queue: Queue) -> Result<u64> {
        self.drain(queue, 1)
    }

    /// Passes what is dead at the tail, as much as there is up to so many units, or else one entry or mark; how many units
    /// that was.
    fn drain(&mut self, queue: Queue, most: u64) -> Result<u64> {
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
                let passed = self.dead_from(ring.tail.offset() + units, most.saturating_sub(units), limit)?;
                self.pass_tail(queue, ring.tail.advance(units + passed), units + passed)
            }
            Mark::Entry(header) if header.units() <= left => {
                self.drain_entry(Located { queue, at: ring.tail, header })?;
                Ok(header.units())
            }
            _ => Err(Error::corrupt("the cache's log is damaged at a ring's tail; run `samovar check`")),
        }
    }

    /// Units of what is dead from this offset on, as far as that is met before so many of them, and before the limit.
    #[inline]
    fn dead_from(&self, offset: u64, most: u64, limit: u64) -> Result<u64> {
        let mut passed = 0;
        while passed < most && offset + passed < limit {
            match self.shard.log.mark(offset + passed)? {
                Mark::Filler(units) | Mark::Dead(units) if units <= limit - (offset + passed) => {
                    passed += units
                }
                _ => break,
            }
        }
        Ok(passed)
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
        self.unlink(found.slot, entry.header)?;
        self.ledger.ring_mut(entry.queue).tail = entry.at.advance(entry.header.units());
        self.commit(Change { slot: found.number, old: found.slot, new }, || Ok(()))
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
        let moved = Located { queue: Queue::Main, at: place.at, ..entry };
        let space = self.shard.log.space(entry.at.offset(), entry.header)?;
        let head = self.ledger.ring(Queue::Main).head;
        let resealed = self.resealed(entry, place)?;
        (self.process.prepare)(Extent { offset: place.at.offset(), units });
        self.unlink(found.slot, entry.header)?;
        self.link(moved, space)?;
        self.ledger.ring_mut(entry.queue).tail = entry.at.advance(units);
        self.ledger.ring_mut(Queue::Main).head = place.at.advance(units);
        let new = Slot::live(hash, Queue::Main, place.at, freq);
        let (log, change) = (self.shard.log, Change { slot: found.number, old: found.slot, new });
        self.commit(change, || {
            mark_wrap(log, head, place)?;
            log.copy_entry(entry.at.offset(), place.at.offset(), units)?;
            match resealed {
                Some(preface) => log.put_preface(place.at.offset(), entry.header, &preface),
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
        let content = seal_key.content([&key, &value]);
        if !seal_key.is_whole(entry.home(), header, &preface, content) {
            return Ok(None);
        }
        let home = Home { queue: Queue::Main, at: place.at };
        Ok(Some(preface.sealed_with(seal_key.seal(home, header, &preface, content))))
    }

    /// Drains a little ahead of need, in proportion to what is appended. It comes before the change that will write down
    /// how far the tail has come.
    pub(crate) fn walk(&mut self, queue: Queue, appended: u64) -> Result<()> {
        if queue == Queue::Main {
            self.move_brink();
        }
        let writes = evict::writes_per_walk(&self.bounds, appended);
        if !self.ledger.sequence.is_multiple_of(writes) {
            return Ok(());
        }
        let appended = appended.saturating_mul(writes);
        let mut left = evict::walk_after(&self.ledger, &self.bounds, queue, appended);
        while left > 0 && self.ledger.ring(queue).head != self.ledger.ring(queue).tail {
            left = left.saturating_sub(self.drain(queue, left)?.max(1));
        }
        self.look_ahead(queue)
    }

    /// Asks for the buckets of the keys at the tail, and for what lies behind them: the next walk will want both, and by then
    /// they are here.
    fn look_ahead(&self, queue: Queue) -> Result<()> {
        if self.shard.geometry.index_bytes_per_shard() < INDEX_OUT_OF_CACHE {
            return Ok(());
        }
        let (ring, area) = (self.ledger.ring(queue), self.shard.geometry.area());
        let mut at = ring.tail.offset();
        for _ in 0..MOST_WRITES_PER_WALK {
            let left = area.end.saturating_sub(at);
            match self.shard.log.mark(at)? {
                Mark::Entry(header) if header.units() <= left && at != ring.head.offset() => {
                    self.shard.index.prefetch_of(self.shard.hash_at(at, header)?);
                    at += header.units();
                }
                Mark::Dead(units) | Mark::Filler(units) if units <= left => at += units,
                _ => break,
            }
        }
        for line in 0..LINES_AHEAD {
            self.shard.log.prefetch(at + line * UNITS_PER_LINE);
        }
        Ok(())
    }
}
