//! Who holds a lock, as one word of the file.
//!
//! ```text
//!   31          14 13       1   0
//!  | incarnation | slot + 1 | waiters |
//! ```

/// Somebody sleeps until the lock is free.
pub(crate) const WAITERS: u32 = 1;
const SLOT_SHIFT: u32 = 1;
const SLOT_BITS: u32 = 13;
const INCARNATION_SHIFT: u32 = SLOT_SHIFT + SLOT_BITS;
/// Bits of the incarnation: all that are left, unless a proof has counters come round often.
const INCARNATION_BITS: u32 = if cfg!(samovar_short_counters) { 2 } else { 32 - INCARNATION_SHIFT };
const INCARNATION_MASK: u32 = (1 << INCARNATION_BITS) - 1;

/// Who holds a lock: a process slot in one of its incarnations. A reused slot never looks like its old owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner(u32);

impl Owner {
    pub(crate) fn new(slot: u32, incarnation: u32) -> Self {
        Owner((slot + 1) << SLOT_SHIFT | (incarnation & INCARNATION_MASK) << INCARNATION_SHIFT)
    }

    /// An owner as it is stored in the file, which may be anything.
    pub(crate) fn from_word(word: u32) -> Self {
        Owner(word)
    }

    pub(crate) fn word(self) -> u32 {
        self.0
    }

    /// The owner's process slot; none if the word names no slot, as damage might.
    pub(crate) fn slot(self) -> Option<u32> {
        (self.0 >> SLOT_SHIFT & ((1 << SLOT_BITS) - 1)).checked_sub(1)
    }

    /// Was the word written by this incarnation of its slot?
    pub(crate) fn is_incarnation(self, incarnation: u32) -> bool {
        self.0 >> INCARNATION_SHIFT == incarnation & INCARNATION_MASK
    }

    /// The owner that a lock word names; none if the lock is free.
    pub(crate) fn of_word(word: u32) -> Option<Self> {
        (word & !WAITERS != 0).then_some(Owner(word & !WAITERS))
    }
}
