//! Space in a pack: given out from USED on, and never taken back.

use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, ORDINAL_MAX};
use crate::store::Store;
use std::sync::PoisonError;

/// Extents begin at a cache line.
pub(crate) const EXTENT_ALIGN: u64 = 64;

/// Space for the records of a table that grows.
pub(crate) fn extent(store: &Store, slots: u64) -> Result<u64> {
    let rights = store.rights()?;
    let _allocation = rights.allocation.lock().unwrap_or_else(PoisonError::into_inner);
    allocate(store, extent_len(store, slots)?, EXTENT_ALIGN)
}

pub(crate) fn extent_len(store: &Store, slots: u64) -> Result<u64> {
    slots
        .checked_mul(store.record_size())
        .filter(|len| *len < ORDINAL_MAX)
        .ok_or_else(|| Error::invalid(format!("no file has room for {slots} records")))
}

/// Gives space out. The allocation is locked.
pub(crate) fn allocate(store: &Store, len: u64, align: u64) -> Result<u64> {
    let used = store.words().used()?;
    // What the file says is used may be anything.
    let begin = used.load().max(store.header.records_offset()).checked_next_multiple_of(align);
    let end = begin.and_then(|begin| begin.checked_add(len)).filter(|end| *end < ORDINAL_MAX);
    let (Some(begin), Some(end)) = (begin, end) else {
        return Err(Error::invalid("no file is as large as that"));
    };
    if end > store.mapping.len() as u64 {
        // A half more than needed, so that it does not grow for each table; on a device that is nearly full half of that,
        // and so on down to what is needed.
        let mut surplus = end / 2;
        loop {
            match store.reserve((end + surplus).next_multiple_of(layout::PAGE)) {
                Err(error) if error.kind() == ErrorKind::NoSpace && surplus > 0 => surplus /= 2,
                other => break other?,
            }
        }
    }
    store.words().used()?.store_release(end);
    Ok(begin)
}
