//! Recovery at open: what the first opener does before anybody joins. It decides whether the file is warm, empties or
//! salvages one that is not, and forgets what only lived processes could know.
//!
//! ```text
//!   clean? ---------------------------------------------------------> warm
//!   not clean, but of this boot and the same file? -----------------> warm: the page cache has every store
//!   else --> cold: emptied in place, or salvaged, if that was asked for
//! ```

use crate::error::Result;
use crate::event;
use crate::file::clean_word::CleanWord;
use crate::file::clock::{Clock, TimeBase};
use crate::file::extents;
use crate::file::identity::Identity;
use crate::file::process_slot;
use crate::file::size_record::SizeRecord;
use crate::file::untrusted::{Emptied, Untrusted};
use crate::format::layout;
use crate::open::durability;
use crate::open::mapped_file::MappedFile;
use crate::policy::append_window::AppendWindow;
use crate::repair::recover;
use crate::repair::salvage::{Observer, Salvage, Salvaged};
use crate::shard::bounds::Bounds;
use crate::shard::{lease, lock, pin};
use std::fs::File;

/// What the first opener found, and did about it. A joiner found nothing.
#[derive(Clone, Copy, Default)]
pub(crate) struct OpenOutcome {
    pub(crate) reason: Option<Untrusted>,
    pub(crate) salvaged: Option<Salvaged>,
}

/// Why the file's content cannot be trusted; none if it can.
pub(crate) fn distrust(file: &MappedFile) -> Result<Option<Untrusted>> {
    let (view, clean) = (file.view(), CleanWord::of(file.view())?);
    // canary: sync failed
    if view.word64(layout::SYNC_FAILED)?.load() != 0 {
        return Ok(Some(Untrusted::SyncFailed));
    }
    if clean.is_clean() {
        return Ok(None);
    }
    if clean.is_removed() {
        return Ok(Some(Untrusted::Removed));
    }
    let (stored, present) = (Identity::load(view)?, Identity::present(file.id));
    Ok(match samovar_mmap::boot_id() {
        None => Some(Untrusted::Unflushed),
        Some(_) if !stored.is_of_this_boot() => Some(Untrusted::Restarted),
        // canary: copy
        Some(_) if !stored.is_same_file(present) => Some(Untrusted::Copied),
        Some(_) => None,
    })
}

/// Recovers the file. The caller keeps everybody else out. With an `observer` a file that cannot be trusted is salvaged, where that
/// can be done.
pub(crate) fn recover(file: &MappedFile, observer: Option<&Observer>) -> Result<OpenOutcome> {
    let recovery = Recovery {
        file,
        reason: distrust(file)?,
        time: TimeBase::present(file.view())?,
        size_record: file.size_record()?,
    };
    let salvaged = recovery.run(observer)?;
    event::found_at_open(recovery.reason.map(Untrusted::told));
    if let Some(salvaged) = salvaged {
        event::salvaged(salvaged.kept, salvaged.dropped());
    }
    Ok(OpenOutcome { reason: recovery.reason, salvaged })
}

/// One recovery.
struct Recovery<'a> {
    file: &'a MappedFile,
    reason: Option<Untrusted>,
    time: TimeBase,
    size_record: SizeRecord,
}

impl Recovery<'_> {
    fn clock(&self) -> Clock<'_> {
        Clock::new(self.file.view(), self.time)
    }

    fn run(&self, observer: Option<&Observer>) -> Result<Option<Salvaged>> {
        let (view, now_ms) = (self.file.view(), self.clock().now_ms());
        let mut salvage = match (observer, self.reason) {
            (Some(observer), Some(reason)) if reason.is_salvageable() => {
                Some(Salvage::begin(view, &self.file.header, now_ms, observer.clone())?)
            }
            _ => None,
        };
        let extents = if self.reason.is_some() { self.take_extents()? } else { None };
        for number in 0..self.file.header.geometry.shards() {
            self.recover_shard(number, salvage.as_mut())?;
        }
        let salvaged = salvage.map(|salvage| salvage.told);
        if let Some(reason) = self.reason {
            if reason == Untrusted::SyncFailed {
                durability::write_again(self.file, &self.size_record)?;
            }
            Emptied::store(view, reason, now_ms, salvaged.map(|salvaged| salvaged.kept))?;
        }
        process_slot::forget_all(view)?;
        CleanWord::of(view)?.recover();
        self.time.store(view)?;
        match (self.reason, salvaged) {
            // A clock of its own: it may be long since the salvage began.
            (Some(_), Some(_)) => durability::begin_salvaged_era(self.file, &self.clock())?,
            (Some(_), None) => durability::begin_empty_era(self.file)?,
            (None, _) => {}
        }
        if let Some(extents) = extents {
            self.leave_rest(&extents)?;
        }
        Identity::present(self.file.id).store(view)?;
        Ok(salvaged)
    }

    fn recover_shard(&self, number: u64, salvage: Option<&mut Salvage<'_>>) -> Result<()> {
        let shard = self.file.shard(number)?;
        lock::reset(shard.head);
        AppendWindow::close(shard.head);
        lease::forget_all(shard)?;
        pin::forget_all(shard)?;
        let bounds = Bounds::new(&self.file.header.geometry, self.size_record.units);
        match (salvage, self.reason) {
            (Some(salvage), _) => salvage.shard(number, shard, &bounds),
            (None, Some(_)) => recover::reset_within(shard, &bounds).map(|_| ()),
            (None, None) => Ok(()),
        }
    }

    /// A cold file is as large as its size record says, even if a resize was interrupted. A file that never was resized
    /// stays as it was. Space is reserved before anything is written there.
    fn take_extents(&self) -> Result<Option<File>> {
        let geometry = &self.file.header.geometry;
        if self.size_record == SizeRecord::new(geometry) {
            return Ok(None);
        }
        let file = self.file.reopen()?;
        extents::reserve(&file, extents::parts(geometry, &self.size_record))?;
        Ok(Some(file))
    }

    /// Gives back the space that the file does not use, once all that is kept is durably in its place. Then no resize is
    /// pending.
    fn leave_rest(&self, file: &File) -> Result<()> {
        let size_record = &self.size_record;
        extents::release_rest(file, &self.file.header.geometry, size_record)?;
        if size_record.pending {
            SizeRecord { epoch: size_record.epoch.wrapping_add(1), pending: false, ..*size_record }
                .store(self.file.view())?;
        }
        Ok(())
    }
}
