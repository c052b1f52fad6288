//! Where a shard's rings stood at the last flush, and whether they have come too far since for anybody to tell.
//!
//! A slot keeps ten bits of the lap of its entry. In a file that lost nothing, the frontier makes the position whole. After a
//! power loss each page is of another moment, and a frontier proves nothing about a slot. The lap of the last flush does.
//! Every slot on the disk is from some time since that flush, so its entry lies at or above that lap. While the ring has gone
//! less than 1,024 laps on, that is exactly one place.
//!
//! ```text
//!   lap of the last flush --a ring has gone a long way: EXPIRED is doubted, made durable, then stored--> far
//!   any --flushed: everything is on the disk, and CLEAN is stored before--> lap of that flush
//! ```
//!
//! A horizon is durable before any write that relies on it: it is set only after `clean` was stored, which no write passes
//! without a sync of the control page, where the horizons are too. Of a ring
//! whose horizon has expired, a salvage keeps nothing.

use crate::error::Result;
use crate::format::geometry::MAX_SHARDS;
use crate::format::layout::{CONTROL, CONTROL_LEN, HORIZON_LEN, HORIZONS};
use crate::format::position::{LAP_LOW_BITS, Position};
use crate::format::ring::{RINGS, Ring};
use samovar_mmap::{View, Word32};

/// The ring has gone too far, and everybody knows; or is about to, and it may not be durable yet.
const EXPIRED: u32 = u32::MAX;
const EXPIRING: u32 = u32::MAX - 1;

/// Laps after which a ring has come too far. One write may take a few, and a salvage that died, too: that is the margin.
const EXPIRES_AFTER_LAPS: u64 = 900;

/// The horizons of the two rings of a shard.
#[derive(Clone, Copy)]
pub(crate) struct FlushHorizon<'a> {
    file: View<'a>,
    at: usize,
}

impl<'a> FlushHorizon<'a> {
    #[inline(always)]
    pub(crate) fn new(file: View<'a>, shard: u64) -> Self {
        FlushHorizon { file, at: HORIZONS + crate::format::layout::at(shard) * HORIZON_LEN }
    }

    #[inline]
    fn word(self, ring: Ring) -> Result<Word32<'a>> {
        Ok(self.file.word32(self.at + ring as usize * 4)?)
    }

    /// Everything is on the disk, and these are the frontiers.
    pub(crate) fn cast(self, frontiers: [Position; 2]) -> Result<()> {
        for (ring, frontier) in RINGS.into_iter().zip(frontiers) {
            self.word(ring)?.store(u32::try_from(frontier.lap()).unwrap_or(EXPIRED));
        }
        Ok(())
    }

    /// Has a ring come too far, without everybody knowing yet?
    #[inline]
    pub(crate) fn is_expiring(self, frontiers: [Position; 2]) -> Result<bool> {
        for (ring, frontier) in RINGS.into_iter().zip(frontiers) {
            if is_to_go(self.word(ring)?.load(), frontier) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Begins to let go of the horizons of rings that have come too far.
    pub(crate) fn begin_expiry(self, frontiers: [Position; 2]) -> Result<()> {
        for (ring, frontier) in RINGS.into_iter().zip(frontiers) {
            let word = self.word(ring)?;
            if is_to_go(word.load(), frontier) {
                word.store(EXPIRING);
            }
        }
        Ok(())
    }

    /// Lets go of what was doubted, which is durable by now.
    pub(crate) fn finish_expiry(self) -> Result<()> {
        for ring in RINGS {
            let word = self.word(ring)?;
            if word.load() == EXPIRING {
                word.store(EXPIRED);
            }
        }
        Ok(())
    }

    /// The position that a slot keeps the low bits of, whatever has become of the shard's head; none if nobody can tell.
    pub(crate) fn whole(self, ring: Ring, low: u64) -> Result<Option<Position>> {
        let lap = self.word(ring)?.load();
        Ok((lap < EXPIRING).then(|| Position::new(u64::from(lap), 0).ahead(low)))
    }
}

#[inline]
// canary: horizon
fn is_to_go(lap: u32, frontier: Position) -> bool {
    lap != EXPIRED && frontier.lap().wrapping_sub(u64::from(lap)) >= EXPIRES_AFTER_LAPS
}

const _: () = assert!(EXPIRES_AFTER_LAPS < 1 << LAP_LOW_BITS);
#[expect(clippy::cast_possible_truncation, reason = "a small constant")]
const _: () = assert!(HORIZONS + MAX_SHARDS as usize * HORIZON_LEN <= CONTROL + CONTROL_LEN);
