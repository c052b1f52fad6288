//! How a capacity is cut into shards, indexes and rings.
//!
//! A shard is a whole small cache. Their number follows from the capacity and the largest value, so that each shard
//! holds many values of that size. The size of the index follows from the expected size of an entry. The small ring is
//! a tenth of a shard's data.

use crate::error::{Error, ErrorKind, Result};
use crate::format::entry::{self, Extras};
use crate::format::hash::BUCKETS_PER_PAGE;
use crate::format::layout::{self, BUCKET_LEN, PAGE, SLOTS_PER_BUCKET};
use crate::format::position::{OFFSET_BITS, UNIT};
use crate::format::ring::Span;

const MIB: u64 = 1 << 20;
/// The smallest file that holds anything worth caching.
pub(crate) const MIN_CAPACITY: u64 = 256 << 10;
pub(crate) const MAX_SHARDS: u64 = 256;
const MIN_ENTRIES: u64 = 16;
const SLOTS_PER_PAGE: u64 = BUCKETS_PER_PAGE * SLOTS_PER_BUCKET as u64;
const PAGE_OF_BUCKETS: u64 = BUCKETS_PER_PAGE * BUCKET_LEN;

/// Bytes of index for each expected entry: one and three quarter slots, so that most of the main ring can have a ghost.
const INDEX_BYTES_PER_ENTRY: u64 = 14;
/// Bytes that an entry takes in the log, header included, unless told otherwise: a 20-byte key and a 64-byte value. Too small
/// costs large entries an eighth of the file; too large leaves room that small ones cannot use for want of slots.
pub(crate) const DEFAULT_ENTRY_SIZE: u64 = 96;
/// A shard has room for at least this many values of the largest size.
const LARGEST_VALUES_PER_SHARD: u64 = 32;
const MIN_SHARD: u64 = 8 * MIB;
/// A shard of less is no cache.
const MIN_UNITS: u64 = PAGE / UNIT;
/// The small ring's part of a shard's data.
const SMALL_PERCENT: u64 = 10;

/// What a creator asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// The whole file, in bytes.
    Capacity(u64),
    /// A data area of exactly this many entries, each of `entry_bytes` in the log.
    Entries { entries: u64, entry_bytes: u64 },
}

/// What is evicted when there is no more room; see [`Options::policy`](crate::Options::policy).
///
/// ```
/// use samovar::{Cache, Policy};
///
/// # let dir = tempfile::tempdir().unwrap();
/// let cache = Cache::options().capacity(1 << 20).policy(Policy::Fifo).open(dir.path().join("c.samovar"))?;
/// cache.set(b"first in", b"first out")?;
/// # Ok::<(), samovar::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// What is not read again soon after it was stored goes first, what is read often stays (S3-FIFO).
    #[default]
    S3Fifo,
    /// What was stored first goes first, however often it is read.
    Fifo,
}

/// Everything about a file that is fixed at creation: how large it may become, and where things lie then. How large it
/// is at present stands in its size record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// As asked for at creation.
    pub(crate) size: Size,
    pub(crate) policy: Policy,
    /// The most that the capacity can be resized to; 0 where a number of entries was asked for.
    pub(crate) max_capacity: u64,
    /// The length of the file. Most of it may be holes.
    pub(crate) file_bytes: u64,
    pub(crate) max_value_size: u64,
    pub(crate) shard_bits: u32,
    /// Index pages of a shard.
    pub(crate) pages: u64,
    /// Where the indexes begin, and the data areas.
    pub(crate) index_offset: u64,
    pub(crate) data_offset: u64,
    /// From one shard's data area to the next.
    pub(crate) data_stride: u64,
    /// Lengths of the two rings of a new shard.
    pub(crate) small_units: u64,
    pub(crate) main_units: u64,
}

impl Geometry {
    pub(crate) fn plan(
        size: Size,
        max_capacity: Option<u64>,
        max_value_size: Option<u64>,
        entry_size: Option<u64>,
    ) -> Result<Self> {
        match size {
            Size::Capacity(capacity) => {
                let most = max_capacity.unwrap_or(capacity);
                check_capacities(capacity, most)?;
                Self::plan_capacity(capacity, most, max_value_size, entry_size)
            }
            Size::Entries { .. } if max_capacity.is_some() => Err(Error::new(
                ErrorKind::InvalidArgument,
                "a cache for a number of entries stays as large as it is; ask for a capacity in bytes instead",
            )),
            Size::Entries { entries, entry_bytes } => Self::plan_entries(entries, entry_bytes),
        }
    }

    /// The number of shards follows from the capacity, for good; the rest is laid out for the most that it may become.
    fn plan_capacity(
        capacity: u64,
        most: u64,
        max_value_size: Option<u64>,
        entry_size: Option<u64>,
    ) -> Result<Self> {
        let default_max = if capacity >= 64 * MIB { MIB } else { capacity / 64 };
        let max_value_size = max_value_size.unwrap_or(default_max);
        let wanted =
            (capacity / (LARGEST_VALUES_PER_SHARD * max_value_size.max(1))).min(capacity / MIN_SHARD);
        let shards = 1 << wanted.clamp(1, MAX_SHARDS).ilog2();
        let index_offset = layout::indexes(shards);
        let each = (most - index_offset) / shards;

        let entry_size = entry_size.unwrap_or(DEFAULT_ENTRY_SIZE).max(UNIT);
        let index_bytes = each / (entry_size + INDEX_BYTES_PER_ENTRY) * INDEX_BYTES_PER_ENTRY;
        let pages = (index_bytes / PAGE_OF_BUCKETS).max(1);
        let data_stride = (each - pages * PAGE_OF_BUCKETS) / PAGE * PAGE;
        let data_offset = index_offset + shards * pages * PAGE_OF_BUCKETS;
        let room = ((capacity - index_offset) / shards).saturating_sub(pages * PAGE_OF_BUCKETS);
        let units = room / PAGE * PAGE / UNIT;
        let small_units = (units * SMALL_PERCENT / 100).max(1);
        if most > capacity && units < MIN_UNITS {
            return Err(index_too_large(capacity, most, shards * pages * PAGE_OF_BUCKETS));
        }
        Geometry {
            size: Size::Capacity(capacity),
            policy: Policy::S3Fifo,
            max_capacity: most,
            file_bytes: data_offset + shards * data_stride,
            max_value_size,
            shard_bits: shards.ilog2(),
            pages,
            index_offset,
            data_offset,
            data_stride,
            small_units,
            main_units: units.saturating_sub(small_units),
        }
        .checked()
    }

    fn plan_entries(entries: u64, entry_bytes: u64) -> Result<Self> {
        if entries < MIN_ENTRIES || entry_bytes == 0 {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("a cache of {entries} entries is below the minimum of {MIN_ENTRIES}; ask for more"),
            ));
        }
        let entry_units = entry_bytes.div_ceil(UNIT);
        let too_large =
            || Error::new(ErrorKind::InvalidArgument, "that many entries of that size are too much");
        let bytes = entries.checked_mul(entry_units * UNIT).ok_or_else(too_large)?;
        // One shard where it stays small, so that a few hundred entries are not cut into fragments.
        let shards = 1 << (bytes / (4 * MIN_SHARD)).clamp(1, MAX_SHARDS).ilog2();
        let per_shard = entries / shards;
        let small = (per_shard * SMALL_PERCENT).div_ceil(100);
        let slots = per_shard * 21 / 10;
        let pages = slots.div_ceil(SLOTS_PER_PAGE).max(1);
        // A ring's last unit is for the mark that ends a lap.
        let (small_units, main_units) = (small * entry_units + 1, (per_shard - small) * entry_units + 1);
        let data_stride = ((small_units + main_units) * UNIT).next_multiple_of(PAGE);
        let index_offset = layout::indexes(shards);
        let data_offset = index_offset + shards * pages * PAGE_OF_BUCKETS;
        Geometry {
            size: Size::Entries { entries, entry_bytes },
            policy: Policy::S3Fifo,
            max_capacity: 0,
            file_bytes: data_offset + shards * data_stride,
            max_value_size: entry_bytes,
            shard_bits: shards.ilog2(),
            pages,
            index_offset,
            data_offset,
            data_stride,
            small_units,
            main_units,
        }
        .checked()
    }

    /// The same under another policy: first in, first out takes one ring, and leaves the other a unit.
    pub(crate) fn under(self, policy: Policy) -> Self {
        let units = self.units();
        let small_units = if policy == Policy::Fifo { 1 } else { self.small_units };
        Geometry { policy, small_units, main_units: units - small_units, ..self }
    }

    fn checked(self) -> Result<Self> {
        let largest = self.promised_units();
        let room = self.max_entry_units(self.units());
        if matches!(self.size, Size::Capacity(_)) && largest > room {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format!(
                    "values of {} bytes do not fit: the largest that this capacity takes is {} bytes",
                    self.max_value_size,
                    room.saturating_sub(entry::units_for(0, 0, Extras::EXPIRY)) * UNIT
                ),
            ));
        }
        self.verify().map(|()| self).map_err(|_| {
            Error::new(
                ErrorKind::InvalidArgument,
                "the capacity is beyond what the format holds: 128 GiB a shard, 32 TiB in all; ask for less",
            )
        })
    }

    /// Do the parts fit together? Every header that is read is checked: its checksum rules out accidents, but not
    /// malice.
    pub(crate) fn verify(&self) -> Result<()> {
        let shards = 1u64 << self.shard_bits.min(63);
        let sane = self.shard_bits <= MAX_SHARDS.ilog2()
            && (1..1 << 32).contains(&self.pages)
            && self.index_offset == layout::indexes(shards)
            && Some(self.data_offset) == self.index_end(shards)
            && self.data_stride.is_multiple_of(PAGE)
            && Some(self.file_bytes) == self.data_end(shards)
            && self.small_units >= 1
            && self.main_units >= 4
            && self.small_units < 1 << OFFSET_BITS
            && self.main_units < 1 << OFFSET_BITS
            && self.data_stride / UNIT < 1 << OFFSET_BITS
            && self.units() <= self.data_stride / UNIT
            && self.max_value_size <= entry::MAX_VALUE_LEN
            && usize::try_from(self.file_bytes).is_ok();
        if sane {
            Ok(())
        } else {
            Err(Error::corrupt("the cache's geometry contradicts itself; make a new file"))
        }
    }

    fn index_end(&self, shards: u64) -> Option<u64> {
        self.pages.checked_mul(PAGE_OF_BUCKETS * shards)?.checked_add(self.index_offset)
    }

    fn data_end(&self, shards: u64) -> Option<u64> {
        self.data_stride.checked_mul(shards)?.checked_add(self.data_offset)
    }

    pub(crate) fn shards(&self) -> u64 {
        1 << self.shard_bits
    }

    /// Where a shard's data area begins in the file.
    #[inline(always)]
    pub(crate) fn data_at(&self, shard: u64) -> u64 {
        self.data_offset + shard * self.data_stride
    }

    pub(crate) fn slots_per_shard(&self) -> u64 {
        self.pages * SLOTS_PER_PAGE
    }

    pub(crate) fn index_bytes_per_shard(&self) -> u64 {
        self.pages * PAGE_OF_BUCKETS
    }

    /// Units of data in a new shard.
    pub(crate) fn units(&self) -> u64 {
        self.small_units + self.main_units
    }

    /// The small ring's part of a shard with so many units of data, in the proportion of a new one.
    pub(crate) fn small_part(&self, units: u64) -> u64 {
        let part = u128::from(self.small_units) * u128::from(units) / u128::from(self.units().max(1));
        match self.policy {
            Policy::Fifo => 1,
            Policy::S3Fifo => u64::try_from(part).unwrap_or(units).max(1),
        }
    }

    /// The largest entry that a shard with so many units of data takes: a quarter of its main ring, so that four fit.
    pub(crate) fn max_entry_units(&self, units: u64) -> u64 {
        units.saturating_sub(self.small_part(units)) / 4
    }

    /// Units of an entry with the largest value and an empty key. A cache of any allowed capacity takes it.
    pub(crate) fn promised_units(&self) -> u64 {
        entry::units_for(0, self.max_value_size, Extras::NONE)
    }

    /// A shard's whole data area.
    #[inline]
    pub(crate) fn area(&self) -> Span {
        Span { start: 0, end: self.data_stride / UNIT }
    }

    /// Units of data in each shard of a cache of this capacity; none if its index leaves no room for any.
    pub(crate) fn units_at(&self, capacity: u64) -> Option<u64> {
        let each = capacity.checked_sub(self.index_offset)? / self.shards();
        let room = each.checked_sub(self.index_bytes_per_shard())?;
        Some(room / PAGE * PAGE / UNIT)
    }
}

fn index_too_large(capacity: u64, most: u64, index_bytes: u64) -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        format!(
            "the index for a maximum of {most} bytes takes {index_bytes} of a capacity of {capacity}; name a larger capacity, a smaller maximum, or a larger expected_entry_size"
        ),
    )
}

fn check_capacities(capacity: u64, most: u64) -> Result<()> {
    let refused = |message| Err(Error::new(ErrorKind::InvalidArgument, message));
    if capacity < MIN_CAPACITY {
        return refused(format!(
            "a capacity of {capacity} bytes is below the minimum of {MIN_CAPACITY}; ask for more"
        ));
    }
    if most < capacity {
        return refused(format!(
            "a maximum capacity of {most} bytes is below the capacity of {capacity}; name a larger one, or none"
        ));
    }
    Ok(())
}
