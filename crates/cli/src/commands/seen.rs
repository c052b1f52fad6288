//! The totals of a cache, for every command that shows them.

use crate::answer::units::{as_f64, ratio};
use samovar::{Cache, ShardStats, Stats};

/// What a cache told.
pub(crate) struct Seen {
    pub(crate) stats: Stats,
    /// Bytes that the entries take, headers and padding included; none if the shards could not be asked.
    pub(crate) used_bytes: Option<u64>,
}

impl Seen {
    /// What it tells just now.
    pub(crate) fn now(cache: &Cache) -> samovar::Result<Seen> {
        let used_bytes = cache.shards().ok().map(|shards| used_bytes(&shards));
        Ok(Seen { stats: cache.stats()?, used_bytes })
    }

    /// What an entry takes above its key and value: its header and padding, and its share of the index. Free room does
    /// not count, nor does the part of the index for it.
    pub(crate) fn overhead_per_entry(&self) -> Option<f64> {
        let Stats { entries, live_bytes, index_bytes, data_bytes, .. } = self.stats;
        let used_bytes = self.used_bytes?;
        let index_share = ratio(used_bytes, data_bytes)? * as_f64(index_bytes);
        let above = as_f64(used_bytes.saturating_sub(live_bytes)) + index_share;
        (entries > 0).then(|| above / as_f64(entries))
    }
}

/// Bytes that the entries of all shards take.
pub(crate) fn used_bytes(shards: &[ShardStats]) -> u64 {
    shards.iter().map(|shard| shard.used_bytes).sum()
}
