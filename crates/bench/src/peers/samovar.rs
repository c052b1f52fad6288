//! Samovar itself: its file on a disk or in memory, in huge pages, sealed, and read through a read-only attachment.

use crate::key::{KEY_LEN, Key};
use crate::peer::{Peer, Population, Session, Setup};
use anyhow::{Context, Result};
use samovar::Cache;
use std::marker::PhantomData;
use std::path::Path;

/// Bytes of an entry beside its key and value, and of its seal if it has one.
const HEADER: usize = 12;
pub(crate) const SEAL: usize = 8;
/// Bytes of index that an expected entry gets.
pub(crate) const INDEX: u64 = 14;
/// Bytes that a file of any capacity takes for itself.
const FIXED: u64 = 256 << 10;
/// The name of the file.
pub(crate) const FILE: &str = "bench.samovar";

/// What an entry takes in the log: the size that `expected_entry_size` is told.
pub(crate) fn entry_size(value_len: usize) -> u64 {
    ((KEY_LEN + value_len + HEADER) as u64).next_multiple_of(8)
}

/// A capacity in which so many entries of this size live: log, index and head.
pub(crate) fn capacity(entries: u32, value_len: usize) -> u64 {
    FIXED + u64::from(entries) * (entry_size(value_len) + INDEX)
}

/// A new file for the setup, in this directory.
pub(crate) fn create(setup: &Setup, directory: &Path) -> Result<Cache> {
    make(setup, directory, 0, Cache::options())
}

fn make(setup: &Setup, directory: &Path, seal: usize, options: samovar::Options) -> Result<Cache> {
    let stored = setup.value_len + seal;
    let options = options.capacity(capacity(setup.capacity, stored)).expected_entry_size(entry_size(stored));
    // A cache that has gone round has met all of its file; only a new one waits for the system to clear pages.
    let options = options.prefault(true);
    Ok(options.open(directory.join(FILE))?)
}

/// Where the file is, and whether its entries bear seals.
pub(crate) trait Variant: Sync {
    fn create(setup: &Setup) -> Result<Cache>;
}

/// On a disk.
pub(crate) struct OnDisk;

/// On a tmpfs.
pub(crate) struct OnTmpfs;

/// On a tmpfs that gives huge pages.
pub(crate) struct InHugePages;

/// On a tmpfs, every get checked.
pub(crate) struct Sealed;

/// On a disk, every get checked.
pub(crate) struct SealedOnDisk;

impl Variant for OnDisk {
    fn create(setup: &Setup) -> Result<Cache> {
        create(setup, &setup.disk)
    }
}

impl Variant for OnTmpfs {
    fn create(setup: &Setup) -> Result<Cache> {
        create(setup, &setup.tmpfs)
    }
}

impl Variant for InHugePages {
    fn create(setup: &Setup) -> Result<Cache> {
        create(setup, setup.huge.as_deref().context("samovar-huge needs --huge")?)
    }
}

impl Variant for Sealed {
    fn create(setup: &Setup) -> Result<Cache> {
        make(setup, &setup.tmpfs, SEAL, Cache::options().verify(true))
    }
}

impl Variant for SealedOnDisk {
    fn create(setup: &Setup) -> Result<Cache> {
        make(setup, &setup.disk, SEAL, Cache::options().verify(true))
    }
}

/// A file that this process alone has.
pub(crate) struct Samovar<V>(Cache, PhantomData<V>);

/// The file on a disk, read through a read-only mapping.
pub(crate) struct ReadOnly {
    writer: Cache,
    reader: Cache,
}

impl Samovar<OnTmpfs> {
    /// A file that is there already, shared with all processes that have it.
    pub(crate) fn attach(path: &Path) -> Result<Self> {
        Ok(Samovar(Cache::options().create(false).open(path)?, PhantomData))
    }
}

pub(crate) struct Handle<'a>(&'a Cache);

impl<V: Variant> Peer for Samovar<V> {
    type Session<'a>
        = Handle<'a>
    where
        V: 'a;

    const BATCHES: bool = true;
    const BORROWS: bool = true;

    fn open(setup: &Setup) -> Result<Self> {
        Ok(Samovar(V::create(setup)?, PhantomData))
    }

    fn session(&self) -> Result<Handle<'_>> {
        Ok(Handle(&self.0))
    }

    fn settle(&self) -> Result<()> {
        Ok(self.0.flush()?)
    }
}

impl Peer for ReadOnly {
    type Session<'a> = Handle<'a>;

    const WRITES: bool = false;
    const EVICTS: bool = false;
    const BATCHES: bool = true;

    fn open(setup: &Setup) -> Result<Self> {
        let writer = create(setup, &setup.disk)?;
        let reader = Cache::options().read_only(true).open(setup.disk.join(FILE))?;
        Ok(ReadOnly { writer, reader })
    }

    fn session(&self) -> Result<Handle<'_>> {
        Ok(Handle(&self.reader))
    }

    fn load(&self, population: &mut Population<'_>) -> Result<()> {
        population.each(|key, value| Ok(self.writer.set(key, value)?))
    }

    fn settle(&self) -> Result<()> {
        Ok(self.writer.flush()?)
    }
}

impl Session for Handle<'_> {
    #[inline]
    fn get(&mut self, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        Ok(self.0.get_into(key, out)?)
    }

    #[inline]
    fn get_many(&mut self, keys: &[Key], each: impl FnMut(usize, Option<&[u8]>)) -> Result<()> {
        Ok(self.0.get_many(keys, each)?)
    }

    #[inline]
    fn borrow(&mut self, key: &[u8]) -> Result<Option<([u8; 8], usize)>> {
        let Some(value) = self.0.get_ref(key)? else { return Ok(None) };
        let mut first = [0; 8];
        value.view().read_into(0, &mut first)?;
        Ok(Some((first, value.len())))
    }

    #[inline]
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        Ok(self.0.set(key, value)?)
    }
}
