//! What a writer does about namespaces: it keeps their accounts, takes note when one was emptied, and keeps each within its
//! limit. Writes to the default namespace come by here for one comparison.

use crate::error::Result;
use crate::file::namespace::{self, Account, NamespaceCounter, NamespaceId};
use crate::format::entry::{Extras, Header};
use crate::format::hash::{KeyHash, NamespaceWord};
use crate::format::position::UNIT;
use crate::format::slot::{FREQ_MAX, Slot};
use crate::shard::index::Numbered;
use crate::shard::metadata::{Change, Kind};
use crate::shard::stretch::Located;
use crate::write::writer::{Item, Writer};

impl Writer<'_> {
    /// Writes from now on are to this namespace, in its present epoch. It is asked under the shard's lock, so that no writer
    /// is of an older epoch than one before it.
    #[inline]
    pub(crate) fn enter(&mut self, namespace: NamespaceId) -> Result<()> {
        self.take_note()?;
        self.own = self.shard.table.present(namespace)?;
        if !self.own.is_default() {
            self.write_off(self.own.number(), self.own.epoch())?;
        }
        Ok(())
    }

    /// Is this write to this namespace, in this epoch?
    pub(crate) fn is_in(&self, namespace: NamespaceWord) -> bool {
        self.own == namespace
    }

    /// Takes namespaces that were emptied off the shard's accounts, if any was since somebody last looked.
    #[inline]
    fn take_note(&mut self) -> Result<()> {
        let (turns, seen) = (self.shard.table.turns()?, self.shard.turns_seen());
        if turns == seen.load() { Ok(()) } else { self.note_turns() }
    }

    #[cold]
    fn note_turns(&mut self) -> Result<()> {
        let (turns, seen) = (self.shard.table.turns()?, self.shard.turns_seen());
        for number in namespace::NUMBERS {
            self.write_off(number, self.shard.table.epoch(number)?)?;
        }
        seen.store(turns);
        Ok(())
    }

    /// What a namespace held in an earlier epoch is dead space from now on: its slots are met, and dropped, one by one.
    fn write_off(&mut self, number: u64, epoch: u64) -> Result<()> {
        let account = self.shard.accounts().load(number)?;
        if account.epoch == epoch {
            return Ok(());
        }
        self.metadata.write_off(&account);
        (self.metadata.kind, self.metadata.change) = (Kind::Sure, Change::NONE);
        self.accounts.forget();
        self.accounts.set(number, Account::of_epoch(epoch));
        let spare = self.announce()?;
        self.settle_accounts()?;
        self.hold(spare);
        Ok(())
    }

    /// The change has happened: stores what becomes of the namespaces' accounts with it.
    #[inline]
    pub(crate) fn settle_accounts(&mut self) -> Result<()> {
        if !self.accounts.list().is_empty() {
            self.shard.accounts().apply(&self.accounts)?;
            self.accounts.forget();
        }
        Ok(())
    }

    /// Is the entry of a namespace that was emptied since?
    pub(crate) fn is_orphan(&self, offset: u64, header: Header) -> Result<bool> {
        if !header.extras().has(Extras::NAMESPACE) {
            return Ok(false);
        }
        let namespace = self.shard.log.namespace(offset, header)?;
        if namespace.number() == self.own.number() {
            return Ok(namespace != self.own);
        }
        Ok(self.shard.table.epoch(namespace.number())? != namespace.epoch())
    }

    /// An entry is no longer known to a slot.
    #[inline(always)]
    pub(crate) fn unlink(&mut self, slot: Slot, header: Header) -> Result<()> {
        if header.extras().has(Extras::NAMESPACE) && !self.unlink_of_space(slot, header)? {
            return Ok(());
        }
        self.metadata.unlink(slot.ring(), header.units(), header.payload());
        Ok(())
    }

    /// The same for its namespace; false if that was emptied, and the shard's accounts know the entry no more.
    #[inline(never)]
    fn unlink_of_space(&mut self, slot: Slot, header: Header) -> Result<bool> {
        let namespace = self.shard.log.namespace(slot.offset(), header)?;
        if namespace.is_default() {
            return Ok(true);
        }
        let mut account = self.account(namespace)?;
        let known = account.epoch == namespace.epoch();
        if known {
            account.unlink(slot.ring(), header.units(), header.payload());
            self.accounts.set(namespace.number(), account);
        }
        Ok(known)
    }

    /// An entry becomes known to a slot.
    #[inline(always)]
    pub(crate) fn link(&mut self, entry: Located, namespace: NamespaceWord) -> Result<()> {
        if !namespace.is_default() {
            self.link_of_space(entry, namespace)?;
        }
        self.metadata.link(entry.ring, entry.header.units(), entry.header.payload());
        Ok(())
    }

    #[inline(never)]
    fn link_of_space(&mut self, entry: Located, namespace: NamespaceWord) -> Result<()> {
        let mut account = self.account(namespace)?;
        account.link(entry.ring, entry.header.units(), entry.header.payload());
        self.accounts.set(namespace.number(), account);
        Ok(())
    }

    /// The namespace's account as the change at hand leaves it so far.
    fn account(&self, namespace: NamespaceWord) -> Result<Account> {
        self.accounts
            .get(namespace.number())
            .map_or_else(|| self.shard.accounts().load(namespace.number()), Ok)
    }

    /// Units that a namespace may hold in this shard; none if it has no limit.
    fn share(&self, number: u64) -> Result<Option<u64>> {
        let limit = self.shard.table.limit(number)?;
        Ok(limit.map(|bytes| bytes / UNIT / self.shard.geometry.shards()))
    }

    /// Does the entry's namespace hold more than it may? Then it goes at the tail, however often it was read.
    pub(crate) fn is_over_limit(&self, entry: Located) -> Result<bool> {
        if !entry.header.extras().has(Extras::NAMESPACE) {
            return Ok(false);
        }
        let number = self.shard.log.namespace(entry.at.offset(), entry.header)?.number();
        let Some(share) = self.share(number)? else { return Ok(false) };
        // One that is larger than the share may be the only one.
        let account = self.shard.accounts().load(number)?;
        Ok(account.units() > share && account.entries() > 1)
    }

    /// An entry has to go; it is also its namespace's.
    pub(crate) fn count_eviction(&mut self, offset: u64, header: Header) -> Result<()> {
        self.metadata.evictions = self.metadata.evictions.wrapping_add(1);
        let namespace = self.shard.log.namespace(offset, header)?;
        if !namespace.is_default() {
            self.shard.accounts().counter(namespace.number(), NamespaceCounter::Evictions)?.fetch_add(1);
        }
        Ok(())
    }

    /// Evicts entries of the namespace that is written to, until it may take this one as well.
    pub(crate) fn make_share(&mut self, item: &Item<'_>) -> Result<()> {
        let number = self.own.number();
        let Some(share) = self.share(number)? else { return Ok(()) };
        let units = item.header(self.shard.extras())?.units();
        loop {
            let known = self.shard.find(item.hash, item.key)?;
            let replaced = match known {
                Some((found, header)) if !self.is_orphan(found.slot.offset(), header)? => header.units(),
                _ => 0,
            };
            let others = self.shard.accounts().load(number)?.units().saturating_sub(replaced);
            if others == 0 || others + units <= share {
                return Ok(());
            }
            if !self.evict_own(known.map(|(found, _)| found.number))? {
                return Ok(());
            }
        }
    }

    /// Evicts one entry of the namespace that is written to, but not that in slot `kept`; false if there is none. The hand goes
    /// round the slots, as in CLOCK: what was read since it came by last is passed over, and is a read colder.
    fn evict_own(&mut self, kept: Option<u64>) -> Result<bool> {
        let slots = self.shard.geometry.slots_per_shard();
        let clock_hand = self.shard.accounts().clock_hand(self.own.number())?;
        let mut number = clock_hand.load() % slots;
        for _ in 0..=slots.saturating_mul(FREQ_MAX + 1) {
            let slot = self.shard.index.load(number)?;
            let next = (number + 1) % slots;
            if slot.is_live() && KeyHash::tag_is_of(slot.tag(), self.own) && Some(number) != kept {
                let header = self.shard.header_of(slot)?;
                if self.shard.log.namespace(slot.offset(), header)? == self.own {
                    if slot.freq() == 0 {
                        clock_hand.store(next);
                        self.evict(Numbered { number, slot }, header)?;
                        return Ok(true);
                    }
                    // A reader may count it up meanwhile: then it stays as it is.
                    let _ =
                        self.shard.index.word(number)?.compare_exchange(slot.word(), slot.cooled().word());
                }
            }
            number = next;
        }
        Ok(false)
    }

    fn evict(&mut self, found: Numbered, header: Header) -> Result<()> {
        self.count_eviction(found.slot.offset(), header)?;
        self.unlink(found.slot, header)?;
        self.commit(Change { slot: found.number, old: found.slot, new: Slot::EMPTY }, || Ok(()))?;
        self.bury(found.slot, header)
    }
}
