//! The index of one shard: 64-byte buckets of eight slots, two candidate buckets a key.
//!
//! A live key has at most one slot and never moves; When both buckets are full, a ghost goes first, else the coldest
//! entry. The index never reads entry bytes: a closure says whether a slot holds a key.

use crate::error::{Error, ErrorKind, Result};
use crate::file::area::Area;
use crate::format::hash::{BUCKETS_PER_PAGE, KeyHash};
use crate::format::layout::{self, BUCKET_LEN, PAGE, SLOTS_PER_BUCKET};
use crate::format::position::Position;
use crate::format::ring::Ring;
use crate::format::slot::Slot;
use crate::shard::metadata::Change;
use samovar_mmap::{Line, Word64};

const LINES_PER_PAGE: usize = 64;
const _: () = assert!(LINES_PER_PAGE as u64 == BUCKETS_PER_PAGE && BUCKETS_PER_PAGE * BUCKET_LEN == PAGE);

/// The slots of one shard.
#[derive(Clone, Copy)]
pub(crate) struct Index<'a> {
    area: Area<'a>,
    pages: u64,
}

/// A slot and its number in the shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbered {
    pub(crate) number: u64,
    pub(crate) slot: Slot,
}

impl<'a> Index<'a> {
    #[inline(always)]
    pub(crate) fn new(area: Area<'a>, pages: u64) -> Self {
        Index { area, pages }
    }

    /// The word of slot `number`.
    #[inline]
    pub(crate) fn word(self, number: u64) -> Result<Word64<'a>> {
        self.area.word64(layout::at(number * 8))
    }

    pub(crate) fn load(self, number: u64) -> Result<Slot> {
        Ok(Slot::from_word(self.word(number)?.load()))
    }

    /// The commit point of a change. Only frequency bumps of readers may come between. Any other change means that the
    /// lock was lost.
    #[inline(always)]
    pub(crate) fn exchange(self, change: Change) -> Result<()> {
        let word = self.word(change.slot)?;
        let mut expected = change.old;
        loop {
            match word.compare_exchange(expected.word(), change.new.word()) {
                Ok(_) => return Ok(()),
                Err(found) if Slot::from_word(found).same_entry(expected) => {
                    expected = Slot::from_word(found);
                }
                Err(_) => return Err(taken_over()),
            }
        }
    }

    /// The candidate buckets of a key.
    #[inline]
    pub(crate) fn buckets(self, hash: KeyHash) -> [u64; 2] {
        hash.buckets(self.pages)
    }

    /// The line of a bucket.
    #[inline]
    pub(crate) fn line(self, bucket: u64) -> Result<Line<'a>> {
        self.area.line(layout::at(bucket * BUCKET_LEN))
    }

    /// The lines of a key's candidate buckets: both lie in one page, whose place is checked once.
    #[inline(always)]
    pub(crate) fn lines(self, hash: KeyHash) -> Result<[Line<'a>; 2]> {
        let [first, second] = self.buckets(hash);
        let page = self.area.block_at::<LINES_PER_PAGE>(layout::at(first / BUCKETS_PER_PAGE * PAGE))?;
        Ok([first, second].map(|bucket| page.line(layout::at(bucket % BUCKETS_PER_PAGE))))
    }

    /// The candidate buckets of a key, with their lines.
    #[inline(always)]
    fn candidates(self, hash: KeyHash) -> Result<[(u64, Line<'a>); 2]> {
        let ([first, second], lines) = (self.buckets(hash), self.lines(hash)?);
        Ok([(first, lines[0]), (second, lines[1])])
    }

    /// Prefetches a bucket's line.
    #[inline]
    pub(crate) fn prefetch(self, bucket: u64) {
        self.area.prefetch(layout::at(bucket * BUCKET_LEN));
    }

    /// Prefetches the bucket that most keys are in.
    #[inline]
    pub(crate) fn prefetch_first_of(self, hash: KeyHash) {
        self.prefetch(self.buckets(hash)[0]);
    }

    /// Prefetches both buckets of a key.
    pub(crate) fn prefetch_of(self, hash: KeyHash) {
        for bucket in self.buckets(hash) {
            self.prefetch(bucket);
        }
    }

    /// The first slot that `holds` accepts among those whose tag matches.
    #[inline(always)]
    pub(crate) fn find(
        self,
        hash: KeyHash,
        mut holds: impl FnMut(Slot) -> Result<bool>,
    ) -> Result<Option<Numbered>> {
        for (bucket, line) in self.candidates(hash)? {
            for way in line.matches(Slot::TAG_AND_LIVE, Slot::live_tag(hash)) {
                let slot = Slot::from_word(line.word(way).load());
                if slot.may_hold(hash) && holds(slot)? {
                    return Ok(Some(Numbered { number: number(bucket, way), slot }));
                }
            }
        }
        Ok(None)
    }

    /// A live slot that seems to hold the key, by its tag alone.
    #[inline]
    pub(crate) fn candidate(self, hash: KeyHash) -> Result<Option<Slot>> {
        let [first, second] = self.buckets(hash);
        match self.candidate_in(first, hash)? {
            None => self.candidate_in(second, hash),
            found => Ok(found),
        }
    }

    /// The same in one of its buckets.
    #[inline]
    pub(crate) fn candidate_in(self, bucket: u64, hash: KeyHash) -> Result<Option<Slot>> {
        let line = self.line(bucket)?;
        let way = line.matches(Slot::TAG_AND_LIVE, Slot::live_tag(hash)).next();
        Ok(way.map(|way| Slot::from_word(line.word(way).load())).filter(|slot| slot.is_live()))
    }

    /// The slot that names exactly this entry.
    #[inline(always)]
    pub(crate) fn find_entry(self, hash: KeyHash, ring: Ring, at: Position) -> Result<Option<Numbered>> {
        let wanted = Slot::live(hash, ring, at, 0);
        for (bucket, line) in self.candidates(hash)? {
            for way in line.matches(Slot::ENTRY_IDENTITY, wanted.word()) {
                let slot = Slot::from_word(line.word(way).load());
                if slot.same_entry(wanted) {
                    return Ok(Some(Numbered { number: number(bucket, way), slot }));
                }
            }
        }
        Ok(None)
    }

    /// The key's ghost.
    #[inline(always)]
    pub(crate) fn find_ghost(self, hash: KeyHash) -> Result<Option<Numbered>> {
        for (bucket, line) in self.candidates(hash)? {
            for way in line.matches(Slot::GHOST_IDENTITY, Slot::ghost_identity(hash)) {
                let slot = Slot::from_word(line.word(way).load());
                if slot.is_ghost_of(hash) {
                    return Ok(Some(Numbered { number: number(bucket, way), slot }));
                }
            }
        }
        Ok(None)
    }

    /// Where a new key goes: its first bucket while less than half of its slots are live, else the bucket with fewer
    /// live slots. There it takes an empty slot, else the oldest ghost. If all slots of both buckets are live, it takes
    /// the coldest of them.
    ///
    /// So most keys are found where a reader looks first, and yet no bucket is full long before the others are.
    pub(crate) fn vacancy(self, hash: KeyHash, clocks: [u64; 2]) -> Result<Numbered> {
        self.vacant(hash, clocks)?.map_or_else(|| self.coldest(self.buckets(hash)), Ok)
    }

    /// The same, if no live entry has to go for it.
    #[inline]
    pub(crate) fn vacant(self, hash: KeyHash, clocks: [u64; 2]) -> Result<Option<Numbered>> {
        let [first, second] = self.candidates(hash)?;
        let live = |line: Line<'_>| line.matches(Slot::LIVE, Slot::LIVE).len();
        let in_first = live(first.1);
        let other = in_first > SLOTS_PER_BUCKET / 2 && live(second.1) < in_first;
        let (bucket, line) = if other { second } else { first };
        let oldest = || {
            let ghosts = line.matches(Slot::LIVE, 0);
            ghosts.max_by_key(|way| Slot::from_word(line.word(*way).load()).ghost_age(clocks))
        };
        let way = line.matches(u64::MAX, Slot::EMPTY.word()).next().or_else(oldest);
        let slot = |way| Slot::from_word(line.word(way).load());
        let vacant = way.map(|way| Numbered { number: number(bucket, way), slot: slot(way) });
        Ok(vacant.filter(|found| !found.slot.is_live()))
    }

    /// The least read slot of two buckets; of equals, one in the small ring.
    #[cold]
    fn coldest(self, [first, second]: [u64; 2]) -> Result<Numbered> {
        let slots = numbered(first, self.line(first)?).chain(numbered(second, self.line(second)?));
        let rank = |found: &Numbered| (found.slot.freq(), found.slot.ring() as u64);
        let none = Numbered { number: number(first, 0), slot: self.load(number(first, 0))? };
        Ok(slots.min_by_key(rank).unwrap_or(none))
    }
}

/// The slots of a bucket.
fn numbered(bucket: u64, line: Line<'_>) -> impl Iterator<Item = Numbered> {
    let slots = line.load_all().into_iter().enumerate();
    slots.map(move |(way, word)| Numbered { number: number(bucket, way), slot: Slot::from_word(word) })
}

#[cold]
fn taken_over() -> Error {
    Error::new(
        ErrorKind::Busy,
        "the shard was taken over while this write was asleep; the write did not happen",
    )
}

/// The number of a way of a bucket among the slots of its shard.
#[inline]
pub(crate) fn number(bucket: u64, way: usize) -> u64 {
    bucket * SLOTS_PER_BUCKET as u64 + way as u64
}
