//! One 8-byte word of the index: empty, a ghost, or a live entry's address. One store of it is the commit point.
//!
//! ```text
//!        63      48 47  46 45   44    43      34 33          0
//! live  |   tag    | freq |1 | ring | lap low  |   offset    |
//!        63      48 47  46 45 44               24 23          0
//! ghost |   tag    | 0  1 |0 | ring | more hash bits |  time  |
//! empty |                        0                             |
//!
//!   empty --set--> live --set--> live          (the slot is reused; a live key never moves to another slot)
//!   live --evicted--> ghost                      live --removed, expired--> empty
//!   ghost --set of its key--> live             ghost --slot needed--> live (of another key)
//! ```
//!
//! No edge of one key leads from a ghost to empty: a ghost costs nothing until its slot is wanted. Emptying a whole
//! shard empties live slots and ghosts alike. Readers change only `freq`, by a compare-exchange of the whole word. So a
//! late one fails if the slot has changed.

use crate::format::hash::KeyHash;
use crate::format::position::{LOW_BITS, Position};
use crate::format::ring::Ring;
use std::fmt;

const TAG_SHIFT: u32 = 48;
const FREQ_SHIFT: u32 = 46;
const FREQ_MASK: u64 = 0b11 << FREQ_SHIFT;
const RING_SHIFT: u32 = 44;
const LOW_MASK: u64 = (1 << LOW_BITS) - 1;
const GHOST: u64 = 1 << 46;
const GHOST_EXTRA_SHIFT: u32 = 24;
const GHOST_EXTRA_BITS: u32 = 20;
const GHOST_EXTRA_MASK: u64 = ((1 << GHOST_EXTRA_BITS) - 1) << GHOST_EXTRA_SHIFT;
/// Ages of ghosts count modulo this.
pub(crate) const GHOST_AGE_MODULUS: u64 = 1 << GHOST_EXTRA_SHIFT;
/// The frequency at which readers stop counting.
pub(crate) const FREQ_MAX: u64 = 3;

const _: () = assert!(LOW_BITS <= RING_SHIFT);
const _: () = assert!(GHOST_EXTRA_SHIFT + GHOST_EXTRA_BITS == RING_SHIFT);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(u64);

impl Slot {
    pub(crate) const EMPTY: Slot = Slot(0);
    /// The bit that live slots have.
    pub(crate) const LIVE: u64 = 1 << 45;
    /// The bits by which live slots are searched, and those that tell a key's ghost.
    pub(crate) const TAG_AND_LIVE: u64 = 0xffff << TAG_SHIFT | Slot::LIVE;
    /// The bits of a live slot that tell its entry from all others.
    pub(crate) const ENTRY_IDENTITY: u64 = !FREQ_MASK;
    pub(crate) const GHOST_IDENTITY: u64 = !((GHOST_AGE_MODULUS - 1) | (1 << RING_SHIFT));

    pub(crate) fn from_word(word: u64) -> Self {
        Slot(word)
    }

    pub(crate) fn word(self) -> u64 {
        self.0
    }

    pub(crate) fn live(hash: KeyHash, ring: Ring, at: Position, freq: u64) -> Self {
        let ring = (ring as u64) << RING_SHIFT;
        Slot(hash.tag() << TAG_SHIFT | freq.min(FREQ_MAX) << FREQ_SHIFT | Slot::LIVE | ring | at.low())
    }

    /// What an entry leaves that is evicted from this ring, at this time of the ring's ghost clock.
    pub(crate) fn ghost(hash: KeyHash, ring: Ring, time: u64) -> Self {
        let extra = hash.ghost_bits() << GHOST_EXTRA_SHIFT & GHOST_EXTRA_MASK;
        let ring = (ring as u64) << RING_SHIFT;
        Slot(hash.tag() << TAG_SHIFT | GHOST | ring | extra | (time % GHOST_AGE_MODULUS))
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn is_live(self) -> bool {
        self.0 & Slot::LIVE != 0
    }

    pub(crate) fn is_ghost(self) -> bool {
        self.0 & (Slot::LIVE | FREQ_MASK) == GHOST
    }

    /// Is this a live slot that may hold the key?
    #[inline]
    pub(crate) fn may_hold(self, hash: KeyHash) -> bool {
        self.0 & Slot::TAG_AND_LIVE == Slot::live_tag(hash)
    }

    /// What the bits of `TAG_AND_LIVE` are in a live slot of this key.
    #[inline]
    pub(crate) fn live_tag(hash: KeyHash) -> u64 {
        hash.tag() << TAG_SHIFT | Slot::LIVE
    }

    /// What the bits of `GHOST_IDENTITY` are in a ghost of this key.
    pub(crate) fn ghost_identity(hash: KeyHash) -> u64 {
        Slot::ghost(hash, Ring::Small, 0).0
    }

    /// Is this the key's ghost? Wrong about once in 2^36 slots looked at.
    pub(crate) fn is_ghost_of(self, hash: KeyHash) -> bool {
        self.0 & Slot::GHOST_IDENTITY == Slot::ghost_identity(hash)
    }

    /// Ghosts that the same ring left since this one, given the clocks of both.
    pub(crate) fn ghost_age(self, clocks: [u64; 2]) -> u64 {
        clocks[self.ring() as usize].wrapping_sub(self.0) % GHOST_AGE_MODULUS
    }

    pub(crate) fn ring(self) -> Ring {
        if self.0 >> RING_SHIFT & 1 == 0 { Ring::Small } else { Ring::Main }
    }

    /// The low bits of the entry's position.
    pub(crate) fn low(self) -> u64 {
        self.0 & LOW_MASK
    }

    /// Units from the start of the shard's data area.
    pub(crate) fn offset(self) -> u64 {
        Position::from_word(self.low()).offset()
    }

    pub(crate) fn freq(self) -> u64 {
        (self.0 & FREQ_MASK) >> FREQ_SHIFT
    }

    /// The same live slot, read once more.
    pub(crate) fn bumped(self) -> Self {
        Slot(self.0 + (1 << FREQ_SHIFT))
    }

    /// The same live slot, read once less.
    pub(crate) fn cooled(self) -> Self {
        if self.freq() == 0 { self } else { Slot(self.0 - (1 << FREQ_SHIFT)) }
    }

    pub(crate) fn tag(self) -> u64 {
        self.0 >> TAG_SHIFT
    }

    /// Does this live slot still name what it named when it was `now`?
    #[inline(always)]
    pub(crate) fn still_names(self, now: Slot) -> bool {
        (self.0 ^ now.0) & Slot::ENTRY_IDENTITY == 0
    }

    /// The same word, but for the frequency of a live slot, which readers may change at any time?
    pub(crate) fn same_entry(self, other: Slot) -> bool {
        if self.is_live() && other.is_live() {
            self.0 & !FREQ_MASK == other.0 & !FREQ_MASK
        } else {
            self == other
        }
    }

    /// Does this live slot name exactly this entry?
    pub(crate) fn points_to(self, ring: Ring, at: Position) -> bool {
        self.is_live() && self.ring() == ring && self.low() == at.low()
    }

    /// None of the words that a writer can have stored.
    pub(crate) fn is_damaged(self) -> bool {
        !self.is_empty() && !self.is_live() && !self.is_ghost()
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            f.write_str("empty")
        } else if self.is_live() {
            let at = Position::from_word(self.low());
            write!(f, "live {:?} {at:?} freq {} tag {:04x}", self.ring(), self.freq(), self.0 >> TAG_SHIFT)
        } else if self.is_ghost() {
            let time = self.0 % GHOST_AGE_MODULUS;
            write!(f, "ghost {:?} time {time} tag {:04x}", self.ring(), self.0 >> TAG_SHIFT)
        } else {
            write!(f, "damaged {:016x}", self.0)
        }
    }
}

#[cfg(test)]
mod tests;
