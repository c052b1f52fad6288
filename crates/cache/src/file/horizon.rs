//! Where a shard's rings stood at the last flush, and whether a ring has gone too far since for slots to prove
//! anything.
//!
//! A slot keeps ten bits of the lap of its entry. In a file that lost nothing, the frontier makes the position whole. After a
//! power loss each page is of another moment, and a frontier proves nothing about a slot. The lap of the last flush does.
//! Every slot on the disk is from some time since that flush, so its entry lies at or above that lap. While the ring has gone
//! less than 1,024 laps on, that is exactly one place.
//!
//! ```text
//!   lap of the last flush --a ring has gone too far--> EXPIRING --that is durable--> EXPIRED
//!   any of them --a flush: everything is on the disk, and CLEAN is stored--> lap of that flush
//! ```
//!
//! A horizon is durable before any write that relies on it. It is set only after the clean word was stored, and the
//! next write syncs the control page first, where the horizons are too. A salvage keeps nothing of a ring whose horizon
//! has expired.

use crate::error::Result;
use crate::format::geometry::MAX_SHARDS;
use crate::format::layout::{CONTROL, CONTROL_LEN, HORIZON_LEN, HORIZONS};
use crate::format::position::{LAP_LOW_BITS, Position};
use crate::format::ring::{RINGS, Ring};
use samovar_mmap::{View, Word32};

/// The ring has gone too far, durably; or it is about to, and that may not be durable yet.
const EXPIRED: u32 = u32::MAX;
const EXPIRING: u32 = u32::MAX - 1;

/// Laps after which a ring has gone too far. The margin is for one write, and for a salvage that died: each takes a few
/// laps.
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

    /// Has a ring gone too far, while the file does not say so yet?
    #[inline]
    pub(crate) fn is_expiring(self, frontiers: [Position; 2]) -> Result<bool> {
        for (ring, frontier) in RINGS.into_iter().zip(frontiers) {
            if is_to_go(self.word(ring)?.load(), frontier) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Marks the horizons of rings that have gone too far as expiring.
    pub(crate) fn begin_expiry(self, frontiers: [Position; 2]) -> Result<()> {
        for (ring, frontier) in RINGS.into_iter().zip(frontiers) {
            let word = self.word(ring)?;
            if is_to_go(word.load(), frontier) {
                word.store(EXPIRING);
            }
        }
        Ok(())
    }

    /// Marks expiring horizons as expired. That they expire is durable by now.
    pub(crate) fn finish_expiry(self) -> Result<()> {
        for ring in RINGS {
            let word = self.word(ring)?;
            if word.load() == EXPIRING {
                word.store(EXPIRED);
            }
        }
        Ok(())
    }

    /// The whole position of an entry, from the low bits that its slot keeps, without the shard's head; none if that is
    /// impossible.
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
