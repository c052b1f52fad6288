//! Entries at a ring's tail that are looked at together, and those of them that go in one change.

use crate::format::entry::{Extras, Header};
use crate::format::hash::KeyHash;
use crate::format::position::Position;
use crate::format::ring::Ring;
use crate::format::slot::Slot;
use crate::shard::index::Numbered;
use crate::shard::log_walk::Located;
use crate::shard::metadata::Change;
use crate::write::transaction::Victim;

/// The most entries of a batch.
const TOGETHER: usize = 16;

/// A live entry.
#[derive(Clone, Copy)]
pub(crate) struct Live {
    pub(crate) entry: Located,
    pub(crate) hash: KeyHash,
    pub(crate) found: Numbered,
}

impl Live {
    /// As a victim whose slot becomes `new`.
    pub(crate) fn victim(self, new: Slot) -> Victim {
        let change = Change { slot: self.found.number, old: self.found.slot, new };
        Victim { entry: self.entry, change }
    }
}

/// Entries at a tail, and the hashes of their keys.
pub(crate) struct Candidates {
    many: usize,
    list: [(Located, KeyHash); TOGETHER],
    /// What they and the dead between them cover.
    pub(crate) from: Position,
    pub(crate) to: Position,
}

impl Candidates {
    pub(crate) fn from(from: Position) -> Self {
        let header = Header::new(0, 0, Extras::NONE);
        let entry = Located { ring: Ring::Small, at: Position::ZERO, header };
        Candidates { many: 0, list: [(entry, KeyHash::default()); TOGETHER], from, to: from }
    }

    /// Units that they and the dead between them cover: all of it is in one lap.
    #[inline]
    pub(crate) fn units(&self) -> u64 {
        self.to.offset() - self.from.offset()
    }

    pub(crate) fn has_room(&self) -> bool {
        self.many < TOGETHER
    }

    pub(crate) fn add(&mut self, entry: Located, hash: KeyHash) {
        self.list[self.many] = (entry, hash);
        self.many += 1;
    }

    pub(crate) fn list(&self) -> &[(Located, KeyHash)] {
        &self.list[..self.many]
    }
}

/// The candidates that go with the present change.
pub(crate) struct Batch {
    many: usize,
    changes: [Change; TOGETHER],
    /// The end of the last of them.
    to: Position,
}

impl Batch {
    pub(crate) const NONE: Batch = Batch { many: 0, changes: [Change::NONE; TOGETHER], to: Position::ZERO };

    pub(crate) fn is_empty(&self) -> bool {
        self.many == 0
    }

    pub(crate) fn add(&mut self, victim: Victim) {
        self.changes[self.many] = victim.change;
        (self.many, self.to) = (self.many + 1, victim.entry.end());
    }

    pub(crate) fn changes(&self) -> &[Change] {
        &self.changes[..self.many]
    }

    pub(crate) fn to(&self) -> Position {
        self.to
    }

    /// Those that were in it are gone.
    pub(crate) fn empty(&mut self) {
        self.many = 0;
    }
}
