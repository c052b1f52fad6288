//! A shard's metadata, kept twice. So a writer may die between any two stores, and the next one knows exactly what has
//! happened.
//!
//! A change that moves a slot goes through these states, named by the selector word:
//!
//! ```text
//!   Committed(i) --write copy 1-i, store selector--> Prepared(1-i) --slot changed--> Committed(1-i)
//!      ^                                             |
//!      '----- slot unchanged: the writer failed -----'      (repair decides by looking at the slot, and nothing else)
//! ```
//!
//! There is no edge from `Prepared` to itself: one change is in flight at a time, under the shard's writer lock. A
//! change that moves no slot (a tail walking over dead entries) goes from `Committed(i)` to `Committed(1-i)` at once. A
//! change that empties every slot goes through the same states as one that moves a slot. It is always finished, since
//! each slot is a commit point for its key. So is a batch: several entries at a tail go at once, those that the tail
//! passes and that a slot still names.
//!
//! ```text
//!   Committed(i) --copy 1-i, Prepared(1-i)--> one slot a ghost --> the next one --> ... --> Committed(1-i)
//!                                        '--- the writer failed: the rest become ghosts ---^
//! ```
//!
//! Values are absolute, never deltas, so that repeating a repair changes nothing.

use crate::file::namespace::Account;
use crate::format::entry::Footprint;
use crate::format::layout::{METADATA, METADATA_WORDS, SELECTOR};
use crate::format::position::Position;
use crate::format::ring::{RINGS, Ring};
use crate::format::slot::Slot;
use crate::shard::head::Head;
use samovar_mmap::{Line, Word64};

const PREPARED: u64 = 2;
const CLOCK_BITS: u32 = 32;
const CLOCK_MASK: u64 = (1 << CLOCK_BITS) - 1;
/// Slots have smaller numbers than this. The bits above give the kind of the change, and how many accounts of
/// namespaces change with it.
const SLOT_BITS: u32 = 56;
const KIND_MASK: u64 = 3;
const ACCOUNTS_SHIFT: u32 = 60;

/// Words of one ring's part.
const RING_WORDS: usize = 4;

/// One ring's part of the accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RingState {
    pub(crate) head: Position,
    pub(crate) tail: Position,
    /// Units of entries that a slot points to.
    pub(crate) live: u64,
    pub(crate) entries: u64,
}

/// The accounts of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) rings: [RingState; 2],
    /// Bytes of keys and values that a slot points to.
    pub(crate) payload: u64,
    /// Entries evicted since creation, to make room or for want of a slot.
    pub(crate) evictions: u64,
    /// Ghosts that each ring left since creation: the clocks by which ghosts age. They have 32 bits.
    pub(crate) ghost_clocks: [u64; 2],
    /// What leads to this metadata.
    pub(crate) kind: Kind,
    /// How many of the shard's redo records go with it.
    pub(crate) accounts: u64,
    /// The change of a slot that does, if that is the kind.
    pub(crate) change: Change,
    /// Times that the shard was emptied because its bytes made no sense.
    pub(crate) resets: u64,
    /// Values stored since creation: the clock that versions them.
    pub(crate) version: u64,
}

/// One slot, as it was and as it will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Which slot of the shard.
    pub(crate) slot: u64,
    pub(crate) old: Slot,
    pub(crate) new: Slot,
}

/// The kind of a change: what a prepared copy waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It happens when its slot changes; until then nothing has happened.
    Slot,
    /// It empties all slots. The next writer that finds it prepared goes on with that.
    Clear,
    /// It has happened; only the accounts of namespaces may not be stored yet.
    Sure,
    /// It takes away the slots of all entries between the tails of this copy and those of the one before. The next
    /// writer that finds it prepared goes on with that.
    Batch,
}

impl Kind {
    fn of_word(word: u64) -> Self {
        match word >> SLOT_BITS & KIND_MASK {
            0 => Kind::Slot,
            1 => Kind::Clear,
            2 => Kind::Sure,
            _ => Kind::Batch,
        }
    }

    fn bits(self) -> u64 {
        (self as u64) << SLOT_BITS
    }
}

impl Change {
    pub(crate) const NONE: Change = Change { slot: 0, old: Slot::EMPTY, new: Slot::EMPTY };
}

/// Which copy of the metadata is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selector {
    Committed(usize),
    /// The named copy is the committed one once its slot has changed; until then the other is.
    Prepared(usize),
}

impl Metadata {
    /// The metadata of an empty shard whose rings begin there.
    pub(crate) const EMPTY: Metadata = Metadata {
        rings: [RingState { head: Position::ZERO, tail: Position::ZERO, live: 0, entries: 0 }; 2],
        payload: 0,
        evictions: 0,
        ghost_clocks: [0; 2],
        kind: Kind::Slot,
        accounts: 0,
        change: Change::NONE,
        resets: 0,
        version: 0,
    };

    pub(crate) fn ring(&self, ring: Ring) -> &RingState {
        &self.rings[ring as usize]
    }

    pub(crate) fn ring_mut(&mut self, ring: Ring) -> &mut RingState {
        &mut self.rings[ring as usize]
    }

    /// A whole namespace is no longer known here, though slots still name its entries.
    pub(crate) fn write_off(&mut self, account: &Account) {
        for (state, part) in self.rings.iter_mut().zip(account.rings) {
            state.live = state.live.saturating_sub(part.units);
            state.entries = state.entries.saturating_sub(part.entries);
        }
        self.payload = self.payload.saturating_sub(account.payload);
    }

    pub(crate) fn entries(&self) -> u64 {
        self.rings[0].entries.saturating_add(self.rings[1].entries)
    }

    /// The version of the value stored at this point of the sequence.
    pub(crate) fn version(&self) -> u32 {
        entry_version_of(self.version)
    }

    /// An entry of this size becomes known to a slot.
    pub(crate) fn link(&mut self, ring: Ring, entry: Footprint) {
        let state = self.ring_mut(ring);
        state.live = state.live.wrapping_add(entry.units);
        state.entries = state.entries.wrapping_add(1);
        self.payload = self.payload.wrapping_add(entry.payload);
    }

    #[inline(always)]
    fn encode(&self) -> [[u64; METADATA_WORDS / 2]; 2] {
        let [small, main] = &self.rings;
        let rings = [
            small.head.word(),
            small.tail.word(),
            small.live,
            small.entries,
            main.head.word(),
            main.tail.word(),
            main.live,
            main.entries,
        ];
        let rest = [
            self.payload,
            self.evictions,
            self.ghost_clocks[0] & CLOCK_MASK | self.ghost_clocks[1] << CLOCK_BITS,
            self.accounts << ACCOUNTS_SHIFT | self.kind.bits() | self.change.slot,
            self.change.old.word(),
            self.change.new.word(),
            self.resets,
            self.version,
        ];
        [rings, rest]
    }

    #[inline(always)]
    fn decode([rings, rest]: [[u64; METADATA_WORDS / 2]; 2]) -> Self {
        let state = |at: usize| RingState {
            head: Position::from_word(rings[at]),
            tail: Position::from_word(rings[at + 1]),
            live: rings[at + 2],
            entries: rings[at + 3],
        };
        let [payload, evictions, clocks, what, old, new, resets, version] = rest;
        Metadata {
            rings: [state(0), state(4)],
            payload,
            evictions,
            ghost_clocks: [clocks & CLOCK_MASK, clocks >> CLOCK_BITS],
            kind: Kind::of_word(what),
            accounts: what >> ACCOUNTS_SHIFT,
            change: Change {
                slot: what & ((1 << SLOT_BITS) - 1),
                old: Slot::from_word(old),
                new: Slot::from_word(new),
            },
            resets,
            version,
        }
    }

    #[inline(always)]
    pub(crate) fn read(head: Head<'_>, copy: usize) -> Self {
        let [rings, rest] = lines(head, copy);
        Metadata::decode([rings.load_all(), rest.load_all()])
    }

    /// Writes it over the copy that is not committed, and commits that: for repairs, while nobody else writes.
    pub(crate) fn commit(&self, head: Head<'_>) {
        let copy = 1 - Selector::load(head).committed();
        self.write(head, copy);
        Selector::Committed(copy).store(head);
    }

    pub(crate) fn write(&self, head: Head<'_>, copy: usize) {
        let ([rings, rest], [ring_words, rest_words]) = (lines(head, copy), self.encode());
        rings.store_all(ring_words);
        rest.store_all(rest_words);
    }
}

/// The version of the value stored at a point of the sequence.
#[inline]
pub(crate) fn entry_version_of(version: u64) -> u32 {
    let [b0, b1, b2, b3, ..] = version.to_le_bytes();
    u32::from_le_bytes([b0, b1, b2, b3])
}

/// One of the two copies, where it lies in the file. The holder of the writer lock drafts the next state in the copy
/// that is not committed. Nobody else looks at it until the selector names it.
#[derive(Clone, Copy)]
pub(crate) struct MetadataCopy<'a>([Line<'a>; 2]);

/// Where words stand on the first line, within a ring's part, and on the second line.
const HEAD: usize = 0;
const TAIL: usize = 1;
const LIVE: usize = 2;
const ENTRIES: usize = 3;
const PAYLOAD: usize = 0;
const EVICTIONS: usize = 1;
const GHOST_CLOCKS: usize = 2;
const WHAT: usize = 3;
const OLD: usize = 4;
const NEW: usize = 5;
const VERSION_AT: usize = 7;

impl<'a> MetadataCopy<'a> {
    #[inline(always)]
    pub(crate) fn of(head: Head<'a>, copy: usize) -> Self {
        MetadataCopy(lines(head, copy))
    }

    #[inline(always)]
    fn word(self, ring: Ring, field: usize) -> Word64<'a> {
        self.0[0].word(ring as usize * RING_WORDS + field)
    }

    #[inline(always)]
    pub(crate) fn head(self, ring: Ring) -> Position {
        Position::from_word(self.word(ring, HEAD).load())
    }

    #[inline(always)]
    pub(crate) fn tail(self, ring: Ring) -> Position {
        Position::from_word(self.word(ring, TAIL).load())
    }

    /// Units of entries that a slot names.
    #[inline(always)]
    pub(crate) fn live(self, ring: Ring) -> u64 {
        self.word(ring, LIVE).load()
    }

    #[inline(always)]
    pub(crate) fn entries(self, ring: Ring) -> u64 {
        self.word(ring, ENTRIES).load()
    }

    /// Entries of both rings.
    pub(crate) fn all_entries(self) -> u64 {
        self.entries(Ring::Small).saturating_add(self.entries(Ring::Main))
    }

    #[inline(always)]
    pub(crate) fn is_empty(self, ring: Ring) -> bool {
        self.head(ring) == self.tail(ring)
    }

    #[inline(always)]
    pub(crate) fn version(self) -> u64 {
        self.0[1].word(VERSION_AT).load()
    }

    pub(crate) fn evictions(self) -> u64 {
        self.0[1].word(EVICTIONS).load()
    }

    pub(crate) fn ghost_clocks(self) -> [u64; 2] {
        let clocks = self.0[1].word(GHOST_CLOCKS).load();
        [clocks & CLOCK_MASK, clocks >> CLOCK_BITS]
    }

    /// All of it.
    pub(crate) fn read(self) -> Metadata {
        Metadata::decode(self.0.map(Line::load_all))
    }

    /// Becomes what another copy is.
    #[inline(always)]
    pub(crate) fn copy_from(self, other: MetadataCopy<'_>) {
        self.0[0].copy_from(other.0[0]);
        self.0[1].copy_from(other.0[1]);
    }

    #[inline(always)]
    pub(crate) fn set_head(self, ring: Ring, head: Position) {
        self.word(ring, HEAD).store(head.word());
    }

    #[inline(always)]
    pub(crate) fn set_tail(self, ring: Ring, tail: Position) {
        self.word(ring, TAIL).store(tail.word());
    }

    #[inline(always)]
    pub(crate) fn set_version(self, version: u64) {
        self.0[1].word(VERSION_AT).store(version);
    }

    /// An entry becomes known to a slot.
    #[inline(always)]
    pub(crate) fn link(self, ring: Ring, entry: Footprint) {
        add(self.word(ring, LIVE), entry.units);
        // canary: entries counted
        add(self.word(ring, ENTRIES), 1);
        add(self.0[1].word(PAYLOAD), entry.payload);
    }

    /// An entry is no longer known to any slot.
    #[inline(always)]
    pub(crate) fn unlink(self, ring: Ring, entry: Footprint) {
        subtract(self.word(ring, LIVE), entry.units);
        subtract(self.word(ring, ENTRIES), 1);
        subtract(self.0[1].word(PAYLOAD), entry.payload);
    }

    /// A slot names another entry of the same ring.
    #[inline(always)]
    pub(crate) fn relink(self, ring: Ring, old: Footprint, new: Footprint) {
        let (live, payload) = (self.word(ring, LIVE), self.0[1].word(PAYLOAD));
        live.store(live.load().saturating_sub(old.units).wrapping_add(new.units));
        payload.store(payload.load().saturating_sub(old.payload).wrapping_add(new.payload));
    }

    /// A whole namespace is no longer known here, though slots still name its entries.
    pub(crate) fn write_off(self, account: &Account) {
        for (ring, part) in RINGS.into_iter().zip(account.rings) {
            subtract(self.word(ring, LIVE), part.units);
            subtract(self.word(ring, ENTRIES), part.entries);
        }
        subtract(self.0[1].word(PAYLOAD), account.payload);
    }

    /// Nothing is in the shard any more: all that the rings held is behind their tails.
    pub(crate) fn clear(self) {
        for ring in RINGS {
            self.set_tail(ring, self.head(ring));
            self.word(ring, LIVE).store(0);
            self.word(ring, ENTRIES).store(0);
        }
        self.0[1].word(PAYLOAD).store(0);
    }

    pub(crate) fn count_eviction(self) {
        add(self.0[1].word(EVICTIONS), 1);
    }

    /// A ring leaves one more ghost: the time that it bears.
    pub(crate) fn tick_ghost_clock(self, ring: Ring) -> u64 {
        let mut clocks = self.ghost_clocks();
        let clock = &mut clocks[ring as usize];
        *clock = clock.wrapping_add(1) & CLOCK_MASK;
        let time = *clock;
        self.0[1].word(GHOST_CLOCKS).store(clocks[0] | clocks[1] << CLOCK_BITS);
        time
    }

    /// What leads here.
    #[inline(always)]
    pub(crate) fn set_change(self, kind: Kind, redo_records: u64, change: Change) {
        let what = redo_records << ACCOUNTS_SHIFT | kind.bits() | change.slot;
        self.0[1].word(WHAT).store(what);
        self.0[1].word(OLD).store(change.old.word());
        self.0[1].word(NEW).store(change.new.word());
    }
}

#[inline(always)]
fn add(word: Word64<'_>, more: u64) {
    word.store(word.load().wrapping_add(more));
}

#[inline(always)]
fn subtract(word: Word64<'_>, less: u64) {
    word.store(word.load().saturating_sub(less));
}

/// The two cache lines of a copy.
#[inline(always)]
fn lines(head: Head<'_>, copy: usize) -> [Line<'_>; 2] {
    let at = METADATA[0] + (copy & 1) * (METADATA[1] - METADATA[0]);
    [head.line(at), head.line(at + 64)]
}

impl Selector {
    /// Acquire, with the release in [`Selector::store`]: the copy that it names is whole.
    #[inline(always)]
    pub(crate) fn load(head: Head<'_>) -> Self {
        let word = head.word64(SELECTOR).load_acquire();
        let copy = usize::from(word & 1 != 0);
        if word & PREPARED != 0 { Selector::Prepared(copy) } else { Selector::Committed(copy) }
    }

    /// Release, with the acquire in [`Selector::load`].
    #[inline(always)]
    pub(crate) fn store(self, head: Head<'_>) {
        let word = match self {
            Selector::Committed(copy) => copy as u64,
            Selector::Prepared(copy) => PREPARED | copy as u64,
        };
        head.word64(SELECTOR).store_release(word);
    }

    /// The committed copy: it is right while no repair is needed, and until one is done.
    pub(crate) fn committed(self) -> usize {
        match self {
            Selector::Committed(copy) => copy,
            Selector::Prepared(copy) => 1 - copy,
        }
    }
}

#[cfg(all(test, feature = "inject"))]
mod tests;
