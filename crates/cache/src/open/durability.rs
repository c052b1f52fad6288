//! What the disk knows of a cache: syncs, the clean word, and the flush horizons of a file with seals.

use crate::error::{Error, ErrorKind, Result};
use crate::file::clean_word::{self, BeforeWrite, CleanWord, Syncing};
use crate::file::clock::Clock;
use crate::file::extents;
use crate::file::horizon::{FlushHorizon, Sighting};
use crate::file::size_record::SizeRecord;
use crate::format::layout;
use crate::open::mapped_file::MappedFile;

/// Writes everything to the disk. If that fails, the file is not clean again until it has been emptied. The system
/// takes the pages that it could not write as written, and may forget them.
pub(crate) fn sync(file: &MappedFile) -> Result<()> {
    let synced = file.map.flush();
    if synced.is_err() {
        file.view().word64(layout::SYNC_FAILED)?.store(1);
    }
    Ok(synced.map(|_| ())?)
}

/// Writes the control page to the disk.
fn sync_control(file: &MappedFile) -> Result<()> {
    file.map.flush_range(layout::CONTROL, layout::CONTROL_LEN)?;
    Ok(())
}

/// Makes every page in use dirty, so that the next sync writes it: after a failed sync, the system takes pages as
/// written.
pub(crate) fn write_again(file: &MappedFile, size_record: &SizeRecord) -> Result<()> {
    let mut byte = [0];
    for part in extents::parts(&file.header.geometry, size_record) {
        for at in
            (layout::at(part.start).max(layout::CONTROL)..layout::at(part.end)).step_by(layout::CONTROL_LEN)
        {
            file.view().read_into(at, &mut byte)?;
            file.view().write_from(at, &byte)?;
        }
    }
    Ok(())
}

/// Everything is on disk, and the caller is alone with the file: says so, durably.
pub(crate) fn mark_clean(file: &MappedFile, clock: &Clock<'_>) -> Result<()> {
    expect_synced(file)?;
    file.expect_current()?;
    say_clean(file, clock)
}

/// The same, for the first opener, who has just decided that the file is clean.
pub(crate) fn say_clean(file: &MappedFile, clock: &Clock<'_>) -> Result<()> {
    clock.leave_off()?;
    CleanWord::of(file.view())?.set_clean();
    // After the clean word: the next writer makes them durable first, even if this process dies here.
    set_horizons(file)?;
    sync_control(file)
}

/// Lets a writer that holds its shard's lock go on; false if that has to be made durable first, by [`clear_clean`].
pub(crate) fn may_write(file: &MappedFile) -> Result<bool> {
    let before = CleanWord::of(file.view())?.before_write();
    file.expect_current()?;
    Ok(before == BeforeWrite::Go)
}

/// Makes durable that the file is no longer clean, unless it is so already. The caller holds the dirtying byte.
pub(crate) fn clear_clean(file: &MappedFile) -> Result<()> {
    let clean = CleanWord::of(file.view())?;
    if clean.begin_clearing() {
        // canary: clean
        sync_control(file)?;
        clean.finish_clearing();
    }
    file.expect_current()
}

fn expect_synced(file: &MappedFile) -> Result<()> {
    if file.view().word64(layout::SYNC_FAILED)?.load() != 0 { Err(sync_failed()) } else { Ok(()) }
}

/// One flush. What was stored before it began is on the disk when it ends. Others go on writing meanwhile: it holds no lock
/// while it waits for the disk.
///
/// ```text
///   begin --each shard's lock taken and let go: visit--> sync --each lock once more: raise--> settle --horizons rise: raise--> ...
/// ```
pub(crate) struct Flush<'a> {
    file: &'a MappedFile,
    clock: Clock<'a>,
    /// The clean word while nobody has written since the flush began.
    syncing: Option<Syncing>,
    sightings: Vec<Sighting>,
    /// Horizons rise once the control page is synced.
    is_rising: bool,
}

impl<'a> Flush<'a> {
    /// Begins: from here on each writer that takes a shard's lock says so.
    pub(crate) fn begin(file: &'a MappedFile, clock: Clock<'a>) -> Result<Self> {
        file.expect_current()?;
        // What was seen to expire before the flush stays so.
        clock.leave_off()?;
        let syncing = clean_word::begin_syncing(file.view())?;
        Ok(Flush { file, clock, syncing, sightings: Vec::new(), is_rising: file.header.sealed })
    }

    /// Lets those finish who have begun to write in a shard before, each in its turn. The caller has just got the shard's lock.
    pub(crate) fn visit(&mut self, shard: u64) -> Result<()> {
        let frontiers = self.file.shard(shard)?.load_frontiers();
        self.sightings.push(FlushHorizon::new(self.file.view(), shard).sight(frontiers)?);
        Ok(())
    }

    /// Writes everything to the disk.
    pub(crate) fn sync(&self) -> Result<()> {
        sync(self.file)
    }

    /// Are the horizons to be raised, once more?
    pub(crate) fn is_rising(&self) -> bool {
        self.is_rising
    }

    /// Raises the horizons of a shard, whose lock the caller holds, as far as the disk allows.
    pub(crate) fn raise(&mut self, shard: u64) -> Result<bool> {
        let frontiers = self.file.shard(shard)?.load_frontiers();
        let Some(sighting) = self.sightings.get_mut(layout::at(shard)) else { return Ok(false) };
        FlushHorizon::new(self.file.view(), shard).raise(sighting, frontiers)
    }

    /// Makes what was raised durable, and says that the file is clean, if nobody has written since the flush began. `is_rising`
    /// tells whether a horizon has been raised.
    pub(crate) fn settle(&mut self, is_rising: bool) -> Result<()> {
        self.is_rising = is_rising;
        let is_done = self.syncing.is_none() && !is_rising;
        if is_done {
            return Ok(());
        }
        expect_synced(self.file)?;
        if let Some(syncing) = self.syncing.take() {
            self.clock.leave_off()?;
            CleanWord::of(self.file.view())?.finish_syncing(syncing);
        }
        sync_control(self.file)
    }
}

/// Begins a new era of a file that was emptied. No entry of an era that the disk has forgotten passes for one of it.
/// That is durable before the file is of this boot, and so before anybody writes. A salvage that died may have written
/// entries of the next era, so the new one comes after that.
pub(crate) fn begin_empty_era(file: &MappedFile) -> Result<()> {
    // canary: era
    file.view().word64(layout::ERA)?.fetch_add(2);
    set_horizons(file)?;
    if file.header.sealed { sync_control(file) } else { Ok(()) }
}

/// Begins the era of the salvaged entries, once they are on the disk. The file is clean before anybody joins.
pub(crate) fn begin_salvaged_era(file: &MappedFile, clock: &Clock<'_>) -> Result<()> {
    file.believe()?;
    sync(file)?;
    file.view().word64(layout::ERA)?.fetch_add(1);
    say_clean(file, clock)
}

/// Sets the flush horizons to where the rings stand now. Everything is on disk, or nothing is there.
fn set_horizons(file: &MappedFile) -> Result<()> {
    for number in 0..file.header.geometry.shards() {
        FlushHorizon::new(file.view(), number).set(file.shard(number)?.load_frontiers())?;
    }
    Ok(())
}

/// Makes expired horizons durable before a ring of a sealed file goes so far that slots prove nothing. The caller holds
/// the shard's writer lock.
#[inline]
pub(crate) fn keep_horizon(file: &MappedFile, shard: u64) -> Result<()> {
    if file.header.sealed { expire_horizon(file, shard) } else { Ok(()) }
}

fn expire_horizon(file: &MappedFile, shard: u64) -> Result<()> {
    let (horizon, frontiers) = (FlushHorizon::new(file.view(), shard), file.shard(shard)?.load_frontiers());
    if !horizon.is_expiring(frontiers)? {
        return Ok(());
    }
    let sighting = horizon.begin_expiry(frontiers)?;
    sync_control(file)?;
    horizon.finish_expiry(&sighting)
}

#[cold]
fn sync_failed() -> Error {
    Error::new(
        ErrorKind::Io,
        "the disk refused a part of the cache earlier, so that it cannot be called durable; close all handles and open it anew",
    )
}
