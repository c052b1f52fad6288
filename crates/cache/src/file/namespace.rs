//! Namespaces as the file knows them: a table of names, epochs and limits, and in each shard an account of what each holds.
//!
//! ```text
//!   free --name and limit stored, epoch raised, STATE stored--> used --epoch raised, STATE stored--> free
//!   used --epoch raised--> used, and empty
//! ```
//!
//! There is no edge from free to used without a new epoch. An entry names its namespace and the epoch in which it was
//! set. With any other epoch than the present one it is dead, wherever it still lies. Each edge is one store; a death
//! before it leaves everything as it was. The table changes under the writer lock of shard 0.
//!
//! When an epoch ends, the next writer of a shard takes its entries out of the shard's accounts.

use crate::error::{Error, ErrorKind, Result};
use crate::file::area::Area;
use crate::format::entry::Footprint;
use crate::format::hash::NamespaceWord;
use crate::format::layout::{
    MAX_NAMESPACES, NAMESPACE_ACCOUNTS, NAMESPACE_ENTRY_LEN, NAMESPACE_LEN, NAMESPACE_TABLE, NAMESPACE_TURNS,
    REDO_RECORD_LEN, REDO_RECORDS, REDO_RECORDS_PER_SHARD,
};
use crate::format::ring::Ring;
use samovar_mmap::{View, Word64};

/// Within an entry of the table.
const STATE: usize = 0;
const EPOCH: usize = 8;
const LIMIT: usize = 16;
const NAME: usize = 24;
/// The longest name, in bytes; one more byte tells its length.
pub(crate) const MAX_NAME_LEN: usize = NAMESPACE_ENTRY_LEN - NAME - 1;

/// A state: whether the number is in use, since when in wall milliseconds, and how often it was in use.
const USED: u64 = 1;
const CREATED_SHIFT: u32 = 1;
const CREATED_BITS: u32 = 47;
const TIMES_SHIFT: u32 = 48;
/// Epochs have as many bits as an entry has room for.
const EPOCH_MASK: u64 = (1 << 48) - 1;

/// Within a namespace's part of an annex: the counters, behind the account.
const COUNTERS_AT: usize = 64;
const CLOCK_HAND_AT: usize = COUNTERS_AT + 7 * 8;
const ACCOUNT_WORDS: usize = 6;

/// Numbers of namespaces.
pub(crate) const NUMBERS: std::ops::RangeInclusive<u64> = 1..=MAX_NAMESPACES as u64;

/// One life of a namespace: its number, and the state that it had when it was looked up. Number 0 is the default one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NamespaceId {
    pub(crate) number: u64,
    state: u64,
}

/// What the table says of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) namespace: NamespaceId,
    pub(crate) name: String,
    pub(crate) epoch: u64,
    /// Bytes; 0 for none.
    pub(crate) limit: u64,
    pub(crate) created_ms: u64,
}

/// What is counted for each namespace, in the order of the counters.
#[derive(Clone, Copy)]
pub(crate) enum NamespaceCounter {
    Hits = 0,
    Misses = 1,
    Sets = 2,
    Removes = 3,
    Evictions = 4,
}

pub(crate) const NAMESPACE_COUNTERS: usize = 5;

/// The table of namespaces.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a>(View<'a>);

impl<'a> Table<'a> {
    #[inline]
    pub(crate) fn new(file: View<'a>) -> Self {
        Table(file)
    }

    /// The file that it is in.
    pub(crate) fn file(self) -> View<'a> {
        self.0
    }

    #[inline]
    fn word(self, number: u64, field: usize) -> Result<Word64<'a>> {
        // A number from a damaged entry names some other namespace, in none of its epochs.
        let index = crate::format::layout::at(number.wrapping_sub(1)) % MAX_NAMESPACES;
        Ok(self.0.word64(NAMESPACE_TABLE + index * NAMESPACE_ENTRY_LEN + field)?)
    }

    /// The present epoch of a namespace.
    #[inline]
    pub(crate) fn epoch(self, number: u64) -> Result<u64> {
        // Acquire, with the release in `raise`: a state that is loaded after this is no older than the epoch.
        Ok(self.word(number, EPOCH)?.load_acquire() & EPOCH_MASK)
    }

    /// Bytes; none if there is no limit.
    pub(crate) fn limit(self, number: u64) -> Result<Option<u64>> {
        let limit = self.word(number, LIMIT)?.load();
        Ok((limit != 0).then_some(limit))
    }

    /// How often some namespace was emptied.
    #[inline]
    pub(crate) fn turns(self) -> Result<u64> {
        // Acquire, with the release in `raise`: epochs that are loaded after this are as new.
        Ok(self.0.word64(NAMESPACE_TURNS)?.load_acquire())
    }

    /// The namespace word of entries that are set now.
    ///
    /// The epoch is loaded before the state. If the state then is still that of this life, the epoch is one of the same
    /// life, and never of a later one.
    #[inline(always)]
    pub(crate) fn present(self, namespace: NamespaceId) -> Result<NamespaceWord> {
        if namespace.number == 0 { Ok(NamespaceWord::DEFAULT) } else { self.present_of(namespace) }
    }

    #[inline(never)]
    fn present_of(self, namespace: NamespaceId) -> Result<NamespaceWord> {
        let epoch = self.epoch(namespace.number)?;
        if self.word(namespace.number, STATE)?.load() != namespace.state {
            return Err(missing());
        }
        Ok(NamespaceWord::new(namespace.number, epoch))
    }

    /// A namespace in use, whose name makes sense.
    pub(crate) fn record(self, number: u64) -> Result<Option<Record>> {
        let state = self.word(number, STATE)?.load_acquire();
        let mut bytes = [0; MAX_NAME_LEN + 1];
        for (at, part) in bytes.chunks_mut(8).enumerate() {
            part.copy_from_slice(&self.word(number, NAME + at * 8)?.load().to_le_bytes());
        }
        let name = bytes.get(1..=usize::from(bytes[0])).and_then(|name| std::str::from_utf8(name).ok());
        let Some(name) = name.filter(|name| state & USED != 0 && !name.is_empty()) else { return Ok(None) };
        Ok(Some(Record {
            namespace: NamespaceId { number, state },
            name: name.to_owned(),
            epoch: self.epoch(number)?,
            limit: self.word(number, LIMIT)?.load(),
            created_ms: state >> CREATED_SHIFT & ((1 << CREATED_BITS) - 1),
        }))
    }

    /// All namespaces in use.
    pub(crate) fn records(self) -> Result<Vec<Record>> {
        NUMBERS.filter_map(|number| self.record(number).transpose()).collect()
    }

    /// Takes a free number for a new namespace. The caller holds the table's lock, and knows that the name is free and fits.
    pub(crate) fn create(
        self,
        name: &str,
        limit: u64,
        clear: impl Fn(u64) -> Result<()>,
    ) -> Result<NamespaceId> {
        for number in NUMBERS {
            if self.record(number)?.is_some() {
                continue;
            }
            let mut bytes = [0; MAX_NAME_LEN + 1];
            bytes[0] = u8::try_from(name.len()).unwrap_or(u8::MAX);
            bytes[1..=name.len()].copy_from_slice(name.as_bytes());
            for (at, part) in bytes.chunks(8).enumerate() {
                let word = part.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
                self.word(number, NAME + at * 8)?.store(word);
            }
            self.set_limit(number, limit)?;
            self.raise(number)?;
            clear(number)?;
            let word = self.word(number, STATE)?;
            let times = (word.load() >> TIMES_SHIFT).wrapping_add(1) << TIMES_SHIFT;
            let created = (samovar_mmap::wall_ms() & ((1 << CREATED_BITS) - 1)) << CREATED_SHIFT;
            let state = times | created | USED;
            // Release, with the acquires above: a process that sees it in use sees its name and epoch.
            word.store_release(state);
            return Ok(NamespaceId { number, state });
        }
        Err(Error::new(
            ErrorKind::TooManyNamespaces,
            format!("the cache has {MAX_NAMESPACES} namespaces, and takes no more; remove one"),
        ))
    }

    pub(crate) fn set_limit(self, number: u64, limit: u64) -> Result<()> {
        self.word(number, LIMIT)?.store(limit);
        Ok(())
    }

    /// Empties a namespace: from now on, no process finds what was set before.
    pub(crate) fn raise(self, number: u64) -> Result<()> {
        // Release, with the acquire in `epoch`: who sees the epoch of a new life sees that the one before has ended.
        self.word(number, EPOCH)?.fetch_add_release(1);
        // Release, with the acquire in `turns`: a writer that sees a new number of turns sees the epoch too. If this process
        // dies in between, shards go on counting the dead as living until they meet them, or until the next turn.
        self.0.word64(NAMESPACE_TURNS)?.fetch_add_release(1);
        Ok(())
    }

    /// Gives a number up.
    pub(crate) fn remove(self, namespace: NamespaceId) -> Result<()> {
        self.raise(namespace.number)?;
        self.word(namespace.number, STATE)?.store_release(namespace.state & !USED);
        Ok(())
    }
}

#[cold]
fn missing() -> Error {
    Error::new(ErrorKind::NoNamespace, "the namespace was removed; create it again")
}

/// A namespace's part of a ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) units: u64,
    pub(crate) entries: u64,
}

/// What a namespace holds in a shard, as of one of its epochs. Entries of other epochs are in no account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) epoch: u64,
    pub(crate) rings: [Part; 2],
    /// Bytes of keys and values.
    pub(crate) payload: u64,
}

impl Account {
    pub(crate) fn of_epoch(epoch: u64) -> Self {
        Account { epoch, ..Account::default() }
    }

    pub(crate) fn units(&self) -> u64 {
        self.rings[0].units.saturating_add(self.rings[1].units)
    }

    pub(crate) fn entries(&self) -> u64 {
        self.rings[0].entries.saturating_add(self.rings[1].entries)
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Account::of_epoch(self.epoch)
    }

    pub(crate) fn link(&mut self, ring: Ring, entry: Footprint) {
        let part = &mut self.rings[ring as usize];
        part.units = part.units.wrapping_add(entry.units);
        part.entries = part.entries.wrapping_add(1);
        self.payload = self.payload.wrapping_add(entry.payload);
    }

    pub(crate) fn unlink(&mut self, ring: Ring, entry: Footprint) {
        let part = &mut self.rings[ring as usize];
        part.units = part.units.saturating_sub(entry.units);
        part.entries = part.entries.saturating_sub(1);
        self.payload = self.payload.saturating_sub(entry.payload);
    }

    fn encode(&self) -> [u64; ACCOUNT_WORDS] {
        let [small, main] = self.rings;
        [self.epoch, small.units, small.entries, main.units, main.entries, self.payload]
    }

    fn load(area: Area<'_>, at: usize) -> Result<Self> {
        let word = |index: usize| -> Result<u64> { Ok(area.word64(at + index * 8)?.load()) };
        let part =
            |index: usize| -> Result<Part> { Ok(Part { units: word(index)?, entries: word(index + 1)? }) };
        Ok(Account { epoch: word(0)?, rings: [part(1)?, part(3)?], payload: word(5)? })
    }

    fn store(&self, area: Area<'_>, at: usize) -> Result<()> {
        self.encode().into_iter().enumerate().try_for_each(|(index, word)| {
            area.word64(at + index * 8)?.store(word);
            Ok(())
        })
    }
}

/// The accounts of all namespaces in one shard: its annex.
#[derive(Clone, Copy)]
pub(crate) struct Accounts<'a>(Area<'a>);

impl<'a> Accounts<'a> {
    pub(crate) fn new(annex: Area<'a>) -> Self {
        Accounts(annex)
    }

    fn at(number: u64) -> Result<usize> {
        if NUMBERS.contains(&number) {
            Ok(NAMESPACE_ACCOUNTS + crate::format::layout::at(number - 1) * NAMESPACE_LEN)
        } else {
            Err(Error::damaged("an entry of the cache names no namespace; run `samovar check`"))
        }
    }

    pub(crate) fn load(self, number: u64) -> Result<Account> {
        Account::load(self.0, Accounts::at(number)?)
    }

    /// Every namespace holds nothing.
    pub(crate) fn clear(self) -> Result<()> {
        for number in NUMBERS {
            let account = self.load(number)?;
            if !account.is_empty() {
                Account::of_epoch(account.epoch).store(self.0, Accounts::at(number)?)?;
            }
        }
        Ok(())
    }

    /// Writes the redo records of accounts, before the change that they belong to is prepared.
    #[inline]
    pub(crate) fn write_redo(self, changes: &AccountChanges) -> Result<u64> {
        if changes.is_empty() { Ok(0) } else { self.write_some_redo(changes) }
    }

    #[inline(never)]
    fn write_some_redo(self, changes: &AccountChanges) -> Result<u64> {
        let mut many = 0;
        for (place, AccountChange { number, account }) in changes.iter().enumerate() {
            let at = REDO_RECORDS + place * REDO_RECORD_LEN;
            self.0.word64(at)?.store(number);
            account.store(self.0, at + 8)?;
            many += 1;
        }
        Ok(many)
    }

    /// The redo records of the accounts of a prepared change.
    pub(crate) fn read_redo(self, many: u64) -> Result<AccountChanges> {
        let mut changes = AccountChanges::default();
        for place in 0..crate::format::layout::at(many).min(REDO_RECORDS_PER_SHARD) {
            let at = REDO_RECORDS + place * REDO_RECORD_LEN;
            let number = self.0.word64(at)?.load();
            Accounts::at(number)?;
            changes.set(number, Account::load(self.0, at + 8)?);
        }
        Ok(changes)
    }

    /// Stores the accounts of the redo records. After a death in the middle it is done again.
    pub(crate) fn apply(self, changes: &AccountChanges) -> Result<()> {
        changes.iter().try_for_each(|change| change.account.store(self.0, Accounts::at(change.number)?))
    }

    /// A counter of a namespace in this shard.
    pub(crate) fn counter(self, number: u64, which: NamespaceCounter) -> Result<Word64<'a>> {
        self.0.word64(Accounts::at(number)? + COUNTERS_AT + which as usize * 8)
    }

    /// Where the search for a namespace's coldest entry stopped last; only its writers know.
    pub(crate) fn clock_hand(self, number: u64) -> Result<Word64<'a>> {
        self.0.word64(Accounts::at(number)? + CLOCK_HAND_AT)
    }

    pub(crate) fn counters(self, number: u64) -> Result<[u64; NAMESPACE_COUNTERS]> {
        let line = self.0.line(Accounts::at(number)? + COUNTERS_AT)?;
        Ok(std::array::from_fn(|index| line.word(index).load()))
    }

    /// Begins to count anew.
    pub(crate) fn reset_counters(self, number: u64) -> Result<()> {
        let line = self.0.line(Accounts::at(number)? + COUNTERS_AT)?;
        (0..NAMESPACE_COUNTERS).for_each(|index| line.word(index).store(0));
        Ok(())
    }
}

/// The new accounts of at most two namespaces with one change: that of the entry stored, and that of the entry that
/// goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccountChanges([Option<AccountChange>; REDO_RECORDS_PER_SHARD]);

/// What one namespace's account becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AccountChange {
    number: u64,
    account: Account,
}

impl AccountChanges {
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.0[0].is_none()
    }

    fn iter(&self) -> impl Iterator<Item = AccountChange> {
        self.0.into_iter().flatten()
    }

    /// What the account becomes, if it changes.
    pub(crate) fn get(&self, number: u64) -> Option<Account> {
        self.iter().find(|known| known.number == number).map(|known| known.account)
    }

    /// Notes what an account becomes. One change concerns no more accounts than there are places.
    pub(crate) fn set(&mut self, number: u64, account: Account) {
        let is_its = |place: &&mut Option<AccountChange>| place.is_none_or(|known| known.number == number);
        if let Some(place) = self.0.iter_mut().find(is_its) {
            *place = Some(AccountChange { number, account });
        }
    }

    #[inline(always)]
    pub(crate) fn forget(&mut self) {
        *self = AccountChanges::default();
    }
}

#[cfg(all(test, feature = "inject"))]
mod tests;
