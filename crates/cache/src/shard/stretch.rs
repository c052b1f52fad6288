//! A stretch of a ring that a tail passes at once, as it looks to whoever does that, and to whoever finishes it for the dead.

use crate::error::Result;
use crate::format::entry::{Header, Mark};
use crate::format::hash::KeyHash;
use crate::format::position::Position;
use crate::format::ring::{RINGS, Ring};
use crate::format::seal::Home;
use crate::shard::index::Numbered;
use crate::shard::metadata::Metadata;
use crate::shard::shard::Shard;

/// An entry in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) ring: Ring,
    pub(crate) at: Position,
    pub(crate) header: Header,
}

impl Located {
    pub(crate) fn home(self) -> Home {
        Home { ring: self.ring, at: self.at }
    }

    /// Where the next entry begins.
    #[inline]
    pub(crate) fn end(self) -> Position {
        self.at.advance(self.header.units())
    }
}

/// Part of a ring, within one lap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) ring: Ring,
    from: Position,
    to: Position,
}

/// A live entry of a stretch.
#[derive(Clone, Copy)]
pub(crate) struct Live {
    pub(crate) entry: Located,
    pub(crate) hash: KeyHash,
    pub(crate) found: Numbered,
}

impl Stretch {
    /// What lies between the tails of two copies; none if that is not part of one ring's lap.
    pub(crate) fn between(before: &Metadata, next: &Metadata) -> Option<Self> {
        let moved = |ring: &Ring| before.ring(*ring).tail != next.ring(*ring).tail;
        let mut moved = RINGS.into_iter().filter(moved);
        let ring = moved.next().filter(|_| moved.next().is_none())?;
        let (from, to) = (before.ring(ring).tail, next.ring(ring).tail);
        (from.lap() == to.lap() && from < to).then_some(Stretch { ring, from, to })
    }

    /// Hands out every entry that a slot names; false, and no more of them, where it meets what is no entry.
    pub(crate) fn for_each_live(
        self,
        shard: Shard<'_>,
        mut each: impl FnMut(Live) -> Result<()>,
    ) -> Result<bool> {
        let mut at = self.from;
        while at < self.to {
            let left = self.to.offset() - at.offset();
            match shard.log.mark(at.offset())? {
                Mark::Filler(units) | Mark::Dead(units) if units <= left => at = at.advance(units),
                Mark::Entry(header) if header.units() <= left => {
                    let entry = Located { ring: self.ring, at, header };
                    let hash = shard.hash_at(at.offset(), header)?;
                    if let Some(found) = shard.index.find_entry(hash, self.ring, at)? {
                        each(Live { entry, hash, found })?;
                    }
                    at = entry.end();
                }
                _ => return Ok(false),
            }
        }
        Ok(true)
    }
}
