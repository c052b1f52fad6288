//! Recounting a cache from its bytes, and saying what does not add up.

use crate::error::Result;
use crate::file::namespace::{self, Account, AccountChanges};
use crate::format::entry::{Header, KeyValue};
use crate::format::ring::{RINGS, Ring};
use crate::format::seal::Home;
use crate::shard::bounds::Bounds;
use crate::shard::log_walk::{Located, LogWalk, Met, Stretch};
use crate::shard::metadata::{Metadata, RingState};
use crate::shard::view::Shard;
use std::collections::BTreeMap;
use std::fmt;

/// Problems that a report lists in full; the rest are only counted.
const LISTED: usize = 100;

/// What [`Cache::check`](crate::Cache::check) found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Entries that a slot names.
    pub entries: u64,
    /// Bytes of their keys and values.
    pub live_bytes: u64,
    /// Entries in the log that no slot names any more.
    pub dead_entries: u64,
    /// Ghosts in the index.
    pub ghosts: u64,
    /// Slots of the index.
    pub slots: u64,
    /// A resize is under way, or was left half done: see [`Capacity::pending`](crate::Capacity::pending). It is no problem.
    pub resize_pending: bool,
    /// What does not add up, a sentence each; at most the first hundred.
    pub problems: Vec<String>,
    /// How many problems there were in all.
    pub problem_count: u64,
}

impl Report {
    /// Nothing contradicts anything.
    pub fn is_clean(&self) -> bool {
        self.problem_count == 0
    }

    /// Once nothing is pending, every shard ends where the cache says that it does.
    pub(crate) fn compare_end(&mut self, shard: u64, bounds: &Bounds, units: u64) {
        let Bounds { end, end_target, high_water, .. } = *bounds;
        if (end, end_target, high_water) != (units, units, units) {
            self.problem(
                shard,
                format_args!(
                    "it is to end at unit {units}, and ends at {end}, goal {end_target}, top {high_water}"
                ),
            );
        }
    }

    /// The time that was noted last is one that no writer can have seen.
    pub(crate) fn watermark_is_ahead(&mut self, ahead_ms: u64) {
        self.add(format!(
            "control page: the watermark is {ahead_ms} ms ahead of the file's time; nothing goes by it, and the next value with a time to live sets it right"
        ));
    }

    fn problem(&mut self, shard: u64, what: fmt::Arguments<'_>) {
        self.add(format!("shard {shard}: {what}"));
    }

    fn add(&mut self, problem: String) {
        self.problem_count += 1;
        if self.problems.len() < LISTED {
            self.problems.push(problem);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "entries       {:>14}", self.entries)?;
        writeln!(f, "live bytes    {:>14}", self.live_bytes)?;
        writeln!(f, "dead entries  {:>14}", self.dead_entries)?;
        writeln!(f, "slots         {:>14}  ({} ghosts)", self.slots, self.ghosts)?;
        if self.resize_pending {
            writeln!(f, "a resize is pending; resize the cache again to finish it")?;
        }
        if self.is_clean() {
            return write!(f, "clean");
        }
        writeln!(f, "{} problems", self.problem_count)?;
        for problem in &self.problems {
            writeln!(f, "  {problem}")?;
        }
        Ok(())
    }
}

/// The recount of one shard.
pub(crate) struct Recount<'a, 'r> {
    shard: Shard<'a>,
    number: u64,
    report: &'r mut Report,
    live: [u64; 2],
    entries: [u64; 2],
    payload: u64,
    /// Live slots that no account counts: their namespace was emptied.
    written_off: u64,
    /// What namespaces hold, as counted.
    namespaces: BTreeMap<u64, Account>,
    /// What they hold after the prepared change.
    pending: AccountChanges,
}

impl<'a, 'r> Recount<'a, 'r> {
    pub(crate) fn new(shard: Shard<'a>, number: u64, report: &'r mut Report) -> Self {
        Recount {
            shard,
            number,
            report,
            live: [0; 2],
            entries: [0; 2],
            payload: 0,
            written_off: 0,
            namespaces: BTreeMap::new(),
            pending: AccountChanges::default(),
        }
    }

    /// Uses these accounts of namespaces instead of the stored ones.
    pub(crate) fn with_pending(self, pending: AccountChanges) -> Self {
        Recount { pending, ..self }
    }

    /// Walks both rings and the index, and compares what is there with the accounts. The caller keeps writers out.
    pub(crate) fn run(mut self, metadata: &Metadata) -> Result<()> {
        for ring in RINGS {
            self.walk(ring, metadata)?;
        }
        self.scan_index()?;
        for ring in RINGS {
            let state = metadata.ring(ring);
            self.compare(format_args!("live units of {ring:?}"), self.live[ring as usize], state.live);
            self.compare(format_args!("entries of {ring:?}"), self.entries[ring as usize], state.entries);
        }
        self.compare(format_args!("bytes of keys and values"), self.payload, metadata.payload);
        let mut emptied = Report::default();
        for number in namespace::NUMBERS {
            let account = self.account(number)?;
            let counted = self.namespaces.get(&number).copied().unwrap_or(Account::of_epoch(account.epoch));
            if counted != account {
                self.report.problem(
                    self.number,
                    format_args!("namespace {number}: counted {counted:?}, its account says {account:?}"),
                );
            }
            if counted.epoch != self.shard.table.epoch(number)? {
                // Emptied, but no writer of this shard has seen that yet.
                emptied.entries += counted.entries();
                emptied.live_bytes += counted.payload;
            }
        }
        self.report.entries += self.entries.iter().sum::<u64>().saturating_sub(emptied.entries);
        self.report.live_bytes += self.payload.saturating_sub(emptied.live_bytes);
        self.report.dead_entries += emptied.entries;
        Ok(())
    }

    fn account(&self, number: u64) -> Result<Account> {
        self.pending.get(number).map_or_else(|| self.shard.accounts().load(number), Ok)
    }

    fn compare(&mut self, what: fmt::Arguments<'_>, counted: u64, accounted: u64) {
        if counted != accounted {
            self.report.problem(
                self.number,
                format_args!("{what}: counted {counted}, the metadata says {accounted}"),
            );
        }
    }

    fn walk(&mut self, ring: Ring, metadata: &Metadata) -> Result<()> {
        let RingState { head: to, tail: from, .. } = *metadata.ring(ring);
        let reach = self.shard.bounds().reach(ring);
        let mut walk = LogWalk::new(self.shard.log, reach, Stretch { ring, from, to });
        loop {
            match walk.step()? {
                Met::End => return Ok(()),
                Met::Lap | Met::Filler(_) => {}
                Met::Dead(_) => self.report.dead_entries += 1,
                Met::Entry(entry) => self.entry(entry)?,
                Met::Damaged => {
                    let at = walk.at();
                    let what = format_args!("{ring:?} ring, from {at:?} to {to:?}: no writer left this");
                    self.report.problem(self.number, what);
                    return Ok(());
                }
            }
        }
    }

    fn entry(&mut self, entry: Located) -> Result<()> {
        let Located { ring, at, header } = entry;
        let hash = self.shard.hash_at(at.offset(), header)?;
        if self.shard.index.find_entry(hash, ring, at)?.is_none() {
            self.report.dead_entries += 1;
            return Ok(());
        }
        let mut problem =
            |what| self.report.problem(self.number, format_args!("{ring:?} ring, {at:?}: {what}"));
        if hash.shard(self.shard.geometry.shard_bits) != self.number {
            problem("the key belongs elsewhere");
        }
        let mut key = Vec::new();
        self.shard.log.append_key(at.offset(), header, &mut key)?;
        if let Some((first, _)) = self.shard.find(hash, &key)?
            && !first.slot.points_to(ring, at)
        {
            problem("the key has a second slot");
        }
        if !is_whole(&self.shard, entry.home(), header, &key)? {
            problem("the entry's seal is broken");
        }
        self.account_for(entry)
    }

    /// Counts a live entry for its ring and its namespace.
    fn account_for(&mut self, Located { ring, at, header }: Located) -> Result<()> {
        let namespace = self.shard.log.namespace(at.offset(), header)?;
        if !namespace.is_default() {
            if self.account(namespace.number())?.epoch != namespace.epoch() {
                self.report.dead_entries += 1;
                self.written_off += 1;
                return Ok(());
            }
            let fresh = Account::of_epoch(namespace.epoch());
            let account = self.namespaces.entry(namespace.number()).or_insert(fresh);
            account.link(ring, header.footprint());
        }
        self.live[ring as usize] += header.units();
        self.entries[ring as usize] += 1;
        self.payload += header.payload();
        Ok(())
    }

    /// Every live slot must have been met in the walk: their number tells.
    fn scan_index(&mut self) -> Result<()> {
        let mut live = 0;
        for number in 0..self.shard.geometry.slots_per_shard() {
            let slot = self.shard.index.load(number)?;
            live += u64::from(slot.is_live());
            self.report.ghosts += u64::from(slot.is_ghost());
            if slot.is_damaged() {
                self.report.problem(self.number, format_args!("slot {number}: {slot:?}"));
            }
        }
        self.report.slots += self.shard.geometry.slots_per_shard();
        let met = self.entries.iter().sum::<u64>() + self.written_off;
        if live != met {
            self.report
                .problem(self.number, format_args!("{live} live slots, but {met} live entries in the log"));
        }
        Ok(())
    }
}

/// Does the entry bear its seal, in a file where entries do?
fn is_whole(shard: &Shard<'_>, home: Home, header: Header, key: &[u8]) -> Result<bool> {
    if shard.seal_key.is_none() {
        return Ok(true);
    }
    let (log, offset, mut value) = (shard.log, home.at.offset(), Vec::new());
    log.append_value(offset, header, &mut value)?;
    let preface = log.preface(offset, header)?;
    Ok(shard.is_whole(home, header, &preface, KeyValue { key, value: &value }))
}
