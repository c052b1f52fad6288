//! What a process does while it holds a shard's writer lock.
//!
//! Every change of a slot goes through [`Writer::commit`]: the metadata that will hold is written beside the one that does,
//! the bytes are copied, the slot is exchanged (the commit point), and the new metadata holds. A death between any two of
//! these stores is decided by the slot alone; see [`crate::shard::metadata`].

use crate::error::{Error, ErrorKind, Result};
use crate::file::clock::Clock;
use crate::file::namespace::AccountChanges;
use crate::format::entry::{Extras, Header, Mark, Preface, Terms};
use crate::format::hash::{KeyHash, NamespaceWord};
use crate::format::position::Position;
use crate::format::ring::{Place, Ring};
use crate::format::seal::{Home, Sealer};
use crate::format::slot::Slot;
use crate::policy::append_window::AppendWindow;
use crate::policy::eviction;
use crate::repair::recover::{self, Settled};
use crate::shard::bounds::Bounds;
use crate::shard::index::Numbered;
use crate::shard::lease::Leases;
use crate::shard::log::Log;
use crate::shard::metadata::{Change, Kind, Metadata, Selector};
use crate::shard::pin::{Extent, IsDead};
use crate::shard::shard::Shard;
use crate::shard::stretch::Located;
use crate::write::alteration::Current;

/// One shard, held by its writer lock.
pub(crate) struct Writer<'a> {
    pub(crate) shard: Shard<'a>,
    /// The accounts, as they will be once the change at hand has happened; tails may be ahead of the copy in the file.
    pub(crate) metadata: Metadata,
    /// Which copy in the file holds.
    pub(crate) committed: usize,
    /// A change was pending when the accounts were read.
    is_prepared: bool,
    /// Tails have moved since the copy in the file was written.
    pub(crate) unsettled: bool,
    /// The frontiers in the file.
    pub(crate) frontiers: [Position; 2],
    /// The bounds in the file.
    pub(crate) bounds: Bounds,
    pub(crate) clock: &'a Clock<'a>,
    /// What it asks of its process.
    pub(crate) process: Process<'a>,
    /// Everything that lives was passed in vain, since it fills the ring but for too little, or pins have cut it to pieces: what
    /// is drained now is not kept.
    pub(crate) is_pressed: bool,
    /// The ghost of the key that is written, if it has no entry.
    ghost: Option<Numbered>,
    /// Entries moved by the write at hand.
    pub(crate) moves: u32,
    /// The namespace that is written to, in the epoch that this write belongs to.
    pub(crate) own: NamespaceWord,
    /// What becomes of accounts of namespaces with the change at hand.
    pub(crate) accounts: AccountChanges,
}

/// What a writer asks of the process that it is in.
#[derive(Clone, Copy)]
pub(crate) struct Process<'a> {
    /// Whether the owner of a pin has died.
    pub(crate) is_dead: IsDead<'a>,
    /// That a stretch of the shard's data area be made ready for what is about to be written there.
    pub(crate) prepare: &'a dyn Fn(Extent),
}

/// What is to be stored.
#[derive(Clone, Copy)]
pub(crate) struct Item<'v> {
    pub(crate) hash: KeyHash,
    pub(crate) key: &'v [u8],
    pub(crate) value: &'v [u8],
    pub(crate) terms: Terms,
    /// The version of the value that this one repeats; none for a new value.
    pub(crate) version: Option<u32>,
}

impl Item<'_> {
    #[inline(always)]
    pub(crate) fn header(&self, more: Extras) -> Result<Header> {
        let too_long = |_| Error::new(ErrorKind::KeyTooLong, "keys are at most 65,535 bytes long");
        let too_large =
            |_| Error::new(ErrorKind::ValueTooLarge, "values are at most 4,294,967,295 bytes long");
        let key_len = u16::try_from(self.key.len()).map_err(too_long)?;
        let value_len = u32::try_from(self.value.len()).map_err(too_large)?;
        Ok(Header::new(key_len, value_len, self.terms.extras().with(more)))
    }
}

impl<'a> Writer<'a> {
    /// One that has yet to [begin](Self::begin): it has only read the shard's accounts.
    #[inline(always)]
    pub(crate) fn new(shard: Shard<'a>, clock: &'a Clock<'a>, process: Process<'a>) -> Self {
        let selector = Selector::load(shard.head);
        let committed = selector.committed();
        Writer {
            shard,
            metadata: Metadata::read(shard.head, committed),
            committed,
            is_prepared: selector != Selector::Committed(committed),
            unsettled: false,
            frontiers: shard.load_frontiers(),
            bounds: shard.bounds(),
            clock,
            process,
            is_pressed: false,
            ghost: None,
            moves: 0,
            own: NamespaceWord::DEFAULT,
            accounts: AccountChanges::default(),
        }
    }

    /// Takes the shard's accounts up, finishing or undoing what a dead writer left. The caller holds the writer lock.
    #[inline(always)]
    pub(crate) fn begin(&mut self) -> Result<()> {
        AppendWindow::close(self.shard.head);
        if self.is_in_order() { Ok(()) } else { self.repair() }
    }

    /// Is nothing of the shard's accounts to be repaired?
    #[inline(always)]
    pub(crate) fn is_in_order(&self) -> bool {
        !self.is_prepared && self.is_sound()
    }

    #[inline(never)]
    fn is_sound(&self) -> bool {
        recover::is_sound(&self.bounds, &self.metadata, self.frontiers)
    }

    #[cold]
    fn repair(&mut self) -> Result<()> {
        let Settled { metadata, committed, frontiers, bounds } = recover::settle(self.shard)?;
        (self.metadata, self.committed, self.frontiers, self.bounds) =
            (metadata, committed, frontiers, bounds);
        Ok(())
    }

    pub(crate) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Stores the item, evicting what has to go.
    #[inline]
    pub(crate) fn set(&mut self, item: &Item<'_>) -> Result<()> {
        if self.own.is_default() { self.set_within(item) } else { self.set_in_namespace(item) }
    }

    #[inline(always)]
    fn set_within(&mut self, item: &Item<'_>) -> Result<()> {
        let header = item.header(self.shard.extras())?;
        let units = header.units();
        Leases::of(self.shard).void(item.hash)?;

        // By its tag alone: to be wrong once in some thousands would change a ring, and nothing else. What was asked for
        // comes while room is made; and that may move or evict the key's entry, which is looked for after it.
        let seen = self.shard.foresee(item.hash)?;
        let ring = self.ring_for(item.hash, seen, units)?;
        self.walk(ring, units)?;
        let (ring, place) = self.make_room_somewhere(ring, units)?;
        let (target, old, freq) = match self.shard.find(item.hash, item.key)? {
            Some((found, old)) => (found, Some(old), found.slot.freq()),
            None => self.take_slot(item.hash).map(|(target, old)| (target, old, 0))?,
        };
        if let Some(old) = old {
            self.unlink(target.slot, old)?;
        }
        let (head, log) = (self.metadata.ring(ring).head, self.shard.log);
        (self.process.prepare)(Extent { offset: place.at.offset(), units });
        self.link(Located { ring, at: place.at, header }, self.own)?;
        self.metadata.ring_mut(ring).head = place.at.advance(units);
        self.metadata.version = self.metadata.version.wrapping_add(1);
        let new = Slot::live(item.hash, ring, place.at, freq);
        let (seal_key, version) = (self.shard.seal_key, item.version.unwrap_or(self.metadata.version()));
        self.commit(Change { slot: target.number, old: target.slot, new }, || {
            mark_wrap(log, head, place)?;
            if header.extras().is_none() {
                return log.put_plain(place.at.offset(), header, version, [item.key, item.value]);
            }
            let located = Located { ring, at: place.at, header };
            let preface = Preface { terms: item.terms, seal: None, version };
            let preface = sealed(seal_key, located, preface, [item.key, item.value]);
            log.put_entry(place.at.offset(), header, &preface, [item.key, item.value])
        })?;
        self.shard.count_stored();
        match old {
            Some(old) => self.bury(target.slot, old),
            None => Ok(()),
        }
    }

    /// A slot for a new key; what lived in it, if both its buckets are full, has to go.
    fn take_slot(&mut self, hash: KeyHash) -> Result<(Numbered, Option<Header>)> {
        // The key's own ghost, so that it does not linger. Draining changes live slots alone.
        let target = match self.ghost {
            Some(ghost) => ghost,
            None => self.shard.index.vacancy(hash, self.metadata.ghost_clocks)?,
        };
        if !target.slot.is_live() {
            return Ok((target, None));
        }
        let old = self.shard.header_of(target.slot)?;
        self.count_eviction(target.slot.offset(), old)?;
        Ok((target, Some(old)))
    }

    #[inline(never)]
    fn set_in_namespace(&mut self, item: &Item<'_>) -> Result<()> {
        let mut item = *item;
        item.terms.namespace = Some(self.own.word());
        self.make_share(&item)?;
        self.set_within(&item)
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
        let ring = found.slot.ring();
        let home = Home { ring, at: self.frontiers[ring as usize].ahead(found.slot.low()) };
        let whole = self.shard.is_whole(home, header, &preface, [key, &value]);
        Ok(whole.then_some(Current { preface, value }))
    }

    /// Forgets the key; true if a live entry was there.
    pub(crate) fn remove(&mut self, hash: KeyHash, key: &[u8]) -> Result<bool> {
        Leases::of(self.shard).void(hash)?;
        let Some((found, header)) = self.shard.find(hash, key)? else { return Ok(false) };
        let gone = header.extras().has(Extras::ABSENT) || self.is_gone(found.slot.offset(), header)?;
        self.unlink(found.slot, header)?;
        self.commit(Change { slot: found.number, old: found.slot, new: Slot::EMPTY }, || Ok(()))?;
        self.bury(found.slot, header)?;
        Ok(!gone)
    }

    /// Is the entry of no more use to anybody?
    pub(crate) fn is_gone(&self, offset: u64, header: Header) -> Result<bool> {
        let expired = header.extras().has(Extras::EXPIRY)
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
    #[inline]
    fn ring_for(&mut self, hash: KeyHash, known: Option<Slot>, units: u64) -> Result<Ring> {
        let span = self.bounds.span_for(Ring::Small, units);
        if units > span.units() / 2 || known.is_some_and(|slot| slot.ring() == Ring::Main) {
            return Ok(Ring::Main);
        }
        let small = self.metadata.ring(Ring::Small);
        if span.place(small.head, small.tail, units).is_none() && self.has_main_room(units) {
            return Ok(Ring::Main);
        }
        if known.is_some() {
            return Ok(Ring::Small);
        }
        self.ghost = self.shard.index.find_ghost(hash)?;
        let Some(ghost) = self.ghost else { return Ok(Ring::Small) };
        if eviction::is_regretted(&self.metadata, ghost.slot) && !self.has_main_room(units) {
            self.target(ghost.slot.ring(), units);
        }
        let earned = eviction::has_earned_main(&self.metadata, ghost.slot);
        Ok(if earned { Ring::Main } else { Ring::Small })
    }

    fn has_main_room(&self, units: u64) -> bool {
        eviction::has_main_room(&self.metadata, &self.bounds, units)
    }

    /// The ring would still have the key, were it a little larger: it shall be, by as much as the key's entry takes.
    fn target(&mut self, ring: Ring, units: u64) {
        self.bounds.target = match ring {
            Ring::Small => self.bounds.small_target() + units,
            Ring::Main => self.bounds.small_target().saturating_sub(units),
        };
        self.bounds.target = self.bounds.small_target().max(eviction::least_small(&self.metadata));
        self.bounds.store(self.shard.head);
    }

    /// AccountChanges one slot, and the accounts with it: those in hand are what they become. `copy` writes the bytes that the new
    /// slot names.
    #[inline]
    pub(crate) fn commit(&mut self, change: Change, copy: impl FnOnce() -> Result<()>) -> Result<()> {
        (self.metadata.kind, self.metadata.change) = (Kind::Slot, change);
        let spare = self.announce()?;
        copy()?;
        self.shard.index.exchange(change)?;
        self.settle_accounts()?;
        self.hold(spare);
        Ok(())
    }

    /// Writes the accounts that are to hold beside those that do; which copy they are.
    #[inline]
    pub(crate) fn announce(&mut self) -> Result<usize> {
        self.metadata.accounts = self.shard.accounts().write_redo(&self.accounts)?;
        let spare = 1 - self.committed;
        self.metadata.write(self.shard.head, spare);
        Selector::Prepared(spare).store(self.shard.head);
        Ok(spare)
    }

    /// What was announced has happened.
    #[inline]
    pub(crate) fn hold(&mut self, copy: usize) {
        Selector::Committed(copy).store(self.shard.head);
        (self.committed, self.unsettled) = (copy, false);
    }

    /// Writes down tails that have moved, without changing a slot.
    pub(crate) fn settle(&mut self) {
        if self.unsettled {
            let spare = 1 - self.committed;
            (self.metadata.kind, self.metadata.accounts, self.metadata.change) =
                (Kind::Slot, 0, Change::NONE);
            self.metadata.write(self.shard.head, spare);
            self.hold(spare);
        }
    }
}

/// The preface of an entry with the seal that it bears at this place, in a file where entries bear one.
pub(crate) fn sealed(
    seal_key: Option<Sealer<'_>>,
    entry: Located,
    preface: Preface,
    parts: [&[u8]; 2],
) -> Preface {
    let Some(seal_key) = seal_key else { return preface };
    preface.sealed_with(seal_key.seal(entry.home(), entry.header, &preface, seal_key.content(parts)))
}

/// Tells a walk that the lap ends here, at the head, and where the next one begins.
#[inline]
pub(crate) fn mark_wrap(log: Log<'_>, head: Position, place: Place) -> Result<()> {
    if place.wraps {
        log.put_mark(head.offset(), Mark::wrap_word(place.at.offset()))?;
    }
    Ok(())
}
