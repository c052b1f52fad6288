//! After a loss of power: a file is brought back to what is certain, which `safe` tells.

use crate::boot;
use crate::directory::{self, LOST};
use crate::error::{Error, ErrorKind, Result};
use crate::flush;
use crate::layout;
use crate::motion::{self, Motion};
use crate::safe::{NONE, flush_block, kept_sum, mark_as_it_is};
use crate::shape::Shape;
use crate::store::Store;
use crate::table::Table;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a reader waits for another process to bring a file back.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until somebody has brought the file back, best of all this process.
pub(crate) fn wait_until_restored(store: &Store, restore: impl Fn() -> Result<()>) -> Result<()> {
    let begun = Instant::now();
    loop {
        match restore() {
            Err(error) if error.kind() == ErrorKind::Locked && begun.elapsed() < PATIENCE => {}
            other => return other,
        }
        if !boot::lost_power(store.words())? {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Brings a file back to what is certain.
pub(crate) fn restore(table: &Table) -> Result<()> {
    restore_table(table)?;
    table.store.mapping.flush()?;
    mark_as_it_is(table)?;
    flush_block(table)
}

/// Brings all tables back to what is certain, forgets those that are not, and gives no space out twice.
pub(crate) fn restore_pack(store: &Arc<Store>) -> Result<()> {
    let directory = directory::directory(store)?;
    let mut used = directory.end();
    let mut tables = 0;
    for bucket in 0..directory.buckets {
        let word = directory.word(bucket)?;
        let block = word.load_acquire();
        if block <= LOST {
            continue;
        }
        let Ok(Some(key)) = directory::key_of(store, block) else {
            word.store_release(LOST);
            continue;
        };
        let table = Table::for_reading(Arc::clone(store), block);
        restore_table(&table)?;
        let shape = table.shape()?;
        let key_end = block + layout::key_offset(store.header.shadow_stride()) + key.len() as u64;
        used = used.max(key_end).max(shape.end_offset(store.record_size()));
        tables += 1;
    }
    store.words().used()?.store_release(used);
    store.words().tables()?.store_release(tables);
    flush::flush_pack(store)
}

/// Brings a table back to what is certain. Done twice it is the same, since what is certain is not written.
pub(crate) fn restore_table(table: &Table) -> Result<()> {
    let Certain { first, end: certain, shape } = certain(table)?;
    // The file may have become shorter than it was.
    table.store.reserve(shape.end_offset(table.store.record_size()))?;
    let control = table.control();
    let safe = control.safe()?;
    let kept = safe.kept().load();
    let mut end = certain;
    if kept < first {
        // Those behind it may have been changed without a copy, and it is gone itself.
        end = first;
    } else if kept < certain {
        let home = table.home(shape, kept)?;
        let mut bytes = vec![0; home.view.len()];
        control.view.read_into(control.kept(table.store.header.shadow_stride()), &mut bytes)?;
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

/// Records that are certain, and where they lie.
struct Certain {
    first: u64,
    end: u64,
    shape: Shape,
}

/// What the words say is certain, if they make sense.
fn certain(table: &Table) -> Result<Certain> {
    let control = table.control();
    let safe = control.safe()?;
    let shape = control.shape(safe.epoch().load())?;
    let (first, mut end) = (safe.first().load(), safe.end().load());
    if first > end {
        // Only `mark` leaves it so, between its first word and its third: all is certain that is here, if it is here.
        let line = control.readers()?;
        end = if line.epoch().load() == shape.epoch { line.end().load() } else { first };
    }
    let file_end = shape.end_offset(table.store.record_size());
    // Where nothing is certain, the shape may be a later one.
    let first = first.max(shape.anchor);
    let end = end.max(first);
    let sound = end - first <= shape.capacity
        && end < layout::ORDINAL_MAX
        && shape.origin >= table.store.header.records_offset()
        && file_end < LONGEST_RESTORED.max(table.store.mapping.len() as u64);
    if sound {
        return Ok(Certain { first, end, shape });
    }
    Err(Error::corrupt("the record file says nonsense of what was flushed; import the data anew"))
}

/// A file that says that it was longer than this is not believed.
const LONGEST_RESTORED: u64 = 1 << 44;
