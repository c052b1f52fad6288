//! The eviction policy: the verdict on the entry at a ring's tail. It chooses; it moves nothing.
//!
//! S3-FIFO (Yang et al., SOSP 2023) on two rings. An entry read at least twice while in the small ring moves on to the
//! main ring. An entry read since it last passed the main ring's tail goes round once more. Any other entry leaves a
//! ghost. A key that comes back while its ghost of the small ring is remembered goes to the main ring at once. Ghosts
//! younger than [`regret_limit`], of either ring, tell which ring is too small.
//!
//! Dead bytes are no reason to evict. While a ring has enough of them, all live entries are kept, and passing the tail
//! only squeezes dead bytes out.

use crate::format::geometry::Policy;
use crate::format::position::Position;
use crate::format::ring::Ring;
use crate::format::slot::Slot;
use crate::shard::bounds::Bounds;
use crate::shard::metadata::MetadataCopy;

/// Reads in the small ring that earn a place in the main one.
const PROMOTE_AT: u64 = 2;
/// The latest ghosts, one for so many of the cache's entries, tell whether a ring is too small.
const REGRET_PARTS: u64 = 20;
/// Entries of the usual size that the small ring always has room for, whatever its target.
const SMALL_ENTRIES: u64 = 4;
/// Entries that one write moves, at most, before it evicts what it would have kept.
pub(crate) const MOVES_PER_WRITE: u32 = 64;

/// What to do with a live entry at the tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It has expired: forget it.
    Drop,
    /// Forget it but for a ghost of its ring, and count an eviction.
    Ghost,
    /// Append it to the main ring, with this frequency.
    Move { freq: u64 },
}

/// A live entry at a tail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) ring: Ring,
    pub(crate) units: u64,
    pub(crate) freq: u64,
    pub(crate) expired: bool,
}

/// Has the main ring so many dead bytes that this many units more can live in it, and nothing needs to go?
pub(crate) fn roomy(metadata: MetadataCopy<'_>, bounds: &Bounds, units: u64) -> bool {
    metadata.live(Ring::Main).saturating_add(units) <= bounds.holds()
}

/// Has the main ring this much free room before anything in it would have to be reclaimed?
pub(crate) fn free(metadata: MetadataCopy<'_>, bounds: &Bounds, units: u64) -> bool {
    units <= free_for(metadata, bounds)
}

/// The most units of an entry for which it has.
fn free_for(metadata: MetadataCopy<'_>, bounds: &Bounds) -> u64 {
    let (head, tail) = (metadata.head(Ring::Main), metadata.tail(Ring::Main));
    let kept = 2 * bounds.step(Ring::Main) + growth(head, bounds);
    bounds.span(Ring::Main).gap(head, tail).saturating_sub(2 * kept) / 4
}

/// Can so many units be appended to the main ring before anything in it has to go?
pub(crate) fn has_main_room(metadata: MetadataCopy<'_>, bounds: &Bounds, units: u64) -> bool {
    roomy(metadata, bounds, units) || free(metadata, bounds, units)
}

/// Was the key evicted too soon? A slightly larger ring would have kept it.
pub(crate) fn is_regretted(metadata: MetadataCopy<'_>, ghost: Slot) -> bool {
    ghost.ghost_age(metadata.ghost_clocks()) < regret_limit(metadata)
}

/// Does a key that is back go to the main ring?
pub(crate) fn has_earned_main(metadata: MetadataCopy<'_>, ghost: Slot) -> bool {
    ghost.ring() == Ring::Small && ghost.ghost_age(metadata.ghost_clocks()) < ghost_limit(metadata)
}

/// Ghosts of the small ring that are older than this have no effect. S3-FIFO keeps as many as the main ring has
/// entries. Twice as many give fewer misses where the cache holds a hundredth of the keys, and no more elsewhere. A
/// live key that needs the slot takes it in any case.
fn ghost_limit(metadata: MetadataCopy<'_>) -> u64 {
    metadata.entries(Ring::Main).saturating_mul(2)
}

/// A key that comes back with a ghost younger than this was evicted too soon.
fn regret_limit(metadata: MetadataCopy<'_>) -> u64 {
    (metadata.all_entries() / REGRET_PARTS).max(1)
}

/// The least size of the small ring: room for a few entries of the usual size.
pub(crate) fn least_small(metadata: MetadataCopy<'_>) -> u64 {
    let live = metadata.live(Ring::Small).saturating_add(metadata.live(Ring::Main));
    live / metadata.all_entries().max(1) * SMALL_ENTRIES
}

/// What verdicts depend on beside the entry: the same for all that are met until something is appended to the main ring.
pub(crate) struct EvictionPolicy {
    policy: Policy,
    /// The most that an entry may take.
    longest: u64,
    /// Units that may live in the main ring before any entry there has to go.
    holds: u64,
    /// The most units of an entry for which the main ring has free room: see [`free_for`].
    free: u64,
}

impl EvictionPolicy {
    pub(crate) fn new(metadata: MetadataCopy<'_>, bounds: &Bounds) -> Self {
        EvictionPolicy {
            policy: bounds.policy,
            longest: if bounds.is_to_shrink() { bounds.main_aim() / 4 } else { u64::MAX },
            holds: bounds.holds(),
            free: free_for(metadata, bounds),
        }
    }

    /// The verdict of an entry at a tail, while so many units of the main ring are live. `moves` is how many the write at hand has
    /// moved already.
    #[inline(always)]
    pub(crate) fn verdict(&self, main_live: u64, entry: Candidate, moves: u32) -> Verdict {
        let roomy = |units: u64| main_live.saturating_add(units) <= self.holds;
        match entry.ring {
            _ if entry.expired => Verdict::Drop,
            _ if entry.units > self.longest => Verdict::Ghost,
            Ring::Small if roomy(entry.units) || entry.units <= self.free => {
                Verdict::Move { freq: entry.freq }
            }
            Ring::Small if entry.freq >= PROMOTE_AT => Verdict::Move { freq: 0 },
            Ring::Small => Verdict::Ghost,
            Ring::Main if roomy(0) => Verdict::Move { freq: entry.freq },
            Ring::Main if self.policy == Policy::Fifo => Verdict::Ghost,
            Ring::Main if entry.freq > 0 && moves < MOVES_PER_WRITE => Verdict::Move { freq: entry.freq - 1 },
            Ring::Main => Verdict::Ghost,
        }
    }
}

/// The units that an append of `units` must leave free in its ring, and the most units to walk for that. `live` units
/// of the main ring are live.
///
/// The entry at the main ring's tail can be kept only if there is room for it in one piece. While a quarter of the ring
/// or more is not live, there is room for two of the largest entries that must be kept. If the room is in two pieces,
/// one of them has room for one entry. The end of a lap wastes less than the other piece.
#[inline(always)]
pub(crate) fn headroom(main_live: u64, bounds: &Bounds, ring: Ring, units: u64) -> (u64, u64) {
    let (size, step) = (bounds.main_units(), bounds.step(Ring::Main));
    match ring {
        Ring::Small => (0, 0),
        Ring::Main if main_live.saturating_add(units).saturating_mul(4) <= size * 3 => {
            ((2 * bounds.kept_units()).max(step).max(units), 2 * size)
        }
        Ring::Main => (step.max(units), 2 * size),
    }
}

/// Writes of so many units from one walk along their ring to the next. One walk serves several writes, if together they
/// take only a small part of the main ring.
#[inline]
pub(crate) fn writes_per_walk(bounds: &Bounds, units: u64) -> u64 {
    match units {
        units if units <= most_units_for(bounds, MOST_WRITES_PER_WALK) => MOST_WRITES_PER_WALK,
        units if units <= most_units_for(bounds, FEW_WRITES_PER_WALK) => FEW_WRITES_PER_WALK,
        _ => 1,
    }
}

/// The most units of an entry with which so many writes do with one walk.
#[inline]
pub(crate) fn most_units_for(bounds: &Bounds, writes: u64) -> u64 {
    bounds.main_units() / (writes * WALKS_PER_RING)
}

/// How much of a ring to walk after an append of `units`, so that no single write pays for a long stretch.
///
/// With `live` of `size` units live, walking `size / (size - live)` units frees one on average. That is the pace while
/// the gap is at its reserve. A smaller gap makes it faster, so that a long stretch of live entries is passed before
/// the gap is used up.
pub(crate) fn walk_after(metadata: MetadataCopy<'_>, bounds: &Bounds, ring: Ring, units: u64) -> u64 {
    let (head, live, span) = (metadata.head(ring), metadata.live(ring), bounds.span(ring));
    let (size, gap) = (span.units(), span.gap(head, metadata.tail(ring)));
    let step = bounds.step(ring);
    let beyond = beyond(metadata, bounds, ring);
    // canary: walk beyond
    if beyond > 0 {
        let reserve = live.min(beyond) + 4 * bounds.kept_units() + 2 * units;
        let room = bounds.end.saturating_sub(head.offset()).saturating_sub(reserve);
        let pace = (2 * PACE_UNIT).saturating_mul(beyond) / room.max(1);
        return (units.saturating_mul(pace) / PACE_UNIT).saturating_add(units).min(beyond);
    }
    let dead = size.saturating_sub(gap).saturating_sub(live);
    if ring == Ring::Main && dead > 0 && roomy(metadata, bounds, 0) {
        let free = size.saturating_sub(live).max(1);
        let reserve = (size / RESERVE_PARTS).min(free / 2) + 2 * step;
        if gap >= reserve {
            return 0;
        }
        let pace = (size * PACE_UNIT / free).saturating_mul(reserve) / gap.max(1);
        return units.saturating_mul(pace.min(PACE_MAX * PACE_UNIT)) / PACE_UNIT;
    }
    // A walk frees no more than is missing: in a cache of few entries one more would be a notable part of it.
    // The appends before the next walk count as missing, up to a small part of the main ring.
    let least = (2 * step).max(units.min(bounds.main_units() / LULL_PARTS));
    let (target, pace) = match ring {
        Ring::Small => (least, 2),
        Ring::Main => (least + growth(head, bounds), 4),
    };
    units.saturating_mul(pace).min(target.saturating_sub(gap))
}

/// The most units beyond the end of the main ring that its tail has yet to pass; 0 if the end has not sunk.
pub(crate) fn beyond(metadata: MetadataCopy<'_>, bounds: &Bounds, ring: Ring) -> u64 {
    if ring == Ring::Small || bounds.high_water <= bounds.end {
        return 0;
    }
    let (head, tail) = (metadata.head(Ring::Main), metadata.tail(Ring::Main));
    if tail.lap() != head.lap() { bounds.high_water.saturating_sub(tail.offset()) } else { 0 }
}

/// If the ring's head takes so many units, is there room for all entries that must move from beyond the end?
pub(crate) fn leaves_room(metadata: MetadataCopy<'_>, bounds: &Bounds, ring: Ring, units: u64) -> bool {
    let beyond = beyond(metadata, bounds, ring);
    let room = || bounds.end.saturating_sub(metadata.head(Ring::Main).offset());
    beyond == 0 || room() > units + metadata.live(Ring::Main).min(beyond)
}

/// The units that the main ring leaves to the small one when its next lap begins. It asks near the end of a lap.
fn growth(head: Position, bounds: &Bounds) -> u64 {
    let growth =
        bounds.small_target().saturating_sub(bounds.boundary).min(bounds.main_units() / GROWTH_PARTS);
    if bounds.is_to_rise(bounds.boundary, head) { growth } else { 0 }
}

/// The least number of walks while a ring is written once.
const WALKS_PER_RING: u64 = 64;
pub(crate) const MOST_WRITES_PER_WALK: u64 = 16;
const FEW_WRITES_PER_WALK: u64 = 4;
/// The main ring keeps one in this many units free while it squeezes out dead bytes.
const RESERVE_PARTS: u64 = 12;
/// Room for the writes between two walks is kept free, up to this part of the main ring.
const LULL_PARTS: u64 = 2048;
/// The small ring grows by at most one in this many units of the main ring at a time.
const GROWTH_PARTS: u64 = 16;
/// Paces count in parts of this.
const PACE_UNIT: u64 = 16;
/// The most units walked for one appended.
const PACE_MAX: u64 = 32;
