//! Making a cache durable, and closing it.

use crate::api::handle::{Cache, read_only};
use crate::error::Result;
use crate::event;
use crate::open::durability::Flush;
use crate::shard::view::Shard;
use std::sync::Arc;

impl Cache {
    /// Makes durable what was stored before this call. Others go on reading and writing meanwhile.
    ///
    /// After a loss of power a cache is warm if no process wrote to it since a flush began, or since its last user closed it.
    /// Otherwise it is cold. What the flush made durable can then be [salvaged](crate::Options::salvage).
    ///
    /// It waits for the disk, without a limit. It also waits for each shard in turn, for at most the lock timeout.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set(b"k", b"v")?;
    /// cache.flush()?;
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Io` or `NoSpace` if the system cannot write it; `Busy` or `OwnerStopped` if a shard is held for too long; `ReadOnly`;
    /// `Replaced`; `Fault` if the file was cut short.
    pub fn flush(&self) -> Result<()> {
        let attached = &self.inner.attached;
        if !attached.is_writer() {
            return Err(read_only());
        }
        let shards = self.all_shards()?;
        let mut flush = Flush::begin(attached, self.clock())?;
        for shard in &shards {
            // canary: flush visits
            let _locked = self.lock(shard)?;
            flush.visit(shard.number)?;
        }
        flush.sync()?;
        self.raise_horizons(&shards, &mut flush)?;
        while flush.is_rising() {
            self.raise_horizons(&shards, &mut flush)?;
        }
        event::flushed();
        attached.believe()
    }

    /// Raises the horizons of all shards as far as the disk allows, and makes that durable.
    fn raise_horizons(&self, shards: &[Shard<'_>], flush: &mut Flush<'_>) -> Result<()> {
        let mut is_rising = false;
        if flush.is_rising() {
            for shard in shards {
                let _locked = self.lock(shard)?;
                is_rising |= flush.raise(shard.number)?;
            }
        }
        flush.settle(is_rising)
    }

    /// Closes this handle; the last clone of the last process to do so leaves the file flushed. Dropping does the same,
    /// but tells of no error.
    ///
    /// # Errors
    /// `Io` or `NoSpace` if the system could not write what was stored.
    pub fn close(self) -> Result<()> {
        match Arc::try_unwrap(self.inner) {
            Ok(mut inner) => inner.attached.detach(),
            Err(_) => Ok(()),
        }
    }
}
