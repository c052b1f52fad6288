//! Taking a place among those who have a file open, once it has passed [`crate::file::open_checks`].
//!
//! ```text
//!     (under the init byte) first opener?  no: join. A joiner resets nothing and judges nothing.
//!                                 yes: same boot and same file, or clean?  yes: warm.  no: cold, emptied in place,
//!                                      or salvaged, if that was asked for
//! ```
//!
//! The first opener is whoever gets the *attached* byte exclusively. Locks are on a file description of their own, so that
//! the kernel frees them when the process dies, however it dies.

use crate::error::{Error, ErrorKind, Result};
use crate::event;
use crate::file::clock::{Clock, TimeBase};
use crate::file::extents;
use crate::file::horizon::FlushHorizon;
use crate::file::open_checks::{self, Asked};
use crate::file::prefault::PrefaultBitmap;
use crate::file::process_slot::{self, Place};
use crate::file::size_record::SizeRecord;
use crate::file::untrusted::{Emptied, Untrusted};
use crate::format::header::Header;
use crate::format::layout::{self, lock_byte};
use crate::format::owner::Owner;
use crate::policy::append_window::AppendWindow;
use crate::repair::recover;
use crate::repair::salvage::{Observer, Salvage, Salvaged};
use crate::shard::bounds::Bounds;
use crate::shard::lease;
use crate::shard::lock;
use crate::shard::pin::{self, Extent};
use crate::shard::shard::Shard;
use samovar_mmap::{Access, Advice, FileId, Pages, PerProcess, SharedMap, TrustedWriters, View};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, TryLockError};
use std::time::Duration;

/// How long to wait for another process that is attaching or detaching.
const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// States of the clean word. `CLEARING` is the step between, so that nobody writes before the clearing is durable.
const DIRTY: u64 = 0;
const CLEAN: u64 = 1;
const CLEARING: u64 = 2;
/// The file is being deleted, or was: nobody writes any more.
const REMOVED: u64 = 3;

/// What opening a cache found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attachment {
    /// This call made the file.
    pub created: bool,
    /// The file was there, and what it held could be trusted.
    pub warm: bool,
    /// Entries held when it was opened.
    pub entries: u64,
    /// Why the file was emptied, or salvaged, if it was.
    pub cold_reason: Option<String>,
    /// What was kept of a file that could not be trusted, if it was [salvaged](crate::Options::salvage).
    pub salvaged: Option<Salvaged>,
    /// When and why it was last emptied or salvaged, by whoever it was; none if it never was.
    pub last_emptied: Option<Emptied>,
}

/// What the first opener found, and did about it. Whoever joins found nothing.
#[derive(Default)]
struct OpenOutcome {
    reason: Option<Untrusted>,
    salvaged: Option<Salvaged>,
}

/// An open file, and this process's place in it.
pub(crate) struct Attached {
    pub(crate) map: SharedMap,
    pub(crate) header: Header,
    pub(crate) attachment: Attachment,
    access: Access,
    path: PathBuf,
    id: FileId,
    place: PerProcess<Place>,
    /// On whose lines of the file this handle counts; none if it only reads. A child that was forked goes on with its parent's:
    /// counts are added, whoever else adds to them.
    pub(crate) counts_as: Option<u32>,
    time: TimeBase,
    prefaulted: PrefaultBitmap,
    /// The promise of this handle's user, if there is one, by which it gives slices.
    pub(crate) trust: Option<TrustedWriters>,
    /// Who is told of a salvage; none if a file that cannot be trusted is to be emptied.
    salvage: Option<Observer>,
}

impl Attached {
    /// Takes a place among those who have the file open, judging it if nobody else has.
    pub(crate) fn attach(
        path: &Path,
        access: Access,
        asked: Asked,
        salvage: Option<Observer>,
    ) -> Result<Self> {
        let (file, header) = open_checks::open_checked(path, access)?;
        if salvage.is_some() && !header.sealed {
            return Err(unsealed(path));
        }
        let path =
            std::path::absolute(path).map_err(|source| open_checks::io_error("finding", path, source))?;
        let id = samovar_mmap::file_id(&file)?;
        let map = SharedMap::map(&file, access, 0, Some(layout::at(header.geometry.file_bytes)))?;
        open_checks::check_size(asked, &header.geometry, &SizeRecord::load(map.view(), &header.geometry)?)?;
        let attachment = Attachment::default();
        let place = PerProcess::new();
        let prefaulted = PrefaultBitmap::new(header.geometry.data_offset, header.geometry.file_bytes);
        let mut attached = Attached {
            map,
            header,
            attachment,
            access,
            path,
            id,
            place,
            counts_as: None,
            time: TimeBase::Wall,
            prefaulted,
            trust: None,
            salvage,
        };
        let (place, outcome) = attached.join()?;
        attached.time = attached.time_base()?;
        attached.attachment.warm = outcome.reason.is_none();
        attached.attachment.cold_reason = outcome.reason.map(|reason| reason.told().to_owned());
        attached.attachment.salvaged = outcome.salvaged;
        attached.attachment.last_emptied = Emptied::load(attached.view())?;
        attached.counts_as = place.seat().map(|seat| seat.process);
        let _ = attached.place.install(place);
        Ok(attached)
    }

    /// Whether this handle may write.
    #[inline]
    pub(crate) fn is_writer(&self) -> bool {
        self.access == Access::ReadWrite
    }

    /// This process's place. A child that was forked since takes one of its own.
    #[inline]
    pub(crate) fn place(&self) -> Result<&Place> {
        match self.place.get() {
            Some(place) => Ok(place),
            None => self.join_after_fork(),
        }
    }

    #[cold]
    fn join_after_fork(&self) -> Result<&Place> {
        let (place, _) = self.join()?;
        match self.place.install(place) {
            Ok(place) => Ok(place),
            Err(late) => {
                self.leave(late)?;
                self.place.get().ok_or_else(busy)
            }
        }
    }

    #[inline(always)]
    pub(crate) fn view(&self) -> View<'_> {
        self.map.view()
    }

    /// What time it is in the file.
    #[inline]
    pub(crate) fn clock(&self) -> Clock<'_> {
        Clock::new(self.view(), self.time)
    }

    /// The file's own, if somebody has opened it to write in this boot; else what such a one would find.
    fn time_base(&self) -> Result<TimeBase> {
        if is_of_this_boot(self.view())? {
            TimeBase::load(self.view())
        } else {
            TimeBase::resume(self.view())
        }
    }

    #[inline(always)]
    pub(crate) fn shard(&self, number: u64) -> Result<Shard<'_>> {
        Shard::new(self.view(), &self.header, number)
    }

    /// An answer is to be believed only if no part of the file vanished while it was found: what was read there instead
    /// were zeroes.
    #[inline]
    pub(crate) fn believe(&self) -> Result<()> {
        if self.map.is_poisoned() { Err(cut_short()) } else { Ok(()) }
    }

    /// Takes a place; what was found, and done about it.
    fn join(&self) -> Result<(Place, OpenOutcome)> {
        let mut place = Place::open(&self.path, self.id)?;
        let outcome = match self.access {
            Access::ReadWrite => self.join_writers(&mut place)?,
            Access::ReadOnly => self.join_readers(&place)?,
        };
        place.locks.unlock(lock_byte::INIT)?;
        Ok((place, outcome))
    }

    fn join_writers(&self, place: &mut Place) -> Result<OpenOutcome> {
        lock_init(place)?;
        let mut outcome = OpenOutcome::default();
        if place.locks.try_exclusive(lock_byte::ATTACHED)? && !self.is_in_use()? {
            outcome = self.judge()?;
        }
        if !place.locks.try_shared(lock_byte::ATTACHED)? {
            return Err(busy());
        }
        self.expect_current()?;
        place.take_seat(self.view())?;
        Ok(outcome)
    }

    fn join_readers(&self, place: &Place) -> Result<OpenOutcome> {
        if !place.locks.shared(lock_byte::INIT, INIT_TIMEOUT)? {
            return Err(busy());
        }
        if !place.locks.is_held_elsewhere(lock_byte::ATTACHED)?
            && let Some(reason) = self.distrust()?
        {
            return Err(Error::new(
                ErrorKind::Cold,
                format!("the cache cannot be trusted, because {}; open it for writing once", reason.told()),
            ));
        }
        self.expect_current()?;
        if !place.locks.try_shared(lock_byte::READERS)? {
            return Err(busy());
        }
        Ok(OpenOutcome::default())
    }

    /// Does anyone who opened this file still run, though nobody holds its locks?
    fn is_in_use(&self) -> Result<bool> {
        Ok(self.stored_id()? == self.id && process_slot::anyone_runs(self.view())?)
    }

    fn stored_id(&self) -> Result<FileId> {
        let word = |at| -> Result<u64> { Ok(self.view().word64(at)?.load()) };
        Ok(FileId { device: word(layout::DEVICE)?, inode: word(layout::INODE)? })
    }

    /// Why the file's content cannot be trusted; none if it can.
    fn distrust(&self) -> Result<Option<Untrusted>> {
        let view = self.view();
        if view.word64(layout::SYNC_FAILED)?.load() != 0 {
            return Ok(Some(Untrusted::SyncFailed));
        }
        match view.word64(layout::CLEAN)?.load() {
            CLEAN => return Ok(None),
            REMOVED => return Ok(Some(Untrusted::Removed)),
            _ => {}
        }
        Ok(match samovar_mmap::boot_id() {
            None => Some(Untrusted::Unflushed),
            Some(_) if !is_of_this_boot(view)? => Some(Untrusted::Restarted),
            Some(_) if self.stored_id()? != self.id => Some(Untrusted::Copied),
            Some(_) => None,
        })
    }

    /// What the first opener does before anybody joins: decide whether the file is warm, and forget volatile state.
    fn judge(&self) -> Result<OpenOutcome> {
        let (view, reason, time) = (self.view(), self.distrust()?, self.time_base()?);
        let (clock, size_record) = (Clock::new(view, time), self.size_record()?);
        let mut salvage = match (&self.salvage, reason) {
            (Some(observer), Some(reason)) if reason.is_salvageable() => {
                Some(Salvage::begin(view, &self.header, clock.now_ms(), observer.clone())?)
            }
            _ => None,
        };
        let extents = if reason.is_some() { self.take_extents(&size_record)? } else { None };
        for number in 0..self.header.geometry.shards() {
            let shard = self.shard(number)?;
            lock::reset(shard.head);
            AppendWindow::close(shard.head);
            lease::forget_all(shard)?;
            pin::forget_all(shard)?;
            let bounds = Bounds::new(&self.header.geometry, size_record.units);
            match (&mut salvage, reason) {
                (Some(salvage), _) => salvage.shard(number, shard, &bounds)?,
                (None, Some(_)) => drop(recover::reset_within(shard, &bounds)?),
                (None, None) => {}
            }
        }
        let salvaged = salvage.map(|salvage| salvage.told);
        if let Some(reason) = reason {
            if reason == Untrusted::SyncFailed {
                self.write_again(&size_record)?;
            }
            Emptied::store(view, reason, clock.now_ms(), salvaged.map(|salvaged| salvaged.kept))?;
        }
        process_slot::forget_all(view)?;
        if matches!(view.word64(layout::CLEAN)?.load(), CLEARING | REMOVED) {
            view.word64(layout::CLEAN)?.store(DIRTY);
        }
        time.store(view)?;
        match (reason, salvaged) {
            (Some(_), Some(_)) => self.begin_salvaged(time)?,
            (Some(_), None) => self.begin_empty()?,
            (None, _) => {}
        }
        if let Some(file) = extents {
            self.leave_rest(&file, &size_record)?;
        }
        store_identity(view, self.id)?;
        event::judged(reason.map(Untrusted::told));
        if let Some(salvaged) = salvaged {
            event::salvaged(salvaged.kept, salvaged.dropped());
        }
        Ok(OpenOutcome { reason, salvaged })
    }

    /// Begins a new era of a file that was emptied, in which no entry is ever taken for one of an era that the disk has forgotten:
    /// durably before the file is of this boot, and so before anybody writes. A salvage that died may have written entries of the
    /// next era; so this is the one behind that.
    fn begin_empty(&self) -> Result<()> {
        self.view().word64(layout::ERA)?.fetch_add(2);
        self.set_horizons()?;
        if self.header.sealed {
            self.map.flush_range(layout::CONTROL, layout::CONTROL_LEN)?;
        }
        Ok(())
    }

    /// Begins the era of what was salvaged, once that is on the disk; the file is clean before anybody joins.
    fn begin_salvaged(&self, time: TimeBase) -> Result<()> {
        self.believe()?;
        self.sync()?;
        self.view().word64(layout::ERA)?.fetch_add(1);
        // A clock of its own: it may be long since the salvage began.
        self.say_clean(&Clock::new(self.view(), time))
    }

    /// Everything is on disk, or nothing is there: slots are to be read by where the rings stand now.
    fn set_horizons(&self) -> Result<()> {
        for number in 0..self.header.geometry.shards() {
            FlushHorizon::new(self.view(), number).cast(self.shard(number)?.load_frontiers())?;
        }
        Ok(())
    }

    /// Before a ring of a sealed file goes so far that slots on the disk could not be told any more, everybody is to know,
    /// durably. The caller holds the shard's writer lock.
    #[inline]
    pub(crate) fn keep_horizon(&self, shard: u64) -> Result<()> {
        if self.header.sealed { self.expire_horizon(shard) } else { Ok(()) }
    }

    fn expire_horizon(&self, shard: u64) -> Result<()> {
        let (horizon, frontiers) =
            (FlushHorizon::new(self.view(), shard), self.shard(shard)?.load_frontiers());
        if !horizon.is_expiring(frontiers)? {
            return Ok(());
        }
        horizon.begin_expiry(frontiers)?;
        self.map.flush_range(layout::CONTROL, layout::CONTROL_LEN)?;
        horizon.finish_expiry()
    }

    /// Who this process is to others.
    pub(crate) fn owner(&self) -> Result<Owner> {
        let seat = self.place()?.seat().ok_or_else(|| {
            Error::new(
                ErrorKind::ReadOnly,
                "this handle is read-only; open the cache without read_only to write",
            )
        })?;
        Ok(seat.owner)
    }

    /// Makes every page in use one that the next sync has to write: the system takes those whose sync failed for written.
    fn write_again(&self, size_record: &SizeRecord) -> Result<()> {
        let mut byte = [0];
        for part in extents::parts(&self.header.geometry, size_record) {
            for at in (layout::at(part.start).max(layout::CONTROL)..layout::at(part.end))
                .step_by(layout::CONTROL_LEN)
            {
                self.view().read_into(at, &mut byte)?;
                self.view().write_from(at, &byte)?;
            }
        }
        Ok(())
    }

    /// Whatever became of a resize that was under way, a file that is judged cold is as large as its record says; one that
    /// never was resized is as it was. All that it is to use gets its space before anything is written there.
    fn take_extents(&self, size_record: &SizeRecord) -> Result<Option<File>> {
        if *size_record == SizeRecord::new(&self.header.geometry) {
            return Ok(None);
        }
        let file = self.file()?;
        extents::reserve(&file, extents::parts(&self.header.geometry, size_record))?;
        Ok(Some(file))
    }

    /// Gives back what the file does not use, once all that is kept of it is where it is to be, durably; then no resize is
    /// pending.
    fn leave_rest(&self, file: &File, size_record: &SizeRecord) -> Result<()> {
        extents::release_rest(file, &self.header.geometry, size_record)?;
        if size_record.pending {
            SizeRecord { epoch: size_record.epoch + 1, pending: false, ..*size_record }.store(self.view())?;
        }
        Ok(())
    }

    /// How large the cache is, or is to be.
    pub(crate) fn size_record(&self) -> Result<SizeRecord> {
        SizeRecord::load(self.view(), &self.header.geometry)
    }

    /// The file itself, opened anew.
    pub(crate) fn file(&self) -> Result<File> {
        let file = samovar_mmap::open_existing(&self.path, self.access)?;
        if samovar_mmap::file_id(&file)? == self.id { Ok(file) } else { Err(removed()) }
    }

    /// Does something while nobody else resizes the cache.
    pub(crate) fn resizing<T>(&self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let place = self.place()?;
        let _turn = match place.resizing.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(resized_by_another()),
            Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
            Ok(turn) => turn,
        };
        if !place.locks.try_exclusive(lock_byte::RESIZING)? {
            return Err(resized_by_another());
        }
        let done = act();
        place.locks.unlock(lock_byte::RESIZING)?;
        done
    }

    /// Has the owner of a writer lock died?
    pub(crate) fn is_dead(&self, owner: Owner) -> Result<bool> {
        self.place()?.is_dead(self.view(), owner)
    }

    /// Has all that the cache uses made ready for this process, in huge pages where the system has them for this file: in a new
    /// one to be written; in another to be read, since what nobody writes need not go to the disk again.
    pub(crate) fn prefault(&self) -> Result<()> {
        let access = if self.attachment.created { Access::ReadWrite } else { Access::ReadOnly };
        let _ = self.map.advise(Advice::HugePage, 0, self.map.len());
        for part in extents::merged(&self.header.geometry, &self.size_record()?) {
            let bytes = layout::at(part.start)..layout::at(part.end);
            match self.map.populate(access, bytes.start, bytes.len()) {
                Err(error) if error.kind() == samovar_mmap::ErrorKind::Unsupported => return Ok(()),
                done => done?,
            }
            // Huge pages are no promise: what does not become one stays as it is.
            let _ = self.map.advise(Advice::Collapse, bytes.start, bytes.len());
            if access == Access::ReadWrite {
                self.prefaulted.note(bytes);
            }
        }
        Ok(())
    }

    /// Has a stretch of a shard's data area made ready to be written.
    #[inline(always)]
    pub(crate) fn prepare(&self, shard: u64, extent: Extent) {
        let start = layout::at(self.header.geometry.data_at(shard));
        let [from, to] = [extent.offset, extent.end()].map(|offset| start + layout::bytes_of(offset));
        let within =
            || start..start + self.shard(shard).map_or(0, |shard| layout::bytes_of(shard.bounds().end));
        self.prefaulted.populate(&self.map, from..to, within);
    }

    /// Makes durable, before the first write after a flush, that the file is no longer clean; once for all processes.
    #[inline]
    pub(crate) fn before_write(&self) -> Result<()> {
        if self.view().word64(layout::CLEAN)?.load_acquire() == DIRTY { Ok(()) } else { self.clear_clean() }
    }

    #[cold]
    fn clear_clean(&self) -> Result<()> {
        let place = self.place()?;
        let _turn = place.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if !place.locks.exclusive(lock_byte::DIRTYING, INIT_TIMEOUT)? {
            return Err(busy());
        }
        let cleared = self.clear_clean_alone();
        place.locks.unlock(lock_byte::DIRTYING)?;
        cleared
    }

    fn clear_clean_alone(&self) -> Result<()> {
        let clean = self.view().word64(layout::CLEAN)?;
        let seen = clean.load();
        if seen != DIRTY && seen != REMOVED && clean.compare_exchange(seen, CLEARING).is_ok() {
            self.map.flush_range(layout::CONTROL, layout::CONTROL_LEN)?;
            // Release, with the acquire in `before_write`: whoever sees it may write.
            let _ = clean.compare_exchange(CLEARING, DIRTY);
        }
        self.expect_current()
    }

    /// Writes everything to the disk. If that fails, the file is never clean again, until it has been emptied: the
    /// system takes the pages that it could not write for written, and may forget them.
    pub(crate) fn sync(&self) -> Result<()> {
        let synced = self.map.flush();
        if synced.is_err() {
            self.view().word64(layout::SYNC_FAILED)?.store(1);
        }
        synced?;
        Ok(())
    }

    /// Is this still the cache that its path names? Whoever deletes it says so here.
    #[inline(always)]
    pub(crate) fn expect_current(&self) -> Result<()> {
        // Acquire, with the release in `mark_removed`.
        if self.view().word64(layout::CLEAN)?.load_acquire() == REMOVED { Err(removed()) } else { Ok(()) }
    }

    /// Does something while nobody opens or closes, if the path still names this file.
    pub(crate) fn alone<T>(&self, act: impl FnOnce() -> Result<T>) -> Result<T> {
        let place = Place::open(&self.path, self.id)?;
        lock_init(&place)?;
        // Looked at again: it may have changed before the lock was had.
        Place::open(&self.path, self.id)?;
        act()
    }

    /// Lets nobody write any more. The caller holds every shard's lock, and keeps out who opens.
    pub(crate) fn mark_removed(&self) -> Result<()> {
        self.view().word64(layout::CLEAN)?.store_release(REMOVED);
        Ok(())
    }

    /// Everything is on disk and nobody writes: say so, durably. The caller keeps writers out.
    pub(crate) fn mark_clean(&self) -> Result<()> {
        let view = self.view();
        if view.word64(layout::SYNC_FAILED)?.load() != 0 {
            return Err(sync_failed());
        }
        self.expect_current()?;
        self.say_clean(&self.clock())
    }

    fn say_clean(&self, clock: &Clock<'_>) -> Result<()> {
        clock.leave_off()?;
        self.view().word64(layout::CLEAN)?.store(CLEAN);
        // After `clean`: whoever writes next makes them durable first, even if this process dies here.
        self.set_horizons()?;
        self.map.flush_range(layout::CONTROL, layout::CONTROL_LEN)?;
        Ok(())
    }

    /// Gives up this process's place. The last one out leaves the file clean.
    pub(crate) fn detach(&mut self) -> Result<()> {
        match self.place.take() {
            Some(place) => self.leave(place),
            None => Ok(()),
        }
    }

    /// Leaves everything on disk, and what time it is, so that what was seen to expire stays so after a restart.
    fn leave_clean(&self) -> Result<()> {
        let state = self.view().word64(layout::CLEAN)?.load();
        if state == REMOVED {
            return Ok(());
        }
        let is_clean = state == CLEAN;
        if !is_clean {
            self.sync()?;
        }
        if !is_clean || self.clock().matters()? { self.mark_clean() } else { Ok(()) }
    }

    fn leave(&self, mut place: Place) -> Result<()> {
        if place.seat().is_none() {
            return Ok(());
        }
        lock_init(&place)?;
        place.leave_seat(self.view())?;
        let last = place.locks.try_exclusive(lock_byte::ATTACHED)? && !self.is_in_use()?;
        if last {
            self.leave_clean()?;
        }
        place.locks.unlock(lock_byte::ATTACHED)?;
        place.locks.unlock(lock_byte::INIT)?;
        event::detached(last);
        Ok(())
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // What fails here is not lost: the kernel frees the locks, and the next opener finds the file unclean.
        let _ = self.detach();
    }
}

fn lock_init(place: &Place) -> Result<()> {
    if place.locks.exclusive(lock_byte::INIT, INIT_TIMEOUT)? { Ok(()) } else { Err(busy()) }
}

/// A new file's first state: no entries, this boot, clean.
pub(crate) fn format(map: &SharedMap, header: &Header, id: FileId) -> Result<()> {
    map.view().write_from(0, &header.encode()[..])?;
    for number in 0..header.geometry.shards() {
        recover::format(Shard::new(map.view(), header, number)?);
    }
    SizeRecord::new(&header.geometry).store(map.view())?;
    TimeBase::resume(map.view())?.store(map.view())?;
    store_identity(map.view(), id)?;
    map.view().word64(layout::CLEAN)?.store(CLEAN);
    map.flush()?;
    Ok(())
}

fn store_identity(view: View<'_>, id: FileId) -> Result<()> {
    for (at, word) in boot_words(samovar_mmap::boot_id().unwrap_or_default()).into_iter().enumerate() {
        view.word64(layout::BOOT_ID + at * 8)?.store(word);
    }
    view.word64(layout::DEVICE)?.store(id.device);
    view.word64(layout::INODE)?.store(id.inode);
    Ok(())
}

fn boot_words(boot: [u8; 16]) -> [u64; 2] {
    let half = |at: usize| (0..8).fold(0, |word, byte| word | u64::from(boot[at + byte]) << (8 * byte));
    [half(0), half(8)]
}

/// Was the file last opened first in this boot?
fn is_of_this_boot(view: View<'_>) -> Result<bool> {
    let stored = [view.word64(layout::BOOT_ID)?.load(), view.word64(layout::BOOT_ID + 8)?.load()];
    Ok(samovar_mmap::boot_id().is_some_and(|boot| boot_words(boot) == stored))
}

#[cold]
fn unsealed(path: &Path) -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        format!(
            "{} was made without seals, by which a salvage knows what is whole; open it without salvage, or make another with Options::seals",
            path.display()
        ),
    )
}

#[cold]
fn removed() -> Error {
    Error::new(ErrorKind::Replaced, "the cache was deleted; close this handle, and open the path anew")
}

#[cold]
fn sync_failed() -> Error {
    Error::new(
        ErrorKind::Io,
        "the disk refused a part of the cache earlier, so that it cannot be called durable; close all handles and open it anew",
    )
}

#[cold]
fn resized_by_another() -> Error {
    Error::new(ErrorKind::Busy, "the cache is being resized already; try again when that is done")
}

#[cold]
fn cut_short() -> Error {
    Error::new(
        ErrorKind::Fault,
        "the cache file was cut short, or its device failed, while it was in use; close this handle and open it anew",
    )
}

#[cold]
fn busy() -> Error {
    Error::new(
        ErrorKind::Busy,
        "another process is opening or closing the cache and does not finish; try again",
    )
}
