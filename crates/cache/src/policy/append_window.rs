//! How far a set may append without another look at the rings.
//!
//! Whether an entry fits at a ring's head follows from the bounds, the frontiers, both tails, and how much of the main
//! ring is live. An overwrite changes almost nothing of that. So one of them stores what it saw, for those that follow:
//!
//! ```text
//!   closed --by a set that looked--> open until a walk is due, for small entries, up to an end in each ring
//!      ^                                               |
//!      '-- by every writer, before all else; and by ---'
//!          a set that is not of this kind
//! ```
//!
//! All of it under the shard's writer lock. The word that opens it is written last and cleared first, so it is closed
//! if the writer died in the middle of opening it. If a writer died that used it, a change is prepared, and the writer
//! that repairs that closes the window.

use crate::format::layout::APPEND_WINDOW;
use crate::format::position::Position;
use crate::format::ring::{RINGS, Ring};
use crate::policy::eviction;
use crate::shard::bounds::Bounds;
use crate::shard::head::Head;
use crate::shard::metadata::MetadataCopy;
use crate::shard::view::Shard;

/// Where an entry can be appended at once, and how long that holds.
#[derive(Clone, Copy)]
pub(crate) struct AppendWindow {
    /// The sequence at which the next walk is due.
    until: u64,
    /// The most units of an entry that is appended, and of one that it replaces.
    units: u64,
    /// Where entries must end that are appended to each ring.
    ends: [Position; 2],
}

impl AppendWindow {
    #[inline(always)]
    pub(crate) fn load(head: Head<'_>) -> Self {
        let word = |at: usize| head.word64(APPEND_WINDOW + at * 8).load();
        AppendWindow { until: word(0), units: word(1), ends: [word(2), word(3)].map(Position::from_word) }
    }

    #[inline(always)]
    pub(crate) fn is_open(&self) -> bool {
        self.until != 0
    }

    /// May entries of so many units come and go at this point of the sequence?
    #[inline(always)]
    pub(crate) fn serves(&self, version: u64, units: u64) -> bool {
        version < self.until && units <= self.units
    }

    /// Where an entry of so many units goes, if it still fits.
    #[inline(always)]
    pub(crate) fn place(&self, ring: Ring, head: Position, units: u64) -> Option<Position> {
        // canary: append window end
        head.has_before(self.ends[ring as usize], units).then_some(head)
    }

    /// Stores a window where none is open.
    fn open(&self, head: Head<'_>) {
        let words = [self.units, self.ends[0].word(), self.ends[1].word()];
        for (at, word) in (1..).zip(words) {
            head.word64(APPEND_WINDOW + at * 8).store(word);
        }
        // Release: a writer that finds it open finds the rest. Its partner is the acquire with which the lock is taken.
        head.word64(APPEND_WINDOW).store_release(self.until);
    }

    /// Closes the window: the next write looks at everything again. The caller holds the writer lock.
    #[inline]
    pub(crate) fn close(head: Head<'_>) {
        let until = head.word64(APPEND_WINDOW);
        if until.load() != 0 {
            until.store(0);
            // It comes before all further stores of this writer, which might make the window wrong. Same partner.
            samovar_mmap::fence_release();
        }
    }
}

/// What decides whether an entry fits at the head of a ring. The caller holds the writer lock.
pub(crate) struct Surroundings<'s, 'a> {
    shard: &'s Shard<'a>,
    metadata: MetadataCopy<'a>,
    bounds: Bounds,
}

impl<'s, 'a> Surroundings<'s, 'a> {
    #[inline(always)]
    pub(crate) fn of(shard: &'s Shard<'a>, metadata: MetadataCopy<'a>) -> Self {
        Surroundings { shard, metadata, bounds: shard.bounds() }
    }

    /// Where an entry of so many units goes, if it fits now and leaves the reserve free.
    #[inline(always)]
    pub(crate) fn place(&self, ring: Ring, units: u64) -> Option<Position> {
        let (head, main_live) = (self.metadata.head(ring), self.metadata.live(Ring::Main));
        head.has_before(self.end(ring, units, main_live), units).then_some(head)
    }

    /// Where appended entries must end, given the most units of one of them, while at least so many units of the main
    /// ring are live.
    #[inline(always)]
    fn end(&self, ring: Ring, units: u64, main_live: u64) -> Position {
        let (head, tail) = (self.metadata.head(ring), self.metadata.tail(ring));
        let span = self.bounds.span_for(ring, units);
        let frontier = Position::from_word(self.shard.frontier(ring).load());
        let is_sound = self.bounds.are_sound() && span.orders(frontier, tail, head);
        if !is_sound || !self.bounds.is_settled() || ring == Ring::Small && units > span.units() / 2 {
            return head;
        }
        let (reserve, _) = eviction::headroom(main_live, &self.bounds, ring, units);
        let free = span.gap(head, tail).saturating_sub(reserve);
        // canary: append window tail
        head.advance(free.min(span.units_ahead(head, frontier)))
    }

    /// Opens the append window, if this entry is small enough for one walk to serve several writes. A window that is open is
    /// closed instead, since what it rests on changes now.
    pub(crate) fn pass_on(&self, units: u64) {
        let writes = eviction::MOST_WRITES_PER_WALK;
        let most = eviction::most_units_for(&self.bounds, writes);
        if AppendWindow::load(self.shard.head).is_open() {
            AppendWindow::close(self.shard.head);
        } else if units <= most {
            let until = (self.metadata.version() / writes + 1).saturating_mul(writes);
            // As much of the main ring may no longer be live by then.
            let main_live = self.metadata.live(Ring::Main).saturating_sub((writes + 1) * most);
            let ends = RINGS.map(|ring| self.end(ring, most, main_live));
            AppendWindow { until, units: most, ends }.open(self.shard.head);
        }
    }
}
