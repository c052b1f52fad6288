//! One change of a shard after another, each whole or not at all, whenever its writer dies.
//!
//! ```text
//!   Committed(i) --the next state is drafted in copy 1-i--> Committed(i), drafted
//!   Committed(i), drafted --selector--> Prepared(1-i) --bytes--> SLOT, the commit point --selector--> Committed(1-i)
//!   Committed(i), drafted, and no slot changes: a tail has passed what is dead --selector--> Committed(1-i)
//! ```
//!
//! No other code stores the selector, an entry's bytes or a slot while a shard is in order. There is no edge from
//! `Prepared` back to `Committed(i)`. A writer that fails leaves that to the next one, which looks at the slot; see
//! [`crate::repair::recover`].

use crate::error::{Error, Result};
use crate::file::namespace::{Account, AccountChanges, NamespaceCounter};
use crate::format::entry::{Extras, Header, KeyValue, Mark, Preface};
use crate::format::hash::{KeyHash, NamespaceWord};
use crate::format::position::Position;
use crate::format::ring::{Place, Ring};
use crate::format::slot::Slot;
use crate::repair::recover;
use crate::shard::lease::Leases;
use crate::shard::locked::LockedShard;
use crate::shard::log_walk::Located;
use crate::shard::metadata::{self, Change, Kind, MetadataCopy, Selector};
use crate::shard::view::Shard;
use crate::write::item::Item;
use crate::write::plan::{Append, Old};

/// What changes a shard. The next state is drafted where it will lie, beside the one that is committed.
pub(crate) struct Transaction<'a> {
    pub(crate) shard: &'a Shard<'a>,
    /// Which copy of the metadata is committed.
    committed: usize,
    /// The other copy is the next state; else it is of the past.
    is_drafted: bool,
    /// What becomes of accounts of namespaces with the change at hand.
    accounts: AccountChanges,
}

/// A live entry, and the slot that names it.
#[derive(Clone, Copy)]
pub(crate) struct Victim {
    pub(crate) entry: Located,
    pub(crate) change: Change,
}

impl<'a> Transaction<'a> {
    /// The first one under a hold of the shard's lock; none if the last holder died in the middle of one.
    #[inline(always)]
    pub(crate) fn begin(locked: &LockedShard<'a>) -> Option<Self> {
        let shard = locked.shard();
        let Selector::Committed(committed) = Selector::load(shard.head) else { return None };
        Some(Transaction { shard, committed, is_drafted: false, accounts: AccountChanges::default() })
    }

    #[inline(always)]
    fn current(&self) -> MetadataCopy<'a> {
        MetadataCopy::of(self.shard.head, self.committed)
    }

    #[inline(always)]
    fn spare(&self) -> MetadataCopy<'a> {
        MetadataCopy::of(self.shard.head, 1 - self.committed)
    }

    /// The metadata, as the change at hand leaves it so far.
    #[inline(always)]
    pub(crate) fn metadata(&self) -> MetadataCopy<'a> {
        MetadataCopy::of(self.shard.head, self.committed ^ usize::from(self.is_drafted))
    }

    /// The same, to be changed.
    #[inline(always)]
    fn draft(&mut self) -> MetadataCopy<'a> {
        if !self.is_drafted {
            self.spare().copy_from(self.current());
            self.is_drafted = true;
        }
        self.spare()
    }

    /// Stores an item where the plan says. The memory there is ready.
    #[inline(always)]
    pub(crate) fn put(&mut self, append: &Append, item: &Item<'_>) -> Result<()> {
        let Append { target, old, ring, place, header, footprint } = *append;
        let draft = self.draft();
        let lap_ends_at = draft.head(ring);
        let freq = self.account_for(draft, append, item)?;
        let version = draft.version().wrapping_add(1);
        draft.set_head(ring, place.at.advance(footprint.units));
        draft.set_version(version);
        let new = Slot::live(item.hash, ring, place.at, freq);
        let shard = self.shard;
        let change = Change { slot: target.number, old: target.slot, new };
        self.prepare(Kind::Slot, change)?;
        mark_wrap(shard, lap_ends_at, place)?;
        let version = item.version.unwrap_or(metadata::entry_version_of(version));
        // canary: slot
        put_entry(shard, Located { ring, at: place.at, header }, item, version)?;
        self.commit(change)?;
        shard.count_stored();
        match old {
            Old::Nothing => Ok(()),
            Old::Own(old, _) | Old::Victim(old) => self.mark_dead(target.slot, old),
        }
    }

    /// What an append makes of the metadata's sums; how often its entry counts as read: as often as its key's old one.
    #[inline(always)]
    fn account_for(&mut self, draft: MetadataCopy<'_>, append: &Append, item: &Item<'_>) -> Result<u64> {
        let Append { target, old, ring, header, footprint, .. } = *append;
        let freq = match old {
            Old::Own(old, was)
                if target.slot.ring() == ring && !has_namespace(old) && !has_namespace(header) =>
            {
                draft.relink(ring, was, footprint);
                return Ok(target.slot.freq());
            }
            Old::Own(old, _) => {
                self.unlink(target.slot, old)?;
                target.slot.freq()
            }
            Old::Victim(victim) => {
                self.count_eviction(target.slot.offset(), victim)?;
                self.unlink(target.slot, victim)?;
                0
            }
            Old::Nothing => 0,
        };
        let namespace = item.terms.namespace.map_or(NamespaceWord::DEFAULT, NamespaceWord::from_word);
        self.link(namespace, ring, header)?;
        Ok(freq)
    }

    /// Lets go of a live entry: its slot becomes `change.new`.
    pub(crate) fn release(&mut self, change: Change, header: Header) -> Result<()> {
        self.unlink(change.old, header)?;
        self.prepare(Kind::Slot, change)?;
        self.commit(change)
    }

    /// The same for the entry at a ring's tail, which is passed by that.
    pub(crate) fn release_at_tail(&mut self, Victim { entry, change }: Victim) -> Result<()> {
        self.draft().set_tail(entry.ring, entry.end());
        self.release(change, entry.header)
    }

    /// Appends the entry at a ring's tail to the main ring. `resealed` is what is to stand before its key there.
    pub(crate) fn relocate(
        &mut self,
        Victim { entry, change }: Victim,
        place: Place,
        resealed: Option<&Preface>,
    ) -> Result<()> {
        let shard = self.shard;
        let (header, units) = (entry.header, entry.header.units());
        let namespace = shard.log.namespace(entry.offset(), header)?;
        let draft = self.draft();
        let lap_ends_at = draft.head(Ring::Main);
        self.unlink(change.old, header)?;
        self.link(namespace, Ring::Main, header)?;
        draft.set_tail(entry.ring, entry.end());
        draft.set_head(Ring::Main, place.at.advance(units));
        self.prepare(Kind::Slot, change)?;
        mark_wrap(shard, lap_ends_at, place)?;
        shard.log.copy_entry(entry.offset(), place.at.offset(), units)?;
        if let Some(preface) = resealed {
            shard.log.put_preface(place.at.offset(), header, preface)?;
        }
        self.commit(change)
    }

    /// A tail has passed what is dead.
    #[inline]
    pub(crate) fn pass_tail(&mut self, ring: Ring, to: Position) {
        self.draft().set_tail(ring, to);
    }

    /// A ring without entries begins anew at this position.
    pub(crate) fn restart(&mut self, ring: Ring, at: Position) {
        self.draft().set_head(ring, at);
        self.draft().set_tail(ring, at);
    }

    /// A head passes what stays unwritten, up to this place: a filler covers it, or the lap ends before it.
    pub(crate) fn skip_to(&mut self, ring: Ring, place: Place) -> Result<()> {
        let head = self.metadata().head(ring);
        if place.wraps {
            mark_wrap(self.shard, head, place)?;
        } else {
            // Entries are shorter than 2^30 units, so that two of them are shorter than a filler can be.
            let units = u32::try_from(place.at.offset() - head.offset()).unwrap_or(u32::MAX);
            // canary: detour told
            self.shard.log.put_mark(head.offset(), Mark::filler_word(units))?;
        }
        self.draft().set_head(ring, place.at);
        self.commit_moves();
        Ok(())
    }

    /// Commits what moved without a slot.
    pub(crate) fn commit_moves(&mut self) {
        if self.is_drafted {
            self.draft().set_change(Kind::Slot, 0, Change::NONE);
            self.hold();
        }
    }

    /// Adds the entry at a tail to a batch, and returns the ghost that takes its slot. The entries of a batch lie
    /// between the committed tail and the next one. What moved before the first of them has been
    /// [committed](Self::commit_moves).
    pub(crate) fn add_to_batch(&mut self, entry: Located, hash: KeyHash) -> Slot {
        let draft = self.draft();
        draft.count_eviction();
        draft.unlink(entry.ring, entry.header.footprint());
        Slot::ghost(hash, entry.ring, draft.tick_ghost_clock(entry.ring))
    }

    /// Lets the entries of a batch go, all of them in one change, by which their ring's tail comes to `to`.
    pub(crate) fn release_batch(&mut self, ring: Ring, changes: &[Change], to: Position) -> Result<()> {
        let before = self.current().tail(ring);
        if before.lap() != to.lap() || before.offset() >= to.offset() {
            // Recovery cannot see which entries go.
            return Err(Error::damaged("a batch of the cache has no place in its ring; run `samovar check`"));
        }
        self.draft().set_tail(ring, to);
        self.prepare(Kind::Batch, Change::NONE)?;
        changes.iter().try_for_each(|change| self.shard.index.exchange(*change))?;
        self.hold();
        Ok(())
    }

    /// The entries of a namespace's earlier epoch are dead from now on. Their slots are emptied one by one, as writers
    /// meet them.
    pub(crate) fn write_off(&mut self, number: u64, epoch: u64) -> Result<()> {
        let account = self.shard.accounts().load(number)?;
        if account.epoch == epoch {
            return Ok(());
        }
        self.draft().write_off(&account);
        self.accounts.forget();
        self.accounts.set(number, Account::of_epoch(epoch));
        self.prepare(Kind::Sure, Change::NONE)?;
        self.apply_accounts()?;
        self.hold();
        Ok(())
    }

    /// Forgets everything in the shard. A key is gone with its slot, in every process at once. After a death the next writer
    /// goes on with it.
    pub(crate) fn clear(&mut self) -> Result<()> {
        self.commit_moves();
        // canary: clear voids
        Leases::of(*self.shard).void_all()?;
        self.draft().clear();
        self.prepare(Kind::Clear, Change::NONE)?;
        recover::empty_slots(*self.shard)?;
        self.shard.accounts().clear()?;
        self.hold();
        Ok(())
    }

    /// An entry has to go; its namespace counts that too.
    pub(crate) fn count_eviction(&mut self, offset: u64, header: Header) -> Result<()> {
        self.draft().count_eviction();
        let namespace = self.shard.log.namespace(offset, header)?;
        if !namespace.is_default() {
            self.shard.accounts().counter(namespace.number(), NamespaceCounter::Evictions)?.fetch_add(1);
        }
        Ok(())
    }

    /// What an entry leaves that is evicted now.
    pub(crate) fn ghost(&mut self, hash: KeyHash, ring: Ring) -> Slot {
        Slot::ghost(hash, ring, self.draft().tick_ghost_clock(ring))
    }

    /// Marks an entry that its slot has let go, so that passing it costs no look at the index. It is a hint, left when all
    /// is done: nothing depends on it. A reader that meets the mark looks at the slot again.
    #[inline(always)]
    pub(crate) fn mark_dead(&self, slot: Slot, header: Header) -> Result<()> {
        // Release fence, with the acquire fence in `Validation::end`: who sees the mark sees that the slot has let go.
        samovar_mmap::fence_release();
        self.shard.log.put_mark(slot.offset(), header.dead_word())
    }

    /// The bytes that the new slot names are there: the slot changes, and the metadata with it.
    #[inline(always)]
    fn commit(&mut self, change: Change) -> Result<()> {
        self.shard.index.exchange(change)?;
        self.apply_accounts()?;
        self.hold();
        Ok(())
    }

    /// The draft is whole, and the change begins.
    #[inline(always)]
    fn prepare(&mut self, kind: Kind, change: Change) -> Result<()> {
        let redo_records = self.shard.accounts().write_redo(&self.accounts)?;
        self.draft().set_change(kind, redo_records, change);
        // canary: prepared
        Selector::Prepared(1 - self.committed).store(self.shard.head);
        Ok(())
    }

    /// The change has happened.
    #[inline(always)]
    fn hold(&mut self) {
        self.committed = 1 - self.committed;
        Selector::Committed(self.committed).store(self.shard.head);
        self.is_drafted = false;
    }

    #[inline(always)]
    fn apply_accounts(&mut self) -> Result<()> {
        if !self.accounts.is_empty() {
            self.shard.accounts().apply(&self.accounts)?;
            self.accounts.forget();
        }
        Ok(())
    }

    /// An entry becomes known to a slot.
    #[inline(always)]
    fn link(&mut self, namespace: NamespaceWord, ring: Ring, header: Header) -> Result<()> {
        if !namespace.is_default() {
            self.link_in_account(namespace, ring, header)?;
        }
        self.draft().link(ring, header.footprint());
        Ok(())
    }

    #[inline(never)]
    fn link_in_account(&mut self, namespace: NamespaceWord, ring: Ring, header: Header) -> Result<()> {
        let mut account = self.account(namespace)?;
        account.link(ring, header.footprint());
        self.accounts.set(namespace.number(), account);
        Ok(())
    }

    /// An entry is no longer known to a slot.
    #[inline(always)]
    fn unlink(&mut self, slot: Slot, header: Header) -> Result<()> {
        if has_namespace(header) && !self.unlink_in_account(slot, header)? {
            return Ok(());
        }
        self.draft().unlink(slot.ring(), header.footprint());
        Ok(())
    }

    /// The same for its namespace; false if that was emptied, and the metadata knows the entry no more.
    #[inline(never)]
    fn unlink_in_account(&mut self, slot: Slot, header: Header) -> Result<bool> {
        let namespace = self.shard.log.namespace(slot.offset(), header)?;
        if namespace.is_default() {
            return Ok(true);
        }
        let mut account = self.account(namespace)?;
        let is_known = account.epoch == namespace.epoch();
        if is_known {
            account.unlink(slot.ring(), header.footprint());
            self.accounts.set(namespace.number(), account);
        }
        Ok(is_known)
    }

    /// The namespace's account as the change at hand leaves it so far.
    fn account(&self, namespace: NamespaceWord) -> Result<Account> {
        let number = namespace.number();
        self.accounts.get(number).map_or_else(|| self.shard.accounts().load(number), Ok)
    }
}

#[inline(always)]
fn has_namespace(header: Header) -> bool {
    header.extras().has(Extras::NAMESPACE)
}

/// Tells a walk that the lap ends at `from`, and where the next one begins, if it does.
#[inline(always)]
fn mark_wrap(shard: &Shard<'_>, from: Position, place: Place) -> Result<()> {
    match place.wraps {
        true => shard.log.put_mark(from.offset(), Mark::wrap_word(place.at.offset())),
        false => Ok(()),
    }
}

#[inline(always)]
fn put_entry(shard: &Shard<'_>, entry: Located, item: &Item<'_>, version: u32) -> Result<()> {
    if entry.header.extras().is_none() {
        return shard.log.put_plain(entry.offset(), entry.header, version, item.key_value());
    }
    put_with_extras(shard, entry, item, version)
}

/// Out of the way of most entries, which have none.
#[inline(never)]
fn put_with_extras(shard: &Shard<'_>, entry: Located, item: &Item<'_>, version: u32) -> Result<()> {
    let preface = Preface { terms: item.terms, seal: None, version };
    // canary: sealed
    let preface = sealed(shard, entry, preface, item.key_value());
    shard.log.put_entry(entry.offset(), entry.header, &preface, item.key_value())
}

/// The preface of an entry with the seal that it bears at this place, in a file where entries bear one.
fn sealed(shard: &Shard<'_>, entry: Located, preface: Preface, content: KeyValue<'_>) -> Preface {
    let Some(sealer) = shard.seal_key else { return preface };
    preface.sealed_with(sealer.seal(entry.home(), entry.header, &preface, sealer.content(content)))
}
