//! What becomes of the entry at a ring's tail. It chooses; it moves nothing.
//!
//! S3-FIFO (Yang et al., SOSP 2023) on two rings: an entry read at least twice while in the small ring moves on to the
//! main ring, any other leaves a ghost; an entry read since it last passed the main ring's tail goes round once more. A
//! key that comes back while its ghost is remembered goes to the main ring at once.
//!
//! Dead bytes are no reason to evict: while a ring has enough of them, everything that lives is kept, and passing the
//! tail only squeezes them out.

use crate::bounds::Bounds;
use crate::ledger::Ledger;
use crate::ring::Queue;

/// Reads in the small ring that earn a place in the main one.
const PROMOTE_AT: u64 = 2;
/// While no more than this part of the main ring is live, nothing in it is evicted.
const ROOMY_PERCENT: u64 = 88;
/// Entries that one write moves, at most, before it evicts what it would have kept.
pub(crate) const MOVES_PER_WRITE: u32 = 64;

/// What to do with a live entry at the tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has expired: forget it.
    Drop,
    /// Forget it, and count an eviction.
    Evict,
    /// Forget it but for a ghost, and count an eviction.
    Ghost,
    /// Append it to the main ring, with this frequency.
    Move { freq: u64 },
}

/// A live entry at a tail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) queue: Queue,
    pub(crate) units: u64,
    pub(crate) freq: u64,
    pub(crate) expired: bool,
}

/// Has the main ring so many dead bytes that this many units more can live in it, and nothing needs to go?
pub(crate) fn roomy(ledger: &Ledger, bounds: &Bounds, units: u64) -> bool {
    let main = ledger.ring(Queue::Main);
    main.live.saturating_add(units).saturating_mul(100) <= bounds.main_units().saturating_mul(ROOMY_PERCENT)
}

/// Has the main ring this much free room before anything in it would have to be drained?
pub(crate) fn free(ledger: &Ledger, bounds: &Bounds, units: u64) -> bool {
    let main = ledger.ring(Queue::Main);
    let step = bounds.step(Queue::Main);
    bounds.span(Queue::Main).gap(main.head, main.tail) >= units + 2 * step + units
}

/// Ghosts older than this are forgotten. S3-FIFO keeps as many as the main ring has entries; twice as many measure better
/// where the cache holds a hundredth of the keys, and no worse elsewhere. Slots that live keys need go first anyway.
pub(crate) fn ghost_limit(ledger: &Ledger) -> u64 {
    ledger.ring(Queue::Main).entries.saturating_mul(2)
}

/// The fate of the entry at a tail. `moves` is how many the write at hand has moved already.
pub(crate) fn fate(ledger: &Ledger, bounds: &Bounds, entry: Candidate, moves: u32) -> Fate {
    if entry.expired {
        return Fate::Drop;
    }
    match entry.queue {
        Queue::Small if roomy(ledger, bounds, entry.units) || free(ledger, bounds, entry.units) => {
            Fate::Move { freq: entry.freq }
        }
        Queue::Small if entry.freq >= PROMOTE_AT => Fate::Move { freq: 0 },
        Queue::Small => Fate::Ghost,
        Queue::Main if roomy(ledger, bounds, 0) => Fate::Move { freq: entry.freq },
        Queue::Main if entry.freq > 0 && moves < MOVES_PER_WRITE => Fate::Move { freq: entry.freq - 1 },
        Queue::Main => Fate::Evict,
    }
}

/// What an append of `units` is to leave free in its ring, and how far to walk for it at most.
///
/// The entry at the main ring's tail can be kept only if there is room for it in one piece. While a quarter of the ring
/// or more is not live, there is always room for two of the largest that are promised to be kept: of two pieces one
/// then has room for one, and what beginning a lap wastes is less than the other.
pub(crate) fn headroom(ledger: &Ledger, bounds: &Bounds, queue: Queue, units: u64) -> (u64, u64) {
    let main = ledger.ring(Queue::Main);
    let (size, step) = (bounds.main_units(), bounds.step(Queue::Main));
    match queue {
        Queue::Small => (0, 0),
        Queue::Main if main.live.saturating_add(units).saturating_mul(4) <= size * 3 => {
            ((2 * bounds.kept_units()).max(step).max(units), 2 * size)
        }
        Queue::Main => (step.max(units), 4 * step.max(units)),
    }
}

/// How much of a ring to walk after an append of `units`, so that no single write pays for a long stretch.
///
/// With `live` of `size` units live, walking `size / (size - live)` units frees one on average. That pace is kept while the
/// gap is at its reserve; the smaller the gap, the faster, so that a long stretch in which everything lives is passed
/// before the gap is used up.
pub(crate) fn walk_after(ledger: &Ledger, bounds: &Bounds, queue: Queue, units: u64) -> u64 {
    let ring = ledger.ring(queue);
    let span = bounds.span(queue);
    let (size, gap) = (span.units(), span.gap(ring.head, ring.tail));
    let step = bounds.step(queue);
    let dead = size.saturating_sub(gap).saturating_sub(ring.live);
    if queue == Queue::Main && dead > 0 && roomy(ledger, bounds, 0) {
        let free = size.saturating_sub(ring.live).max(1);
        let reserve = (size / RESERVE_PARTS).min(free / 2) + 2 * step;
        if gap >= reserve {
            return 0;
        }
        let pace = (size * PACE_UNIT / free).saturating_mul(reserve) / gap.max(1);
        return units.saturating_mul(pace.min(PACE_MAX * PACE_UNIT)) / PACE_UNIT;
    }
    if gap < 2 * step { units.saturating_mul(2) } else { 0 }
}

/// The main ring keeps one in this many units free while it squeezes out dead bytes.
const RESERVE_PARTS: u64 = 12;
/// Paces count in parts of this.
const PACE_UNIT: u64 = 16;
/// The most units walked for one appended.
const PACE_MAX: u64 = 32;
