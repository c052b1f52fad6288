//! quick_cache: a concurrent cache in the heap with S3-FIFO's elder brother, Clock-PRO.

use crate::peer::{Peer, Session, Setup};
use crate::roster::quick_cache as settings;
use anyhow::Result;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, UnitWeighter};
use std::sync::Arc;

type Key = Box<[u8]>;
type Value = Arc<[u8]>;

pub(crate) struct QuickCache(Cache<Key, Value>);

pub(crate) struct Handle<'a>(&'a Cache<Key, Value>);

impl Peer for QuickCache {
    type Session<'a> = Handle<'a>;

    fn open(setup: &Setup) -> Result<Self> {
        let options = settings::options(setup)?;
        let hasher = DefaultHashBuilder::default();
        Ok(QuickCache(Cache::with_options(options, UnitWeighter, hasher, DefaultLifecycle::default())))
    }

    fn held(&self) -> Option<u64> {
        Some(self.0.len() as u64)
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
