//! dashmap: a concurrent map of locked shards. It never evicts: an upper bound for caches in the heap.

use crate::peer::{Peer, Session, Setup};
use anyhow::Result;

type Entries = dashmap::DashMap<Box<[u8]>, Box<[u8]>, ahash::RandomState>;

pub(crate) struct DashMap(Entries);

pub(crate) struct Handle<'a>(&'a Entries);

impl Peer for DashMap {
    type Session<'a> = Handle<'a>;

    const EVICTS: bool = false;

    fn open(setup: &Setup) -> Result<Self> {
        let hasher = ahash::RandomState::new();
        Ok(DashMap(Entries::with_capacity_and_hasher(setup.entries as usize, hasher)))
    }

    fn session(&self) -> Result<Handle<'_>> {
        Ok(Handle(&self.0))
    }
}

impl Session for Handle<'_> {
    #[inline]
    fn get(&mut self, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        out.clear();
        let Some(value) = self.0.get(key) else { return Ok(false) };
        out.extend_from_slice(&value);
        Ok(true)
    }

    #[inline]
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.0.insert(key.into(), value.into());
        Ok(())
    }
}
