//! Which tables a pack has: from a key to a block.
//!
//! A *directory* is a number of buckets and so many words, each the offset of a block, or 0; a key's block is in the first
//! of the buckets from its hash on that has it. A directory that is nearly full is followed by a larger one. A new table is
//! published by the store of its bucket, a new directory by that of DIRECTORY; a death before it leaks what was given out.

use crate::control::Control;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, BLOCK_ALIGN, ORDINAL_MAX, at};
use crate::shape::Shape;
use crate::space::{EXTENT_ALIGN, allocate, extent_len};
use crate::store::Store;
use crate::table::FIRST_SLOTS;
use samovar_mmap::{View, Word64};
use std::sync::PoisonError;

/// More than anybody has keys.
const BUCKETS_MAX: u64 = 1 << 32;
/// A bucket whose block a loss of power took. No block begins here.
pub(crate) const LOST: u64 = 1;
/// The longest key, in bytes.
pub(crate) const KEY_MAX: usize = 1024;

/// Makes a table with room for `capacity` records.
pub(crate) fn insert(store: &Store, key: &str, capacity: u64) -> Result<u64> {
    let rights = store.rights()?;
    let _allocation = rights.allocation.lock().unwrap_or_else(PoisonError::into_inner);
    if find(store, key)?.is_some() {
        return Err(Error::new(ErrorKind::AlreadyExists, format!("there is a table {key} already")));
    }
    let directory = with_room(store)?;
    let key_offset = layout::key_offset(store.record_size());
    let capacity = capacity.max(FIRST_SLOTS);
    let block = allocate(store, key_offset + key.len() as u64, BLOCK_ALIGN)?;
    let origin = allocate(store, extent_len(store, capacity)?, EXTENT_ALIGN)?;
    let view = store.mapping.view();
    // What a death left here may be anything.
    view.zero(at(block), at(key_offset))?;
    let control = Control { view, block: at(block) };
    control.format(Shape { epoch: 0, anchor: 0, capacity, origin })?;
    view.write_from(at(block + key_offset), key.as_bytes())?;
    let words = control.key()?;
    words.len.store(key.len() as u64);
    words.sum.store(key_sum(block, key.as_bytes()));
    Directory { view, ..directory }.free_bucket(key.as_bytes())?.store_release(block);
    store.words().tables()?.fetch_add(1);
    Ok(block)
}

/// The block of this key's table.
pub(crate) fn find(store: &Store, key: &str) -> Result<Option<u64>> {
    let directory = directory(store)?;
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
    let key_offset = layout::key_offset(store.record_size());
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
    let end = block.saturating_add(layout::key_offset(store.record_size()) + key.len() as u64);
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
            if word.load() == 0 {
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
fn with_room(store: &Store) -> Result<Directory<'_>> {
    let old = directory(store)?;
    if store.words().tables()?.load() < old.buckets / 4 * 3 {
        return Ok(old);
    }
    let blocks = blocks(store)?;
    let buckets = old.buckets * 2;
    let begin = allocate(store, directory_len(buckets), BLOCK_ALIGN)?;
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
