//! What outlives a loss of power: the records of the last flush.
//!
//! The system writes pages to the device when it likes, so that after a loss of power each page may be as it was at any
//! moment since the last flush. A table therefore keeps, on the page of its own words, what a flush made certain:
//!
//! ```text
//!   Certain(first, end, shape)            every record of first..end is on the device as it is
//!     | about to change a certain record k in place, k lowest yet: keep a copy of it; flush the block
//!   Certain, but for k + 1..end           k itself is certain by its copy
//!     | about to use the slot of a certain record again: first goes beyond it, and an eighth further; flush the block
//!   Certain(first', end, shape); nothing, once first is beyond k
//!     | flush: all records, then these words, then the block
//!   Certain(first, end, shape)            of now
//! ```
//!
//! So a flush of one page comes before the first change in place after a flush, and before an eighth of a ring that is
//! certain is used again; pushes need none. The shape of a flush stays readable: its words are written over only by the
//! growth after the next, which flushes first, and its slots are used again only as above.
//!
//! Which boot of the machine it is tells whether the power was lost: a file that was written in another one and not
//! closed is brought back to what is certain by whoever opens it first, before anybody reads it.

use crate::control::Control;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, BLOCK_ALIGN, Kind, PAGE, at};
use crate::motion::{self, Home, Motion};
use crate::pack;
use crate::raw::RawFile;
use crate::shape::Shape;
use crate::store::Store;
use crate::writer::State;
use std::ops::Range;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// No record.
const NONE: u64 = u64::MAX;
/// How long a reader waits for another process to bring a file back.
const PATIENCE: Duration = Duration::from_secs(30);

/// This boot of the machine; the same for ever where the system does not tell one from another.
fn boot() -> u64 {
    static BOOT: OnceLock<u64> = OnceLock::new();
    *BOOT.get_or_init(|| samovar_mmap::boot_id().map_or(1, |boot| layout::checksum(&boot)).max(1))
}

/// Whether the machine stopped while the file was written.
pub(crate) fn lost_power(store: &Store) -> Result<bool> {
    let written_in = store.words().boot()?.load_acquire();
    Ok(written_in != 0 && written_in != boot())
}

/// From now on the file is written. In a file of its own the word shares a page with all others that matter; in a pack
/// it does not, and has to be there before them.
pub(crate) fn begin(store: &Store) -> Result<()> {
    store.words().boot()?.store_release(boot());
    match store.header.kind {
        Kind::File => Ok(()),
        Kind::Pack => flush_control(store),
    }
}

/// Everything was flushed, and nobody writes any more.
pub(crate) fn end(store: &Store) -> Result<()> {
    store.words().boot()?.store_release(0);
    flush_control(store)
}

fn flush_control(store: &Store) -> Result<()> {
    store.mapping.flush_range(layout::CONTROL, at(PAGE))
}

/// Waits until somebody has brought the file back, best of all this process.
pub(crate) fn wait_until_restored(store: &Store, restore: impl Fn() -> Result<()>) -> Result<()> {
    let begun = Instant::now();
    loop {
        match restore() {
            Err(error) if error.kind() == ErrorKind::Locked && begun.elapsed() < PATIENCE => {}
            other => return other,
        }
        if !lost_power(store)? {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The records that a loss of power now would leave.
pub(crate) fn durable(control: Control<'_>) -> Result<Range<u64>> {
    let safe = control.safe()?;
    let end = safe.end().load().min(safe.kept().load().saturating_add(1));
    Ok(safe.first().load()..end)
}

/// Before a record changes in place.
#[inline]
pub(crate) fn before_change(raw: &RawFile, home: Home<'_>) -> Result<()> {
    let safe = raw.control().safe()?;
    if home.ordinal >= safe.end().load() || home.ordinal >= safe.kept().load() {
        return Ok(());
    }
    keep(raw, home)
}

#[cold]
fn keep(raw: &RawFile, home: Home<'_>) -> Result<()> {
    let control = raw.control();
    let safe = control.safe()?;
    let mut bytes = vec![0; home.view.len()];
    home.view.read_into(0, &mut bytes)?;
    // A loss amid these stores finds the copy of another record, or a sum that does not fit: then the record that was
    // kept before is lost too, and nothing else.
    control.view.write_from(control.kept(raw.store.header.shadow_stride()), &bytes)?;
    safe.kept_sum().store(kept_sum(home.ordinal, &bytes));
    safe.kept().store_release(home.ordinal);
    flush_block(raw)
}

fn kept_sum(ordinal: u64, bytes: &[u8]) -> u64 {
    layout::checksum(bytes) ^ ordinal.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Before records are pushed up to `end`, which may use slots again.
#[inline]
pub(crate) fn before_reuse(raw: &RawFile, shape: Shape, end: u64) -> Result<()> {
    let Some(reused) = end.checked_sub(shape.anchor.saturating_add(shape.capacity)) else { return Ok(()) };
    if reused == 0 {
        return Ok(());
    }
    let below = end - shape.capacity;
    let safe = raw.control().safe()?;
    let (first, certain) = (safe.first().load(), safe.end().load());
    if first >= below || first >= certain {
        return Ok(());
    }
    safe.first().store_release(certain.min(below.saturating_add(shape.capacity / 8)));
    flush_block(raw)
}

/// Before the shape before this one is written over, which may be that of the flush.
pub(crate) fn before_growth(raw: &RawFile, state: &State) -> Result<()> {
    let safe = raw.control().safe()?;
    if safe.epoch().load() == state.shape.epoch {
        return Ok(());
    }
    if safe.first().load() >= safe.end().load() {
        safe.epoch().store_release(state.shape.epoch);
        return Ok(());
    }
    flush_table(raw, state)
}

/// After growth, before anything else: what is certain stays so. In a pack the old place stays as it was.
pub(crate) fn after_growth(raw: &RawFile, state: &State, moved: Moved) -> Result<()> {
    let safe = raw.control().safe()?;
    let (first, end) = (safe.first().load(), safe.end().load());
    if raw.store.header.kind == Kind::Pack && first < end {
        return Ok(());
    }
    let same_slots = moved == Moved::Nothing && first >= state.shape.anchor;
    if first >= end || same_slots {
        safe.epoch().store_release(state.shape.epoch);
        return Ok(());
    }
    flush_table(raw, state)
}

/// After a writer that may have died amid `after_growth`.
pub(crate) fn after_takeover(raw: &RawFile, state: &State) -> Result<()> {
    if raw.control().safe()?.epoch().load() == state.shape.epoch {
        return Ok(());
    }
    after_growth(raw, state, Moved::Some)
}

/// Whether growth moved records.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moved {
    Nothing,
    Some,
}

/// Makes all that was written to the file certain: in a pack, of all tables.
pub(crate) fn flush(raw: &RawFile) -> Result<()> {
    match raw.store.header.kind {
        Kind::File => flush_table(raw, &*raw.writer()?),
        Kind::Pack => flush_tables(&raw.store),
    }
}

/// Makes all tables of a pack certain, while those who write them wait.
pub(crate) fn flush_tables(store: &Arc<Store>) -> Result<()> {
    let rights = store.rights()?;
    let _flushing = rights.flushing.lock().unwrap_or_else(PoisonError::into_inner);
    let tables = rights.open_tables();
    let held = tables.iter().map(|table| table.writer()).collect::<Result<Vec<_>>>()?;
    let done = flush_pack(store);
    drop(held);
    done
}

/// [`flush_tables`], while nobody writes one.
pub(crate) fn flush_pack(store: &Arc<Store>) -> Result<()> {
    store.mapping.flush()?;
    mark_pack(store)?;
    store.mapping.flush()
}

/// Says of all tables of a pack that they are on the device as they are.
pub(crate) fn mark_pack(store: &Arc<Store>) -> Result<()> {
    for block in pack::blocks(store)? {
        let table = RawFile::table(Arc::clone(store), block);
        let line = table.control().readers()?;
        mark(table.control(), line.epoch().load_acquire(), line.first().load()..line.end().load())?;
    }
    Ok(())
}

fn flush_table(raw: &RawFile, state: &State) -> Result<()> {
    let end = state.shape.end_offset(raw.store.record_size());
    raw.store.mapping.flush_range(at(state.shape.origin), at(end - state.shape.origin))?;
    flush_block(raw)?;
    mark(raw.control(), state.shape.epoch, state.first..state.end)?;
    flush_block(raw)
}

fn flush_block(raw: &RawFile) -> Result<()> {
    let len = layout::key_offset(raw.store.header.shadow_stride());
    raw.store.mapping.flush_range(at(raw.block), at(len))
}

/// Says that these records are on the device. Between any two of these stores the words tell of the flush before, or
/// of this one, or of its records up to the one that was kept.
fn mark(control: Control<'_>, epoch: u64, ordinals: Range<u64>) -> Result<()> {
    let safe = control.safe()?;
    let words = [
        (safe.first(), ordinals.start),
        (safe.epoch(), epoch),
        (safe.end(), ordinals.end),
        (safe.kept(), NONE),
    ];
    for (word, value) in words {
        if word.load() != value {
            word.store_release(value);
        }
    }
    Ok(())
}

/// Brings a file back to what is certain.
pub(crate) fn restore(raw: &RawFile) -> Result<()> {
    restore_table(raw)?;
    raw.store.mapping.flush()?;
    let line = raw.control().readers()?;
    mark(raw.control(), line.epoch().load(), line.first().load()..line.end().load())?;
    flush_block(raw)
}

/// Brings a table back to what is certain. Done twice it is the same, since what is certain is not written.
pub(crate) fn restore_table(raw: &RawFile) -> Result<()> {
    let (first, certain, shape) = certain(raw)?;
    // The file may have become shorter than it was.
    raw.store.reserve(shape.end_offset(raw.store.record_size()))?;
    let control = raw.control();
    let safe = control.safe()?;
    let kept = safe.kept().load();
    let mut end = certain;
    if kept < first {
        // Those behind it may have been changed without a copy, and it is gone itself.
        end = first;
    } else if kept < certain {
        let home = raw.home(shape, kept)?;
        let mut bytes = vec![0; home.view.len()];
        control.view.read_into(control.kept(raw.store.header.shadow_stride()), &mut bytes)?;
        end = kept;
        if kept_sum(kept, &bytes) == safe.kept_sum().load() {
            home.view.write_from(0, &bytes)?;
            end = kept + 1;
        }
    }
    let line = control.readers()?;
    line.first().store_release(first);
    line.end().store_release(end);
    line.epoch().store_release(shape.epoch);
    (0..2).for_each(|shadow| line.target(shadow).store(NONE));
    motion::settle(control, Motion(line.motion().load()).update())?;
    Ok(())
}

/// What the words say is certain, if they make sense.
fn certain(raw: &RawFile) -> Result<(u64, u64, Shape)> {
    let control = raw.control();
    let safe = control.safe()?;
    let shape = control.shape(safe.epoch().load())?;
    let (first, mut end) = (safe.first().load(), safe.end().load());
    if first > end {
        // Only `mark` leaves it so, between its first word and its third: all is certain that is here, if it is here.
        let line = control.readers()?;
        end = if line.epoch().load() == shape.epoch { line.end().load() } else { first };
    }
    let file_end = shape.end_offset(raw.store.record_size());
    // Where nothing is certain, the shape may be a later one.
    let first = first.max(shape.anchor);
    let end = end.max(first);
    let sound = end - first <= shape.capacity
        && end < layout::ORDINAL_MAX
        && shape.origin >= raw.store.header.records_offset()
        && file_end < LONGEST_RESTORED.max(raw.store.mapping.newest().len() as u64);
    if sound {
        return Ok((first, end, shape));
    }
    Err(Error::corrupt("the record file says nonsense of what was flushed; import the data anew"))
}

/// A file that says that it was longer than this is not believed.
const LONGEST_RESTORED: u64 = 1 << 44;

const _: () = assert!(BLOCK_ALIGN >= 256);
