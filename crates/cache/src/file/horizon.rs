//! The flush horizon of a shard's rings: a lap that every slot on the disk can be told by.
//!
//! A slot keeps ten bits of the lap of its entry. In a file that lost nothing, the frontier makes the position whole. After a
//! power loss each page is of another moment, and a frontier proves nothing about a slot. The horizon does. It is a lap that
//! a ring's frontier had passed when the last flush began. Every slot on the disk is from some time since then, so its entry
//! lies at or above that lap. While the ring is less than 1,024 laps above it, that is exactly one place.
//!
//! That has to hold of the horizon *on the disk*, which is an older one until the control page has been synced. So a horizon
//! that the disk may not have yet says so, and rings stop sooner above it:
//!
//! ```text
//!   KNOWN(l) --flushed: rises by at most 200 laps--> FRESH(l') --the control page was synced--> KNOWN(l')
//!   KNOWN(l), FRESH(l) --the ring is 800, or 600, laps above--> EXPIRING(l) --the control page was synced--> EXPIRED
//!   EXPIRED --flushed--> KNOWN(l)                 at once: the disk has either of them, and both are right
//!   any --the file is alone, and everything is on the disk--> KNOWN(l), which is synced before anybody writes
//! ```
//!
//! No edge leads from `KNOWN` to `EXPIRED`, or up by more than 200 laps: the disk has to follow first. Nobody writes while a
//! ring is 900 laps (700, of a fresh one) above a horizon that has not expired. An expired one tells no slot: nothing of its
//! ring is salvaged. Horizons change by one exchange of the word that was seen, under the shard's writer lock where they rise.

use crate::error::Result;
use crate::format::geometry::MAX_SHARDS;
use crate::format::layout::{CONTROL, CONTROL_LEN, HORIZON_LEN, HORIZONS, at};
use crate::format::position::{LAP_BITS, LAP_LOW_BITS, OFFSET_BITS, Position};
use crate::format::ring::{RINGS, Ring};
use samovar_mmap::{View, Word32};

/// The disk may have an older one.
const FRESH: u32 = 1 << 31;
/// The disk may not know yet that it expires.
const EXPIRING: u32 = 1 << 30;
const EXPIRED: u32 = u32::MAX;
const LAP_MASK: u32 = (1 << LAP_BITS) - 1;

/// Laps above a horizon at which it begins to expire.
const EXPIRES_AFTER_LAPS: u32 = if cfg!(samovar_short_counters) { 8 } else { 800 };
/// Laps above a horizon at which nobody writes. One write may take a few laps, and a salvage that died, too: that is the margin.
const MOST_LAPS: u32 = if cfg!(samovar_short_counters) { 11 } else { 900 };
/// Laps by which a horizon rises at a time: the older one, which the disk may have, is no further below.
const RISES_BY_LAPS: u32 = if cfg!(samovar_short_counters) { 2 } else { 200 };

/// One horizon, as it stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Horizon(u32);

impl Horizon {
    fn known(lap: u32) -> Self {
        Horizon(lap & LAP_MASK)
    }

    fn is_expired(self) -> bool {
        self.0 == EXPIRED
    }

    fn is_marked_expiring(self) -> bool {
        self.0 & EXPIRING != 0
    }

    fn is_fresh(self) -> bool {
        self.0 & FRESH != 0 && !self.is_expired()
    }

    /// Laps from it up to a frontier.
    fn laps_to(self, frontier: Position) -> u32 {
        lap_of(frontier).wrapping_sub(self.0) & LAP_MASK
    }

    /// The same, and what the disk may have.
    fn most_laps_to(self, frontier: Position) -> u32 {
        self.laps_to(frontier) + if self.is_fresh() { RISES_BY_LAPS } else { 0 }
    }

    /// Is the ring so far above it that the disk has to be told that it expires?
    // canary: horizon
    fn is_expiring(self, frontier: Position) -> bool {
        !self.is_marked_expiring() && self.most_laps_to(frontier) >= EXPIRES_AFTER_LAPS
    }

    /// May nobody write before it has expired?
    fn is_overrun(self, frontier: Position) -> bool {
        !self.is_expired() && self.most_laps_to(frontier) >= MOST_LAPS
    }

    /// The same; where that would be the word of an expired one, a lap below.
    fn expiring(self) -> Self {
        Horizon((self.0 | EXPIRING).min(EXPIRED - 1))
    }

    /// Once the disk has it.
    fn on_disk(self) -> Self {
        if self.is_marked_expiring() { Horizon(EXPIRED) } else { Horizon::known(self.0) }
    }

    /// The next one on the way to `target`, with the ring at `frontier`, from one that the disk has.
    fn raised(self, target: Position, frontier: Position) -> Self {
        let goal = Horizon::known(lap_of(target));
        if self.is_expired() {
            return if goal.is_expiring(frontier) { self } else { goal };
        }
        match self.laps_to(target) {
            0 => self,
            // It was raised further meanwhile.
            laps if laps > MOST_LAPS => self,
            laps => {
                // canary: horizon rises
                let laps = laps.min(RISES_BY_LAPS);
                let next = Horizon(Horizon::known(self.0 + laps).0 | FRESH);
                if next.is_expiring(frontier) { self } else { next }
            }
        }
    }
}

fn lap_of(position: Position) -> u32 {
    u32::try_from(position.lap()).unwrap_or(0) & LAP_MASK
}

/// The horizons of the two rings of a shard.
#[derive(Clone, Copy)]
pub(crate) struct FlushHorizon<'a> {
    file: View<'a>,
    at: usize,
}

/// What a flush saw of a shard before it began to write: where the rings stood, and horizons that the disk has once it is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sighting {
    frontiers: [Position; 2],
    seen: [Horizon; 2],
}

impl<'a> FlushHorizon<'a> {
    #[inline(always)]
    pub(crate) fn new(file: View<'a>, shard: u64) -> Self {
        FlushHorizon { file, at: HORIZONS + at(shard) * HORIZON_LEN }
    }

    #[inline]
    fn word(self, ring: Ring) -> Result<Word32<'a>> {
        Ok(self.file.word32(self.at + ring as usize * 4)?)
    }

    fn load(self, ring: Ring) -> Result<Horizon> {
        Ok(Horizon(self.word(ring)?.load()))
    }

    fn exchange(self, ring: Ring, seen: Horizon, next: Horizon) -> Result<bool> {
        Ok(seen != next && self.word(ring)?.compare_exchange(seen.0, next.0).is_ok())
    }

    /// Everything is on the disk, nobody writes, and these are the frontiers.
    pub(crate) fn set(self, frontiers: [Position; 2]) -> Result<()> {
        for (ring, frontier) in RINGS.into_iter().zip(frontiers) {
            self.word(ring)?.store(Horizon::known(lap_of(frontier)).0);
        }
        Ok(())
    }

    /// Notes where the rings and horizons stand, before a flush writes anything. The caller holds the shard's writer lock.
    pub(crate) fn sight(self, frontiers: [Position; 2]) -> Result<Sighting> {
        Ok(Sighting { frontiers, seen: [self.load(Ring::Small)?, self.load(Ring::Main)?] })
    }

    /// Raises the horizons. All that was there at the sighting is on the disk, and the frontiers are these now. If it returns
    /// true, the caller syncs the control page and calls again. The caller holds the shard's writer lock.
    pub(crate) fn raise(self, sighting: &mut Sighting, frontiers: [Position; 2]) -> Result<bool> {
        let mut is_rising = false;
        for ring in RINGS {
            let index = ring as usize;
            let seen = sighting.seen[index];
            let next = seen.on_disk().raised(sighting.frontiers[index], frontiers[index]);
            if self.exchange(ring, seen, next)? {
                sighting.seen[index] = next;
                is_rising |= next.is_fresh();
            }
        }
        Ok(is_rising)
    }

    /// Has a ring gone so far that the disk must learn that a horizon expires?
    #[inline]
    pub(crate) fn is_expiring(self, frontiers: [Position; 2]) -> Result<bool> {
        for (ring, frontier) in RINGS.into_iter().zip(frontiers) {
            let horizon = self.load(ring)?;
            if horizon.is_expiring(frontier) || horizon.is_overrun(frontier) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Marks the horizons of rings that have gone too far as expiring. The caller then syncs the control page.
    pub(crate) fn begin_expiry(self, frontiers: [Position; 2]) -> Result<Sighting> {
        for (ring, frontier) in RINGS.into_iter().zip(frontiers) {
            let horizon = self.load(ring)?;
            if horizon.is_expiring(frontier) {
                self.exchange(ring, horizon, horizon.expiring())?;
            }
        }
        self.sight(frontiers)
    }

    /// Marks expiring horizons as expired. The control page was synced since the expiry began.
    pub(crate) fn finish_expiry(self, sighting: &Sighting) -> Result<()> {
        for ring in RINGS {
            let seen = sighting.seen[ring as usize];
            if seen.is_marked_expiring() {
                self.exchange(ring, seen, seen.on_disk())?;
            }
        }
        Ok(())
    }

    /// The whole position of an entry, from the low bits that its slot keeps, without the shard's head; none if that is
    /// impossible.
    pub(crate) fn whole(self, ring: Ring, low: u64) -> Result<Option<Position>> {
        let horizon = self.load(ring)?;
        let lap = u64::from(horizon.0 & LAP_MASK);
        Ok((!horizon.is_marked_expiring()).then(|| Position::new(lap, 0).ahead(low)))
    }
}

const _: () = assert!(EXPIRING == 1 << (u64::BITS - OFFSET_BITS));
const _: () = assert!(MOST_LAPS < 1 << LAP_LOW_BITS && EXPIRES_AFTER_LAPS < MOST_LAPS);
#[expect(clippy::cast_possible_truncation, reason = "a small constant")]
const _: () = assert!(HORIZONS + MAX_SHARDS as usize * HORIZON_LEN <= CONTROL + CONTROL_LEN);

#[cfg(test)]
mod tests;
