//! What a writer does so that its shard's data ends elsewhere: at once where it is to grow, and in bounded steps where it is
//! to shrink, each under a hold of the lock of its own.
//!
//! ```text
//!   the goal is stored --> the small ring leaves what is not to be its own; its boundary sinks
//!     --> the main ring's tail goes round, as it always does, until what lives fits: what goes, goes by the policy
//!     --> all that lives lies in one lap, with room to move: THE END SINKS, and heads go no further from now on
//!     --> the tail passes what lies beyond, and moves it down; then the frontier; then HIGH_WATER SINKS, and nothing is there
//! ```
//!
//! Every step leaves a shard that is whole, and says in its head how far it has come: whoever goes on after a death needs no
//! more. Other writers go by the goal as soon as it is stored. The end sinks only at a moment when all that lives lies in one lap,
//! and below the goal there is room for two of the largest that are promised to be kept: then the tail, on its way through the
//! lap, always finds room for what it meets, since the head needs no more than what was just passed.

use crate::error::Result;
use crate::format::ring::{Ring, Span};
use crate::shard::pin::{Extent, Pins};
use crate::write::writer::Writer;
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
    /// The data ends where it is to, and nothing that lives lies beyond.
    Done,
}

impl Writer<'_> {
    /// One step towards data of so many units. `walked` is what the main ring's tail has passed in the steps before.
    pub(crate) fn approach(&mut self, units: u64, walked: &Cell<u64>) -> Result<Progress> {
        self.bounds.is_shrink = true;
        if self.bounds.end_target != units || self.bounds.end < units {
            self.aim(units);
        }
        let mut left = UNITS_PER_STEP;
        while self.bounds.end > units || self.bounds.high_water > self.bounds.end {
            if left == 0 || self.moves >= MOVES_PER_STEP {
                self.settle();
                return Ok(Progress::More);
            }
            left = left.saturating_sub(self.shrink(walked)?.max(1));
        }
        self.settle();
        Ok(Progress::Done)
    }

    /// Says where the end is to be, and with it in proportion where the rings are to meet. What there is more, is there at once:
    /// its space is reserved.
    fn aim(&mut self, units: u64) {
        let bounds = &mut self.bounds;
        let target = u128::from(bounds.target) * u128::from(units) / u128::from(bounds.aim().max(1));
        bounds.target = u64::try_from(target).unwrap_or(units).min(units);
        if units >= bounds.end {
            bounds.high_water = bounds.high_water.max(units);
            bounds.store(self.shard.head);
            (bounds.end_target, bounds.end) = (units, units);
            bounds.store(self.shard.head);
            return;
        }
        bounds.end_target = units;
        bounds.store(self.shard.head);
    }

    /// Passes one entry or mark, or moves a bound; how many units that were.
    fn shrink(&mut self, walked: &Cell<u64>) -> Result<u64> {
        let bounds = self.bounds;
        if bounds.is_to_shrink() && bounds.is_small_too_large() {
            return self.sink_boundary();
        }
        let ring = *self.metadata.ring(Ring::Main);
        let limit = bounds.aim();
        if ring.head == ring.tail && ring.head.offset() >= limit {
            self.restart_lap(Ring::Main);
            return Ok(1);
        }
        let one_lap = ring.head.lap() == ring.tail.lap();
        let below = one_lap && ring.head.offset() < limit;
        if bounds.is_to_shrink() {
            let gap = Span { start: bounds.boundary, end: limit }.gap(ring.head, ring.tail);
            let fits = ring.live <= bounds.holds() && one_lap && gap > bounds.slack_for_moves();
            if fits || ring.head == ring.tail || walked.get() > ROUNDS * bounds.end {
                self.sink_end();
                return Ok(1);
            }
        } else if below {
            self.sink_top();
            return Ok(1);
        }
        let passed = self.drain_one(Ring::Main)?;
        walked.set(walked.get() + passed.max(1));
        Ok(passed)
    }

    /// The small ring leaves what lies above its small_end; then the boundary is there.
    fn sink_boundary(&mut self) -> Result<u64> {
        if self.bounds.small_end > self.bounds.small_target() {
            self.bounds.small_end = self.bounds.small_target();
            self.bounds.store(self.shard.head);
        }
        let ring = *self.metadata.ring(Ring::Small);
        let below = ring.head.offset() < self.bounds.small_end;
        if ring.head == ring.tail && !below {
            self.restart_lap(Ring::Small);
            return Ok(1);
        }
        if ring.head.lap() == ring.tail.lap() && below {
            self.publish_frontier(Ring::Small);
            self.bounds.boundary = self.bounds.small_end;
            self.bounds.store(self.shard.head);
            return Ok(1);
        }
        self.drain_one(Ring::Small)
    }

    /// From now on heads go no further than the goal.
    fn sink_end(&mut self) {
        self.bounds.end = self.bounds.end_target;
        self.bounds.store(self.shard.head);
    }

    /// Nothing that lives lies above the end. Readers see that by the frontier before anything there changes.
    fn sink_top(&mut self) {
        self.publish_frontier(Ring::Main);
        self.bounds.high_water = self.bounds.end;
        self.bounds.store(self.shard.head);
    }

    /// Do readers hold anything beyond the end? No pin comes later than this, since the frontier has passed it all.
    pub(crate) fn is_pinned_beyond(&self) -> Result<bool> {
        let (end, area) = (self.bounds.end, self.shard.geometry.area());
        let pins = Pins::of(self.shard);
        if end >= area.end || !pins.any() {
            return Ok(false);
        }
        let beyond = Extent { offset: end, units: area.end - end };
        Ok(pins.obstacle(beyond, self.process.is_dead)?.is_some())
    }
}
