//! Making a cache durable, and closing it.

use crate::api::handle::{Cache, read_only};
use crate::error::Result;
use crate::event;
use crate::open::durability;
use std::sync::Arc;

impl Cache {
    /// Makes everything stored so far durable. The cache is then warm even after power loss, if nothing is written in
    /// between.
    ///
    /// # Errors
    /// `Io` or `NoSpace` if the system cannot write it; `Busy` if a shard is held for too long; `ReadOnly`.
    pub fn flush(&self) -> Result<()> {
        let attached = &self.inner.attached;
        if !attached.is_writer() {
            return Err(read_only());
        }
        durability::sync(attached)?;
        let shards = self.all_shards()?;
        let _locked = self.lock_all(&shards)?;
        durability::sync(attached)?;
        attached.mark_clean()?;
        event::flushed();
        Ok(())
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
