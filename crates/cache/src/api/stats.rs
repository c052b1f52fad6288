//! What a cache has done and holds.

use crate::api::glance::glance_noting;
use crate::api::handle::Cache;
use crate::error::Result;
use crate::file::counters::{self, Counter};
use crate::format::layout::PAGE;
use crate::format::position::UNIT;
use crate::shard::pin::Pins;

/// What a cache has done since its file was made, and what it holds now. A field counts events if nothing else is said.
///
/// Counters are summed over all processes that ever had the file open. A read-only handle counts for itself alone. The
/// numbers are read one after another while others write, so in a cache in use they may differ by a few.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
/// cache.set(b"k", b"v")?;
/// cache.get(b"k")?;
/// let stats = cache.stats()?;
/// assert_eq!((stats.hits, stats.misses, stats.sets, stats.entries), (1, 0, 1, 1));
/// # Ok::<(), samovar::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Gets that found a value that may be given out. A batch counts each of its keys; `contains` counts as no get.
    pub hits: u64,
    /// Gets that found none, or one that had expired, or one whose seal was broken.
    pub misses: u64,
    /// Values stored, by whichever operation: a touch and an increment store one too.
    pub sets: u64,
    /// Keys removed that were there.
    pub removes: u64,
    /// Times that somebody emptied the cache with [`Cache::clear`](crate::Cache::clear).
    pub clears: u64,
    /// Entries that had to go to make room, before they were removed, replaced or met as expired.
    pub evictions: u64,
    /// Writes that were refused with an error. Those by reason, below, are part of them.
    pub refusals: u64,
    /// Refusals because the process that held the shard was alive but did not get on (`OwnerStopped`).
    pub owner_stopped: u64,
    /// Refusals because the key or the value was too large (`KeyTooLong`, `ValueTooLarge`).
    pub refused_too_large: u64,
    /// Refusals because other writers held the shard for longer than this one may wait (`Busy`).
    pub refused_busy: u64,
    /// Refusals because the system could not do its part (`NoSpace`, `Io`, `Fault`, `PermissionDenied`).
    pub refused_by_system: u64,
    /// Values that are held in place now: see [`Cache::get_ref`](crate::Cache::get_ref).
    pub pins: u64,
    /// Pins and writes that were refused because too much was held in place.
    pub pin_refusals: u64,
    /// Values that a verifying handle did not give out, because their seal was broken.
    pub damaged: u64,
    /// Entries held now, expired ones that nobody has met included.
    pub entries: u64,
    /// Bytes of keys and values held now.
    pub live_bytes: u64,
    /// Bytes of the file, everything included.
    pub file_bytes: u64,
    /// Bytes that entries can take, headers and padding included.
    pub data_bytes: u64,
    /// Bytes of the index.
    pub index_bytes: u64,
    /// Shards emptied because their bytes made no sense.
    pub resets: u64,
    /// Milliseconds by which the latest time that the file notes is ahead of its time, where that is more than any writer
    /// can have noted; else 0. Nothing goes by it: the next value with a time to live sets it right.
    pub watermark_ahead_ms: u64,
}

impl Stats {
    /// Bytes of the file for each entry above its key and value; none while nothing is held.
    pub fn overhead_per_entry(&self) -> Option<f64> {
        let above = self.file_bytes.saturating_sub(self.live_bytes);
        (self.entries > 0).then(|| above as f64 / self.entries as f64)
    }

    /// Hits for each get; none before the first.
    pub fn hit_ratio(&self) -> Option<f64> {
        let gets = self.hits.saturating_add(self.misses);
        (gets > 0).then(|| self.hits as f64 / gets as f64)
    }
}

impl Cache {
    /// What the cache has done and holds, over all processes. Its cost grows with the shards, not with the entries.
    ///
    /// # Errors
    /// `Fault` if the file was cut short; `Io` if the system does not tell who lives.
    pub fn stats(&self) -> Result<Stats> {
        let attached = &self.inner.attached;
        let geometry = &attached.header.geometry;
        let [hits, misses, _, removes, refusals, owner_stopped, damaged, clears] =
            counters::sums(attached.view())?;
        let [refused_too_large, refused_busy, refused_by_system] = counters::reasons(attached.view())?;
        let local = &self.inner.local;
        let mut stats = Stats {
            hits: hits.saturating_add(local.sum(Counter::Hits)),
            misses: misses.saturating_add(local.sum(Counter::Misses)),
            removes,
            clears,
            refusals,
            owner_stopped,
            refused_too_large,
            refused_busy,
            refused_by_system,
            damaged,
            watermark_ahead_ms: self.clock().watermark_ahead_ms()?.unwrap_or(0),
            file_bytes: geometry.data_offset,
            index_bytes: geometry.shards() * geometry.index_bytes_per_shard(),
            ..Stats::default()
        };
        for number in 0..geometry.shards() {
            let shard = attached.shard(number)?;
            let (metadata, pins) = (glance_noting(shard)?, Pins::of(shard));
            let data_bytes = shard.bounds().end.saturating_mul(UNIT);
            stats.data_bytes = stats.data_bytes.saturating_add(data_bytes);
            stats.file_bytes =
                stats.file_bytes.saturating_add(data_bytes.div_ceil(PAGE).saturating_mul(PAGE));
            stats.sets = stats.sets.wrapping_add(shard.stored());
            stats.pins += pins.held(&|owner| attached.is_dead(owner))?;
            stats.pin_refusals = stats.pin_refusals.saturating_add(pins.refusals());
            stats.entries = stats.entries.saturating_add(metadata.entries());
            stats.live_bytes = stats.live_bytes.saturating_add(metadata.payload);
            stats.evictions = stats.evictions.saturating_add(metadata.evictions);
            stats.resets = stats.resets.saturating_add(metadata.resets);
        }
        self.believe()?;
        Ok(stats)
    }
}
