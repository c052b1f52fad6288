//! Walking over what a cache holds, while others read and write.
//!
//! The walk goes from slot to slot of the index, not along the logs. An entry that is promoted, compacted or
//! overwritten changes its place in the logs. Its key keeps its one slot for as long as it lives.

use crate::api::handle::Cache;
use crate::error::{Error, ErrorKind, Result};
use crate::file::clock::Clock;
use crate::format::entry::{Extras, Mark};
use crate::format::hash::NamespaceWord;
use crate::format::slot::Slot;
use crate::read::reader::RETRIES;
use crate::read::validated::{LoadedSlot, NoValue, Validation};
use crate::shard::view::Shard;
use samovar_mmap::Word64;
use std::time::Duration;

/// What [`Cache::iter`] gives: a copy of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
    /// How long it still lives; none if it does not expire.
    pub ttl: Option<Duration>,
}

/// The entries of a cache, one after another, in no particular order. See [`Cache::iter`].
#[derive(Debug)]
#[must_use = "an iterator does nothing until it is asked for an entry"]
pub struct Iter<'a> {
    cache: &'a Cache,
    shard: u64,
    slot: u64,
}

/// Which entries are given out.
struct Wanted<'a> {
    namespace: NamespaceWord,
    clock: Clock<'a>,
}

/// What one look at one slot told.
enum Seen {
    /// A copy of the entry that the slot names.
    Entry(Entry),
    /// Nothing that lives.
    Nothing,
    /// The slot changed meanwhile.
    Stale,
}

impl Cache {
    /// Walks over all live entries of this handle's namespace, without a lock. Writers do not wait for it, eviction
    /// does not see it, and it works on a read-only handle.
    ///
    /// Others may write meanwhile. A key that is there from the first step to the last comes exactly once. Its value is
    /// one that it had at some time on the way. A key that is set, removed, evicted or expires on the way may come or
    /// not. One that goes and comes back on the way may come twice. Nothing comes that was gone before the first step.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set(b"a", b"1")?;
    /// cache.set_with(b"b", b"2", samovar::Ttl::secs(60))?;
    /// let mut found = cache.iter().collect::<Result<Vec<_>, _>>()?;
    /// found.sort_by(|one, other| one.key.cmp(&other.key));
    /// assert_eq!((&found[0].key[..], &found[0].value[..], found[0].ttl), (&b"a"[..], &b"1"[..], None));
    /// assert!(found[1].ttl.is_some());
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// A step is an error of kind `Busy` if an entry is rewritten faster than it can be copied. That entry is left out,
    /// and the walk can go on. It is one of kind `Fault` if the file was cut short, and the walk is over.
    pub fn iter(&self) -> Iter<'_> {
        Iter { cache: self, shard: 0, slot: 0 }
    }

    /// The entry that a slot names, if it lives and is of this handle's namespace.
    fn visit(&self, shard: Shard<'_>, number: u64) -> Result<Option<Entry>> {
        let word = shard.index.word(number)?;
        if !Slot::from_word(word.load()).is_live() {
            return self.believe().map(|()| None);
        }
        for _ in 0..RETRIES {
            let wanted = Wanted { namespace: self.present(), clock: self.clock() };
            let seen = look(shard, word, &wanted)?;
            self.believe()?;
            match seen {
                Seen::Entry(entry) => return Ok(Some(entry)),
                Seen::Nothing => return Ok(None),
                Seen::Stale => {}
            }
        }
        Err(Error::new(
            ErrorKind::Busy,
            "an entry was rewritten faster than it could be read; it is left out",
        ))
    }
}

impl<'a> IntoIterator for &'a Cache {
    type Item = Result<Entry>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl Iterator for Iter<'_> {
    type Item = Result<Entry>;

    fn next(&mut self) -> Option<Result<Entry>> {
        let attached = &self.cache.inner.attached;
        let geometry = &attached.header.geometry;
        while self.shard < geometry.shards() {
            let shard = match attached.shard(self.shard) {
                Ok(shard) => shard,
                Err(error) => {
                    self.shard = geometry.shards();
                    return Some(Err(error));
                }
            };
            while self.slot < geometry.slots_per_shard() {
                self.slot += 1;
                match self.cache.visit(shard, self.slot - 1).transpose() {
                    None => {}
                    Some(Err(error)) if error.kind() != ErrorKind::Busy => {
                        self.shard = geometry.shards();
                        return Some(Err(error));
                    }
                    found => return found,
                }
            }
            (self.shard, self.slot) = (self.shard + 1, 0);
        }
        None
    }
}

impl std::iter::FusedIterator for Iter<'_> {}

/// One look at one slot.
fn look(shard: Shard<'_>, word: Word64<'_>, wanted: &Wanted<'_>) -> Result<Seen> {
    let validation = Validation::begin(&shard);
    // Acquire, with the release of the slot's exchange: the entry's bytes are older than its slot.
    let slot = Slot::from_word(word.load_acquire());
    if !slot.is_live() {
        return Ok(Seen::Nothing);
    }
    let loaded = LoadedSlot { word, slot };
    let seen = copy(shard, slot, wanted)?;
    if matches!(seen, Seen::Entry(_)) && validation.end(loaded).is_some() {
        return Ok(seen);
    }
    Ok(match (validation.no_value(loaded), seen) {
        (NoValue::Certain, Seen::Nothing) | (NoValue::Reclaimed, _) => Seen::Nothing,
        _ => Seen::Stale,
    })
}

/// Copies the entry, trusting nothing.
fn copy(shard: Shard<'_>, slot: Slot, wanted: &Wanted<'_>) -> Result<Seen> {
    let (area, offset) = (shard.geometry.area(), slot.offset());
    if offset >= area.end {
        return Ok(Seen::Nothing);
    }
    let Mark::Entry(header) = shard.log.mark(offset)? else { return Ok(Seen::Nothing) };
    if header.units() > area.end - offset || header.extras().has(Extras::ABSENT) {
        return Ok(Seen::Nothing);
    }
    if shard.log.namespace(offset, header)? != wanted.namespace {
        return Ok(Seen::Nothing);
    }
    let mut ttl = None;
    if header.extras().has(Extras::EXPIRY) {
        let left_ms = shard.log.expiry_ms(offset, header)?.saturating_sub(wanted.clock.now_ms());
        if left_ms == 0 {
            return Ok(Seen::Nothing);
        }
        ttl = Some(Duration::from_millis(left_ms));
    }
    let (mut key, mut value) = (Vec::new(), Vec::new());
    shard.log.append_key(offset, header, &mut key)?;
    shard.log.append_value(offset, header, &mut value)?;
    Ok(Seen::Entry(Entry { key, value, ttl }))
}
