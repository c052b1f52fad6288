//! The short way of most writes.
//!
//! A [`Writer`](crate::write::writer::Writer) is ready for all that a write may meet: what the dead left, tails to be drained, pins,
//! leases, namespaces, bounds that move. Most writes meet none of it. A key that has an entry, or a slot to take, and whose ring
//! has room at its head, needs the stores of one change and nothing else:
//!
//! ```text
//!   Committed(i), all in order --metadata 1-i, Prepared(1-i)--> bytes --> slot (the commit point) --> Committed(1-i) --> old entry marked
//!            '-- anything else: nothing is stored, and the writer sees to it
//! ```
//!
//! They are the writer's, in its order, so that whoever repairs them need not know which way they went.

use crate::error::Result;
use crate::format::entry::{Extras, Header, Preface};
use crate::format::position::Position;
use crate::format::ring::{RINGS, Ring};
use crate::format::slot::Slot;
use crate::policy::append_window::{AppendWindow, Surroundings};
use crate::policy::eviction;
use crate::shard::index::Numbered;
use crate::shard::lease::Leases;
use crate::shard::metadata::{self, Change, Delta, Metadata, MetadataCopy, Selector};
use crate::shard::pin::{Extent, Pins};
use crate::shard::shard::Shard;
use crate::shard::stretch::Located;
use crate::write::writer::{Item, sealed};

/// What the item is to replace.
struct Target {
    /// The key's slot, or one that it may take.
    slot: Numbered,
    /// The key's entry, if it has one.
    old: Option<Header>,
    /// Where the new one goes.
    ring: Ring,
}

/// What a look for the key's entry told.
enum Search {
    Found(Numbered, Header),
    Nothing,
    /// A slot that may be the key's names no entry: that is the writer's affair, which empties the shard.
    Damaged,
}

/// Stores the item, if nothing else is to be done; else false, and nothing has happened. The caller holds the writer lock;
/// `prepare` makes a stretch of the data area ready to be written.
#[inline(always)]
pub(crate) fn set(shard: &Shard<'_>, item: &Item<'_>, prepare: impl FnOnce(Extent)) -> Result<bool> {
    let Selector::Committed(committed) = Selector::load(shard.head) else { return Ok(false) };
    let (copy_in_file, spare) = (MetadataCopy::of(shard.head, committed), 1 - committed);
    let version = copy_in_file.version();
    if has_other_duties(shard, item) {
        return Ok(false);
    }
    // Where the entry will be written, that memory is on its way while the old one is looked for.
    for ring in RINGS {
        shard.log.prefetch(copy_in_file.ring(ring).head.offset());
    }
    let (header, append_window) = (item.header(shard.extras())?, AppendWindow::load(shard.head));
    let units = header.units();
    if !append_window.serves(version, units) && is_walk_due(shard, version, units) {
        return Ok(false);
    }
    let target = match find(shard, item)? {
        Search::Found(slot, old) => Some(Target { slot, old: Some(old), ring: slot.slot.ring() }),
        Search::Nothing => newcomer(shard, item, committed, units)?,
        Search::Damaged => None,
    };
    let Some(Target { slot: found, old, ring }) = target else { return Ok(false) };
    let (state, freq) = (copy_in_file.ring(ring), if old.is_some() { found.slot.freq() } else { 0 });
    let (old_units, old_payload) = old.map_or((0, 0), |old| (old.units(), old.payload()));
    let foreseen = match append_window.serves(version, units.max(old_units)) {
        true => append_window.place(ring, state.head, units),
        false => None,
    };
    let at = match foreseen {
        None => look_around(shard, copy_in_file, ring, [units, old_units]),
        at => at,
    };
    let Some(at) = at else { return Ok(false) };

    prepare(Extent { offset: at.offset(), units });
    let delta = Delta {
        ring,
        head: at.advance(units),
        live: state.live.saturating_sub(old_units).wrapping_add(units),
        entries: state.entries.wrapping_add(u64::from(old.is_none())),
        payload: copy_in_file.payload().saturating_sub(old_payload).wrapping_add(header.payload()),
        change: Change { slot: found.number, old: found.slot, new: Slot::live(item.hash, ring, at, freq) },
        version: version.wrapping_add(1),
    };
    MetadataCopy::of(shard.head, spare).apply(copy_in_file, &delta);
    Selector::Prepared(spare).store(shard.head);
    put(shard, Located { ring, at, header }, item, metadata::entry_version_of(delta.version))?;
    shard.index.exchange(delta.change)?;
    Selector::Committed(spare).store(shard.head);
    shard.count_stored();
    if let Some(old) = old {
        shard.log.put_mark(found.slot.offset(), old.dead_word())?;
    }
    Ok(true)
}

/// Is there anything that a writer would have to think of: namespaces, leases, pins? That some other namespace was
/// emptied, the next writer notes; and that a ring of a sealed file has gone far, the one whose write moves its frontier.
#[inline(always)]
fn has_other_duties(shard: &Shard<'_>, item: &Item<'_>) -> bool {
    !item.hash.namespace().is_default()
        || item.version.is_some()
        || Leases::of(*shard).any()
        || Pins::of(*shard).any()
}

/// The key's slot and entry, if it has one, and one of no namespace.
#[inline(always)]
fn find(shard: &Shard<'_>, item: &Item<'_>) -> Result<Search> {
    let (mut old, mut is_damaged) = (None, false);
    let found = shard.index.find(item.hash, |slot| {
        let Ok(header) = shard.header_of(slot) else {
            is_damaged = true;
            return Ok(true);
        };
        old = Some(header);
        Ok(!header.extras().has(Extras::NAMESPACE) && shard.log.has_key(slot.offset(), header, item.key)?)
    })?;
    Ok(match found.zip(old) {
        _ if is_damaged => Search::Damaged,
        Some((found, old)) => Search::Found(found, old),
        None => Search::Nothing,
    })
}

/// Where a new key goes, if that needs no more than a look at its buckets. Who was evicted too soon is the writer's affair, which
/// may move a bound for it.
#[inline(never)]
fn newcomer(shard: &Shard<'_>, item: &Item<'_>, committed: usize, units: u64) -> Result<Option<Target>> {
    let (metadata, bounds) = (&Metadata::read(shard.head, committed), &shard.bounds());
    let (span, small) = (bounds.span_for(Ring::Small, units), metadata.ring(Ring::Small));
    if units > span.units() / 2 {
        return Ok(None);
    }
    let is_full = span.place(small.head, small.tail, units).is_none();
    let ghost = shard.index.find_ghost(item.hash)?;
    let ring = match ghost {
        _ if is_full && !eviction::has_main_room(metadata, bounds, units) => return Ok(None),
        _ if is_full => Ring::Main,
        Some(ghost) if eviction::is_regretted(metadata, ghost.slot) => return Ok(None),
        Some(ghost) if eviction::has_earned_main(metadata, ghost.slot) => Ring::Main,
        _ => Ring::Small,
    };
    let slot = match ghost {
        None => shard.index.vacant(item.hash, metadata.ghost_clocks)?,
        found => found,
    };
    Ok(slot.map(|slot| Target { slot, old: None, ring }))
}

/// The ring's head, if an entry of `units` fits there as things stand, and leaves what is to be left free. What was seen is
/// passed on to those who come next.
#[inline(never)]
fn look_around(
    shard: &Shard<'_>,
    copy_in_file: MetadataCopy<'_>,
    ring: Ring,
    [units, old_units]: [u64; 2],
) -> Option<Position> {
    let surroundings = Surroundings::of(shard, copy_in_file);
    let at = surroundings.place(ring, units)?;
    surroundings.pass_on(units.max(old_units));
    Some(at)
}

/// Is it time to walk along a ring, with an entry of so many units?
#[inline(never)]
fn is_walk_due(shard: &Shard<'_>, version: u64, units: u64) -> bool {
    version.is_multiple_of(eviction::writes_per_walk(&shard.bounds(), units))
}

#[inline(always)]
fn put(shard: &Shard<'_>, entry: Located, item: &Item<'_>, version: u32) -> Result<()> {
    if entry.header.extras().is_none() {
        return shard.log.put_plain(entry.at.offset(), entry.header, version, [item.key, item.value]);
    }
    put_with_extras(shard, entry, item, version)
}

/// Out of the way of most entries, which have none.
#[inline(never)]
fn put_with_extras(shard: &Shard<'_>, entry: Located, item: &Item<'_>, version: u32) -> Result<()> {
    let parts = [item.key, item.value];
    let preface = Preface { terms: item.terms, seal: None, version };
    let preface = sealed(shard.seal_key, entry, preface, parts);
    shard.log.put_entry(entry.at.offset(), entry.header, &preface, parts)
}
