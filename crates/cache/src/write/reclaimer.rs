//! The reclaimer: it passes the entries at a ring's tail. Each moves to the main ring, goes round once more, or goes,
//! and its slot with it. The policy gives the verdict; the transaction gets the victims.

use crate::error::{Error, ErrorKind, Result};
use crate::file::clock::Clock;
use crate::format::entry::{Extras, Header, KeyValue, Preface};
use crate::format::hash::NamespaceWord;
use crate::format::position::{Position, UNIT};
use crate::format::ring::{Place, Ring, Span};
use crate::format::seal::Home;
use crate::format::slot::Slot;
use crate::policy::eviction::{self, Candidate, EvictionPolicy, Verdict};
use crate::shard::log_walk::{Located, LogWalk, Met, Stretch};
use crate::shard::pin;
use crate::write::allocator::{Allocator, is_pinned};
use crate::write::batch::{Batch, Candidates, Live};
use crate::write::namespaces;

/// Cache lines that are prefetched behind the tail; each one together with the next.
const LINES_AHEAD: u64 = 32;
const UNITS_PER_LINE: u64 = 64 / UNIT;
/// Indexes below this length stay in the processor's caches anyway.
const INDEX_OUT_OF_CACHE: u64 = 256 << 10;

/// Makes room in the rings of a shard.
pub(crate) struct Reclaimer<'a> {
    pub(crate) allocator: Allocator<'a>,
    /// Makes the memory of a stretch of the data area ready for writes.
    prefault: &'a dyn Fn(Span),
    clock: &'a Clock<'a>,
    /// The namespace that is written to, in the epoch that this write belongs to.
    own: NamespaceWord,
    /// Entries moved by the write at hand.
    moves: u32,
    /// All live entries were passed in vain: they fill nearly all of the ring, or pins have cut it to pieces. From now
    /// on the entries at the tail are evicted.
    is_pressed: bool,
}

impl<'a> Reclaimer<'a> {
    #[inline(always)]
    pub(crate) fn new(allocator: Allocator<'a>, clock: &'a Clock<'a>, prefault: &'a dyn Fn(Span)) -> Self {
        Reclaimer { allocator, prefault, clock, own: NamespaceWord::DEFAULT, moves: 0, is_pressed: false }
    }

    /// The write is to this namespace, in this epoch.
    pub(crate) fn enter(&mut self, own: NamespaceWord) {
        self.own = own;
    }

    pub(crate) fn own(&self) -> NamespaceWord {
        self.own
    }

    /// Entries moved so far.
    pub(crate) fn moves(&self) -> u32 {
        self.moves
    }

    /// Has the memory of an entry that is about to be written made ready.
    pub(crate) fn prefault(&self, at: Position, units: u64) {
        (self.prefault)(Span::of(at.offset(), units));
    }

    /// Has the entry expired, or its namespace been emptied?
    #[inline(always)]
    pub(crate) fn is_gone(&self, offset: u64, header: Header) -> Result<bool> {
        let shard = self.allocator.shard();
        let is_expired = header.extras().has(Extras::EXPIRY)
            && shard.log.expiry_ms(offset, header)? <= self.clock.now_ms();
        Ok(is_expired || namespaces::is_orphan(shard, self.own, offset, header)?)
    }

    /// A place for `units` at the head of a ring; in the main ring if the small one is full of pins.
    pub(crate) fn make_room_somewhere(&mut self, ring: Ring, units: u64) -> Result<(Ring, Place)> {
        let (mut ring, mut place) = (ring, self.make_room(ring, units));
        if ring == Ring::Small && is_pinned(&place) {
            ring = Ring::Main;
            place = self.make_room(ring, units);
        }
        if is_pinned(&place) {
            self.allocator.pins().refused();
        }
        Ok((ring, place?))
    }

    /// A place for `units` at the head of a ring; its tail goes on until there is one.
    pub(crate) fn make_room(&mut self, ring: Ring, units: u64) -> Result<Place> {
        if !self.allocator.leaves_room_between_pins(ring, units)? {
            return Err(pin::refusal());
        }
        let (mut walked, beyond) =
            (0, eviction::beyond(self.allocator.tx.metadata(), &self.allocator.bounds, ring));
        let span = self.allocator.bounds.span_for(ring, units);
        loop {
            if let Some(place) = self.allocator.place(ring, units)?
                && self.is_enough(ring, units, walked, beyond)
            {
                return Ok(place);
            }
            if self.allocator.tx.metadata().is_empty(ring) {
                self.allocator.restart_lap(ring);
                return self.allocator.place(ring, units)?.ok_or_else(|| self.no_room());
            }
            // canary: pressed
            self.is_pressed |= walked > 2 * span.units() + beyond;
            walked += self.reclaim(ring, 1)?;
            if walked > 4 * self.allocator.shard().geometry.area().units() {
                return Err(self.no_end());
            }
        }
    }

    /// Is the reserve free behind a place for `units`, or has the tail gone as far as it may for one write?
    fn is_enough(&self, ring: Ring, units: u64, walked: u64, beyond: u64) -> bool {
        let (metadata, bounds) = (self.allocator.tx.metadata(), &self.allocator.bounds);
        let (reserve, longest_walk) = eviction::headroom(metadata.live(Ring::Main), bounds, ring, units);
        let gap = bounds.span_for(ring, units).gap(metadata.head(ring), metadata.tail(ring));
        // canary: room beyond
        let fits = gap >= units + reserve && eviction::leaves_room(metadata, bounds, ring, units + reserve);
        fits || metadata.is_empty(ring) || walked > longest_walk + beyond
    }

    /// Even an empty ring has no place.
    #[cold]
    fn no_room(&self) -> Error {
        if self.allocator.pins().any() {
            return pin::refusal();
        }
        Error::new(ErrorKind::ValueTooLarge, "the entry is larger than its ring; raise the capacity")
    }

    /// The tail went round and round, though nothing was kept any more.
    #[cold]
    fn no_end(&self) -> Error {
        if self.allocator.pins().any() {
            return pin::refusal();
        }
        Error::damaged("a ring of the cache has no end of entries; run `samovar check`")
    }

    /// Reclaims a little ahead of need, in proportion to what is appended. It comes before the change that will commit how far
    /// the tail has come.
    pub(crate) fn walk(&mut self, ring: Ring, appended: u64) -> Result<()> {
        if ring == Ring::Main {
            self.allocator.move_small_end();
        }
        let writes = eviction::writes_per_walk(&self.allocator.bounds, appended);
        if !self.allocator.tx.metadata().version().is_multiple_of(writes) {
            return Ok(());
        }
        let appended = appended.saturating_mul(writes);
        let (metadata, bounds) = (self.allocator.tx.metadata(), &self.allocator.bounds);
        let mut left = eviction::walk_after(metadata, bounds, ring, appended);
        while left > 0 && !self.allocator.tx.metadata().is_empty(ring) {
            left = left.saturating_sub(self.reclaim_batch(ring, left)?.max(1));
        }
        self.prefetch_tail(ring);
        Ok(())
    }

    /// Prefetches the entries at the tail, for the next walk.
    fn prefetch_tail(&self, ring: Ring) {
        let shard = self.allocator.shard();
        if shard.geometry.index_bytes_per_shard() < INDEX_OUT_OF_CACHE {
            return;
        }
        let tail = self.allocator.tx.metadata().tail(ring).offset();
        for line in 0..LINES_AHEAD {
            shard.log.prefetch(tail + line * UNITS_PER_LINE);
        }
    }

    /// The walk along all of a ring.
    fn log_walk(&self, ring: Ring) -> LogWalk<'a> {
        let (metadata, reach) = (self.allocator.tx.metadata(), self.allocator.bounds.reach(ring));
        let stretch = Stretch { ring, from: metadata.tail(ring), to: metadata.head(ring) };
        LogWalk::new(self.allocator.shard().log, reach, stretch)
    }

    /// Passes one entry at the tail; or else the dead units there, up to so many. Returns how many units that was.
    pub(crate) fn reclaim(&mut self, ring: Ring, most: u64) -> Result<u64> {
        let mut walk = self.log_walk(ring);
        let passed = match walk.step()? {
            Met::Entry(entry) => {
                self.reclaim_entry(entry)?;
                return Ok(entry.header.units());
            }
            Met::Dead(units) | Met::Filler(units) => units + walk.pass_dead(most.saturating_sub(units))?,
            Met::Lap => 1,
            Met::End | Met::Damaged => return Err(damaged()),
        };
        self.allocator.tx.pass_tail(ring, walk.at());
        Ok(passed)
    }

    fn reclaim_entry(&mut self, entry: Located) -> Result<()> {
        let shard = self.allocator.shard();
        let hash = shard.hash_at(entry.offset(), entry.header)?;
        let Some(found) = shard.index.find_entry(hash, entry.ring, entry.at)? else {
            self.allocator.tx.pass_tail(entry.ring, entry.end());
            return Ok(());
        };
        let live = Live { entry, hash, found };
        let is_gone = self.is_gone(entry.offset(), entry.header)?;
        if !is_gone && namespaces::is_over_limit(shard, entry)? {
            self.allocator.tx.count_eviction(entry.offset(), entry.header)?;
            return self.allocator.tx.release_at_tail(live.victim(Slot::EMPTY));
        }
        let policy = EvictionPolicy::new(self.allocator.tx.metadata(), &self.allocator.bounds);
        let verdict = self.verdict(&policy, live)?;
        self.execute(live, verdict)
    }

    #[inline(always)]
    fn verdict(&self, policy: &EvictionPolicy, Live { entry, found, .. }: Live) -> Result<Verdict> {
        let candidate = Candidate {
            ring: entry.ring,
            units: entry.header.units(),
            freq: found.slot.freq(),
            expired: self.is_gone(entry.offset(), entry.header)?,
        };
        let main_live = self.allocator.tx.metadata().live(Ring::Main);
        Ok(match policy.verdict(main_live, candidate, self.moves) {
            Verdict::Move { .. } if self.is_pressed => Verdict::Ghost,
            verdict => verdict,
        })
    }

    fn execute(&mut self, live: Live, verdict: Verdict) -> Result<()> {
        let entry = live.entry;
        match verdict {
            Verdict::Move { freq } => self.move_to_main(live, freq),
            Verdict::Drop => self.allocator.tx.release_at_tail(live.victim(Slot::EMPTY)),
            Verdict::Ghost => {
                self.allocator.tx.count_eviction(entry.offset(), entry.header)?;
                let ghost = self.allocator.tx.ghost(live.hash, entry.ring);
                self.allocator.tx.release_at_tail(live.victim(ghost))
            }
        }
    }

    /// Passes a batch at the tail: up to so many units, and as many entries as a batch can have. Returns how many units
    /// that was.
    ///
    /// Their buckets are all prefetched first, so that the waits overlap. Victims that follow one another go in one
    /// change.
    fn reclaim_batch(&mut self, ring: Ring, most: u64) -> Result<u64> {
        let candidates = self.candidates(ring, most)?;
        if candidates.to == candidates.from {
            return self.reclaim(ring, most);
        }
        let shard = self.allocator.shard();
        let mut bounds = self.allocator.bounds;
        let mut policy = EvictionPolicy::new(self.allocator.tx.metadata(), &bounds);
        let mut batch = Batch::NONE;
        for &(entry, hash) in candidates.list() {
            let Some(found) = shard.index.find_entry(hash, ring, entry.at)? else {
                if shard.hash_at(entry.offset(), entry.header)? == hash {
                    continue;
                }
                return Err(damaged());
            };
            let live = Live { entry, hash, found };
            let verdict = self.verdict(&policy, live)?;
            if verdict == Verdict::Ghost {
                if batch.is_empty() {
                    // The batch lies between two committed tails: this is the first.
                    // canary: batch between
                    self.allocator.tx.commit_moves();
                }
                let ghost = self.allocator.tx.add_to_batch(entry, hash);
                batch.add(live.victim(ghost));
                continue;
            }
            self.release(ring, &mut batch)?;
            self.execute(live, verdict)?;
            if self.allocator.tx.metadata().tail(ring) != entry.end() {
                // It had to make room in this very ring.
                return Ok(entry.end().offset() - candidates.from.offset());
            }
            if ring == Ring::Small || self.allocator.bounds != bounds {
                bounds = self.allocator.bounds;
                policy = EvictionPolicy::new(self.allocator.tx.metadata(), &bounds);
            }
        }
        self.release(ring, &mut batch)?;
        if self.allocator.tx.metadata().tail(ring) != candidates.to {
            self.allocator.tx.pass_tail(ring, candidates.to);
        }
        Ok(candidates.units())
    }

    fn release(&mut self, ring: Ring, batch: &mut Batch) -> Result<()> {
        if !batch.is_empty() {
            self.allocator.tx.release_batch(ring, batch.changes(), batch.to())?;
            batch.empty();
        }
        Ok(())
    }

    /// The candidates at the tail, and how far they and the dead units between them reach. All of it is within one lap,
    /// and no entry needs more than its verdict.
    fn candidates(&self, ring: Ring, most: u64) -> Result<Candidates> {
        let (shard, mut walk) = (self.allocator.shard(), self.log_walk(ring));
        let mut candidates = Candidates::from(walk.at());
        while candidates.has_room() {
            walk.pass_dead(most.saturating_sub(candidates.units()))?;
            candidates.to = walk.at();
            if candidates.units() >= most {
                break;
            }
            match walk.step()? {
                Met::Entry(entry) if !entry.header.extras().has(Extras::NAMESPACE) => {
                    let hash = shard.likely_hash_at(entry.offset(), entry.header)?;
                    shard.index.prefetch_of(hash);
                    candidates.add(entry, hash);
                }
                _ => break,
            }
            candidates.to = walk.at();
        }
        Ok(candidates)
    }

    /// Appends the entry at a tail to the main ring; without room there, it evicts the entry after all.
    fn move_to_main(&mut self, live: Live, freq: u64) -> Result<()> {
        let entry = live.entry;
        let units = entry.header.units();
        self.moves += 1;
        let place = match entry.ring {
            Ring::Small => match self.make_room(Ring::Main, units) {
                Err(error) if error.kind() == ErrorKind::Pinned => None,
                place => Some(place?),
            },
            Ring::Main => self.allocator.place(Ring::Main, units)?,
        };
        let Some(place) = place else {
            self.allocator.tx.count_eviction(entry.offset(), entry.header)?;
            return self.allocator.tx.release_at_tail(live.victim(Slot::EMPTY));
        };
        let resealed = self.resealed(entry, place)?;
        self.prefault(place.at, units);
        let new = Slot::live(live.hash, Ring::Main, place.at, freq);
        self.allocator.tx.relocate(live.victim(new), place, resealed.as_ref())?;
        if entry.ring == Ring::Small { self.walk(Ring::Main, units) } else { Ok(()) }
    }

    /// The preface of a sealed entry that moves. A seal is right in one place only, so it is made anew; a broken seal
    /// stays broken.
    fn resealed(&self, entry: Located, place: Place) -> Result<Option<Preface>> {
        let shard = self.allocator.shard();
        let Some(sealer) = shard.seal_key else { return Ok(None) };
        let (log, offset, header) = (shard.log, entry.offset(), entry.header);
        let (mut key, mut value) = (Vec::new(), Vec::new());
        log.append_key(offset, header, &mut key)?;
        log.append_value(offset, header, &mut value)?;
        let preface = log.preface(offset, header)?;
        let content = sealer.content(KeyValue { key: &key, value: &value });
        if !sealer.is_whole(entry.home(), header, &preface, content) {
            return Ok(None);
        }
        let home = Home { ring: Ring::Main, at: place.at };
        Ok(Some(preface.sealed_with(sealer.seal(home, header, &preface, content))))
    }
}

#[cold]
fn damaged() -> Error {
    Error::damaged("the cache's log is damaged at a ring's tail; run `samovar check`")
}
