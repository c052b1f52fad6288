//! The validated copy: bytes of an entry, copied while others may recycle them, and then proved to be whole.
//!
//! ```text
//!   load laps begun --acquire--> load slot --acquire--> copy --acquire fence--> frontier still protects the entry?
//!      ^                                                               | yes: the copy is the entry, whatever its slot says now
//!      '--------------------- no: the entry was recycled --------------'
//! ```
//!
//! Why no second look at the slot is needed. A writer stores a frontier, then a release fence, before it overwrites a byte
//! below it. So a reader that copied such a byte sees, after its acquire fence, a frontier that no longer protects the
//! entry. An overwrite of the key changes its slot and leaves its bytes. The copy then is the value at the load of the slot.
//!
//! Which lap the slot means. It has ten bits of it. A frontier passes an entry only after its slot has let go, and its
//! laps are counted before it is stored. So the entry lies at or above the frontier of the time when the laps were first
//! loaded. It lies less than a lap above the frontier that is loaded at the end. Where fewer than 512 laps were begun in
//! between, only one position has those bits, however long the reader slept.
//!
//! A copy that does not pass is dropped: lengths from the file are checked before they are used.

use crate::format::layout::{FRONTIERS, LAPS_BEGUN};
use crate::format::position::{LAP_LOW_BITS, Position};
use crate::format::slot::Slot;
use crate::shard::view::Shard;
use samovar_mmap::{Line, Word64};

/// Which word of the frontiers' line counts the laps that they begin.
const LAPS: usize = (LAPS_BEGUN - FRONTIERS) / 8;

/// So many laps, begun while an entry is copied, prove nothing about ten lap bits.
const LAPS_APART: u64 = 1 << (LAP_LOW_BITS - 1);

/// What a look at an entry is worth that found no value.
pub(crate) enum NoValue {
    /// What was seen is so: the bytes are the entry's, and its slot still names it.
    Certain,
    /// The slot names reclaimed bytes, and has not changed: that is damage, not a race, and no entry is there.
    Reclaimed,
    /// The entry was recycled, or the key has another one: look again.
    Moved,
}

/// How many laps had been begun before a slot was loaded.
#[derive(Clone, Copy)]
pub(crate) struct Validation<'a> {
    line: Line<'a>,
    laps: u64,
}

/// A slot that was loaded, and its word.
#[derive(Clone, Copy)]
pub(crate) struct LoadedSlot<'a> {
    pub(crate) word: Word64<'a>,
    pub(crate) slot: Slot,
}

impl<'a> Validation<'a> {
    /// To be called before the slot is loaded.
    #[inline(always)]
    pub(crate) fn begin(shard: &Shard<'a>) -> Self {
        let line = shard.frontiers();
        // Acquire, with the release of its store: a slot that is loaded after this has let go of what lies below the frontiers
        // that were counted.
        Validation { line, laps: line.word(LAPS).load_acquire() }
    }

    /// To be called after the last byte was copied: the frontier that the entry lay at or above to the end; none if it was
    /// recycled. The slot was loaded with acquire; its partner is the release of the slot's exchange: the entry's bytes are older
    /// than its slot.
    #[inline(always)]
    pub(crate) fn end(self, LoadedSlot { slot, .. }: LoadedSlot<'_>) -> Option<Position> {
        // Acquire fence, with the release fence after a frontier's store: bytes first, then what they are worth.
        samovar_mmap::fence_acquire();
        let frontier = self.frontier(slot);
        // canary: laps apart
        let is_near = self.line.word(LAPS).load().wrapping_sub(self.laps) < LAPS_APART;
        // canary: generation frontier
        let is_protected = frontier.protects(slot.low()) && is_near;
        is_protected.then_some(frontier)
    }

    /// The frontier of a slot's ring as it stands.
    #[inline(always)]
    fn frontier(self, slot: Slot) -> Position {
        // Acquire, with the release of its store: the laps that are loaded after this count the lap that it is in.
        Position::from_word(self.line.word(slot.ring() as usize).load_acquire())
    }

    /// To be asked where there is no value, or none that is whole. An overwrite may have marked the entry as dead, or its time have
    /// ended after a new value came, so that the slot is looked at again. Between two looks at one frontier nothing was
    /// reclaimed: a slot that names what lies below it all the while is damage.
    #[cold]
    pub(crate) fn no_value(self, loaded: LoadedSlot<'_>) -> NoValue {
        if self.end(loaded).is_none() {
            return self.recycled(loaded);
        }
        // canary: still absent
        if loaded.is_unchanged() { NoValue::Certain } else { NoValue::Moved }
    }

    fn recycled(self, loaded: LoadedSlot<'_>) -> NoValue {
        let frontier = self.frontier(loaded.slot);
        let is_below = !frontier.protects(loaded.slot.low()) && loaded.is_unchanged();
        match is_below && self.frontier(loaded.slot) == frontier {
            true => NoValue::Reclaimed,
            false => NoValue::Moved,
        }
    }
}

impl LoadedSlot<'_> {
    /// Does the slot still name what it named?
    fn is_unchanged(self) -> bool {
        // Acquire, with the release of the slot's exchange: a frontier that is loaded after this is no older than the slot.
        self.slot.still_names(Slot::from_word(self.word.load_acquire()))
    }
}
