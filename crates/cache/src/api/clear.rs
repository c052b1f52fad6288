//! Emptying a cache while others use it.

use crate::api::handle::{Cache, read_only};
use crate::error::Result;
use crate::file::counters::Counter;
use crate::file::namespace::NamespaceId;

impl Cache {
    /// Forgets everything that the cache holds, its namespaces included, one shard at a time, while others read and
    /// write. To empty one namespace alone, see [`Namespace::clear`](crate::Namespace::clear).
    ///
    /// A get that begins after it returned finds nothing that was set before it began. For each key it is one moment,
    /// as a remove is. For the cache as a whole it is not: entries that others set meanwhile may stay. If this process
    /// dies in the middle, some of the shards are empty, and the others are as they were. The counters of
    /// [`stats`](Self::stats) go on.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set(b"k", b"v")?;
    /// cache.clear()?;
    /// assert_eq!(cache.get(b"k")?, None);
    /// assert_eq!(cache.stats()?.entries, 0);
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// `ReadOnly`; `Busy` or `OwnerStopped` if a shard cannot be had, as for [`set_with`](Self::set_with); `Fault` if the
    /// file was cut short. All the other shards are empty even then.
    pub fn clear(&self) -> Result<()> {
        if self.namespace != NamespaceId::default() {
            return self.clear_namespace();
        }
        self.refusable(|| {
            if !self.inner.attached.is_writer() {
                return Err(read_only());
            }
            let shards = 0..self.inner.attached.header.geometry.shards();
            let failed = shards.filter_map(|number| self.clear_shard(number).err());
            failed.reduce(|first, _| first).map_or(Ok(()), Err)
        })?;
        self.count(Counter::Clears)
    }

    fn clear_shard(&self, number: u64) -> Result<()> {
        let shard = self.inner.attached.shard(number)?;
        let locked = self.lock_to_write(&shard)?;
        self.write_locked(&locked, &self.clock(), |writer| writer.clear())
    }
}
