//! One look at a cache in use.

use crate::commands::seen::{Seen, used_bytes};
use samovar::{Cache, Error, NamespaceStats, Process, ShardStats, Stats};
use std::time::Instant;

/// What a cache told, and when.
pub(crate) struct Sample {
    pub(crate) at: Instant,
    pub(crate) stats: Stats,
    pub(crate) shards: Vec<ShardStats>,
    pub(crate) processes: Vec<Process>,
    pub(crate) namespaces: Vec<NamespaceStats>,
}

impl Sample {
    /// Asks the cache for everything.
    pub(crate) fn take(cache: &Cache) -> Result<Sample, Error> {
        let (at, stats) = (Instant::now(), cache.stats()?);
        let (processes, namespaces) = (cache.processes()?, cache.namespaces()?);
        Ok(Sample { at, stats, shards: cache.shards()?, processes, namespaces })
    }

    /// The totals, as `stat` shows them.
    pub(crate) fn seen(&self) -> Seen {
        Seen { stats: self.stats, used_bytes: Some(used_bytes(&self.shards)) }
    }

    /// Keys that are being loaded.
    pub(crate) fn leases(&self) -> u64 {
        self.shards.iter().map(|shard| shard.leases).sum()
    }
}
