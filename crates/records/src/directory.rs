//! Which tables a pack has: from a key to a block.
//!
//! A *directory* is a number of buckets and so many words, each the offset of a block, or 0. The search for a key's
//! block goes from bucket to bucket, beginning at its hash. A directory that is nearly full is followed by a larger
//! one. A new table is published by the store of its bucket, a new directory by that of DIRECTORY; a death before it
//! leaks what was given out.

use crate::control::Control;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, BLOCK_ALIGN, ORDINAL_MAX, at};
use crate::shape::Shape;
use crate::space::{self, EXTENT_ALIGN, Extent, Left, Space};
use crate::store::{Found, Store};
use crate::table::FIRST_SLOTS;
use samovar_mmap::{View, Word64};
use std::sync::{MutexGuard, PoisonError};

/// More than anybody has keys.
const BUCKETS_MAX: u64 = 1 << 32;
/// A bucket whose block a loss of power took. No block begins here.
pub(crate) const LOST: u64 = 1;
/// A file that grows becomes at least so many bytes longer.
const SURPLUS: u64 = 32 << 10;
/// The longest key, in bytes.
pub(crate) const KEY_MAX: usize = 1024;

/// Makes a table with room for `capacity` records.
pub(crate) fn insert(store: &Store, key: &str, capacity: u64) -> Result<u64> {
    let mut space = space_of(store)?;
    if find(store, key)?.is_some() {
        return Err(Error::new(ErrorKind::AlreadyExists, format!("there is a table {key} already")));
    }
    let directory = with_room(store, &mut space)?;
    let key_offset = layout::key_offset(store.slot_size());
    let capacity = capacity.max(FIRST_SLOTS);
    let block =
        allocate(store, &mut space, Wanted { len: key_offset + key.len() as u64, align: BLOCK_ALIGN })?;
    let origin =
        allocate(store, &mut space, Wanted { len: extent_len(store, capacity)?, align: EXTENT_ALIGN })?;
    let view = store.mapping.view();
    // What a death left here may be anything.
    view.zero(at(block), at(key_offset))?;
    let control = Control { view, block: at(block) };
    control.format(Shape { epoch: 0, base: 0, capacity, origin })?;
    view.write_from(at(block + key_offset), key.as_bytes())?;
    let words = control.key()?;
    words.len.store(key.len() as u64);
    words.sum.store(key_sum(block, key.as_bytes()));
    Directory { view, ..directory }.free_bucket(key.as_bytes())?.store_release(block);
    store.words().tables()?.fetch_add(1);
    Ok(block)
}

/// Forgets a table. Nothing of it is certain any more once the pack was flushed. Its block is used again by the next
/// process that writes the pack.
pub(crate) fn remove(store: &Store, key: &str, shape: Shape) -> Result<()> {
    let mut space = space_of(store)?;
    let directory = directory(store)?;
    for bucket in directory.from(key.as_bytes()) {
        let word = directory.word(bucket)?;
        match word.load_acquire() {
            0 => break,
            block if block > LOST && has_key(store, block, key.as_bytes())? => {
                word.store_release(LOST);
                space.is_unneeded(extent_of(store, shape));
                store.words().tables()?.store(store.words().tables()?.load().saturating_sub(1));
                return Ok(());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Space for the records of a table that grows.
pub(crate) fn extent(store: &Store, slots: u64) -> Result<u64> {
    let mut space = space_of(store)?;
    allocate(store, &mut space, Wanted { len: extent_len(store, slots)?, align: EXTENT_ALIGN })
}

/// Makes the extent of a table longer, where nothing lies behind it. False if something does.
pub(crate) fn extend(store: &Store, shape: Shape, slots: u64) -> Result<bool> {
    let _space = space_of(store)?;
    let end = extent_of(store, shape).end();
    if store.words().used()?.load() != end {
        return Ok(false);
    }
    let len = extent_len(store, slots)?.saturating_sub(extent_len(store, shape.capacity)?);
    append(store, Wanted { len, align: 1 })?;
    Ok(true)
}

/// A table that grew lies elsewhere by now.
pub(crate) fn leave(store: &Store, block: u64, old: Shape) -> Result<()> {
    let mut space = space_of(store)?;
    let extent = extent_of(store, old);
    if store.rights()?.is_private() {
        space.take_back(extent);
    } else {
        space.leave(Left { block, epoch: old.epoch, extent });
    }
    Ok(())
}

fn extent_of(store: &Store, shape: Shape) -> Extent {
    Extent { begin: shape.origin, len: shape.end_offset(store.slot_size()).saturating_sub(shape.origin) }
}

fn extent_len(store: &Store, slots: u64) -> Result<u64> {
    let bytes = store.header.slots.bytes_of(slots).filter(|len| *len < ORDINAL_MAX);
    bytes.ok_or_else(|| Error::invalid(format!("no file has room for {slots} records")))
}

/// How much space, and where it may begin.
#[derive(Clone, Copy)]
struct Wanted {
    len: u64,
    align: u64,
}

/// The space of a pack. Before anything is given out or left, what those before have left is looked for: later it would not
/// be told from what is being moved to.
fn space_of(store: &Store) -> Result<MutexGuard<'_, Space>> {
    let rights = store.rights()?;
    let mut space = rights.space.lock().unwrap_or_else(PoisonError::into_inner);
    if space.searched || rights.is_private() {
        return Ok(space);
    }
    space.searched = true;
    // Where a block makes no sense, nobody knows what it needs.
    let needed = needed(store).unwrap_or_default();
    let end = if needed.is_empty() { 0 } else { store.words().used()?.load() };
    for gap in space::gaps(needed, end) {
        match rights.found {
            Found::Closed => space.take_back(gap),
            // Until the next flush, a loss of power may bring a table back to what it had left.
            Found::Left => space.is_unneeded(gap),
        }
    }
    Ok(space)
}

/// Looks for what those before have left.
pub(crate) fn search_space(store: &Store) -> Result<()> {
    space_of(store).map(drop)
}

/// Gives space out: what nobody needs any more, or more of the file.
fn allocate(store: &Store, space: &mut Space, wanted: Wanted) -> Result<u64> {
    match space.give(wanted.len, wanted.align) {
        Some(begin) => Ok(begin),
        None => append(store, wanted),
    }
}

/// All parts of the file that are needed, as the words say now and as they were flushed.
fn needed(store: &Store) -> Result<Vec<Extent>> {
    let directory = directory(store)?;
    let mut needed = vec![
        Extent { begin: 0, len: store.header.records_offset() },
        Extent { begin: directory.begin, len: directory_len(directory.buckets) },
    ];
    for block in blocks(store)? {
        let Some(key) = key_of(store, block)? else { return Err(senseless()) };
        needed.push(Extent { begin: block, len: layout::key_offset(store.slot_size()) + key.len() as u64 });
        let control = Control { view: store.mapping.view(), block: at(block) };
        let safe = control.safe()?;
        let certain = safe.certain(safe.flush().load()).epoch;
        for epoch in [control.readers()?.epoch().load(), certain] {
            needed.push(extent_of(store, control.checked_shape(epoch)?));
        }
    }
    Ok(needed)
}

/// Gives out what lies behind all that is used, and makes the file longer for it.
fn append(store: &Store, wanted: Wanted) -> Result<u64> {
    let used = store.words().used()?;
    // What the file says is used may be anything.
    let begin = used.load().max(store.header.records_offset()).checked_next_multiple_of(wanted.align);
    let end = begin.and_then(|begin| begin.checked_add(wanted.len)).filter(|end| *end < ORDINAL_MAX);
    let (Some(begin), Some(end)) = (begin, end) else {
        return Err(Error::invalid("no file is as large as that"));
    };
    if end > store.mapping.len() as u64 {
        // More than needed, so that it does not grow for each table; on a device that is nearly full half of that, and so on
        // down to what is needed.
        let mut surplus = (end / 8).max(SURPLUS);
        loop {
            match store.reserve((end + surplus).next_multiple_of(layout::PAGE)) {
                Err(error) if error.kind() == ErrorKind::NoSpace && surplus > 0 => surplus /= 2,
                other => break other?,
            }
        }
    }
    used.store_release(end);
    Ok(begin)
}

/// The block of this key's table.
pub(crate) fn find(store: &Store, key: &str) -> Result<Option<u64>> {
    loop {
        let directory = directory(store)?;
        let found = find_in(store, &directory, key);
        if matches!(found, Ok(Some(_))) || store.words().directory()?.load_acquire() == directory.begin {
            return found;
        }
        // A larger one took its place, which may be used for something else by now.
    }
}

fn find_in(store: &Store, directory: &Directory<'_>, key: &str) -> Result<Option<u64>> {
    for bucket in directory.from(key.as_bytes()) {
        match directory.word(bucket)?.load_acquire() {
            0 => return Ok(None),
            LOST => {}
            block if has_key(store, block, key.as_bytes())? => return Ok(Some(block)),
            _ => {}
        }
    }
    Ok(None)
}

/// The blocks of all tables.
pub(crate) fn blocks(store: &Store) -> Result<Vec<u64>> {
    let directory = directory(store)?;
    let mut blocks = Vec::new();
    for bucket in 0..directory.buckets {
        let block = directory.word(bucket)?.load_acquire();
        if block > LOST {
            blocks.push(block);
        }
    }
    Ok(blocks)
}

/// The key of a table; none if the block is not one.
pub(crate) fn key_of(store: &Store, block: u64) -> Result<Option<Vec<u8>>> {
    let key_offset = layout::key_offset(store.slot_size());
    let Some(begin) = block.checked_add(key_offset).filter(|begin| *begin < ORDINAL_MAX) else {
        return Ok(None);
    };
    store.reach(begin)?;
    let words = Control { view: store.mapping.view(), block: at(block) }.key()?;
    let len = at(words.len.load());
    if len > KEY_MAX {
        return Ok(None);
    }
    store.reach(begin + len as u64)?;
    let mut key = vec![0; len];
    store.mapping.view().read_into(at(begin), &mut key)?;
    Ok((words.sum.load() == key_sum(block, &key)).then_some(key))
}

fn has_key(store: &Store, block: u64, key: &[u8]) -> Result<bool> {
    let end = block.saturating_add(layout::key_offset(store.slot_size()) + key.len() as u64);
    store.reach(end.min(ORDINAL_MAX))?;
    let view = store.mapping.view();
    let words = Control { view, block: at(block) }.key()?;
    Ok(words.len.load() == key.len() as u64
        && words.sum.load() == key_sum(block, key)
        && view.equals(at(end) - key.len(), key)?)
}

#[derive(Clone, Copy)]
pub(crate) struct Directory<'a> {
    view: View<'a>,
    begin: u64,
    pub(crate) buckets: u64,
}

impl<'a> Directory<'a> {
    pub(crate) fn word(&self, bucket: u64) -> Result<Word64<'a>> {
        Ok(self.view.word64(at(self.begin + 8 + bucket * 8))?)
    }

    /// All buckets, from the one of this key's hash on.
    fn from(&self, key: &[u8]) -> impl Iterator<Item = u64> + use<> {
        let (hash, mask) = (layout::checksum(key), self.buckets - 1);
        (0..self.buckets).map(move |step| hash.wrapping_add(step) & mask)
    }

    /// Where it ends in the file.
    pub(crate) fn end(&self) -> u64 {
        self.begin + directory_len(self.buckets)
    }

    fn free_bucket(&self, key: &[u8]) -> Result<Word64<'a>> {
        for bucket in self.from(key) {
            let word = self.word(bucket)?;
            if word.load() <= LOST {
                return Ok(word);
            }
        }
        Err(Error::corrupt("the directory of the record file is full; import the data anew"))
    }
}

pub(crate) fn directory_len(buckets: u64) -> u64 {
    8 + buckets * 8
}

pub(crate) fn directory(store: &Store) -> Result<Directory<'_>> {
    let begin = store.words().directory()?.load_acquire();
    if begin < store.header.records_offset() || begin >= ORDINAL_MAX {
        return Err(senseless());
    }
    store.reach(begin + 8)?;
    let buckets = store.mapping.view().word64(at(begin))?.load();
    if !buckets.is_power_of_two() || buckets > BUCKETS_MAX {
        return Err(senseless());
    }
    store.reach(begin + directory_len(buckets))?;
    Ok(Directory { view: store.mapping.view(), begin, buckets })
}

/// A directory that has a free bucket and more: this one, or one twice as large.
fn with_room<'a>(store: &'a Store, space: &mut Space) -> Result<Directory<'a>> {
    let old = directory(store)?;
    if store.words().tables()?.load() < old.buckets / 4 * 3 {
        return Ok(old);
    }
    let blocks = blocks(store)?;
    let buckets = old.buckets * 2;
    let begin = allocate(store, space, Wanted { len: directory_len(buckets), align: BLOCK_ALIGN })?;
    let view = store.mapping.view();
    let len = at(directory_len(buckets));
    view.zero(at(begin), len)?;
    view.word64(at(begin))?.store(buckets);
    let new = Directory { view, begin, buckets };
    for block in &blocks {
        if let Some(key) = key_of(store, *block)? {
            new.free_bucket(&key)?.store(*block);
        }
    }
    // It has to be there before the word that leads to it.
    store.mapping.flush_range(at(begin), len)?;
    store.words().tables()?.store(blocks.len() as u64);
    store.words().directory()?.store_release(begin);
    Ok(new)
}

/// Tells a block of this key from bytes that were never one, or that lie elsewhere.
fn key_sum(block: u64, key: &[u8]) -> u64 {
    layout::checksum(key).rotate_left(17) ^ block.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cold]
fn senseless() -> Error {
    Error::corrupt("the record file's directory makes no sense; import the data anew")
}
