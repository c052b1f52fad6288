//! Where the rings of a cache meet, for tests that move it.

use crate::api::handle::Cache;
use crate::error::Result;
use crate::write::writer::{ProcessContext, Writer};

impl Cache {
    /// Has the small ring of every shard become this part of its data, as soon as the rings come round.
    #[doc(hidden)]
    pub fn wish_small_percent(&self, percent: u64) -> Result<()> {
        let clock = self.clock();
        for number in 0..self.inner.attached.header.geometry.shards() {
            let shard = self.inner.attached.shard(number)?;
            let locked = self.lock(&shard)?;
            Writer::begin(&locked, &clock, ProcessContext::IDLE)?.set_target_percent(percent);
        }
        Ok(())
    }

    /// How large the small ring of each shard is now, in percent of its data.
    #[doc(hidden)]
    pub fn small_percents(&self) -> Result<Vec<u64>> {
        let shards = 0..self.inner.attached.header.geometry.shards();
        let percent = |number| -> Result<u64> {
            let bounds = self.inner.attached.shard(number)?.bounds();
            Ok(bounds.boundary * 100 / bounds.end)
        };
        shards.map(percent).collect()
    }
}
