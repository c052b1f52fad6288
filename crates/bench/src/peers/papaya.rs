//! papaya: a concurrent map without locks. It never evicts: an upper bound for caches in the heap.

use crate::peer::{Peer, Session, Setup};
use anyhow::Result;
use papaya::HashMap;

type Entries = HashMap<Box<[u8]>, Box<[u8]>, ahash::RandomState>;

pub(crate) struct Papaya(Entries);

pub(crate) struct Handle<'a>(&'a Entries);

impl Peer for Papaya {
    type Session<'a> = Handle<'a>;

    const EVICTS: bool = false;

    fn open(setup: &Setup) -> Result<Self> {
        let hasher = ahash::RandomState::new();
        Ok(Papaya(HashMap::with_capacity_and_hasher(setup.entries as usize, hasher)))
    }

    fn session(&self) -> Result<Handle<'_>> {
        Ok(Handle(&self.0))
    }
}

impl Session for Handle<'_> {
    #[inline]
    fn get(&mut self, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        out.clear();
        let pinned = self.0.pin();
        let Some(value) = pinned.get(key) else { return Ok(false) };
        out.extend_from_slice(value);
        Ok(true)
    }

    #[inline]
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.0.pin().insert(key.into(), value.into());
        Ok(())
    }
}
