//! Bringing a shard's accounts in order: what a dead writer left half done is finished or undone, and what makes no sense
//! is emptied. Repeating any of it changes nothing.

use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Repair};
use crate::file::namespace::AccountChanges;
use crate::format::entry::Mark;
use crate::format::hash::KeyHash;
use crate::format::position::{HALF_OF_ALL_LAPS, Position};
use crate::format::ring::{Ends, RINGS, Ring};
use crate::format::slot::Slot;
use crate::shard::bounds::Bounds;
use crate::shard::index::Numbered;
use crate::shard::log_walk::{Located, LogWalk, Met, Stretch};
use crate::shard::metadata::{Change, Kind, Metadata, RingState, Selector};
use crate::shard::view::Shard;

/// Brings the metadata in order, whatever repair that needs. The caller holds the writer lock.
pub(crate) fn repair(shard: Shard<'_>) -> Result<()> {
    let metadata = match Selector::load(shard.head) {
        Selector::Committed(copy) => Metadata::read(shard.head, copy),
        // canary: repair
        Selector::Prepared(copy) => finish_or_undo(shard, copy)?,
    };
    if !is_sound(&shard.bounds(), &metadata, shard.load_frontiers()) {
        reset(shard)?;
    }
    Ok(())
}

/// The present accounts, without a repair: for a handle that may not write. A prepared change has happened if its slot
/// says so. A shard that is half emptied has none.
pub(crate) fn outlook(shard: Shard<'_>) -> Result<Metadata> {
    let selector = Selector::load(shard.head);
    if let Selector::Prepared(copy) = selector {
        let next = Metadata::read(shard.head, copy);
        if next.kind == Kind::Sure {
            return Ok(next);
        }
        if next.kind == Kind::Clear {
            return Err(Error::new(
                ErrorKind::Busy,
                "a shard is being emptied, or a process died while it did that; open the cache for writing once",
            ));
        }
        if next.kind == Kind::Batch {
            // canary: batch seen
            return half_done_batch(shard, &Metadata::read(shard.head, 1 - copy), next);
        }
        let number = next.change.slot;
        if number < shard.geometry.slots_per_shard() && shard.index.load(number)?.same_entry(next.change.new)
        {
            return Ok(next);
        }
    }
    Ok(Metadata::read(shard.head, selector.committed()))
}

/// The metadata in the middle of a batch: entries that slots still name are not gone yet.
fn half_done_batch(shard: Shard<'_>, before: &Metadata, next: Metadata) -> Result<Metadata> {
    let Some(stretch) = batch_between(before, &next) else { return Ok(*before) };
    let mut metadata = next;
    metadata.ring_mut(stretch.ring).tail = stretch.from;
    for_each_live(shard, stretch, |live| {
        metadata.link(stretch.ring, live.entry.header.footprint());
        Ok(())
    })?;
    Ok(metadata)
}

/// The accounts of namespaces after a prepared change, as `metadata` expects it.
pub(crate) fn outlook_on_spaces(shard: Shard<'_>, metadata: &Metadata) -> Result<AccountChanges> {
    match Selector::load(shard.head) {
        Selector::Prepared(copy) if Metadata::read(shard.head, copy) == *metadata => {
            shard.accounts().read_redo(metadata.accounts)
        }
        _ => Ok(AccountChanges::default()),
    }
}

/// Can this be the metadata of a shard with these bounds? See [`Bounds::allow`].
#[inline(always)]
pub(crate) fn is_sound(bounds: &Bounds, metadata: &Metadata, frontiers: [Position; 2]) -> bool {
    let ends = |ring| Ends { head: metadata.ring(ring).head, tail: metadata.ring(ring).tail };
    bounds.allow(frontiers, ends)
}

/// One change was in flight when its writer died. If its slot has changed, the change happened; else it did not, and the
/// bytes it may have been writing are skipped for good. One that empties slots is gone on with.
fn finish_or_undo(shard: Shard<'_>, prepared: usize) -> Result<Metadata> {
    let next = Metadata::read(shard.head, prepared);
    let before = Metadata::read(shard.head, 1 - prepared);
    let slots = shard.geometry.slots_per_shard();
    let (frontiers, bounds) = (shard.load_frontiers(), shard.bounds());
    let sound = is_sound(&bounds, &next, frontiers) && is_sound(&bounds, &before, frontiers);
    if next.change.slot >= slots || !sound {
        return reset(shard);
    }
    let has_happened = match next.kind {
        Kind::Sure => true,
        Kind::Slot => shard.index.load(next.change.slot)?.same_entry(next.change.new),
        Kind::Clear => {
            empty_slots(shard)?;
            shard.accounts().clear()?;
            true
        }
        // canary: batch finished
        Kind::Batch if !finish_batch(shard, &before, &next)? => return reset(shard),
        Kind::Batch => true,
    };
    if !has_happened {
        return undo(shard, &before, &next);
    }
    if next.kind != Kind::Clear {
        shard.accounts().apply(&shard.accounts().read_redo(next.accounts)?)?;
    }
    Selector::Committed(prepared).store(shard.head);
    event::repaired(Repair::Finished, next.change.slot);
    Ok(next)
}

/// Empties the slots that a batch has not come to; false if the bytes there are no entries.
fn finish_batch(shard: Shard<'_>, before: &Metadata, next: &Metadata) -> Result<bool> {
    let Some(stretch) = batch_between(before, next) else { return Ok(false) };
    let clock = next.ghost_clocks[stretch.ring as usize];
    for_each_live(shard, stretch, |BatchEntry { hash, found, .. }| {
        let ghost = Slot::ghost(hash, stretch.ring, clock);
        shard.index.exchange(Change { slot: found.number, old: found.slot, new: ghost })
    })
}

/// A live entry of a batch.
struct BatchEntry {
    entry: Located,
    hash: KeyHash,
    found: Numbered,
}

/// The stretch between the tails of two states; none if it is not within one ring's lap.
fn batch_between(before: &Metadata, next: &Metadata) -> Option<Stretch> {
    let moved = |ring: &Ring| before.ring(*ring).tail != next.ring(*ring).tail;
    let mut moved = RINGS.into_iter().filter(moved);
    let ring = moved.next().filter(|_| moved.next().is_none())?;
    let (from, to) = (before.ring(ring).tail, next.ring(ring).tail);
    (from.lap() == to.lap() && from.offset() < to.offset()).then_some(Stretch { ring, from, to })
}

/// Hands out every entry of a batch that a slot still names; false, and no more of them, where it meets damage.
fn for_each_live(
    shard: Shard<'_>,
    stretch: Stretch,
    mut each: impl FnMut(BatchEntry) -> Result<()>,
) -> Result<bool> {
    let mut walk = LogWalk::new(shard.log, shard.bounds().reach(stretch.ring), stretch);
    loop {
        match walk.step()? {
            Met::End => return Ok(true),
            Met::Damaged | Met::Lap => return Ok(false),
            Met::Dead(_) | Met::Filler(_) => {}
            Met::Entry(entry) => {
                let hash = shard.hash_at(entry.offset(), entry.header)?;
                if let Some(found) = shard.index.find_entry(hash, entry.ring, entry.at)? {
                    each(BatchEntry { entry, hash, found })?;
                }
            }
        }
    }
}

/// The change did not happen. Its writer may have died while it wrote between the heads, so those bytes are skipped.
fn undo(shard: Shard<'_>, before: &Metadata, next: &Metadata) -> Result<Metadata> {
    let bounds = shard.bounds();
    let mut plugged = *before;
    for ring in RINGS {
        let written = Stretch { ring, from: before.ring(ring).head, to: next.ring(ring).head };
        // canary: plug
        plug(shard, bounds.span(ring).start, written)?;
        plugged.ring_mut(ring).head = written.to;
    }
    plugged.change = Change::NONE;
    (plugged.kind, plugged.accounts) = (Kind::Slot, 0);
    plugged.commit(shard.head);
    event::repaired(Repair::Undone, next.change.slot);
    Ok(plugged)
}

/// Makes a walk skip the bytes between two heads. The filler is as long as the entry that was being written there, so a
/// walk is right with either of the two headers. A lap that it began, began at `start`.
fn plug(shard: Shard<'_>, start: u64, written: Stretch) -> Result<()> {
    let Stretch { from, to, .. } = written;
    let mut at = from;
    if to.lap() != from.lap() {
        shard.log.put_mark(from.offset(), Mark::wrap_word(start))?;
        at = from.wrap(start);
    }
    while at.offset() < to.offset() {
        let units = u32::try_from(to.offset() - at.offset()).unwrap_or(u32::MAX);
        shard.log.put_mark(at.offset(), Mark::filler_word(units))?;
        at = at.advance(u64::from(units));
    }
    Ok(())
}

/// Empties every slot. Only frequency bumps of readers may come between. Any other change means that the lock was lost.
pub(crate) fn empty_slots(shard: Shard<'_>) -> Result<()> {
    for number in 0..shard.geometry.slots_per_shard() {
        let word = shard.index.word(number)?;
        let mut seen = Slot::from_word(word.load());
        while !seen.is_empty() {
            match word.compare_exchange(seen.word(), Slot::EMPTY.word()) {
                Ok(_) => break,
                Err(found) if Slot::from_word(found).same_entry(seen) => seen = Slot::from_word(found),
                Err(_) => {
                    return Err(Error::new(
                        ErrorKind::Busy,
                        "the shard was taken over while it was being emptied; empty it again",
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Empties the shard in place. Every position moves two laps on. The frontiers go first, so no read that began before
/// can pass. A death in the middle leaves frontiers ahead of tails, and the next writer starts over.
pub(crate) fn reset(shard: Shard<'_>) -> Result<Metadata> {
    let found = shard.bounds();
    let bounds =
        if found.are_sound() { found } else { Bounds::new(shard.geometry, shard.size_record()?.units) };
    reset_within(shard, &bounds)
}

/// The same, with rings that meet and end where these bounds say.
pub(crate) fn reset_within(shard: Shard<'_>, bounds: &Bounds) -> Result<Metadata> {
    let selector = Selector::load(shard.head);
    let copies = [Metadata::read(shard.head, 0), Metadata::read(shard.head, 1)];
    let frontiers = shard.load_frontiers();
    let rings = RINGS.map(|ring| {
        let frontier = frontiers[ring as usize];
        let heads = copies.map(|metadata| metadata.ring(ring).head.laps_ahead_of(frontier));
        // Of a head that is damaged nobody knows whether it is ahead or behind.
        let laps = heads.into_iter().filter(|laps| *laps < HALF_OF_ALL_LAPS).fold(0, u64::max);
        let at = Position::new(frontier.lap().wrapping_add(laps + 2), bounds.span(ring).start);
        shard.move_frontier(ring, at);
        RingState { head: at, tail: at, live: 0, entries: 0 }
    });
    bounds.store(shard.head);
    // Full fence. Its partner in `Validation::end` is an acquire fence: the frontiers are seen before any slot or byte
    // changes. Its partner in `Pins::hold` is a full one: either a pin is seen, or its reader sees the frontiers.
    samovar_mmap::fence_full();
    for number in 0..shard.geometry.slots_per_shard() {
        let word = shard.index.word(number)?;
        if word.load() != Slot::EMPTY.word() {
            word.store(Slot::EMPTY.word());
        }
    }
    shard.accounts().clear()?;
    let held = &copies[selector.committed()];
    let metadata = Metadata {
        rings,
        payload: 0,
        evictions: held.evictions,
        ghost_clocks: held.ghost_clocks,
        kind: Kind::Slot,
        accounts: 0,
        change: Change::NONE,
        resets: held.resets.wrapping_add(1),
        version: copies[0].version.max(copies[1].version).wrapping_add(VERSIONS_SKIPPED),
    };
    metadata.commit(shard.head);
    event::reset(held.entries(), metadata.resets);
    Ok(metadata)
}

/// A reset may follow a loss of the newest accounts. Versions that were given out before it must not be given out
/// again.
pub(crate) const VERSIONS_SKIPPED: u64 = 1 << 24;

/// The accounts of a shard that has never been written.
pub(crate) fn format(shard: Shard<'_>) {
    let bounds = Bounds::new(shard.geometry, shard.geometry.units());
    let rings = RINGS.map(|ring| {
        let at = Position::new(0, bounds.span(ring).start);
        shard.frontier(ring).store(at.word());
        RingState { head: at, tail: at, live: 0, entries: 0 }
    });
    let metadata = Metadata { rings, ..Metadata::EMPTY };
    bounds.store(shard.head);
    metadata.write(shard.head, 0);
    Selector::Committed(0).store(shard.head);
}
