//! The plan of a set: which slot, which entry goes for it, which ring, which place. Making a plan only reads, and
//! stores nothing.
//!
//! ```text
//!   look for the key's entry --found--> it stays in its ring, if there is a place
//!      '--none--> its ghost --found--> the ring that it has earned        } a slot: the ghost's, an empty one, the oldest ghost's
//!                    '--none--> the small ring                            }
//!   a place at the ring's head --there is none--> reclaim first, by way of [`crate::write::reclaimer`]
//! ```

use crate::error::{Error, Result};
use crate::format::entry::{Extras, Footprint, Header};
use crate::format::hash::KeyHash;
use crate::format::position::Position;
use crate::format::ring::{Place, RINGS, Ring};
use crate::format::slot::Slot;
use crate::policy::append_window::{AppendWindow, Surroundings};
use crate::policy::eviction;
use crate::shard::bounds::Bounds;
use crate::shard::index::Numbered;
use crate::shard::lease::Leases;
use crate::shard::metadata::MetadataCopy;
use crate::shard::pin::Pins;
use crate::shard::view::Shard;
use crate::write::item::Item;

/// A set that needs nothing but the stores of one change.
#[derive(Clone, Copy)]
pub(crate) struct Append {
    /// The key's slot, or one that it may take.
    pub(crate) target: Numbered,
    pub(crate) old: Old,
    /// Where the new entry goes, and its header.
    pub(crate) ring: Ring,
    pub(crate) place: Place,
    pub(crate) header: Header,
    pub(crate) footprint: Footprint,
}

/// The entry that the slot names.
#[derive(Clone, Copy)]
pub(crate) enum Old {
    /// It names none.
    Nothing,
    /// The key's own.
    Own(Header, Footprint),
    /// Another key's, which is evicted because both buckets of the key are full.
    Victim(Header),
}

/// What is known of a key before it is written.
#[derive(Clone, Copy)]
pub(crate) enum Known {
    /// An entry in this ring.
    Entry(Ring),
    /// That it was evicted, and when.
    Ghost(Slot),
    Nothing,
}

/// The ring that a key's entry goes to.
#[derive(Clone, Copy)]
pub(crate) struct Choice {
    pub(crate) ring: Ring,
    /// It is the small ring, though that has no place.
    pub(crate) is_full: bool,
}

/// An overwrite stays in its ring. A key with a ghost goes to the main ring if its ghost is young enough, a new one to
/// the small ring. But an entry that is large for the small ring goes to the main ring. So does one that comes while
/// the main ring has room to spare and the small ring has not.
#[inline]
pub(crate) fn ring_for(metadata: MetadataCopy<'_>, bounds: &Bounds, known: Known, units: u64) -> Choice {
    if is_large(bounds, units) || matches!(known, Known::Entry(Ring::Main)) {
        return Choice { ring: Ring::Main, is_full: false };
    }
    let span = bounds.span_for(Ring::Small, units);
    let is_full = span.place(metadata.head(Ring::Small), metadata.tail(Ring::Small), units).is_none();
    if is_full && eviction::has_main_room(metadata, bounds, units) {
        return Choice { ring: Ring::Main, is_full: false };
    }
    match known {
        Known::Ghost(ghost) if eviction::has_earned_main(metadata, ghost) => {
            Choice { ring: Ring::Main, is_full: false }
        }
        _ => Choice { ring: Ring::Small, is_full },
    }
}

/// Is an entry of so many units too large for a trial in the small ring?
#[inline]
pub(crate) fn is_large(bounds: &Bounds, units: u64) -> bool {
    units > bounds.span_for(Ring::Small, units).units() / 2
}

/// The plan of a set that needs no reclaiming; none if anything else has to be done first. The caller holds the shard's lock.
#[inline(always)]
pub(crate) fn at_once(
    shard: &Shard<'_>,
    metadata: MetadataCopy<'_>,
    item: &Item<'_>,
) -> Result<Option<Append>> {
    if has_other_duties(shard, item) {
        return Ok(None);
    }
    // The memory of the new entry is prefetched while the old one is looked for.
    for ring in RINGS {
        shard.log.prefetch(metadata.head(ring).offset());
    }
    let (version, header, window) =
        (metadata.version(), item.header(shard.extras())?, AppendWindow::load(shard.head));
    let (footprint, units) = (header.footprint(), header.units());
    if !window.serves(version, units) && is_walk_due(shard, version, units) {
        return Ok(None);
    }
    let (target, old, ring) = match find(shard, item)? {
        Search::Found(found, old) => (found, Old::Own(old, old.footprint()), found.slot.ring()),
        Search::Nothing => match newcomer(shard, metadata, item.hash, units)? {
            Some((slot, ring)) => (slot, Old::Nothing, ring),
            None => return Ok(None),
        },
        Search::Damaged => return Ok(None),
    };
    // canary: append window replaced
    let most_units = match old {
        Old::Own(_, old) => old.units.max(units),
        _ => units,
    };
    let foreseen = match window.serves(version, most_units) {
        true => window.place(ring, metadata.head(ring), units),
        false => None,
    };
    let holds = |at| Surroundings::of(shard, metadata).place(ring, units) == Some(at);
    // No assertion: the window is of the file, which may hold any bytes.
    if cfg!(debug_assertions) && !foreseen.is_none_or(holds) {
        return Err(Error::damaged("an append window of the cache promises too much; run `samovar check`"));
    }
    let at = match foreseen {
        None => look_around(shard, metadata, ring, Lengths { units, most_units }),
        at => at,
    };
    Ok(at.map(|at| Append { target, old, ring, place: Place { at, wraps: false }, header, footprint }))
}

/// The plan of a set for which room was made.
pub(crate) fn with_room(
    shard: &Shard<'_>,
    metadata: MetadataCopy<'_>,
    item: &Item<'_>,
    room: Room,
) -> Result<Append> {
    let header = item.header(shard.extras())?;
    let (target, old) = match shard.find(item.hash, item.key)? {
        Some((found, old)) => (found, Old::Own(old, old.footprint())),
        None => {
            // The key's own ghost, so that it does not linger. Reclaiming changes live slots alone.
            let target = match room.ghost {
                Some(ghost) => ghost,
                None => shard.index.vacancy(item.hash, metadata.ghost_clocks())?,
            };
            match target.slot.is_live() {
                true => (target, Old::Victim(shard.header_of(target.slot)?)),
                false => (target, Old::Nothing),
            }
        }
    };
    Ok(Append { target, old, ring: room.ring, place: room.place, header, footprint: header.footprint() })
}

/// The room that was made, and the key's ghost, if it has one.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    pub(crate) ring: Ring,
    pub(crate) place: Place,
    pub(crate) ghost: Option<Numbered>,
}

/// How long the new entry is, and the longer of it and the one that it replaces.
#[derive(Clone, Copy)]
struct Lengths {
    units: u64,
    most_units: u64,
}

/// What a look for the key's entry told.
enum Search {
    Found(Numbered, Header),
    Nothing,
    /// A slot that may be the key's names no entry: the reclaimer finds that too, and the shard is emptied.
    Damaged,
}

/// Does the write concern anything else: namespaces, leases, pins? If another namespace was emptied, the next write
/// that reclaims updates the accounts.
#[inline(always)]
fn has_other_duties(shard: &Shard<'_>, item: &Item<'_>) -> bool {
    // canary: pins at once
    // canary: leases at once
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
        // canary: damage at once
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

/// The slot and the ring of a new key, if no live entry has to go for it and no bound has to move.
#[inline(never)]
fn newcomer(
    shard: &Shard<'_>,
    metadata: MetadataCopy<'_>,
    hash: KeyHash,
    units: u64,
) -> Result<Option<(Numbered, Ring)>> {
    let (bounds, ghost) = (&shard.bounds(), shard.index.find_ghost(hash)?);
    let known = match ghost {
        Some(ghost) if eviction::is_regretted(metadata, ghost.slot) => return Ok(None),
        Some(ghost) => Known::Ghost(ghost.slot),
        None => Known::Nothing,
    };
    let Choice { ring, is_full } = ring_for(metadata, bounds, known, units);
    if is_full {
        return Ok(None);
    }
    let slot = match ghost {
        None => shard.index.vacant(hash, metadata.ghost_clocks())?,
        found => found,
    };
    Ok(slot.map(|slot| (slot, ring)))
}

/// The ring's head, if an entry fits there and leaves the reserve free. It opens an append window for the sets that
/// follow.
#[inline(never)]
fn look_around(
    shard: &Shard<'_>,
    metadata: MetadataCopy<'_>,
    ring: Ring,
    lengths: Lengths,
) -> Option<Position> {
    let surroundings = Surroundings::of(shard, metadata);
    let at = surroundings.place(ring, lengths.units)?;
    surroundings.pass_on(lengths.most_units);
    Some(at)
}

/// Must a write of so many units walk along a ring now?
#[inline(never)]
fn is_walk_due(shard: &Shard<'_>, version: u64, units: u64) -> bool {
    version.is_multiple_of(eviction::writes_per_walk(&shard.bounds(), units))
}
