//! The validated copy: bytes of an entry, copied while others may recycle them, and then proved to be whole.
//!
//! ```text
//!   load slot --acquire--> load frontier --> copy --acquire fence--> frontier and slot unchanged?
//!      ^                                                                | yes: the copy holds
//!      '---------------------------- no: the entry moved or died -------'
//! ```
//!
//! Why the checks at the end suffice. A writer stores a frontier, then a release fence, before it overwrites a byte
//! below it. So a reader that copied such a byte sees, after its acquire fence, a frontier that no longer protects the
//! entry. The slot word holds only ten bits of the lap. So the two frontier loads must be less than 512 laps apart, and
//! the slot, loaded again, must still name the entry. A slot that a slow reader kept for a thousand laps cannot pass
//! both. A copy that does not pass is dropped: lengths from the file are checked before they are used.

use crate::format::position::Position;
use crate::format::slot::Slot;
use crate::shard::view::Shard;
use samovar_mmap::Word64;

/// Frontier loads further apart than this many laps prove nothing about ten lap bits.
const LAPS_APART: u64 = 512;

/// What a copy is worth.
pub(crate) enum Validated {
    /// The bytes are the entry's: it lay ahead of this frontier, and this is what its slot says now.
    Unchanged { frontier: Position, now: Slot },
    /// The slot names reclaimed bytes, and has not changed: that is damage, not a race, and no entry is there.
    Reclaimed,
    /// The slot has changed: look again.
    Moved,
}

/// A copy that is under way, from the entry that a slot names.
pub(crate) struct Validation<'a> {
    word: Word64<'a>,
    slot: Slot,
    frontier: Word64<'a>,
    first: Position,
}

impl<'a> Validation<'a> {
    /// To be called before the first byte is copied. `slot` was loaded from `word` with acquire; its partner is the release of
    /// the slot's exchange: the entry's bytes are older than its slot.
    #[inline(always)]
    pub(crate) fn begin(shard: &Shard<'a>, word: Word64<'a>, slot: Slot) -> Self {
        let frontier = shard.frontier(slot.ring());
        Validation { word, slot, frontier, first: Position::from_word(frontier.load()) }
    }

    /// To be called after the last byte was copied.
    #[inline(always)]
    pub(crate) fn end(self) -> Validated {
        let Validation { word, slot, frontier, first } = self;
        // Acquire fence, with the release fence after a frontier's store: bytes first, then what they are worth.
        samovar_mmap::fence_acquire();
        let last = Position::from_word(frontier.load());
        let now = Slot::from_word(word.load());
        // canary: generation slot
        if !slot.still_names(now) {
            return Validated::Moved;
        }
        // canary: generation frontier
        // canary: frontier
        let is_protected = last.protects(slot.low()) && last.lap().wrapping_sub(first.lap()) < LAPS_APART;
        if is_protected { Validated::Unchanged { frontier: last, now } } else { Validated::Reclaimed }
    }
}
