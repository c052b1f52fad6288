//! What a process does while it holds a shard's writer lock: sets, removals, looks before either, and steps of a resize.
//!
//! ```text
//!   begin: in order? --no--> repaired
//!   set: plan --no reclaiming is needed--> transaction
//!          '--else: leases, namespaces; reclaimer --room--> plan --> transaction
//! ```

use crate::error::{Error, Result};
use crate::file::clock::Clock;
use crate::file::namespace::NamespaceId;
use crate::format::entry::{Extras, KeyValue};
use crate::format::hash::{KeyHash, NamespaceWord};
use crate::format::ring::{Ring, Span};
use crate::format::seal::Home;
use crate::format::slot::Slot;
use crate::policy::append_window::AppendWindow;
use crate::policy::eviction;
use crate::repair::recover;
use crate::shard::bounds::Bounds;
use crate::shard::index::Numbered;
use crate::shard::lease::Leases;
use crate::shard::locked::LockedShard;
use crate::shard::metadata::{Change, MetadataCopy, Selector};
use crate::shard::pin::IsDead;
use crate::shard::view::Shard;
use crate::write::allocator::{self, Allocator};
use crate::write::alteration::Current;
use crate::write::item::Item;
use crate::write::namespaces;
use crate::write::plan::{self, Known, Room};
use crate::write::reclaimer::Reclaimer;
use crate::write::shrink::{self, Progress};
use crate::write::transaction::Transaction;
use std::cell::Cell;

/// One shard, held by its writer lock.
pub(crate) struct Writer<'a> {
    reclaimer: Reclaimer<'a>,
}

/// What a writer needs from its process.
#[derive(Clone, Copy)]
pub(crate) struct ProcessContext<'a> {
    /// Whether the owner of a pin has died.
    pub(crate) is_dead: IsDead<'a>,
    /// That a stretch of the shard's data area be made ready for what is about to be written there.
    pub(crate) prefault: &'a dyn Fn(Span),
}

impl ProcessContext<'static> {
    /// What is asked by a writer that writes no entries, and so meets no pins.
    pub(crate) const IDLE: Self = ProcessContext { is_dead: &|_| Ok(false), prefault: &|_| () };
}

/// Stores the item, if that needs nothing else; else false, and nothing has happened. `prefault` makes a stretch of the data
/// area ready to be written.
#[inline(always)]
pub(crate) fn set_at_once(
    locked: &LockedShard<'_>,
    item: &Item<'_>,
    prefault: impl FnOnce(Span),
) -> Result<bool> {
    let Some(mut tx) = Transaction::begin(locked) else { return Ok(false) };
    let Some(append) = plan::at_once(tx.shard, tx.metadata(), item)? else { return Ok(false) };
    prefault(Span::of(append.place.at.offset(), append.footprint.units));
    tx.put(&append, item)?;
    Ok(true)
}

impl<'a> Writer<'a> {
    /// Takes the shard up, finishing or undoing what a dead writer left.
    #[inline(always)]
    pub(crate) fn begin(
        locked: &LockedShard<'a>,
        clock: &'a Clock<'a>,
        process: ProcessContext<'a>,
    ) -> Result<Self> {
        // canary: append window closed
        AppendWindow::close(locked.shard().head);
        if !is_in_order(locked) {
            repair(locked)?;
        }
        let tx = Transaction::begin(locked).ok_or_else(unstable)?;
        let allocator = Allocator::new(tx, process.is_dead);
        Ok(Writer { reclaimer: Reclaimer::new(allocator, clock, process.prefault) })
    }

    /// The write is to this namespace.
    pub(crate) fn enter(&mut self, namespace: NamespaceId) -> Result<()> {
        let own = namespaces::enter(self.tx(), namespace)?;
        self.reclaimer.enter(own);
        Ok(())
    }

    /// Is this write to this namespace, in this epoch?
    pub(crate) fn is_in(&self, namespace: NamespaceWord) -> bool {
        self.reclaimer.own() == namespace
    }

    fn shard(&self) -> &'a Shard<'a> {
        self.reclaimer.allocator.shard()
    }

    fn tx(&mut self) -> &mut Transaction<'a> {
        &mut self.reclaimer.allocator.tx
    }

    pub(crate) fn metadata(&self) -> MetadataCopy<'a> {
        self.reclaimer.allocator.tx.metadata()
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.reclaimer.allocator.bounds
    }

    /// Stores the item, evicting what has to go.
    pub(crate) fn set(&mut self, item: &Item<'_>) -> Result<()> {
        let own = self.reclaimer.own();
        if own.is_default() {
            return self.set_within(item);
        }
        let mut item = *item;
        item.terms.namespace = Some(own.word());
        namespaces::make_share(self.tx(), own, &item)?;
        self.set_within(&item)
    }

    fn set_within(&mut self, item: &Item<'_>) -> Result<()> {
        let shard = self.shard();
        let units = item.header(shard.extras())?.units();
        // canary: set voids
        Leases::of(*shard).void(item.hash)?;

        // It goes by the tag alone: to be wrong once in some thousands changes a ring, and nothing else. The prefetched
        // lines arrive while room is made. Making room may move or evict the key's entry, so it is looked for after
        // that.
        let seen = shard.foresee(item.hash)?;
        let (ring, ghost) = self.ring_for(item.hash, seen, units)?;
        self.reclaimer.walk(ring, units)?;
        let (ring, place) = self.reclaimer.make_room_somewhere(ring, units)?;
        let append = plan::with_room(shard, self.metadata(), item, Room { ring, place, ghost })?;
        self.reclaimer.prefault(place.at, units);
        self.tx().put(&append, item)
    }

    /// The ring that the item goes to, and the key's ghost, if that was looked for and found. A key that was evicted too soon
    /// moves the bounds.
    fn ring_for(
        &mut self,
        hash: KeyHash,
        seen: Option<Slot>,
        units: u64,
    ) -> Result<(Ring, Option<Numbered>)> {
        let ghost = match seen {
            None if !plan::is_large(self.bounds(), units) => self.shard().index.find_ghost(hash)?,
            _ => None,
        };
        let known = match (seen, ghost) {
            (Some(slot), _) => Known::Entry(slot.ring()),
            (None, Some(ghost)) => Known::Ghost(ghost.slot),
            (None, None) => Known::Nothing,
        };
        let metadata = self.metadata();
        let ring = plan::ring_for(metadata, self.bounds(), known, units).ring;
        if let Some(ghost) = ghost
            && eviction::is_regretted(metadata, ghost.slot)
            && !eviction::has_main_room(metadata, self.bounds(), units)
        {
            self.reclaimer.allocator.enlarge_target(ghost.slot.ring(), units);
        }
        Ok((ring, ghost))
    }

    /// What is stored for the key, if it may be given out.
    pub(crate) fn current(&self, hash: KeyHash, key: &[u8]) -> Result<Option<Current>> {
        let shard = self.shard();
        let Some((found, header)) = shard.find(hash, key)? else { return Ok(None) };
        let offset = found.slot.offset();
        let preface = shard.log.preface(offset, header)?;
        if preface.terms.absent || self.reclaimer.is_gone(offset, header)? {
            return Ok(None);
        }
        let mut value = Vec::new();
        shard.log.append_value(offset, header, &mut value)?;
        let ring = found.slot.ring();
        let home = Home { ring, at: self.reclaimer.allocator.frontier(ring).ahead(found.slot.low()) };
        let is_whole = shard.is_whole(home, header, &preface, KeyValue { key, value: &value });
        Ok(is_whole.then_some(Current { preface, value }))
    }

    /// Forgets the key; true if a live entry was there.
    pub(crate) fn remove(&mut self, hash: KeyHash, key: &[u8]) -> Result<bool> {
        let shard = self.shard();
        // canary: remove voids
        Leases::of(*shard).void(hash)?;
        let Some((found, header)) = shard.find(hash, key)? else { return Ok(false) };
        let is_gone =
            header.extras().has(Extras::ABSENT) || self.reclaimer.is_gone(found.slot.offset(), header)?;
        let change = Change { slot: found.number, old: found.slot, new: Slot::EMPTY };
        self.tx().release(change, header)?;
        self.tx().mark_dead(found.slot, header)?;
        Ok(!is_gone)
    }

    /// Forgets everything in the shard.
    pub(crate) fn clear(&mut self) -> Result<()> {
        self.tx().clear()
    }

    /// One step towards data of so many units; see [`shrink::approach`].
    pub(crate) fn approach(&mut self, units: u64, walked: &Cell<u64>) -> Result<Progress> {
        shrink::approach(&mut self.reclaimer, units, walked)
    }

    /// Has the data area nothing above this end, and do readers hold nothing there?
    pub(crate) fn has_left(&self, end: u64) -> Result<bool> {
        let bounds = self.bounds();
        // canary: pins beyond
        Ok(bounds.high_water == end
            && bounds.end == end
            && !self.reclaimer.allocator.is_pinned_beyond_end()?)
    }

    /// Sets the target of the boundary: this part of the data.
    #[cfg(feature = "inject")]
    pub(crate) fn set_target_percent(&mut self, percent: u64) {
        self.reclaimer.allocator.set_target_percent(percent);
    }
}

/// Is nothing of the shard to be repaired? A repair is a write.
#[inline(always)]
pub(crate) fn is_in_order(locked: &LockedShard<'_>) -> bool {
    let shard = locked.shard();
    match Selector::load(shard.head) {
        Selector::Committed(copy) => allocator::is_sound(shard, MetadataCopy::of(shard.head, copy)),
        Selector::Prepared(_) => false,
    }
}

#[cold]
fn repair(locked: &LockedShard<'_>) -> Result<()> {
    recover::repair(*locked.shard())?;
    if is_in_order(locked) { Ok(()) } else { Err(unstable()) }
}

/// A file that is cut short, or damaged, while it is repaired.
#[cold]
fn unstable() -> Error {
    Error::damaged("a shard of the cache does not stay as it was stored; run `samovar check`")
}
