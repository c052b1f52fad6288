//! Segcache: a concurrent cache in the heap that keeps entries in segments of a log, as Samovar does.

use crate::peer::{Peer, Session, Setup};
use crate::roster::segcache as settings;
use anyhow::{Result, anyhow};
use segcache::Value;
use std::time::Duration;

pub(crate) struct Segcache(segcache::Segcache);

pub(crate) struct Handle<'a>(&'a segcache::Segcache);

impl Peer for Segcache {
    type Session<'a> = Handle<'a>;

    const KEEPS: bool = false;

    fn open(setup: &Setup) -> Result<Self> {
        Ok(Segcache(settings::builder(setup)?.build()?))
    }

    fn session(&self) -> Result<Handle<'_>> {
        Ok(Handle(&self.0))
    }
}

impl Session for Handle<'_> {
    #[inline]
    fn get(&mut self, key: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        out.clear();
        let Some(item) = self.0.get(key) else { return Ok(false) };
        let Value::Bytes(value) = item.value() else { return Ok(false) };
        out.extend_from_slice(value);
        Ok(true)
    }

    #[inline]
    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let inserted = self.0.insert(key, value, None, Duration::ZERO);
        inserted.map_err(|error| anyhow!("segcache refused a set: {error:?}"))
    }
}
