//! How a writer moves the end of its shard's data. A growth takes one step. A shrink takes bounded steps, each under a
//! hold of the lock of its own.
//!
//! ```text
//!   the end target is stored --> the small ring leaves what will not be its own; its boundary sinks
//!     --> the main ring's tail goes round, as it always does, until what lives fits: what goes, goes by the policy
//!     --> all that lives lies in one lap, with room to move: THE END SINKS, and heads go no further from now on
//!     --> the tail passes what lies beyond, and moves it down; then the frontier; then HIGH_WATER SINKS, and nothing is there
//! ```
//!
//! Every step leaves a shard that is whole. The shard's head says how far it has come, and the next writer after a
//! death needs no more. Other writers keep below the end target as soon as it is stored. The end sinks only when all
//! live entries lie in one lap, and two of the largest entries that must be kept fit below the end target. Then the
//! tail, on its way through the lap, always finds room: the head needs no more than the tail has just passed.

use crate::error::Result;
use crate::format::ring::{Ring, Span};
use crate::write::allocator::Allocator;
use crate::write::reclaimer::Reclaimer;
use std::cell::Cell;

/// Entries that one step moves at most, and units that it passes: other writers wait no longer than that.
const MOVES_PER_STEP: u32 = 32;
const UNITS_PER_STEP: u64 = 1 << 17;
/// Rounds of the main ring after which the end sinks, whatever others write meanwhile.
const ROUNDS: u64 = 8;

/// How far a shard has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There is more to do, under the next hold of the lock.
    More,
    /// The data ends at its target, and no live entry lies beyond.
    Done,
}

/// One step towards data of so many units. `walked` is what the main ring's tail has passed in the steps before.
pub(crate) fn approach(reclaimer: &mut Reclaimer<'_>, units: u64, walked: &Cell<u64>) -> Result<Progress> {
    reclaimer.allocator.bounds.is_shrink = true;
    let bounds = &reclaimer.allocator.bounds;
    if bounds.end_target != units || bounds.end < units {
        aim(&mut reclaimer.allocator, units);
    }
    let mut left = UNITS_PER_STEP;
    loop {
        let bounds = &reclaimer.allocator.bounds;
        let is_done = bounds.end <= units && bounds.high_water <= bounds.end;
        if is_done || left == 0 || reclaimer.moves() >= MOVES_PER_STEP {
            reclaimer.allocator.tx.commit_moves();
            return Ok(if is_done { Progress::Done } else { Progress::More });
        }
        left = left.saturating_sub(step(reclaimer, walked)?.max(1));
    }
}

/// Sets the target of the end, and in proportion that of the boundary. A larger end holds at once:
/// its space is reserved.
fn aim(allocator: &mut Allocator<'_>, units: u64) {
    let bounds = &mut allocator.bounds;
    let target = u128::from(bounds.target) * u128::from(units) / u128::from(bounds.aim().max(1));
    bounds.target = u64::try_from(target).unwrap_or(units).min(units);
    if units >= bounds.end {
        bounds.high_water = bounds.high_water.max(units);
        allocator.store_bounds();
        (allocator.bounds.end_target, allocator.bounds.end) = (units, units);
    } else {
        bounds.end_target = units;
    }
    allocator.store_bounds();
}

/// Passes one entry or mark, or moves a bound; how many units that were.
fn step(reclaimer: &mut Reclaimer<'_>, walked: &Cell<u64>) -> Result<u64> {
    let bounds = reclaimer.allocator.bounds;
    if bounds.is_to_shrink() && bounds.is_small_too_large() {
        return lower_boundary(reclaimer);
    }
    let metadata = reclaimer.allocator.tx.metadata();
    let (head, tail) = (metadata.head(Ring::Main), metadata.tail(Ring::Main));
    let limit = bounds.aim();
    if head == tail && head.offset() >= limit {
        reclaimer.allocator.restart_lap(Ring::Main);
        return Ok(1);
    }
    let is_one_lap = head.lap() == tail.lap();
    if bounds.is_to_shrink() {
        let gap = Span { start: bounds.boundary, end: limit }.gap(head, tail);
        // canary: end
        let fits =
            metadata.live(Ring::Main) <= bounds.holds() && is_one_lap && gap > bounds.slack_for_moves();
        if fits || head == tail || walked.get() > ROUNDS * bounds.end {
            lower_end(&mut reclaimer.allocator);
            return Ok(1);
        }
    } else if is_one_lap && head.offset() < limit {
        lower_high_water(&mut reclaimer.allocator);
        return Ok(1);
    }
    let passed = reclaimer.reclaim(Ring::Main, 1)?;
    walked.set(walked.get() + passed.max(1));
    Ok(passed)
}

/// The small ring leaves the space above its end; then the boundary moves there.
fn lower_boundary(reclaimer: &mut Reclaimer<'_>) -> Result<u64> {
    let allocator = &mut reclaimer.allocator;
    if allocator.bounds.small_end > allocator.bounds.small_target() {
        allocator.bounds.small_end = allocator.bounds.small_target();
        allocator.store_bounds();
    }
    let metadata = allocator.tx.metadata();
    let (head, tail) = (metadata.head(Ring::Small), metadata.tail(Ring::Small));
    let is_below = head.offset() < allocator.bounds.small_end;
    if head == tail && !is_below {
        allocator.restart_lap(Ring::Small);
        return Ok(1);
    }
    if head.lap() == tail.lap() && is_below {
        allocator.publish_frontier(Ring::Small);
        allocator.bounds.boundary = allocator.bounds.small_end;
        allocator.store_bounds();
        return Ok(1);
    }
    reclaimer.reclaim(Ring::Small, 1)
}

/// From now on heads go no further than the end's target.
fn lower_end(allocator: &mut Allocator<'_>) {
    allocator.bounds.end = allocator.bounds.end_target;
    allocator.store_bounds();
}

/// No live entry lies above the end. Readers see that by the frontier before anything there changes.
fn lower_high_water(allocator: &mut Allocator<'_>) {
    // canary: high water
    allocator.publish_frontier(Ring::Main);
    allocator.bounds.high_water = allocator.bounds.end;
    allocator.store_bounds();
}
