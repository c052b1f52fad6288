//! moka: a concurrent cache in the heap with TinyLFU admission.

use crate::peer::{Peer, Session, Setup};
use crate::roster::moka as settings;
use anyhow::Result;
use moka::sync::Cache;
use std::sync::Arc;

type Key = Box<[u8]>;
type Value = Arc<[u8]>;

pub(crate) struct Moka(Cache<Key, Value, ahash::RandomState>);

pub(crate) struct Handle<'a>(&'a Cache<Key, Value, ahash::RandomState>);

impl Peer for Moka {
    type Session<'a> = Handle<'a>;

    fn open(setup: &Setup) -> Result<Self> {
        Ok(Moka(settings::builder(setup).build_with_hasher(ahash::RandomState::new())))
    }

    fn held(&self) -> Option<u64> {
        Some(self.0.entry_count())
    }

    fn session(&self) -> Result<Handle<'_>> {
        Ok(Handle(&self.0))
    }

    fn settle(&self) -> Result<()> {
        self.0.run_pending_tasks();
        Ok(())
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
