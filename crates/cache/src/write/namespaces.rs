//! What a write does about namespaces: it updates the accounts of those that were emptied, and keeps each within its
//! limit. A write to the default namespace makes one comparison here.

use crate::error::Result;
use crate::file::namespace::{self, NamespaceId};
use crate::format::entry::{Extras, Header};
use crate::format::hash::{KeyHash, NamespaceWord};
use crate::format::position::UNIT;
use crate::format::slot::{FREQ_MAX, Slot};
use crate::shard::index::Numbered;
use crate::shard::log_walk::Located;
use crate::shard::metadata::Change;
use crate::shard::view::Shard;
use crate::write::item::Item;
use crate::write::transaction::Transaction;

/// Updates the accounts of emptied namespaces, and returns the namespace word of entries that are set now. The caller
/// holds the shard's lock, so no writer uses an older epoch than one before it.
#[inline]
pub(crate) fn enter(tx: &mut Transaction<'_>, namespace: NamespaceId) -> Result<NamespaceWord> {
    if tx.shard.table.turns()? != tx.shard.turns_seen().load() {
        note_turns(tx)?;
    }
    let own = tx.shard.table.present(namespace)?;
    if !own.is_default() {
        tx.write_off(own.number(), own.epoch())?;
    }
    Ok(own)
}

/// Takes namespaces that were emptied off the shard's metadata.
#[cold]
fn note_turns(tx: &mut Transaction<'_>) -> Result<()> {
    let (table, turns) = (tx.shard.table, tx.shard.table.turns()?);
    for number in namespace::NUMBERS {
        tx.write_off(number, table.epoch(number)?)?;
    }
    tx.shard.turns_seen().store(turns);
    Ok(())
}

/// Is the entry of a namespace that was emptied since? `own` is the one that is written to.
#[inline(always)]
pub(crate) fn is_orphan(shard: &Shard<'_>, own: NamespaceWord, offset: u64, header: Header) -> Result<bool> {
    if !header.extras().has(Extras::NAMESPACE) {
        return Ok(false);
    }
    is_of_another_epoch(shard, own, offset, header)
}

/// Out of the way of entries of no namespace.
#[inline(never)]
fn is_of_another_epoch(shard: &Shard<'_>, own: NamespaceWord, offset: u64, header: Header) -> Result<bool> {
    let found = shard.log.namespace(offset, header)?;
    if found.number() == own.number() {
        return Ok(found != own);
    }
    Ok(shard.table.epoch(found.number())? != found.epoch())
}

/// Units that a namespace may hold in this shard; none if it has no limit.
fn share(shard: &Shard<'_>, number: u64) -> Result<Option<u64>> {
    let limit = shard.table.limit(number)?;
    Ok(limit.map(|bytes| bytes / UNIT / shard.geometry.shards()))
}

/// Does the entry's namespace hold more than it may? Then the entry goes at the tail, however often it was read.
pub(crate) fn is_over_limit(shard: &Shard<'_>, entry: Located) -> Result<bool> {
    if !entry.header.extras().has(Extras::NAMESPACE) {
        return Ok(false);
    }
    let number = shard.log.namespace(entry.offset(), entry.header)?.number();
    let Some(share) = share(shard, number)? else { return Ok(false) };
    // One that is larger than the share may be the only one.
    let account = shard.accounts().load(number)?;
    Ok(account.units() > share && account.entries() > 1)
}

/// Evicts entries of the namespace `own`, until it may take this item as well.
pub(crate) fn make_share(tx: &mut Transaction<'_>, own: NamespaceWord, item: &Item<'_>) -> Result<()> {
    let shard = tx.shard;
    let Some(share) = share(shard, own.number())? else { return Ok(()) };
    let units = item.header(shard.extras())?.units();
    loop {
        let known = shard.find(item.hash, item.key)?;
        let replaced = match known {
            Some((found, header)) if !is_orphan(shard, own, found.slot.offset(), header)? => header.units(),
            _ => 0,
        };
        let others = shard.accounts().load(own.number())?.units().saturating_sub(replaced);
        if others == 0 || others + units <= share {
            return Ok(());
        }
        let Some((found, header)) = coldest(shard, own, known.map(|(found, _)| found.number))? else {
            return Ok(());
        };
        tx.count_eviction(found.slot.offset(), header)?;
        tx.release(Change { slot: found.number, old: found.slot, new: Slot::EMPTY }, header)?;
        tx.mark_dead(found.slot, header)?;
    }
}

/// The entry of the namespace that is to go next, but not that in slot `kept`; none if there is no other. A hand goes
/// round the slots, as in CLOCK. It passes over an entry that was read since its last round, and takes one read off its
/// count.
fn coldest(shard: &Shard<'_>, own: NamespaceWord, kept: Option<u64>) -> Result<Option<(Numbered, Header)>> {
    let slots = shard.geometry.slots_per_shard();
    let clock_hand = shard.accounts().clock_hand(own.number())?;
    let mut number = clock_hand.load() % slots;
    for _ in 0..=slots.saturating_mul(FREQ_MAX + 1) {
        let slot = shard.index.load(number)?;
        let next = (number + 1) % slots;
        if slot.is_live() && KeyHash::tag_is_of(slot.tag(), own) && Some(number) != kept {
            let header = shard.header_of(slot)?;
            if shard.log.namespace(slot.offset(), header)? == own {
                if slot.freq() == 0 {
                    clock_hand.store(next);
                    return Ok(Some((Numbered { number, slot }, header)));
                }
                // A reader may count it up meanwhile: then it stays as it is.
                let _ = shard.index.word(number)?.compare_exchange(slot.word(), slot.cooled().word());
            }
        }
        number = next;
    }
    Ok(None)
}
