//! Salvage: the entries that can be kept of a sealed file after a power loss, when its pages are from different
//! moments.
//!
//! ```text
//!   slot --horizon--> position --header in bounds?--> entry --seal of this place?--> the key's own slot? --> found
//!   found --latest of its key? its namespace in this epoch? not expired? room?--> kept: written anew into an empty shard
//! ```
//!
//! Why nothing comes back that was replaced, removed or cleared before the last flush. Everything was on the disk then,
//! so each page is now as it was at some time since. A live slot on the disk is a slot as it was at such a time. So its
//! entry was its key's value at that time, or at the flush. The horizon gives the exact position of that entry
//! (`crate::file::horizon`). The seal tells whether the bytes there are that entry: it covers every byte, and the
//! position, which in an era is not used again for 2^30 laps. Logs are never walked, since the seal of an entry that was removed is still
//! right. An entry that expired before the flush stays expired, since the flush stored the time. An entry of a
//! namespace that was emptied before the flush names an epoch that is not the present one on any page.
//!
//! The kept entries are written as entries of the next era, after everything else in the shard is forgotten. That era
//! begins only when all of them are durable; the same page then makes the file warm. After a death or a power loss
//! before that, the file is still cold, with entries of both eras. A later salvage takes both, since nobody else has
//! written meanwhile.

use crate::error::{ErrorKind, Result};
use crate::file::horizon::FlushHorizon;
use crate::file::namespace::{Account, AccountChanges, Record, Table};
use crate::format::entry::{Header, KeyValue, Mark, Preface};
use crate::format::hash::{KeyHash, NamespaceWord};
use crate::format::header;
use crate::format::layout::{ERA, SLOTS_PER_BUCKET};
use crate::format::position::{Position, UNIT};
use crate::format::ring::{RINGS, Ring};
use crate::format::seal::{Home, Sealer};
use crate::format::slot::Slot;
use crate::repair::recover::{self, VERSIONS_SKIPPED};
use crate::shard::bounds::Bounds;
use crate::shard::index::Numbered;
use crate::shard::metadata::Metadata;
use crate::shard::view::Shard;
use samovar_mmap::View;
use std::collections::BTreeMap;
use std::collections::hash_map::{Entry, HashMap};
use std::fmt;
use std::sync::Arc;

/// How often an observer is told: after so many slots.
const SLOTS_PER_TELLING: u64 = 4096;

/// What a salvage kept of a file, and what it dropped; see [`Options::salvage`](crate::Options::salvage).
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// let cache = samovar::Cache::options().capacity(1 << 20).salvage(true).open(dir.path().join("c.samovar"))?;
/// assert_eq!(cache.attachment().salvaged, None, "a new file has nothing to salvage");
/// # Ok::<(), samovar::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Salvaged {
    /// Entries that were kept.
    pub kept: u64,
    /// Bytes of their keys and values.
    pub kept_bytes: u64,
    /// Dropped: what the slot named is not there, or not whole. The disk did not get it, or lost it to a later entry.
    pub broken: u64,
    /// Dropped: the place of the entry is not known, since its part of the cache was written over some 900 times since
    /// the last flush.
    pub untold: u64,
    /// Dropped: another slot has a later value of the same key.
    pub replaced: u64,
    /// Dropped: the entry's time to live was over.
    pub expired: u64,
    /// Dropped: the entry's namespace was emptied or removed.
    pub emptied: u64,
    /// Dropped: there is no room. Entries of different times together may need more than the cache has.
    pub no_room: u64,
}

impl Salvaged {
    /// Entries that were dropped, for whatever reason.
    ///
    /// ```
    /// assert_eq!(samovar::Salvaged::default().dropped(), 0);
    /// ```
    pub fn dropped(&self) -> u64 {
        self.broken + self.untold + self.replaced + self.expired + self.emptied + self.no_room
    }
}

impl fmt::Display for Salvaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} entries kept, {} dropped", self.kept, self.dropped())?;
        let reasons = [
            ("not whole", self.broken),
            ("unknown since too long", self.untold),
            ("replaced", self.replaced),
            ("expired", self.expired),
            ("of an emptied namespace", self.emptied),
            ("without room", self.no_room),
        ];
        let mut before = " (";
        for (reason, many) in reasons.into_iter().filter(|(_, many)| *many > 0) {
            write!(f, "{before}{many} {reason}")?;
            before = ", ";
        }
        f.write_str(if self.dropped() > 0 { ")" } else { "" })
    }
}

/// Is told how far a salvage has come: slots looked at, and how many there are.
#[derive(Clone)]
pub(crate) struct Observer(Arc<dyn Fn(u64, u64) + Send + Sync>);

impl Observer {
    pub(crate) fn new(tell: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        Observer(Arc::new(tell))
    }

    /// An observer that ignores it.
    pub(crate) fn nobody() -> Self {
        Observer::new(|_, _| {})
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// One salvage, shard by shard. It holds the entries of one shard in memory.
pub(crate) struct Salvage<'a> {
    /// Sealers of the present era, and of the next one: a salvage that died may have left entries of that.
    sealers: [Sealer<'a>; 2],
    file: View<'a>,
    namespaces: BTreeMap<u64, Record>,
    now_ms: u64,
    observer: Observer,
    looked: u64,
    slots: u64,
    pub(crate) told: Salvaged,
}

/// A shard, and which one it is.
#[derive(Clone, Copy)]
struct Site<'s> {
    number: u64,
    shard: Shard<'s>,
}

/// A live slot, and where the entry lies that it names.
#[derive(Clone, Copy)]
struct Named {
    slot: Numbered,
    at: Position,
}

/// An entry that a slot names, and that bears the seal of its place.
struct SealedEntry {
    named: Named,
    hash: KeyHash,
    header: Header,
    preface: Preface,
    /// Where its key and its value begin in the bytes of the candidates.
    from: usize,
    /// The ring that it goes to: its own, or the other one if it no longer fits there because the bounds have moved.
    to: Ring,
}

/// What was found in a shard.
#[derive(Default)]
struct Salvageable {
    /// Keys and values, one after another.
    bytes: Vec<u8>,
    entries: Vec<SealedEntry>,
    /// By hash and namespace.
    known: HashMap<(u64, u64), usize>,
}

impl SealedEntry {
    fn ring(&self) -> Ring {
        self.named.slot.slot.ring()
    }

    fn home(&self) -> Home {
        Home { ring: self.ring(), at: self.named.at }
    }

    fn units(&self) -> u64 {
        self.header.units()
    }

    /// Was this value stored after the other one? A version is the low half of a count.
    fn is_later(&self, other: &SealedEntry) -> bool {
        self.preface.version.wrapping_sub(other.preface.version) as i32 > 0
    }
}

impl Salvageable {
    fn content(&self, found: &SealedEntry) -> KeyValue<'_> {
        let value_at = found.from + found.header.key_len();
        let value = &self.bytes[value_at..value_at + found.header.value_len()];
        KeyValue { key: &self.bytes[found.from..value_at], value }
    }

    /// Takes an entry in, or keeps the later one of its key; true if there were two.
    fn add(&mut self, found: SealedEntry) -> bool {
        match self.known.entry((found.hash.word(), found.hash.namespace().number())) {
            Entry::Vacant(place) => {
                place.insert(self.entries.len());
                self.entries.push(found);
                false
            }
            Entry::Occupied(place) => {
                let other = &mut self.entries[*place.get()];
                // canary: kept later
                if found.is_later(other) {
                    *other = found;
                }
                true
            }
        }
    }
}

impl<'a> Salvage<'a> {
    /// A salvage is alone with the file.
    pub(crate) fn begin(
        file: View<'a>,
        header: &'a header::FileHeader,
        now_ms: u64,
        observer: Observer,
    ) -> Result<Self> {
        let era = file.word64(ERA)?.load();
        let records = Table::new(file).records()?;
        Ok(Salvage {
            sealers: [header.seal_key.in_era(era), header.seal_key.in_era(era.wrapping_add(1))],
            file,
            namespaces: records.into_iter().map(|record| (record.namespace.number, record)).collect(),
            now_ms,
            observer,
            looked: 0,
            slots: header.geometry.shards() * header.geometry.slots_per_shard(),
            told: Salvaged::default(),
        })
    }

    /// Keeps what can be kept of a shard within these bounds, and forgets everything else in it.
    pub(crate) fn shard(&mut self, number: u64, shard: Shard<'_>, bounds: &Bounds) -> Result<()> {
        let mut candidates = self.collect(Site { number, shard })?;
        let mut metadata = recover::reset_within(shard, bounds)?;
        for found in &candidates.entries {
            let ahead = found.preface.version.wrapping_sub(metadata.version());
            if ahead < 1 << 31 {
                metadata.version = metadata.version.wrapping_add(u64::from(ahead) + VERSIONS_SKIPPED);
            }
        }
        self.sift(&mut candidates);
        self.fit(shard, bounds, &mut candidates);
        self.restore(shard, &candidates, &mut metadata)?;
        metadata.commit(shard.head);
        Ok(())
    }

    /// Everything in the shard that a slot names, and that bears its seal; of each key the latest.
    fn collect(&mut self, site: Site<'_>) -> Result<Salvageable> {
        let mut candidates = Salvageable::default();
        for number in 0..site.shard.geometry.slots_per_shard() {
            let slot = site.shard.index.load(number)?;
            if slot.is_live() {
                self.take(site, Numbered { number, slot }, &mut candidates)?;
            }
            self.looked += 1;
            if self.looked.is_multiple_of(SLOTS_PER_TELLING) || self.looked == self.slots {
                (self.observer.0)(self.looked, self.slots);
            }
        }
        Ok(candidates)
    }

    /// Takes the entry that a live slot names to the candidates; if it is not there, that is counted.
    fn take(&mut self, site: Site<'_>, slot: Numbered, candidates: &mut Salvageable) -> Result<()> {
        let horizon = FlushHorizon::new(self.file, site.number);
        let Some(at) = horizon.whole(slot.slot.ring(), slot.slot.low())? else {
            self.told.untold += 1;
            return Ok(());
        };
        let from = candidates.bytes.len();
        match self.look(site, Named { slot, at }, candidates) {
            Ok(Some(found)) => self.told.replaced += u64::from(candidates.add(found)),
            Err(error) if error.kind() != ErrorKind::Corrupt => return Err(error),
            Ok(None) | Err(_) => {
                self.told.broken += 1;
                candidates.bytes.truncate(from);
            }
        }
        Ok(())
    }

    /// The entry that lies there, if it bears its seal and the slot is its key's; its key and value go to the candidates.
    fn look(
        &self,
        site: Site<'_>,
        named: Named,
        candidates: &mut Salvageable,
    ) -> Result<Option<SealedEntry>> {
        let (shard, area, offset) = (site.shard, site.shard.geometry.area(), named.at.offset());
        if offset >= area.end {
            return Ok(None);
        }
        let Mark::Entry(header) = shard.log.mark(offset)? else { return Ok(None) };
        // The entries of one shard fit into one shard, unless the file was made up to break this.
        let room = crate::format::layout::bytes_of(area.end).saturating_sub(candidates.bytes.len()) as u64;
        if header.units() > area.end - offset || header.payload() > room {
            return Ok(None);
        }
        let from = candidates.bytes.len();
        shard.log.append_key(offset, header, &mut candidates.bytes)?;
        shard.log.append_value(offset, header, &mut candidates.bytes)?;
        let preface = shard.log.preface(offset, header)?;
        let key = &candidates.bytes[from..from + header.key_len()];
        let hash = match preface.terms.namespace {
            Some(word) => KeyHash::within(NamespaceWord::from_word(word), key, shard.hash_seed),
            None => KeyHash::of(key, shard.hash_seed),
        };
        let found = SealedEntry { named, hash, header, preface, from, to: named.slot.slot.ring() };
        let bucket = named.slot.number / SLOTS_PER_BUCKET as u64;
        let is_its_own = hash.shard(shard.geometry.shard_bits) == site.number
            && named.slot.slot.may_hold(hash)
            && shard.index.buckets(hash).contains(&bucket);
        // canary: kept seal
        Ok((is_its_own && self.bears_its_seal(candidates, &found)).then_some(found))
    }

    fn bears_its_seal(&self, candidates: &Salvageable, found: &SealedEntry) -> bool {
        // They differ in their era. The checksum of the content does not depend on it.
        let content = self.sealers[1].content(candidates.content(found));
        self.sealers.iter().any(|sealer| sealer.is_whole(found.home(), found.header, &found.preface, content))
    }

    /// Drops expired entries, and those of emptied namespaces.
    fn sift(&mut self, candidates: &mut Salvageable) {
        candidates.entries.retain(|found| {
            let namespace = found.hash.namespace();
            // canary: kept namespace
            let lives = namespace.is_default()
                || self
                    .namespaces
                    .get(&namespace.number())
                    .is_some_and(|record| record.epoch == namespace.epoch());
            // canary: kept dead
            let expired = found.preface.terms.expiry_ms.is_some_and(|expiry_ms| expiry_ms <= self.now_ms);
            self.told.emptied += u64::from(!lives);
            self.told.expired += u64::from(lives && expired);
            lives && !expired
        });
    }

    /// Drops entries that fit in neither ring, or not in their namespace's share: those nearest to a tail, which would
    /// have gone next.
    fn fit(&mut self, shard: Shard<'_>, bounds: &Bounds, candidates: &mut Salvageable) {
        // The last unit of a ring is for the mark that ends a lap.
        let mut room = RINGS.map(|ring| bounds.span(ring).units().saturating_sub(1));
        let mut shares = BTreeMap::<u64, u64>::new();
        for (number, record) in self.namespaces.iter().filter(|(_, record)| record.limit != 0) {
            shares.insert(*number, record.limit / UNIT / shard.geometry.shards());
        }
        let mut alone = shares.clone();
        // Within 1,024 laps of their ring's horizon, all of them.
        candidates.entries.sort_unstable_by(|one, other| {
            let by_ring = (other.ring() as u64).cmp(&(one.ring() as u64));
            by_ring.then(other.named.at.cmp_near(one.named.at))
        });
        candidates.entries.retain_mut(|found| {
            let (units, number) = (found.units(), found.hash.namespace().number());
            let rings = if found.ring() == Ring::Small { RINGS } else { [Ring::Main, Ring::Small] };
            found.to = rings.into_iter().find(|ring| room[*ring as usize] >= units).unwrap_or(found.to);
            let left = &mut room[found.to as usize];
            // One that is larger than the share may be the only one.
            let share = shares.get_mut(&number);
            let fits_share = share.as_ref().is_none_or(|left| **left >= units) || alone.contains_key(&number);
            // canary: kept share
            let fits = *left >= units && fits_share;
            if fits {
                *left -= units;
                share.into_iter().for_each(|left| *left = left.saturating_sub(units));
                alone.remove(&number);
            }
            self.told.no_room += u64::from(!fits);
            fits
        });
        candidates.entries.reverse();
    }

    /// Writes entries into the empty shard, in the order of their old positions. Each goes into the ring that has room
    /// for it, and into its slot.
    fn restore(&mut self, shard: Shard<'_>, candidates: &Salvageable, metadata: &mut Metadata) -> Result<()> {
        let mut accounts = BTreeMap::<u64, Account>::new();
        for found in &candidates.entries {
            let (ring, footprint) = (found.to, found.header.footprint());
            let at = metadata.ring(ring).head;
            let (home, content) = (Home { ring, at }, candidates.content(found));
            let sealer = self.sealers[1];
            // canary: kept namespace word
            let seal = sealer.seal(home, found.header, &found.preface, sealer.content(content));
            // canary: kept namespace entry
            shard.log.put_entry(at.offset(), found.header, &found.preface.sealed_with(seal), content)?;
            let Numbered { number, slot } = found.named.slot;
            // Release, with the acquires of readers.
            shard.index.word(number)?.store_release(Slot::live(found.hash, ring, at, slot.freq()).word());
            metadata.link(ring, footprint);
            metadata.ring_mut(ring).head = at.advance(footprint.units);
            let namespace = found.hash.namespace();
            if !namespace.is_default() {
                // canary: kept namespace account
                let fresh = Account::of_epoch(namespace.epoch());
                accounts.entry(namespace.number()).or_insert(fresh).link(ring, footprint);
            }
            self.told.kept += 1;
            self.told.kept_bytes += footprint.payload;
        }
        for (number, account) in accounts {
            let mut change = AccountChanges::default();
            change.set(number, account);
            shard.accounts().apply(&change)?;
        }
        Ok(())
    }
}
