//! What a cache has to do to be measured.

use crate::key::Key;
use crate::payload::Payload;
use anyhow::{Result, bail};
use std::path::PathBuf;

/// What a peer is made for.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// Entries that it must be able to hold.
    pub(crate) capacity: u32,
    /// Entries that will be stored: half of the capacity, unless evictions are measured.
    #[allow(dead_code, reason = "not every peer that may be built in asks")]
    pub(crate) entries: u32,
    pub(crate) value_len: usize,
    /// An empty directory on a disk.
    pub(crate) disk: PathBuf,
    /// An empty directory in memory.
    pub(crate) tmpfs: PathBuf,
    /// The same in huge pages, where there is one.
    pub(crate) huge: Option<PathBuf>,
}

impl Setup {
    /// Bytes of keys and values that it must be able to hold.
    #[allow(dead_code, reason = "as above")]
    pub(crate) fn capacity_bytes(&self) -> u64 {
        u64::from(self.capacity) * (crate::key::KEY_LEN + self.value_len) as u64
    }
}

/// A cache, or something that serves as one.
pub(crate) trait Peer: Sized + Sync {
    /// What one thread uses.
    type Session<'a>: Session
    where
        Self: 'a;

    /// Whether entries can be written through a session after the population is there.
    const WRITES: bool = true;

    /// Whether it keeps every entry while there is room for twice as many.
    const KEEPS: bool = true;

    /// Whether it makes room for new entries once it is full.
    const EVICTS: bool = true;

    /// Whether it looks up many keys at once.
    const BATCHES: bool = false;

    /// Whether it hands out values where they lie.
    const BORROWS: bool = false;

    /// How many threads may use it at once.
    const THREADS: u32 = u32::MAX;

    fn open(setup: &Setup) -> Result<Self>;

    fn session(&self) -> Result<Self::Session<'_>>;

    /// Fills it, by default with one set after another.
    fn load(&self, population: &mut Population<'_>) -> Result<()> {
        let mut session = self.session()?;
        population.each(|key, value| session.set(key, value))
    }

    /// Entries that it holds, where it can say so.
    fn held(&self) -> Option<u64> {
        None
    }

    /// Finishes what filling it left to do later. Not measured.
    fn settle(&self) -> Result<()> {
        Ok(())
    }
}

/// One thread's way to a peer.
pub(crate) trait Session {
    /// Replaces the content of `out` with a copy of the value; false if there is none.
    fn get(&mut self, key: &[u8], out: &mut Vec<u8>) -> Result<bool>;

    /// Hands the value of each key, or none, to `each` with the key's number; only where the peer batches.
    fn get_many(&mut self, _keys: &[Key], _each: impl FnMut(usize, Option<&[u8]>)) -> Result<()> {
        bail!("this peer has no look-up of many keys")
    }

    /// The first eight bytes of the value and its length, without a copy of the rest; only where the peer borrows.
    fn borrow(&mut self, _key: &[u8]) -> Result<Option<([u8; 8], usize)>> {
        bail!("this peer has no way to borrow a value")
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<()>;
}

/// The entries to store before anything is measured.
pub(crate) struct Population<'a> {
    pub(crate) entries: u32,
    pub(crate) value_len: usize,
    pub(crate) payload: &'a mut Payload,
}

impl Population<'_> {
    /// Every key with its first value, in the order of their numbers.
    pub(crate) fn each(&mut self, mut store: impl FnMut(&[u8], &[u8]) -> Result<()>) -> Result<()> {
        for number in 0..self.entries {
            store(&crate::key::key(number), self.payload.value(self.value_len, number, 0))?;
        }
        Ok(())
    }
}
