//! How large a cache is, or will be: a record in the control page, kept twice.
//!
//! ```text
//!   settled --a new record, pending--> pending --every shard has followed--> settled
//!      ^                                  |  ^------- another target ------'
//!      '-- there is no room for it -------'
//! ```
//!
//! Each edge is one record with the next epoch, written over the older of the two. The record with a right checksum and
//! the higher epoch counts. So a death in the middle of writing leaves the other one. A record changes under the writer
//! lock of shard 0, by the process that holds the byte lock for resizing.

use crate::error::{Error, ErrorKind, Result};
use crate::format::geometry::{Geometry, Size};
use crate::format::hash::checksum;
use crate::format::layout::{PAGE, SIZE_RECORD_WORDS, SIZE_RECORDS};
use crate::format::position::UNIT;
use samovar_mmap::View;

/// Looks at records that others may be writing.
const LOOKS: u32 = 64;
const PENDING: u64 = 1;

/// The size of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SizeRecord {
    /// One more with each record.
    pub(crate) epoch: u64,
    /// The whole cache, in bytes, as asked for; 0 for a cache of a number of entries.
    pub(crate) capacity: u64,
    /// Units of data in each shard.
    pub(crate) units: u64,
    /// Some shards may not have followed yet.
    pub(crate) pending: bool,
}

impl SizeRecord {
    /// That of a new cache.
    pub(crate) fn new(geometry: &Geometry) -> Self {
        let capacity = match geometry.size {
            Size::Capacity(capacity) => capacity,
            Size::Entries { .. } => 0,
        };
        SizeRecord { epoch: 1, capacity, units: geometry.units(), pending: false }
    }

    /// The record of a resize to another capacity.
    pub(crate) fn plan(geometry: &Geometry, capacity: u64) -> Result<Self> {
        let refused = |message: String| Err(Error::new(ErrorKind::InvalidArgument, message));
        if geometry.max_capacity == 0 {
            return refused(
                "the cache was made for a number of entries, and stays as it is; make one with a capacity"
                    .to_owned(),
            );
        }
        if capacity > geometry.max_capacity {
            return refused(format!(
                "a capacity of {capacity} bytes is above this cache's maximum of {}; ask for less, or make another with a larger max_capacity",
                geometry.max_capacity
            ));
        }
        match units_for(geometry, capacity) {
            Some(units) => Ok(SizeRecord { epoch: 0, capacity, units, pending: true }),
            None => refused(format!(
                "a capacity of {capacity} bytes is too small for values of {} bytes; the least for this cache is {}",
                geometry.max_value_size,
                least_capacity(geometry)
            )),
        }
    }

    /// The record that counts.
    pub(crate) fn load(file: View<'_>, geometry: &Geometry) -> Result<Self> {
        for _ in 0..LOOKS {
            let records = [read(file, 0, geometry)?, read(file, 1, geometry)?];
            if let Some(size_record) = records.into_iter().flatten().reduce(later) {
                return Ok(size_record);
            }
        }
        Err(Error::corrupt(
            "the cache does not say how large it is: both records are damaged; make a new file",
        ))
    }

    /// Writes it over the older record.
    pub(crate) fn store(&self, file: View<'_>) -> Result<()> {
        let words = self.encode();
        let at = offset_of(self.epoch);
        for (index, word) in words.into_iter().enumerate() {
            file.word64(at + index * 8)?.store(word);
        }
        // Release: the record before this one is whole by the time that it is overwritten.
        file.word64(at + words.len() * 8)?.store_release(sum(words));
        Ok(())
    }

    fn encode(&self) -> [u64; SIZE_RECORD_WORDS - 1] {
        let state = if self.pending { PENDING } else { 0 };
        [self.epoch, self.capacity, self.units, 0, state, 0, 0]
    }

    /// Bytes of the file that have their space.
    pub(crate) fn bytes(&self, geometry: &Geometry) -> u64 {
        let data = (self.units * UNIT).next_multiple_of(PAGE);
        geometry.data_offset + geometry.shards() * data
    }
}

/// Of two records the one that was written last. Epochs come round after 2^64.
fn later(one: SizeRecord, other: SizeRecord) -> SizeRecord {
    if other.epoch.wrapping_sub(one.epoch) < 1 << 63 { other } else { one }
}

/// Where the record of an epoch lies.
fn offset_of(epoch: u64) -> usize {
    SIZE_RECORDS[usize::from(epoch & 1 != 0)]
}

/// One of the two, if it is whole and can be.
fn read(file: View<'_>, which: usize, geometry: &Geometry) -> Result<Option<SizeRecord>> {
    let mut words = [0; SIZE_RECORD_WORDS - 1];
    // Acquire, with the release in `store`.
    let told = file.word64(SIZE_RECORDS[which] + words.len() * 8)?.load_acquire();
    for (index, word) in words.iter_mut().enumerate() {
        *word = file.word64(SIZE_RECORDS[which] + index * 8)?.load();
    }
    let [epoch, capacity, units, _, state, ..] = words;
    let size_record = SizeRecord { epoch, capacity, units, pending: state & PENDING != 0 };
    let can_be = geometry.max_entry_units(units) > 0 && units <= geometry.area().end;
    // canary: size record
    Ok((told == sum(words) && offset_of(epoch) == SIZE_RECORDS[which] && can_be).then_some(size_record))
}

fn sum(words: [u64; SIZE_RECORD_WORDS - 1]) -> u64 {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    checksum(&bytes)
}

/// Units of data in each shard, if they take the largest value.
fn units_for(geometry: &Geometry, capacity: u64) -> Option<u64> {
    let units = geometry.units_at(capacity)?;
    (geometry.max_entry_units(units) >= geometry.promised_units().max(1)).then_some(units)
}

/// The smallest capacity that takes the largest value.
fn least_capacity(geometry: &Geometry) -> u64 {
    let (mut least, mut enough) = (0, geometry.max_capacity);
    while least < enough {
        let middle = least + (enough - least) / 2;
        match units_for(geometry, middle) {
            Some(_) => enough = middle,
            None => least = middle + 1,
        }
    }
    enough
}

#[cfg(test)]
mod tests;
