//! The index of one shard: 64-byte buckets of eight slots, two candidate buckets a key.
//!
//! A live key has at most one slot and never moves; when both buckets are full a ghost goes first, else the coldest
//! entry. The index never reads entry bytes: whether a slot holds a key is asked of a closure.

use crate::area::Area;
use crate::error::Result;
use crate::hash::KeyHash;
use crate::layout::{self, BUCKET_LEN, SLOTS_PER_BUCKET};
use crate::position::Position;
use crate::ring::Queue;
use crate::slot::{GHOST_AGE_MODULUS, Slot};
use samovar_mmap::{Line, Word64};

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

    /// Asks for a bucket's line, to have it sooner.
    #[inline]
    pub(crate) fn prefetch(self, bucket: u64) {
        self.area.prefetch(layout::at(bucket * BUCKET_LEN));
    }

    /// Asks for both buckets of a key.
    pub(crate) fn prefetch_of(self, hash: KeyHash) {
        for bucket in self.buckets(hash) {
            self.prefetch(bucket);
        }
    }

    fn slots(self, hash: KeyHash) -> Result<[Numbered; 16]> {
        let mut slots = [Numbered { number: 0, slot: Slot::EMPTY }; 16];
        for (half, bucket) in self.buckets(hash).into_iter().enumerate() {
            let line = self.line(bucket)?;
            for way in 0..SLOTS_PER_BUCKET {
                let slot = Slot::from_word(line.word(way).load());
                slots[half * SLOTS_PER_BUCKET + way] = Numbered { number: number(bucket, way), slot };
            }
        }
        Ok(slots)
    }

    /// The first slot that `holds` accepts among those whose tag matches.
    #[inline(always)]
    pub(crate) fn find(
        self,
        hash: KeyHash,
        mut holds: impl FnMut(Slot) -> Result<bool>,
    ) -> Result<Option<Numbered>> {
        let [first, second] = self.buckets(hash);
        match self.find_in(first, hash, &mut holds)? {
            None => self.find_in(second, hash, &mut holds),
            found => Ok(found),
        }
    }

    #[inline(always)]
    fn find_in(
        self,
        bucket: u64,
        hash: KeyHash,
        holds: &mut impl FnMut(Slot) -> Result<bool>,
    ) -> Result<Option<Numbered>> {
        let line = self.line(bucket)?;
        for way in line.matches(Slot::TAG_AND_LIVE, Slot::live_tag(hash)) {
            let slot = Slot::from_word(line.word(way).load());
            if slot.may_hold(hash) && holds(slot)? {
                return Ok(Some(Numbered { number: number(bucket, way), slot }));
            }
        }
        Ok(None)
    }

    /// A live slot that seems to hold the key, by its tag alone.
    #[inline]
    pub(crate) fn candidate(self, hash: KeyHash) -> Result<Option<Slot>> {
        for bucket in self.buckets(hash) {
            let line = self.line(bucket)?;
            if let Some(way) = line.matches(Slot::TAG_AND_LIVE, Slot::live_tag(hash)).next() {
                let slot = Slot::from_word(line.word(way).load());
                return Ok(slot.is_live().then_some(slot));
            }
        }
        Ok(None)
    }

    /// The slot that names exactly this entry.
    #[inline]
    pub(crate) fn find_entry(self, hash: KeyHash, queue: Queue, at: Position) -> Result<Option<Numbered>> {
        let wanted = Slot::live(hash, queue, at, 0);
        for bucket in self.buckets(hash) {
            let line = self.line(bucket)?;
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
    pub(crate) fn find_ghost(self, hash: KeyHash) -> Result<Option<Numbered>> {
        for bucket in self.buckets(hash) {
            let line = self.line(bucket)?;
            for way in line.matches(Slot::GHOST_IDENTITY, Slot::ghost_identity(hash)) {
                let slot = Slot::from_word(line.word(way).load());
                if slot.is_ghost_of(hash) {
                    return Ok(Some(Numbered { number: number(bucket, way), slot }));
                }
            }
        }
        Ok(None)
    }

    /// Where a new key goes: in the bucket with fewer live slots an empty one, else the oldest ghost; where both buckets
    /// are full of live slots, the coldest of them.
    pub(crate) fn vacancy(self, hash: KeyHash, clocks: [u64; 2]) -> Result<Numbered> {
        let slots = self.slots(hash)?;
        let live = |half: &[Numbered]| half.iter().filter(|found| found.slot.is_live()).count();
        let (first, second) = slots.split_at(8);
        let emptier = if live(second) < live(first) { second } else { first };
        let rank = |found: &&Numbered| match found.slot {
            slot if slot.is_live() => u64::MAX,
            slot if slot.is_ghost() => GHOST_AGE_MODULUS - slot.ghost_age(clocks),
            _ => 0,
        };
        match emptier.iter().min_by_key(rank).filter(|found| !found.slot.is_live()) {
            Some(found) => Ok(*found),
            None => Ok(coldest(&slots)),
        }
    }
}

/// The number of a way of a bucket among the slots of its shard.
#[inline]
pub(crate) fn number(bucket: u64, way: usize) -> u64 {
    bucket * SLOTS_PER_BUCKET as u64 + way as u64
}

/// The least read; of equals, one in the small ring.
fn coldest(slots: &[Numbered; 16]) -> Numbered {
    let rank = |found: &&Numbered| (found.slot.freq(), found.slot.queue() as u64);
    *slots.iter().min_by_key(rank).unwrap_or(&slots[0])
}
