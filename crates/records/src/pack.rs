//! Many tables in one file, by key: opened by one call of the system, however many they are.
//!
//! ```text
//! control page:  who writes | DIRECTORY | USED | TABLES
//! from RECORDS_OFFSET to USED, one behind the other:  directories | blocks | extents of records
//! ```
//!
//! A *directory* is a number of buckets and so many words, each the offset of a block, or 0; a key's block is in the first
//! of the buckets from its hash on that has it. Space is given out and never taken back: a table that grows moves to a larger
//! extent, and a directory that is nearly full to a larger one. A new table is published by the store of its bucket, a new
//! directory by that of DIRECTORY; a death before it leaks what was given out. One process at a time writes a pack.

use crate::control::{Control, FileWords};
use crate::error::{Error, ErrorKind, Result};
use crate::header::Header;
use crate::layout::{self, BLOCK_ALIGN, Kind, ORDINAL_MAX, at};
use crate::raw::{FIRST_SLOTS, RawFile};
use crate::safe;
use crate::shape::Shape;
use crate::store::{self, Admit, Gates, Store};
use samovar_mmap::{View, Word64};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, PoisonError};

/// Buckets of a new pack.
const FIRST_BUCKETS: u64 = 1024;
/// More than anybody has keys.
const BUCKETS_MAX: u64 = 1 << 32;
/// A bucket whose block a loss of power took. No block begins here.
const LOST: u64 = 1;
/// Extents begin at a cache line.
const EXTENT_ALIGN: u64 = 64;
/// The longest key, in bytes.
pub(crate) const KEY_MAX: usize = 1024;

/// Makes a pack whose folder nobody knows yet, without the care that it appear whole, and opens it for writing.
pub(crate) fn create_in_private(path: &Path, header: &Header) -> Result<Arc<Store>> {
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|source| Error::io("creating", path, source))?;
    let directory = header.records_offset();
    let used = directory + directory_len(FIRST_BUCKETS);
    let map = store::format(&file, path, header, used.next_multiple_of(layout::PAGE))?;
    map.view().word64(at(directory))?.store(FIRST_BUCKETS);
    let words = FileWords(map.view());
    words.used()?.store(used);
    words.directory()?.store_release(directory);
    map.close()?;
    open_writer(path, &|_| Ok(()))
}

/// Opens a pack for reading.
pub(crate) fn open(path: &Path, admit: Admit<'_>) -> Result<Arc<Store>> {
    let store = Store::open(path, Gates { kind: Kind::Pack, admit })?;
    if safe::lost_power(&store)? {
        safe::wait_until_restored(&store, || open_writer(path, admit).map(drop))?;
    }
    Ok(Arc::new(store))
}

/// Opens a pack for writing.
pub(crate) fn open_writer(path: &Path, admit: Admit<'_>) -> Result<Arc<Store>> {
    let store = Arc::new(Store::open_writer(path, Gates { kind: Kind::Pack, admit })?);
    if safe::lost_power(&store)? {
        restore(&store)?;
    }
    safe::begin(&store)?;
    Ok(store)
}

/// The table of this key, for writing: all who ask in this process share it.
pub(crate) fn table_for_writing(store: &Arc<Store>, block: u64) -> Result<Arc<RawFile>> {
    let rights = store.rights()?;
    if let Some(table) = rights.open_table(block) {
        return Ok(table);
    }
    let mut open = rights.open.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(table) = open.get(&block).and_then(std::sync::Weak::upgrade) {
        return Ok(table);
    }
    let table = Arc::new(RawFile::table(Arc::clone(store), block).begin_writing()?);
    open.insert(block, Arc::downgrade(&table));
    Ok(table)
}

/// Makes a table with room for `capacity` records.
pub(crate) fn insert(store: &Store, key: &str, capacity: u64) -> Result<u64> {
    let rights = store.rights()?;
    let _allocation = rights.allocation.lock().unwrap_or_else(PoisonError::into_inner);
    if find(store, key)?.is_some() {
        return Err(Error::new(ErrorKind::AlreadyExists, format!("there is a table {key} already")));
    }
    let directory = with_room(store)?;
    let key_offset = layout::key_offset(store.header.shadow_stride());
    let capacity = capacity.max(FIRST_SLOTS);
    let block = allocate(store, key_offset + key.len() as u64, BLOCK_ALIGN)?;
    let origin = allocate(store, extent_len(store, capacity)?, EXTENT_ALIGN)?;
    let view = store.mapping.view();
    // What a death left here may be anything.
    view.zero(at(block), at(key_offset))?;
    let control = Control { view, block: at(block) };
    control.format(Shape { epoch: 0, anchor: 0, capacity, origin })?;
    view.write_from(at(block + key_offset), key.as_bytes())?;
    let [len, sum] = control.key()?;
    len.store(key.len() as u64);
    sum.store(key_sum(block, key.as_bytes()));
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
    let key_offset = layout::key_offset(store.header.shadow_stride());
    let Some(begin) = block.checked_add(key_offset).filter(|begin| *begin < ORDINAL_MAX) else {
        return Ok(None);
    };
    store.reach(begin)?;
    let [len, sum] = Control { view: store.mapping.view(), block: at(block) }.key()?;
    let len = at(len.load());
    if len > KEY_MAX {
        return Ok(None);
    }
    store.reach(begin + len as u64)?;
    let mut key = vec![0; len];
    store.mapping.view().read_into(at(begin), &mut key)?;
    Ok((sum.load() == key_sum(block, &key)).then_some(key))
}

fn has_key(store: &Store, block: u64, key: &[u8]) -> Result<bool> {
    let end = block.saturating_add(layout::key_offset(store.header.shadow_stride()) + key.len() as u64);
    store.reach(end.min(ORDINAL_MAX))?;
    let view = store.mapping.view();
    let [len, sum] = Control { view, block: at(block) }.key()?;
    Ok(len.load() == key.len() as u64
        && sum.load() == key_sum(block, key)
        && view.equals(at(end) - key.len(), key)?)
}

/// Space for the records of a table that grows.
pub(crate) fn extent(store: &Store, slots: u64) -> Result<u64> {
    let rights = store.rights()?;
    let _allocation = rights.allocation.lock().unwrap_or_else(PoisonError::into_inner);
    allocate(store, extent_len(store, slots)?, EXTENT_ALIGN)
}

fn extent_len(store: &Store, slots: u64) -> Result<u64> {
    slots
        .checked_mul(store.record_size())
        .filter(|len| *len < ORDINAL_MAX)
        .ok_or_else(|| Error::invalid(format!("no file has room for {slots} records")))
}

/// Gives space out. The allocation is locked.
fn allocate(store: &Store, len: u64, align: u64) -> Result<u64> {
    let used = store.words().used()?;
    // What the file says is used may be anything.
    let begin = used.load().max(store.header.records_offset()).checked_next_multiple_of(align);
    let end = begin.and_then(|begin| begin.checked_add(len)).filter(|end| *end < ORDINAL_MAX);
    let (Some(begin), Some(end)) = (begin, end) else {
        return Err(Error::invalid("no file is as large as that"));
    };
    if end > store.mapping.newest().len() as u64 {
        // A half more than needed, so that it is not mapped anew for each table; on a full device what is needed.
        let generous = (end + end / 2).next_multiple_of(layout::PAGE);
        match store.reserve(generous) {
            Err(error) if error.kind() == ErrorKind::NoSpace => {
                store.reserve(end.next_multiple_of(layout::PAGE))?;
            }
            other => other?,
        }
    }
    store.words().used()?.store_release(end);
    Ok(begin)
}

/// Makes a pack that nobody else has open durable and closed, in a new file that takes its place. What is written in large
/// pieces is cached in large pieces too, and mapped several times as fast as what came page by page.
pub(crate) fn rewrite(store: &Arc<Store>) -> Result<()> {
    safe::mark_pack(store)?;
    store.words().boot()?.store_release(0);
    let fresh = store.path.with_extension(FRESH);
    let written = write_to(store, &fresh).and_then(|()| std::fs::rename(&fresh, &store.path));
    written.map_err(|source| Error::io("writing", &fresh, source))
}

fn write_to(store: &Store, fresh: &Path) -> std::io::Result<()> {
    let mut file = File::create(fresh)?;
    let view = store.mapping.view();
    let used = store.words().used().map_err(std::io::Error::other)?.load();
    let len = at(used.next_multiple_of(layout::PAGE)).min(view.len());
    let mut piece = vec![0; PIECE.min(len)];
    for begin in (0..len).step_by(PIECE) {
        let piece = &mut piece[..PIECE.min(len - begin)];
        view.read_into(begin, piece).map_err(std::io::Error::other)?;
        file.write_all(piece)?;
    }
    file.sync_all()
}

/// A new file that takes the place of a pack.
const FRESH: &str = "new";
/// Bytes written at once.
const PIECE: usize = 4 << 20;

#[derive(Clone, Copy)]
struct Directory<'a> {
    view: View<'a>,
    begin: u64,
    buckets: u64,
}

impl<'a> Directory<'a> {
    fn word(&self, bucket: u64) -> Result<Word64<'a>> {
        Ok(self.view.word64(at(self.begin + 8 + bucket * 8))?)
    }

    /// All buckets, from the one of this key's hash on.
    fn from(&self, key: &[u8]) -> impl Iterator<Item = u64> + use<> {
        let (hash, mask) = (layout::checksum(key), self.buckets - 1);
        (0..self.buckets).map(move |step| hash.wrapping_add(step) & mask)
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

fn directory_len(buckets: u64) -> u64 {
    8 + buckets * 8
}

fn directory(store: &Store) -> Result<Directory<'_>> {
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

/// Brings all tables back to what is certain, forgets those that are not, and gives no space out twice.
fn restore(store: &Arc<Store>) -> Result<()> {
    let directory = directory(store)?;
    let mut used = directory.begin + directory_len(directory.buckets);
    let mut tables = 0;
    for bucket in 0..directory.buckets {
        let word = directory.word(bucket)?;
        let block = word.load_acquire();
        if block <= LOST {
            continue;
        }
        let Ok(Some(key)) = key_of(store, block) else {
            word.store_release(LOST);
            continue;
        };
        let table = RawFile::table(Arc::clone(store), block);
        safe::restore_table(&table)?;
        let shape = table.shape()?;
        let key_end = block + layout::key_offset(store.header.shadow_stride()) + key.len() as u64;
        used = used.max(key_end).max(shape.end_offset(store.record_size()));
        tables += 1;
    }
    store.words().used()?.store_release(used);
    store.words().tables()?.store_release(tables);
    safe::flush_pack(store)
}

/// Tells a block of this key from bytes that were never one, or that lie elsewhere.
fn key_sum(block: u64, key: &[u8]) -> u64 {
    layout::checksum(key).rotate_left(17) ^ block.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cold]
fn senseless() -> Error {
    Error::corrupt("the record file's directory makes no sense; import the data anew")
}
