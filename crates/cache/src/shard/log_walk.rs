//! The one walk over a ring's log, from one position to another.
//!
//! A ring is never longer than a lap. So a walk goes only between two positions that are in order and at most a lap
//! apart. It passes at most one end of a lap, and every step goes at least one unit further. So every walk ends,
//! whatever the bytes of the file are.

use crate::error::Result;
use crate::format::entry::{Header, Mark};
use crate::format::position::{A_LAP, Position};
use crate::format::ring::{Ring, Span};
use crate::format::seal::Home;
use crate::shard::log::Log;

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

    #[inline]
    pub(crate) fn offset(self) -> u64 {
        self.at.offset()
    }

    /// Where the next entry begins.
    #[inline]
    pub(crate) fn end(self) -> Position {
        self.at.advance(self.header.units())
    }
}

/// What a walk meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    /// An entry, which a slot may name.
    Entry(Located),
    /// This many units of an entry that no slot names any more.
    Dead(u64),
    /// This many units that hold nothing.
    Filler(u64),
    /// The end of a lap.
    Lap,
    /// The end of the walk.
    End,
    /// Bytes that no writer left at this place.
    Damaged,
}

/// Part of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) ring: Ring,
    pub(crate) from: Position,
    pub(crate) to: Position,
}

/// A walk, and how far it has come.
#[derive(Clone, Copy)]
pub(crate) struct LogWalk<'a> {
    log: Log<'a>,
    /// Where the ring's entries may lie.
    reach: Span,
    ring: Ring,
    at: Position,
    to: Position,
    /// All entries of this lap end here at the latest.
    limit: u64,
}

impl<'a> LogWalk<'a> {
    /// A walk along a ring whose entries lie within `reach`.
    #[inline]
    pub(crate) fn new(log: Log<'a>, reach: Span, stretch: Stretch) -> Self {
        let Stretch { ring, from, to } = stretch;
        let is_within_a_lap = to.ahead_of(from) <= A_LAP;
        let limit = match is_within_a_lap {
            true if from.lap() != to.lap() => reach.end,
            true => to.offset(),
            false => 0,
        };
        LogWalk { log, reach, ring, at: from, to, limit }
    }

    /// Where the walk stands.
    #[inline]
    pub(crate) fn at(&self) -> Position {
        self.at
    }

    /// Units that may be passed before this lap, or the walk, ends.
    #[inline(always)]
    fn left(&self) -> u64 {
        self.limit.saturating_sub(self.at.offset())
    }

    /// What stands here. The walk goes behind it, unless it has ended or met damage.
    #[inline(always)]
    pub(crate) fn step(&mut self) -> Result<Met> {
        if self.at == self.to {
            return Ok(Met::End);
        }
        let left = self.left();
        Ok(match self.log.mark(self.at.offset())? {
            Mark::Entry(header) if header.units() <= left => {
                let entry = Located { ring: self.ring, at: self.at, header };
                self.at = entry.end();
                Met::Entry(entry)
            }
            Mark::Dead(units) if units <= left => {
                self.at = self.at.advance(units);
                Met::Dead(units)
            }
            Mark::Filler(units) if units <= left => {
                self.at = self.at.advance(units);
                Met::Filler(units)
            }
            Mark::Wrap(start) if self.may_begin_lap(start) => {
                (self.at, self.limit) = (self.at.wrap(start), self.to.offset());
                Met::Lap
            }
            _ => Met::Damaged,
        })
    }

    /// Passes what is dead, until that is so many units; how many that were.
    #[inline]
    pub(crate) fn pass_dead(&mut self, most: u64) -> Result<u64> {
        let mut passed = 0;
        while passed < most && self.left() > 0 {
            match self.log.mark(self.at.offset())? {
                Mark::Dead(units) | Mark::Filler(units) if units <= self.left() => {
                    (self.at, passed) = (self.at.advance(units), passed + units);
                }
                _ => break,
            }
        }
        Ok(passed)
    }

    #[inline]
    fn may_begin_lap(&self, start: u64) -> bool {
        self.to.laps_ahead_of(self.at) == 1
            && self.limit > 0
            && (self.reach.start..=self.to.offset()).contains(&start)
    }
}
