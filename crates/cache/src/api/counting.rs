//! What operations count: on lines of the process in the file, or, of a read-only handle, in memory.

use crate::api::handle::Cache;
use crate::error::{ErrorKind, Result};
use crate::file::counters::{self, Counter};
use crate::file::namespace::{NamespaceCounter, NamespaceId};
use crate::format::layout::at;

impl Cache {
    /// A value was stored. The shard counts it under its writer lock; a namespace is told of its own.
    #[inline]
    pub(crate) fn count_stored(&self) -> Result<()> {
        if self.namespace == NamespaceId::default() { Ok(()) } else { self.count_stored_here() }
    }

    /// Does something that may be refused, and counts it if it is.
    pub(crate) fn refusable<T>(&self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let done = act();
        if let Err(error) = &done {
            let _ = self.count(Counter::Refusals);
            if self.inner.attached.is_writer() {
                let _ = counters::count_reason(self.inner.attached.view(), error.kind());
            }
            if error.kind() == ErrorKind::OwnerStopped {
                let _ = self.count(Counter::OwnerStopped);
            }
        }
        done
    }

    /// Counts one event.
    #[inline(always)]
    pub(crate) fn count(&self, counter: Counter) -> Result<()> {
        self.count_many(counter, 1)
    }

    /// Counts several at once.
    #[inline(always)]
    pub(crate) fn count_many(&self, counter: Counter, times: usize) -> Result<()> {
        if matches!(counter, Counter::Misses) && times > 0 {
            // Everything is missing from a cache that was deleted.
            self.inner.attached.expect_current()?;
        }
        match self.inner.attached.counts_as {
            Some(process) => {
                if self.namespace != NamespaceId::default() {
                    self.count_here(process, counter, times as u64)?;
                }
                counters::count(self.inner.attached.view(), process, counter, times as u64)
            }
            None => {
                self.inner.local.count(counter, times);
                Ok(())
            }
        }
    }

    /// Counts a value stored in this handle's namespace.
    #[inline(never)]
    fn count_stored_here(&self) -> Result<()> {
        match self.inner.attached.counts_as {
            Some(process) => self.counter(process, NamespaceCounter::Sets, 1),
            None => Ok(()),
        }
    }

    /// Counts for this handle's namespace, on a line that other threads seldom count on.
    fn count_here(&self, process: u32, counter: Counter, times: u64) -> Result<()> {
        let counter = match counter {
            Counter::Hits => NamespaceCounter::Hits,
            Counter::Misses => NamespaceCounter::Misses,
            Counter::Removes => NamespaceCounter::Removes,
            _ => return Ok(()),
        };
        self.counter(process, counter, times)
    }

    fn counter(&self, process: u32, counter: NamespaceCounter, times: u64) -> Result<()> {
        let shards = at(self.inner.attached.header.geometry.shards());
        let shard = self.inner.attached.shard(counters::stripe(process, shards) as u64)?;
        shard.accounts().counter(self.namespace.number, counter)?.fetch_add(times);
        Ok(())
    }
}
