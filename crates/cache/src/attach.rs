//! Opening a file: a row of gates, each with its own error, then a place among those who have it open.
//!
//! ```text
//!   regular, local, not empty --> magic, version, features, fingerprint, checksum, structure --> as long as it says
//!     --> (under the init byte) first opener?  no: join. A joiner resets nothing and judges nothing.
//!                                 yes: same boot and same file, or clean?  yes: warm.  no: cold, emptied in place
//! ```
//!
//! The first opener is whoever gets the *attached* byte exclusively. Locks are on a file description of their own, so that
//! the kernel frees them when the process dies, however it dies.

use crate::bounds::Bounds;
use crate::cold::{Cold, Emptied};
use crate::error::{Error, ErrorKind, Result};
use crate::estate;
use crate::event;
use crate::geometry::{Geometry, Size};
use crate::groundwork::Groundwork;
use crate::header::{Header, Unchecked};
use crate::layout::{self, HEADER_LEN, MAGIC, lock_byte};
use crate::lease;
use crate::lock::{self, Owner};
use crate::measure::Measure;
use crate::pin::{self, Extent};
use crate::place::{self, Place};
use crate::recover;
use crate::shard::Shard;
use crate::ttl::{Clock, TimeBase};
use samovar_mmap::{Access, FileId, PerProcess, SharedMap, View};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, TryLockError};
use std::time::Duration;

/// How long to wait for another process that is attaching or detaching.
const INIT_PATIENCE: Duration = Duration::from_secs(10);

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
    /// Why the file was emptied, if it was.
    pub cold_reason: Option<String>,
    /// When and why it was last emptied, by whoever it was; none if it never was.
    pub last_emptied: Option<Emptied>,
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
    time: TimeBase,
    groundwork: Groundwork,
}

/// Opens an existing file and passes the gates that need no lock.
pub(crate) fn open_checked(path: &Path, access: Access) -> Result<(File, Header)> {
    let (file, header, len) = open_decoded(path, access)?;
    if len < header.geometry.file_bytes {
        return Err(truncated(path, len, header.geometry.file_bytes));
    }
    Ok((file, header))
}

/// Opens a file to look at, of which a part may be missing.
pub(crate) fn open_any_length(path: &Path) -> Result<(File, Header, u64)> {
    open_decoded(path, Access::ReadOnly)
}

fn open_decoded(path: &Path, access: Access) -> Result<(File, Header, u64)> {
    let metadata = std::fs::metadata(path).map_err(|source| io_error("looking at", path, source))?;
    if !metadata.is_file() {
        return Err(Error::new(
            ErrorKind::NotRegularFile,
            format!("{} is not a regular file; name a file", path.display()),
        ));
    }
    if access == Access::ReadWrite && metadata.permissions().readonly() {
        return Err(Error::new(
            ErrorKind::ReadOnly,
            format!("{} is read-only; open it with read_only(true), or change its mode", path.display()),
        ));
    }
    let mut file = samovar_mmap::open_existing(path, access)?;
    if samovar_mmap::is_remote(&file)? {
        return Err(Error::new(
            ErrorKind::RemoteFilesystem,
            format!("{} is on a network file system; use a local disk or tmpfs", path.display()),
        ));
    }
    let len = file.metadata().map_err(|source| io_error("looking at", path, source))?.len();
    let header = read_header(&mut file, path, len)?;
    Ok((file, header, len))
}

/// What an opener says of how large the cache is; whoever names a size means that size.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) size: Option<Size>,
    pub(crate) max_capacity: Option<u64>,
}

fn check_size(asked: Asked, geometry: &Geometry, measure: &Measure) -> Result<()> {
    if let Some(most) = asked.max_capacity.filter(|most| *most != geometry.max_capacity) {
        return Err(Error::new(
            ErrorKind::CapacityMismatch,
            format!(
                "the cache was made for at most {} bytes, not {most}; name that, or none",
                geometry.max_capacity
            ),
        ));
    }
    let found = match geometry.size {
        Size::Capacity(_) => Size::Capacity(measure.capacity),
        entries @ Size::Entries { .. } => entries,
    };
    let Some(asked) = asked.size.filter(|asked| *asked != found) else { return Ok(()) };
    let tell = |size| match size {
        Size::Capacity(bytes) => format!("{bytes} bytes"),
        Size::Entries { entries, entry_bytes } => format!("{entries} entries of {entry_bytes} bytes"),
    };
    Err(Error::new(
        ErrorKind::CapacityMismatch,
        format!("the cache has a capacity of {}, not {}; name that, or none", tell(found), tell(asked)),
    ))
}

fn read_header(file: &mut File, path: &Path, len: u64) -> Result<Header> {
    if len == 0 {
        return Err(Error::new(
            ErrorKind::EmptyFile,
            format!("{} is empty, not a cache; remove it and open again", path.display()),
        ));
    }
    let mut page = Box::new([0; HEADER_LEN]);
    let there = usize::try_from(len).unwrap_or(usize::MAX).min(HEADER_LEN);
    file.read_exact(&mut page[..there]).map_err(|source| io_error("reading", path, source))?;
    if there < HEADER_LEN && page.starts_with(&MAGIC) {
        return Err(truncated(path, len, HEADER_LEN as u64));
    }
    Unchecked::new(page).verify()
}

fn truncated(path: &Path, len: u64, expected: u64) -> Error {
    Error::new(
        ErrorKind::Truncated,
        format!("{} was cut short: {len} bytes of {expected} are there; make a new file", path.display()),
    )
}

pub(crate) fn io_error(doing: &str, path: &Path, source: std::io::Error) -> Error {
    let kind = match source.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::Io,
    };
    Error::with_source(kind, format!("{doing} {}", path.display()), source)
}

impl Attached {
    /// Takes a place among those who have the file open, judging it if nobody else has.
    pub(crate) fn attach(path: &Path, access: Access, asked: Asked) -> Result<Self> {
        let (file, header) = open_checked(path, access)?;
        let path = std::path::absolute(path).map_err(|source| io_error("finding", path, source))?;
        let id = samovar_mmap::file_id(&file)?;
        let map = SharedMap::map(&file, access, 0, Some(layout::at(header.geometry.file_bytes)))?;
        check_size(asked, &header.geometry, &Measure::load(map.view(), &header.geometry)?)?;
        let attachment = Attachment::default();
        let place = PerProcess::new();
        let groundwork = Groundwork::new(header.geometry.data_offset, header.geometry.file_bytes);
        let time = TimeBase::Wall;
        let mut attached = Attached { map, header, attachment, access, path, id, place, time, groundwork };
        let (place, reason) = attached.join()?;
        attached.time = attached.time_base()?;
        attached.attachment.warm = reason.is_none();
        attached.attachment.cold_reason = reason.map(|reason| reason.told().to_owned());
        attached.attachment.last_emptied = Emptied::load(attached.view())?;
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

    /// Takes a place; why the file had to be emptied, if it had.
    fn join(&self) -> Result<(Place, Option<Cold>)> {
        let mut place = Place::open(&self.path, self.id)?;
        let reason = match self.access {
            Access::ReadWrite => self.join_writers(&mut place)?,
            Access::ReadOnly => self.join_readers(&place)?,
        };
        place.locks.unlock(lock_byte::INIT)?;
        Ok((place, reason))
    }

    fn join_writers(&self, place: &mut Place) -> Result<Option<Cold>> {
        lock_init(place)?;
        let mut reason = None;
        if place.locks.try_exclusive(lock_byte::ATTACHED)? && !self.is_in_use()? {
            reason = self.judge()?;
        }
        if !place.locks.try_shared(lock_byte::ATTACHED)? {
            return Err(busy());
        }
        self.expect_current()?;
        place.take_seat(self.view())?;
        Ok(reason)
    }

    fn join_readers(&self, place: &Place) -> Result<Option<Cold>> {
        if !place.locks.shared(lock_byte::INIT, INIT_PATIENCE)? {
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
        Ok(None)
    }

    /// Does anyone who opened this file still run, though nobody holds its locks?
    fn is_in_use(&self) -> Result<bool> {
        Ok(self.stored_id()? == self.id && place::anyone_runs(self.view())?)
    }

    fn stored_id(&self) -> Result<FileId> {
        let word = |at| -> Result<u64> { Ok(self.view().word64(at)?.load()) };
        Ok(FileId { device: word(layout::DEVICE)?, inode: word(layout::INODE)? })
    }

    /// Why the file's content cannot be trusted; none if it can.
    fn distrust(&self) -> Result<Option<Cold>> {
        let view = self.view();
        if view.word64(layout::SYNC_FAILED)?.load() != 0 {
            return Ok(Some(Cold::SyncFailed));
        }
        match view.word64(layout::CLEAN)?.load() {
            CLEAN => return Ok(None),
            REMOVED => return Ok(Some(Cold::Removed)),
            _ => {}
        }
        Ok(match samovar_mmap::boot_id() {
            None => Some(Cold::Unflushed),
            Some(_) if !is_of_this_boot(view)? => Some(Cold::Restarted),
            Some(_) if self.stored_id()? != self.id => Some(Cold::Copied),
            Some(_) => None,
        })
    }

    /// What the first opener does before anybody joins: decide whether the file is warm, and forget volatile state.
    fn judge(&self) -> Result<Option<Cold>> {
        let (view, reason, time) = (self.view(), self.distrust()?, self.time_base()?);
        let measure = self.measure()?;
        for number in 0..self.header.geometry.shards() {
            let shard = self.shard(number)?;
            lock::reset(shard.head);
            lease::forget_all(shard)?;
            pin::forget_all(shard)?;
            if reason.is_some() {
                recover::reset_within(shard, &Bounds::new(&self.header.geometry, measure.units))?;
            }
        }
        if let Some(reason) = reason {
            view.word64(layout::EPOCH)?.fetch_add(1);
            self.settle_space(&measure)?;
            if reason == Cold::SyncFailed {
                self.write_again(&measure)?;
            }
            Emptied::store(view, reason, Clock::new(view, time).now_ms())?;
        }
        place::forget_all(view)?;
        if matches!(view.word64(layout::CLEAN)?.load(), CLEARING | REMOVED) {
            view.word64(layout::CLEAN)?.store(DIRTY);
        }
        time.store(view)?;
        store_identity(view, self.id)?;
        event::judged(reason.map(Cold::told));
        Ok(reason)
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
    fn write_again(&self, measure: &Measure) -> Result<()> {
        let mut byte = [0];
        for part in estate::parts(&self.header.geometry, measure) {
            for at in (layout::at(part.start).max(layout::CONTROL)..layout::at(part.end))
                .step_by(layout::CONTROL_LEN)
            {
                self.view().read_into(at, &mut byte)?;
                self.view().write_from(at, &byte)?;
            }
        }
        Ok(())
    }

    /// An emptied cache is as large as its record says, whatever became of a resize that was under way; one that never was
    /// resized is as it was.
    fn settle_space(&self, measure: &Measure) -> Result<()> {
        if *measure == Measure::new(&self.header.geometry) {
            return Ok(());
        }
        estate::settle(&self.file()?, &self.header.geometry, measure)?;
        if measure.pending {
            Measure { epoch: measure.epoch + 1, pending: false, ..*measure }.store(self.view())?;
        }
        Ok(())
    }

    /// How large the cache is, or is to be.
    pub(crate) fn measure(&self) -> Result<Measure> {
        Measure::load(self.view(), &self.header.geometry)
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

    /// Has a stretch of a shard's data area made ready to be written.
    #[inline]
    pub(crate) fn prepare(&self, shard: u64, extent: Extent) {
        let start = layout::at(self.header.geometry.data_offset + shard * self.header.geometry.data_stride);
        let [from, to] = [extent.offset, extent.end()].map(|offset| start + layout::bytes_of(offset));
        let within =
            || start..start + self.shard(shard).map_or(0, |shard| layout::bytes_of(shard.bounds().end));
        self.groundwork.lay(&self.map, from..to, within);
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
        if !place.locks.exclusive(lock_byte::DIRTYING, INIT_PATIENCE)? {
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
        self.clock().leave_off()?;
        view.word64(layout::CLEAN)?.store(CLEAN);
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
    if place.locks.exclusive(lock_byte::INIT, INIT_PATIENCE)? { Ok(()) } else { Err(busy()) }
}

/// A new file's first state: no entries, this boot, clean.
pub(crate) fn format(map: &SharedMap, header: &Header, id: FileId) -> Result<()> {
    map.view().write_from(0, &header.encode()[..])?;
    for number in 0..header.geometry.shards() {
        recover::format(Shard::new(map.view(), header, number)?);
    }
    Measure::new(&header.geometry).store(map.view())?;
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
