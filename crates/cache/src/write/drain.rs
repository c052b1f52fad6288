//! Passing what lies at a ring's tail: entries move on, go round, or go, and their slots with them. Everything here is done
//! under the shard's writer lock.

use crate::error::{Error, ErrorKind, Result};
use crate::format::entry::{Extras, Header, Mark, Preface};
use crate::format::hash::KeyHash;
use crate::format::position::{Position, UNIT};
use crate::format::ring::{Place, Ring};
use crate::format::seal::Home;
use crate::format::slot::Slot;
use crate::policy::eviction::{self, Candidate, EvictionPolicy, Verdict};
use crate::shard::index::Numbered;
use crate::shard::metadata::{Change, Kind, Metadata};
use crate::shard::pin::Extent;
use crate::shard::stretch::{Live, Located, Stretch};
use crate::write::writer::{Writer, mark_wrap};

/// Cache lines asked for behind what a walk has passed; each is asked for together with the next.
const LINES_AHEAD: u64 = 32;
const UNITS_PER_LINE: u64 = 64 / UNIT;
/// Indexes below this length stay in the processor's caches anyway.
const INDEX_OUT_OF_CACHE: u64 = 256 << 10;

/// Entries looked at together.
const TOGETHER: usize = 16;

/// Entries at a tail, and the hashes of their keys.
struct Met {
    many: usize,
    list: [(Located, KeyHash); TOGETHER],
}

impl Met {
    fn none() -> Self {
        let header = Header::new(0, 0, Extras::NONE);
        let entry = Located { ring: Ring::Small, at: Position::ZERO, header };
        Met { many: 0, list: [(entry, KeyHash::default()); TOGETHER] }
    }

    fn has_room(&self) -> bool {
        self.many < TOGETHER
    }

    fn add(&mut self, entry: Located, hash: KeyHash) {
        self.list[self.many] = (entry, hash);
        self.many += 1;
    }

    fn list(&self) -> &[(Located, KeyHash)] {
        &self.list[..self.many]
    }
}

/// Those of them that go, with the change at hand.
struct Going {
    many: usize,
    list: [Change; TOGETHER],
    /// The end of the last of them.
    to: Position,
}

impl Going {
    const NONE: Going = Going { many: 0, list: [Change::NONE; TOGETHER], to: Position::ZERO };

    fn is_empty(&self) -> bool {
        self.many == 0
    }

    fn add(&mut self, entry: Located, change: Change) {
        self.list[self.many] = change;
        (self.many, self.to) = (self.many + 1, entry.end());
    }

    fn list(&self) -> &[Change] {
        &self.list[..self.many]
    }
}

impl Writer<'_> {
    /// Passes one entry or mark at the tail; how many units it was long.
    pub(crate) fn drain_one(&mut self, ring: Ring) -> Result<u64> {
        self.drain(ring, 1)
    }

    /// Passes what is dead at the tail, as much as there is up to so many units, or else one entry or mark; how many units
    /// that was.
    fn drain(&mut self, ring: Ring, most: u64) -> Result<u64> {
        let state = *self.metadata.ring(ring);
        let reach = self.bounds.reach(ring);
        let more_laps = state.tail.lap() < state.head.lap();
        let limit = if more_laps { reach.end } else { state.head.offset() };
        let left = limit.saturating_sub(state.tail.offset());
        match self.shard.log.mark(state.tail.offset())? {
            Mark::Wrap(start)
                if more_laps && start >= reach.start && state.tail.wrap(start) <= state.head =>
            {
                self.pass_tail(ring, state.tail.wrap(start), 1)
            }
            Mark::Filler(units) | Mark::Dead(units) if units <= left => {
                let passed =
                    self.dead_from(state.tail.offset() + units, most.saturating_sub(units), limit)?;
                self.pass_tail(ring, state.tail.advance(units + passed), units + passed)
            }
            Mark::Entry(header) if header.units() <= left => {
                self.drain_entry(Located { ring, at: state.tail, header })?;
                Ok(header.units())
            }
            _ => Err(damaged()),
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

    fn pass_tail(&mut self, ring: Ring, to: Position, units: u64) -> Result<u64> {
        self.metadata.ring_mut(ring).tail = to;
        self.unsettled = true;
        Ok(units)
    }

    fn drain_entry(&mut self, entry: Located) -> Result<()> {
        let hash = self.shard.hash_at(entry.at.offset(), entry.header)?;
        let Some(found) = self.shard.index.find_entry(hash, entry.ring, entry.at)? else {
            return self.pass_tail(entry.ring, entry.end(), 0).map(|_| ());
        };
        if !self.is_gone(entry.at.offset(), entry.header)? && self.is_over_limit(entry)? {
            self.count_eviction(entry.at.offset(), entry.header)?;
            return self.forget(entry, found, Slot::EMPTY);
        }
        let live = Live { entry, hash, found };
        let verdict = self.verdict(&EvictionPolicy::new(&self.metadata, &self.bounds), live)?;
        self.dispose(live, verdict)
    }

    #[inline(always)]
    fn verdict(&self, judge: &EvictionPolicy, Live { entry, found, .. }: Live) -> Result<Verdict> {
        let candidate = Candidate {
            ring: entry.ring,
            units: entry.header.units(),
            freq: found.slot.freq(),
            expired: self.is_gone(entry.at.offset(), entry.header)?,
        };
        Ok(match judge.verdict(self.metadata.ring(Ring::Main).live, candidate, self.moves) {
            Verdict::Move { .. } if self.is_pressed => Verdict::Ghost,
            verdict => verdict,
        })
    }

    fn dispose(&mut self, live: Live, verdict: Verdict) -> Result<()> {
        let Live { entry, hash, found } = live;
        match verdict {
            Verdict::Move { freq } => self.move_to_main(live, freq),
            Verdict::Drop => self.forget(entry, found, Slot::EMPTY),
            Verdict::Ghost => {
                self.count_eviction(entry.at.offset(), entry.header)?;
                let ghost = self.ghost(hash, entry.ring);
                self.forget(entry, found, ghost)
            }
        }
    }

    /// What an entry leaves that is evicted now.
    #[inline]
    fn ghost(&mut self, hash: KeyHash, ring: Ring) -> Slot {
        let clock = &mut self.metadata.ghost_clocks[ring as usize];
        *clock = clock.wrapping_add(1);
        Slot::ghost(hash, ring, *clock)
    }

    /// Unlinks the entry at the tail and passes it.
    fn forget(&mut self, entry: Located, found: Numbered, new: Slot) -> Result<()> {
        self.unlink(found.slot, entry.header)?;
        self.metadata.ring_mut(entry.ring).tail = entry.end();
        self.commit(Change { slot: found.number, old: found.slot, new }, || Ok(()))
    }

    /// Passes what lies at the tail, up to so many units and as many entries as can be looked at together; how many units that was.
    ///
    /// Their buckets are asked for before any is looked at, so that the waits overlap; and those that have to go, one after
    /// another, go in one change.
    fn sweep(&mut self, ring: Ring, most: u64) -> Result<u64> {
        let from = self.metadata.ring(ring).tail;
        let (met, to) = self.meet(ring, most)?;
        if to == from {
            return self.drain(ring, most);
        }
        let mut bounds = self.bounds;
        let (mut judge, mut going) = (EvictionPolicy::new(&self.metadata, &bounds), Going::NONE);
        for &(entry, hash) in met.list() {
            let Some(found) = self.shard.index.find_entry(hash, ring, entry.at)? else {
                if self.shard.hash_at(entry.at.offset(), entry.header)? == hash {
                    continue;
                }
                return Err(damaged());
            };
            let live = Live { entry, hash, found };
            let verdict = self.verdict(&judge, live)?;
            if verdict == Verdict::Ghost {
                if going.is_empty() {
                    // What is swept lies between two copies: this is the first.
                    self.settle();
                }
                let new = self.ghost(hash, ring);
                self.metadata.evictions = self.metadata.evictions.wrapping_add(1);
                self.metadata.unlink(ring, entry.header.units(), entry.header.payload());
                going.add(entry, Change { slot: found.number, old: found.slot, new });
                continue;
            }
            self.let_go(ring, &mut going)?;
            self.dispose(live, verdict)?;
            if self.metadata.ring(ring).tail != entry.end() {
                // It had to make room in this very ring.
                return Ok(entry.end().offset() - from.offset());
            }
            if ring == Ring::Small || self.bounds != bounds {
                bounds = self.bounds;
                judge = EvictionPolicy::new(&self.metadata, &bounds);
            }
        }
        self.let_go(ring, &mut going)?;
        if self.metadata.ring(ring).tail != to {
            self.pass_tail(ring, to, 0)?;
        }
        Ok(to.offset() - from.offset())
    }

    /// The entries at the tail, and how far they and what is dead between them reach: within one lap, and none that takes more
    /// than its verdict to be passed.
    fn meet(&self, ring: Ring, most: u64) -> Result<(Met, Position)> {
        let (state, reach) = (*self.metadata.ring(ring), self.bounds.reach(ring));
        let end = if state.tail.lap() < state.head.lap() { reach.end } else { state.head.offset() };
        let (mut met, mut to) = (Met::none(), state.tail);
        while met.has_room() && to.offset() - state.tail.offset() < most {
            let left = end.saturating_sub(to.offset());
            match self.shard.log.mark(to.offset())? {
                Mark::Filler(units) | Mark::Dead(units) if units <= left => to = to.advance(units),
                Mark::Entry(header) if header.units() <= left && !header.extras().has(Extras::NAMESPACE) => {
                    let hash = self.shard.likely_hash_at(to.offset(), header)?;
                    self.shard.index.prefetch_of(hash);
                    let entry = Located { ring, at: to, header };
                    met.add(entry, hash);
                    to = entry.end();
                }
                _ => break,
            }
        }
        Ok((met, to))
    }

    /// Those that have to go are gone, and passed.
    fn let_go(&mut self, ring: Ring, going: &mut Going) -> Result<()> {
        if going.is_empty() {
            return Ok(());
        }
        self.metadata.ring_mut(ring).tail = going.to;
        let before = || Metadata::read(self.shard.head, self.committed);
        debug_assert!(
            Stretch::between(&before(), &self.metadata).is_some(),
            "whoever finishes it has to see what goes"
        );
        (self.metadata.kind, self.metadata.change) = (Kind::Sweep, Change::NONE);
        let spare = self.announce()?;
        for change in going.list() {
            self.shard.index.exchange(*change)?;
        }
        self.hold(spare);
        going.many = 0;
        Ok(())
    }

    /// Appends the entry at a tail to the main ring; where that has no room for it, the entry is evicted after all.
    fn move_to_main(&mut self, Live { entry, hash, found }: Live, freq: u64) -> Result<()> {
        let units = entry.header.units();
        self.moves += 1;
        let place = match entry.ring {
            Ring::Small => match self.make_room(Ring::Main, units) {
                Err(error) if error.kind() == ErrorKind::Pinned => None,
                place => Some(place?),
            },
            Ring::Main => self.place(Ring::Main, units)?,
        };
        let Some(place) = place else {
            self.count_eviction(entry.at.offset(), entry.header)?;
            return self.forget(entry, found, Slot::EMPTY);
        };
        let moved = Located { ring: Ring::Main, at: place.at, ..entry };
        let namespace = self.shard.log.namespace(entry.at.offset(), entry.header)?;
        let head = self.metadata.ring(Ring::Main).head;
        let resealed = self.resealed(entry, place)?;
        (self.process.prepare)(Extent { offset: place.at.offset(), units });
        self.unlink(found.slot, entry.header)?;
        self.link(moved, namespace)?;
        self.metadata.ring_mut(entry.ring).tail = entry.at.advance(units);
        self.metadata.ring_mut(Ring::Main).head = place.at.advance(units);
        let new = Slot::live(hash, Ring::Main, place.at, freq);
        let (log, change) = (self.shard.log, Change { slot: found.number, old: found.slot, new });
        self.commit(change, || {
            mark_wrap(log, head, place)?;
            log.copy_entry(entry.at.offset(), place.at.offset(), units)?;
            match resealed {
                Some(preface) => log.put_preface(place.at.offset(), entry.header, &preface),
                None => Ok(()),
            }
        })?;
        if entry.ring == Ring::Small { self.walk(Ring::Main, units) } else { Ok(()) }
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
        let home = Home { ring: Ring::Main, at: place.at };
        Ok(Some(preface.sealed_with(seal_key.seal(home, header, &preface, content))))
    }

    /// Drains a little ahead of need, in proportion to what is appended. It comes before the change that will write down
    /// how far the tail has come.
    pub(crate) fn walk(&mut self, ring: Ring, appended: u64) -> Result<()> {
        if ring == Ring::Main {
            self.move_small_end();
        }
        let writes = eviction::writes_per_walk(&self.bounds, appended);
        if !self.metadata.version.is_multiple_of(writes) {
            return Ok(());
        }
        let appended = appended.saturating_mul(writes);
        let mut left = eviction::walk_after(&self.metadata, &self.bounds, ring, appended);
        while left > 0 && self.metadata.ring(ring).head != self.metadata.ring(ring).tail {
            left = left.saturating_sub(self.sweep(ring, left)?.max(1));
        }
        self.look_ahead(ring);
        Ok(())
    }

    /// Asks for what lies at the tail: the next walk will want it, and by then it is here.
    fn look_ahead(&self, ring: Ring) {
        if self.shard.geometry.index_bytes_per_shard() < INDEX_OUT_OF_CACHE {
            return;
        }
        let tail = self.metadata.ring(ring).tail.offset();
        for line in 0..LINES_AHEAD {
            self.shard.log.prefetch(tail + line * UNITS_PER_LINE);
        }
    }
}

#[cold]
fn damaged() -> Error {
    Error::corrupt("the cache's log is damaged at a state's tail; run `samovar check`")
}
