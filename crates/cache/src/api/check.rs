//! The recount of a whole cache, while others use it.

use crate::api::handle::Cache;
use crate::error::{Error, ErrorKind, Result};
use crate::repair::check::{Recount, Report};
use crate::repair::recover;
use crate::write::writer::{self, ProcessContext, Writer};

/// Tries at an undisturbed look at a shard that a read-only handle cannot lock.
const LOOKS: u32 = 100;

impl Cache {
    /// Recounts everything from the bytes up and compares it with the accounts, one shard at a time. Writers of that
    /// shard wait meanwhile.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// assert!(cache.check()?.is_clean());
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Busy` if a shard cannot be had for long enough; `Fault` if the file was cut short. What does not add up is no
    /// error of this call: it is in the [`Report`].
    pub fn check(&self) -> Result<Report> {
        let (mut report, size_record) = (Report::default(), self.inner.attached.size_record()?);
        report.resize_pending = size_record.pending;
        if let Some(ahead_ms) = self.clock().watermark_ahead_ms()? {
            report.watermark_is_ahead(ahead_ms);
        }
        for number in 0..self.inner.attached.header.geometry.shards() {
            if self.inner.attached.is_writer() {
                self.check_locked(number, &mut report)?;
            } else {
                self.check_watched(number, &mut report)?;
            }
            let bounds = self.inner.attached.shard(number)?.bounds();
            if !size_record.pending && self.inner.attached.size_record()? == size_record {
                report.compare_end(number, &bounds, size_record.units);
            }
        }
        self.inner.attached.believe()?;
        Ok(report)
    }

    fn check_locked(&self, number: u64, report: &mut Report) -> Result<()> {
        let shard = self.inner.attached.shard(number)?;
        let mut locked = self.lock(&shard)?;
        if !writer::is_in_order(&locked) {
            // What a dead writer left, or damage, is about to be repaired: that is a write.
            drop(locked);
            locked = self.lock_to_write(&shard)?;
        }
        let clock = self.clock();
        let metadata = Writer::begin(&locked, &clock, ProcessContext::IDLE)?.metadata().read();
        Recount::new(shard, number, report).run(&metadata)
    }

    /// A read-only handle cannot keep writers out: it counts only if none came in between.
    fn check_watched(&self, number: u64, report: &mut Report) -> Result<()> {
        let shard = self.inner.attached.shard(number)?;
        for _ in 0..LOOKS {
            let before = recover::outlook(shard)?;
            let pending = recover::outlook_on_spaces(shard, &before)?;
            let mut trial = report.clone();
            Recount::new(shard, number, &mut trial).with_pending(pending).run(&before)?;
            samovar_mmap::fence_acquire();
            let after = recover::outlook(shard)?;
            if after == before && recover::outlook_on_spaces(shard, &after)? == pending {
                *report = trial;
                return Ok(());
            }
        }
        Err(Error::new(
            ErrorKind::Busy,
            "the cache is written too fast to be counted; check it from a writing handle",
        ))
    }
}
