//! A yardstick, not a cache: one hash table of numbers and one array of entries of a fixed length. One thread uses it,
//! without a lock while it runs. It has no eviction, and no entries of other lengths.

use crate::key::KEY_LEN;
use crate::peer::{Peer, Session, Setup};
use anyhow::{Result, anyhow, ensure};
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard};

pub(crate) struct Flat(Mutex<Entries>);

struct Entries {
    hasher: DefaultHashBuilder,
    places: HashTable<u32>,
    /// Keys and values, one entry after the other.
    bytes: Vec<u8>,
    entry_len: usize,
}

/// The one thread that has it; it takes the lock once and keeps it.
pub(crate) struct Handle<'a>(MutexGuard<'a, Entries>);

impl Peer for Flat {
    type Session<'a> = Handle<'a>;

    const EVICTS: bool = false;
    const THREADS: u32 = 1;

    fn open(setup: &Setup) -> Result<Self> {
        let entry_len = KEY_LEN + setup.value_len;
        Ok(Flat(Mutex::new(Entries {
            hasher: DefaultHashBuilder::default(),
            places: HashTable::with_capacity(setup.entries as usize),
            bytes: Vec::with_capacity(setup.entries as usize * entry_len),
            entry_len,
        })))
    }

    fn session(&self) -> Result<Handle<'_>> {
        Ok(Handle(self.0.try_lock().map_err(|_| anyhow!("flat is used by one thread only"))?))
    }
}

impl Entries {
    #[inline]
    fn entry(&self, place: u32) -> &[u8] {
        &self.bytes[place as usize * self.entry_len..][..self.entry_len]
    }

    #[inline]
    fn find(&self, key: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(key);
        self.places.find(hash, |place| self.entry(*place)[..KEY_LEN] == *key).copied()
    }

    fn append(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let place = u32::try_from(self.bytes.len() / self.entry_len)?;
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        let Entries { hasher, places, bytes, entry_len } = self;
        let hash_of = |place: &u32| hasher.hash_one(&bytes[*place as usize * *entry_len..][..KEY_LEN]);
        places.insert_unique(hash_of(&place), place, hash_of);
        Ok(())
    }
}

impl Session for Handle<'_> {
    #[inline]
    fn get(&mut self, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        out.clear();
        let Some(place) = self.0.find(key) else { return Ok(false) };
        out.extend_from_slice(&self.0.entry(place)[KEY_LEN..]);
        Ok(true)
    }

    #[inline]
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        ensure!(key.len() + value.len() == self.0.entry_len, "flat holds entries of one length");
        let Some(place) = self.0.find(key) else { return self.0.append(key, value) };
        let entry_len = self.0.entry_len;
        self.0.bytes[place as usize * entry_len..][KEY_LEN..entry_len].copy_from_slice(value);
        Ok(())
    }
}
