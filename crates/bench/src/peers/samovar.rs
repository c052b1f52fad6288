//! Samovar itself: its file on a disk, in memory, and read through a read-only attachment.

use crate::key::KEY_LEN;
use crate::peer::{Peer, Population, Session, Setup};
use anyhow::Result;
use samovar::Cache;
use std::path::Path;

/// Bytes of an entry beside its key and value.
const HEADER: usize = 8;
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
    let options = Cache::options()
        .capacity(capacity(setup.capacity, setup.value_len))
        .expected_entry_size(entry_size(setup.value_len));
    Ok(options.open(directory.join(FILE))?)
}

/// The file on a disk.
pub(crate) struct OnDisk(Cache);

/// The file on a tmpfs.
pub(crate) struct OnTmpfs(Cache);

/// The file on a disk, read through a read-only mapping.
pub(crate) struct ReadOnly {
    writer: Cache,
    reader: Cache,
}

impl OnTmpfs {
    /// A file that is there already, shared with whoever else has it.
    pub(crate) fn attach(path: &Path) -> Result<Self> {
        Ok(OnTmpfs(Cache::options().create(false).open(path)?))
    }
}

pub(crate) struct Handle<'a>(&'a Cache);

impl Peer for OnDisk {
    type Session<'a> = Handle<'a>;

    fn open(setup: &Setup) -> Result<Self> {
        Ok(OnDisk(create(setup, &setup.disk)?))
    }

    fn session(&self) -> Result<Handle<'_>> {
        Ok(Handle(&self.0))
    }

    fn settle(&self) -> Result<()> {
        Ok(self.0.flush()?)
    }
}

impl Peer for OnTmpfs {
    type Session<'a> = Handle<'a>;

    fn open(setup: &Setup) -> Result<Self> {
        Ok(OnTmpfs(create(setup, &setup.tmpfs)?))
    }

    fn session(&self) -> Result<Handle<'_>> {
        Ok(Handle(&self.0))
    }
}

impl Peer for ReadOnly {
    type Session<'a> = Handle<'a>;

    const WRITES: bool = false;
    const EVICTS: bool = false;

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
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        Ok(self.0.set(key, value)?)
    }
}
