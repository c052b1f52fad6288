//! A shard's accounts, kept twice, so that a writer may die between any two stores and the next one knows exactly where
//! things stand.
//!
//! A change that moves a slot goes through these states, named by the selector word:
//!
//! ```text
//!   Committed(i) --write copy 1-i, store selector--> Prepared(1-i) --slot changed--> Committed(1-i)
//!      ^                                             |
//!      '----- slot unchanged: the writer failed -----'      (repair decides by looking at the slot, and nothing else)
//! ```
//!
//! There is no edge from `Prepared` to itself: one change is in flight at a time, and the shard's writer lock covers it.
//! A change that moves no slot (a tail walking over dead entries) goes from `Committed(i)` to `Committed(1-i)` at once. One that
//! empties every slot goes the same way as one that moves a slot, but is always finished: each slot is a commit point for
//! its key. So is a sweep, by which entries at a tail go, several at once: those that the tail passes, and that a slot still
//! names.
//!
//! ```text
//!   Committed(i) --copy 1-i, Prepared(1-i)--> one slot a ghost --> the next one --> ... --> Committed(1-i)
//!                                        '--- the writer failed: the rest become ghosts ---^
//! ```
//!
//! Values are absolute, never deltas, so that repeating a repair changes nothing.

use crate::file::namespace::Account;
use crate::format::layout::{METADATA, METADATA_WORDS, SELECTOR};
use crate::format::position::Position;
use crate::format::ring::Ring;
use crate::format::slot::Slot;
use crate::shard::head::Head;
use samovar_mmap::Line;

const PENDING: u64 = 2;
const CLOCK_BITS: u32 = 32;
const CLOCK_MASK: u64 = (1 << CLOCK_BITS) - 1;
/// Slots have smaller numbers than this; the bits above tell what kind of change it is, and how many accounts of namespaces
/// change with it.
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
    /// How many of the shard's redo_records go with it.
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

/// What a pending metadata waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// That its slot changes; until then nothing has happened.
    Slot,
    /// That all slots are empty. Whoever finds it pending goes on with that.
    Clear,
    /// For nothing: it has happened, but for accounts of namespaces that may not yet say so.
    Sure,
    /// That no slot names an entry any more that lies between the tails of this metadata and the one before. Whoever finds it
    /// pending goes on with that.
    Sweep,
}

impl Kind {
    fn of_word(word: u64) -> Self {
        match word >> SLOT_BITS & KIND_MASK {
            0 => Kind::Slot,
            1 => Kind::Clear,
            2 => Kind::Sure,
            _ => Kind::Sweep,
        }
    }

    fn bits(self) -> u64 {
        (self as u64) << SLOT_BITS
    }
}

impl Change {
    pub(crate) const NONE: Change = Change { slot: 0, old: Slot::EMPTY, new: Slot::EMPTY };
}

/// Which copy of the metadata holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selector {
    Committed(usize),
    /// The named copy will hold once its slot has changed; until then the other does.
    Prepared(usize),
}

impl Metadata {
    /// That of a shard that has never been written, but for where its rings begin.
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
    pub(crate) fn link(&mut self, ring: Ring, units: u64, payload: u64) {
        let state = self.ring_mut(ring);
        state.live = state.live.wrapping_add(units);
        state.entries = state.entries.wrapping_add(1);
        self.payload = self.payload.wrapping_add(payload);
    }

    /// An entry of this size is no longer known to any slot.
    pub(crate) fn unlink(&mut self, ring: Ring, units: u64, payload: u64) {
        let state = self.ring_mut(ring);
        state.live = state.live.saturating_sub(units);
        state.entries = state.entries.saturating_sub(1);
        self.payload = self.payload.saturating_sub(payload);
    }

    /// The same shard with nothing in it: all that the rings held is behind their tails.
    pub(crate) fn cleared(&self) -> Self {
        let empty = |state: RingState| RingState { tail: state.head, live: 0, entries: 0, ..state };
        let rings = self.rings.map(empty);
        Metadata { rings, payload: 0, kind: Kind::Clear, accounts: 0, change: Change::NONE, ..*self }
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

    #[inline(always)]
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

/// One of the two copies where it lies in the file, for a change that alters few of its words.
#[derive(Clone, Copy)]
pub(crate) struct MetadataCopy<'a>([Line<'a>; 2]);

/// What a change of one slot, whose entry stays in its ring, makes of the accounts.
#[derive(Clone, Copy)]
pub(crate) struct Delta {
    pub(crate) ring: Ring,
    /// Of the ring.
    pub(crate) head: Position,
    pub(crate) live: u64,
    pub(crate) entries: u64,
    pub(crate) payload: u64,
    pub(crate) change: Change,
    pub(crate) version: u64,
}

/// Where words stand on the second line.
const PAYLOAD: usize = 0;
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
    pub(crate) fn ring(self, ring: Ring) -> RingState {
        let word = |at: usize| self.0[0].word(ring as usize * RING_WORDS + at).load();
        RingState {
            head: Position::from_word(word(0)),
            tail: Position::from_word(word(1)),
            live: word(2),
            entries: word(3),
        }
    }

    #[inline(always)]
    pub(crate) fn payload(self) -> u64 {
        self.0[1].word(PAYLOAD).load()
    }

    #[inline(always)]
    pub(crate) fn version(self) -> u64 {
        self.0[1].word(VERSION_AT).load()
    }

    /// Becomes what another one is, amended.
    #[inline(always)]
    pub(crate) fn apply(self, other: MetadataCopy<'_>, delta: &Delta) {
        let MetadataCopy([rings, rest]) = self;
        rings.copy_from(other.0[0]);
        rest.copy_from(other.0[1]);
        let state = delta.ring as usize * RING_WORDS;
        rings.word(state).store(delta.head.word());
        rings.word(state + 2).store(delta.live);
        rings.word(state + 3).store(delta.entries);
        rest.word(PAYLOAD).store(delta.payload);
        rest.word(WHAT).store(Kind::Slot.bits() | delta.change.slot);
        rest.word(OLD).store(delta.change.old.word());
        rest.word(NEW).store(delta.change.new.word());
        rest.word(VERSION_AT).store(delta.version);
    }
}

/// The two cache lines of a copy.
#[inline(always)]
fn lines(head: Head<'_>, copy: usize) -> [Line<'_>; 2] {
    let at = METADATA[copy & 1];
    [head.line(at), head.line(at + 64)]
}

impl Selector {
    /// Acquire, with the release in [`Selector::store`]: the copy that it names is whole.
    #[inline(always)]
    pub(crate) fn load(head: Head<'_>) -> Self {
        let word = head.word64(SELECTOR).load_acquire();
        let copy = usize::from(word & 1 != 0);
        if word & PENDING != 0 { Selector::Prepared(copy) } else { Selector::Committed(copy) }
    }

    /// Release, with the acquire in [`Selector::load`].
    #[inline(always)]
    pub(crate) fn store(self, head: Head<'_>) {
        let word = match self {
            Selector::Committed(copy) => copy as u64,
            Selector::Prepared(copy) => PENDING | copy as u64,
        };
        head.word64(SELECTOR).store_release(word);
    }

    /// The copy that holds while no repair is needed, or until one is done.
    pub(crate) fn committed(self) -> usize {
        match self {
            Selector::Committed(copy) => copy,
            Selector::Prepared(copy) => 1 - copy,
        }
    }
}
