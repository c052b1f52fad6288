//! foyer: a concurrent cache in the heap with a choice of policies; its memory part alone.

use crate::peer::{Peer, Session, Setup};
use crate::roster::foyer as settings;
use anyhow::Result;
use foyer_memory::Cache;

type Entries = Cache<Box<[u8]>, Box<[u8]>>;

pub(crate) struct Foyer(Entries);

pub(crate) struct Handle<'a>(&'a Entries);

impl Peer for Foyer {
    type Session<'a> = Handle<'a>;

    fn open(setup: &Setup) -> Result<Self> {
        Ok(Foyer(settings::builder(setup).build()))
    }

    fn held(&self) -> Option<u64> {
        Some(self.0.usage() as u64)
    }

    fn session(&self) -> Result<Handle<'_>> {
        Ok(Handle(&self.0))
    }
}

impl Session for Handle<'_> {
    #[inline]
    fn get(&mut self, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        out.clear();
        let Some(entry) = self.0.get(key) else { return Ok(false) };
        out.extend_from_slice(entry.value());
        Ok(true)
    }

    #[inline]
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.0.insert(key.into(), value.into());
        Ok(())
    }
}
