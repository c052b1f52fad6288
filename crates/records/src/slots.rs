//! How records lie in the slots of a table: one behind the other, or column by column; with a checksum each, or without.
//!
//! ```text
//!   rows:     | a b c sum | a b c sum | ...                    a slot is a record and, in a file that has them, its checksum
//!   columns:  | a a a ... | b b b ... | c c c ... | sums ... | a a a ... |     blocks of so many slots, a field of all of them at a time
//! ```
//!
//! Elsewhere in the crate a slot is bytes in the order of a row: what it is in the file is known here alone. A checksum covers the
//! record and its ordinal, so that a slot that was used again, or half of one, is no record.

use crate::error::{Error, Result};
use crate::layout::{self, at};
use crate::schema::Schema;
use crate::shape::Shape;
use samovar_mmap::View;
use std::ops::{Range, RangeInclusive};

/// Bytes of a checksum.
pub(crate) const SUM: usize = 8;
/// A block of columns has a power of two of slots, from this one to that.
const BLOCK_LOGS: RangeInclusive<u32> = 6..=20;
/// Values of a column that are gathered before they are written.
const GATHERED: usize = 512;
/// Slots up to this size need no memory of their own.
const SHORT: usize = 256;

/// What a file has besides plain rows, as the header's word of features says it: a bit each. Beside the bit of columns
/// stands the logarithm of how many slots a block has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Features(pub(crate) u64);

impl Features {
    pub(crate) const CHECKSUMS: Features = Features(1);
    const COLUMNS: Features = Features(2);
    const LOG_SHIFT: u32 = 8;
    const LOG: u64 = 0x1f << Features::LOG_SHIFT;

    /// Columns that lie apart, so many slots a block; none if there are no such blocks.
    pub(crate) fn columns(block: usize) -> Option<Features> {
        let log = block.checked_ilog2().filter(|log| 1 << log == block && BLOCK_LOGS.contains(log))?;
        Some(Features(Features::COLUMNS.0 | u64::from(log) << Features::LOG_SHIFT))
    }

    /// How many slots a block of columns has; none if they do not lie apart.
    pub(crate) fn block(self) -> Option<u64> {
        self.has(Features::COLUMNS).then(|| 1 << ((self.0 & Features::LOG) >> Features::LOG_SHIFT))
    }

    pub(crate) fn with(self, other: Features) -> Features {
        Features(self.0 | other.0)
    }

    pub(crate) fn without_columns(self) -> Features {
        Features(self.0 & Features::CHECKSUMS.0)
    }

    fn has(self, other: Features) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) fn are_known(self) -> bool {
        let columns = self.0 & !Features::CHECKSUMS.0;
        let known = self.block().and_then(|block| Features::columns(at(block)));
        columns == known.unwrap_or_default().0
    }
}

/// How the slots of a table are made up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Slots {
    record_size: usize,
    size: usize,
    features: Features,
    columns: Option<Columns>,
}

/// Slots whose fields lie apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    /// Slots of a block.
    pub(crate) block: u64,
    slot_size: u64,
    pub(crate) parts: Box<[Part]>,
}

/// A column: a part of each slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) offset: usize,
    pub(crate) size: usize,
}

impl Slots {
    pub(crate) fn of(schema: &Schema, features: Features) -> Slots {
        let record_size = schema.record_size();
        let has_sums = features.has(Features::CHECKSUMS);
        let size =
            if has_sums { (record_size + SUM).next_multiple_of(schema.alignment()) } else { record_size };
        let fields = schema.fields().iter().map(|field| Part { offset: field.offset(), size: field.size() });
        let sum = has_sums.then_some(Part { offset: record_size, size: SUM });
        let parts = || fields.chain(sum).filter(|part| part.size > 0).collect();
        let columns = features.block().map(|block| Columns { block, slot_size: size as u64, parts: parts() });
        Slots { record_size, size, features, columns }
    }

    /// Bytes of a slot.
    pub(crate) fn size(&self) -> u64 {
        self.size as u64
    }

    pub(crate) fn features(&self) -> Features {
        self.features
    }

    /// Whether a slot is a record, and lies in one piece.
    #[inline(always)]
    pub(crate) fn are_plain(&self) -> bool {
        self.features.0 == 0
    }

    #[inline(always)]
    pub(crate) fn have_sums(&self) -> bool {
        self.features.has(Features::CHECKSUMS)
    }

    pub(crate) fn columns(&self) -> Option<&Columns> {
        self.columns.as_ref()
    }

    /// How many slots these bytes have room for: whole blocks of columns.
    pub(crate) fn fit(&self, bytes: u64) -> u64 {
        let slots = bytes / self.size();
        self.columns.as_ref().map_or(slots, |columns| slots - slots % columns.block)
    }

    /// The bytes of so many slots, in whole blocks of columns.
    pub(crate) fn bytes_of(&self, slots: u64) -> Option<u64> {
        let block = self.columns.as_ref().map_or(1, |columns| columns.block);
        slots.checked_next_multiple_of(block)?.checked_mul(self.size())
    }

    /// Calls `act` with the slots of these records, from this ordinal on, some at a time: their checksums are added.
    pub(crate) fn encode(
        &self,
        records: &[u8],
        ordinal: u64,
        mut act: impl FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<()> {
        if !self.have_sums() {
            return act(ordinal, records);
        }
        let at_once = (layout::at(layout::PAGE) / self.size).max(1) * self.record_size;
        for (some, first) in records.chunks(at_once).zip((ordinal..).step_by(at_once / self.record_size)) {
            let count = some.len() / self.record_size;
            self.with_room_for(count, |slots| {
                for ((slot, record), ordinal) in
                    slots.chunks_exact_mut(self.size).zip(some.chunks_exact(self.record_size)).zip(first..)
                {
                    slot[..self.record_size].copy_from_slice(record);
                    let sum = sum(record, ordinal).to_le_bytes();
                    slot[self.record_size..self.record_size + SUM].copy_from_slice(&sum);
                }
                act(first, slots)
            })?;
        }
        Ok(())
    }

    /// Calls `take` with the records of slots, from this ordinal on, and says which ordinal is the first whose checksum fails.
    pub(crate) fn decode<'s>(
        &self,
        slots: &'s [u8],
        ordinal: u64,
        mut take: impl FnMut(&'s [u8]),
    ) -> Option<u64> {
        let mut failed = None;
        for (slot, ordinal) in slots.chunks_exact(self.size).zip(ordinal..) {
            let (record, rest) = slot.split_at(self.record_size);
            take(record);
            if self.have_sums() && rest[..SUM] != sum(record, ordinal).to_le_bytes() {
                failed = failed.or(Some(ordinal));
            }
        }
        failed
    }

    /// Calls `act` with room for so many slots.
    pub(crate) fn with_room_for<R>(&self, count: usize, act: impl FnOnce(&mut [u8]) -> R) -> R {
        let len = count * self.size;
        if len <= SHORT { act(&mut [0; SHORT][..len]) } else { act(&mut vec![0; len]) }
    }
}

fn sum(record: &[u8], ordinal: u64) -> u64 {
    layout::checksum(record) ^ ordinal.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Columns {
    /// The byte at which a part of a slot begins, counted from the first slot.
    #[inline]
    pub(crate) fn offset(&self, slot: u64, part: Part) -> u64 {
        let (block, index) = (slot / self.block, slot % self.block);
        let block = block.saturating_mul(self.block * self.slot_size);
        block.saturating_add(self.block * part.offset as u64 + index * part.size as u64)
    }

    /// How many of `count` slots from this one on lie in its block.
    #[inline]
    pub(crate) fn together(&self, slot: u64, count: u64) -> u64 {
        count.min(self.block - slot % self.block)
    }
}

/// The slots of a table, where they lie in the file.
#[derive(Clone, Copy)]
pub(crate) struct Placed<'a> {
    pub(crate) view: View<'a>,
    pub(crate) slots: &'a Slots,
    pub(crate) shape: Shape,
}

impl<'a> Placed<'a> {
    /// Where a record lies.
    #[inline(always)]
    pub(crate) fn home(&self, ordinal: u64) -> Result<Home<'a>> {
        let Placed { view, slots, shape } = *self;
        let slot = shape.slot(ordinal);
        let place = match &slots.columns {
            None => Place::Row(view.window(at(shape.offset(ordinal, slots.size())), slots.size)?),
            Some(columns) => Place::Columns { view, columns, slot, origin: shape.origin },
        };
        Ok(Home { ordinal, len: slots.size, place })
    }

    /// [`write`](Self::write) of plain rows, for few at a time.
    #[inline(always)]
    pub(crate) fn write_rows(&self, ordinal: u64, rows: &[u8]) -> Result<()> {
        let slot = self.shape.slot(ordinal);
        let room = self.shape.capacity.saturating_sub(slot).saturating_mul(self.slots.size());
        if rows.len() as u64 > room {
            return self.write(ordinal, rows);
        }
        let offset = slot.saturating_mul(self.slots.size()).saturating_add(self.shape.origin);
        Ok(self.view.write_from(at(offset), rows)?)
    }

    /// Writes slots from this ordinal on.
    pub(crate) fn write(&self, ordinal: u64, bytes: &[u8]) -> Result<()> {
        let size = self.slots.size;
        self.for_runs(ordinal..ordinal + (bytes.len() / size) as u64, |run| {
            let from = at(run.skipped) * size;
            let bytes = &bytes[from..from + at(run.count) * size];
            match &self.slots.columns {
                None => Ok(self.row_window(run)?.write_from(0, bytes)?),
                Some(columns) => self.scatter(columns, run.slot, bytes),
            }
        })
    }

    /// Copies slots out, from this ordinal on, as many as fill `out`; `false` if some of them are not mapped.
    #[inline]
    pub(crate) fn read(&self, ordinal: u64, out: &mut [u8]) -> Result<bool> {
        let size = self.slots.size;
        let mut are_mapped = true;
        self.for_runs(ordinal..ordinal + (out.len() / size) as u64, |run| {
            are_mapped = are_mapped && self.is_mapped(run);
            if !are_mapped {
                return Ok(());
            }
            let from = at(run.skipped) * size;
            let out = &mut out[from..from + at(run.count) * size];
            match &self.slots.columns {
                None => Ok(self.view.read_into(at(self.row_offset(run)), out)?),
                Some(columns) => self.gather(columns, run.slot, out),
            }
        })?;
        Ok(are_mapped)
    }

    /// Writes slots that lie elsewhere now, those of these ordinals.
    pub(crate) fn copy_from(&self, from: Placed<'_>, ordinals: Range<u64>) -> Result<()> {
        let mut piece = vec![0; (at(layout::PAGE) / self.slots.size).max(1) * self.slots.size];
        let mut next = ordinals.start;
        while next < ordinals.end {
            let count = ((piece.len() / self.slots.size) as u64).min(ordinals.end - next);
            let piece = &mut piece[..at(count) * self.slots.size];
            if !from.read(next, piece)? {
                return Err(Error::corrupt("a record lies outside its file; import the data anew"));
            }
            self.write(next, piece)?;
            next += count;
        }
        Ok(())
    }

    /// Calls `each` with every run of slots that these records have in a row.
    #[inline]
    fn for_runs(&self, ordinals: Range<u64>, mut each: impl FnMut(SlotRun) -> Result<()>) -> Result<()> {
        let mut next = ordinals.start;
        while next < ordinals.end {
            let slot = self.shape.slot(next);
            let straight = self.shape.straight(next, ordinals.end - next).max(1);
            let count =
                self.slots.columns.as_ref().map_or(straight, |columns| columns.together(slot, straight));
            each(SlotRun { slot, count, skipped: next - ordinals.start })?;
            next += count;
        }
        Ok(())
    }

    #[inline]
    fn row_offset(&self, run: SlotRun) -> u64 {
        run.slot.saturating_mul(self.slots.size()).saturating_add(self.shape.origin)
    }

    #[inline]
    fn row_window(&self, run: SlotRun) -> Result<View<'a>> {
        Ok(self.view.window(at(self.row_offset(run)), at(run.count) * self.slots.size)?)
    }

    #[inline]
    fn is_mapped(&self, run: SlotRun) -> bool {
        let end = match &self.slots.columns {
            None => self.row_offset(run).saturating_add(run.count * self.slots.size()),
            // The end of its block.
            Some(columns) => (run.slot / columns.block + 1)
                .saturating_mul(columns.block * columns.slot_size)
                .saturating_add(self.shape.origin),
        };
        end <= self.view.len() as u64
    }

    /// Writes slots of one block, column by column.
    fn scatter(&self, columns: &Columns, slot: u64, slots: &[u8]) -> Result<()> {
        let size = self.slots.size;
        for part in &columns.parts {
            let at_once = (GATHERED / part.size).max(1);
            for (some, first) in slots.chunks(at_once * size).zip((slot..).step_by(at_once)) {
                let to = at(columns.offset(first, *part).saturating_add(self.shape.origin));
                if part.size > GATHERED || some.len() == size {
                    self.view.write_from(to, &some[part.offset..part.offset + part.size])?;
                    continue;
                }
                let mut values = [0; GATHERED];
                let len = some.len() / size * part.size;
                for (value, slot) in values.chunks_exact_mut(part.size).zip(some.chunks_exact(size)) {
                    value.copy_from_slice(&slot[part.offset..part.offset + part.size]);
                }
                self.view.write_from(to, &values[..len])?;
            }
        }
        Ok(())
    }

    /// Copies slots of one block out, column by column.
    fn gather(&self, columns: &Columns, slot: u64, slots: &mut [u8]) -> Result<()> {
        let size = self.slots.size;
        for part in &columns.parts {
            let at_once = (GATHERED / part.size).max(1);
            for (some, first) in slots.chunks_mut(at_once * size).zip((slot..).step_by(at_once)) {
                let from = at(columns.offset(first, *part).saturating_add(self.shape.origin));
                if part.size > GATHERED || some.len() == size {
                    self.view.read_into(from, &mut some[part.offset..part.offset + part.size])?;
                    continue;
                }
                let mut values = [0; GATHERED];
                let len = some.len() / size * part.size;
                self.view.read_into(from, &mut values[..len])?;
                for (value, slot) in values.chunks_exact(part.size).zip(some.chunks_exact_mut(size)) {
                    slot[part.offset..part.offset + part.size].copy_from_slice(value);
                }
            }
        }
        Ok(())
    }
}

/// The slot of one record.
#[derive(Clone, Copy)]
pub(crate) struct Home<'a> {
    pub(crate) ordinal: u64,
    pub(crate) len: usize,
    place: Place<'a>,
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Row(View<'a>),
    Columns { view: View<'a>, columns: &'a Columns, slot: u64, origin: u64 },
}

impl Home<'_> {
    pub(crate) fn read(&self, out: &mut [u8]) -> Result<()> {
        match self.place {
            Place::Row(view) => Ok(view.read_into(0, out)?),
            Place::Columns { view, columns, slot, origin } => columns.parts.iter().try_for_each(|part| {
                let from = at(columns.offset(slot, *part).saturating_add(origin));
                Ok(view.read_into(from, &mut out[part.offset..part.offset + part.size])?)
            }),
        }
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> Result<()> {
        match self.place {
            Place::Row(view) => Ok(view.write_from(0, bytes)?),
            Place::Columns { view, columns, slot, origin } => columns.parts.iter().try_for_each(|part| {
                let to = at(columns.offset(slot, *part).saturating_add(origin));
                Ok(view.write_from(to, &bytes[part.offset..part.offset + part.size])?)
            }),
        }
    }

    /// Copies the slot from elsewhere in the file.
    #[inline(always)]
    pub(crate) fn copy_from(&self, from: View<'_>, offset: usize) -> Result<()> {
        match self.place {
            Place::Row(view) => Ok(from.copy_to(offset, self.len, view, 0)?),
            Place::Columns { .. } => self.scatter_from(from, offset),
        }
    }

    #[inline(never)]
    fn scatter_from(&self, from: View<'_>, offset: usize) -> Result<()> {
        let Place::Columns { view, columns, slot, origin } = self.place else { return Ok(()) };
        columns.parts.iter().try_for_each(|part| {
            let to = at(columns.offset(slot, *part).saturating_add(origin));
            Ok(from.copy_to(offset.saturating_add(part.offset), part.size, view, to)?)
        })
    }
}

/// Slots whose fields lie apart, from one slot on.
#[derive(Clone, Copy)]
pub(crate) struct ColumnsAt<'a> {
    pub(crate) view: View<'a>,
    pub(crate) columns: &'a Columns,
    pub(crate) origin: u64,
    pub(crate) slot: u64,
    /// How many slots from that one on.
    pub(crate) len: u64,
}

impl ColumnsAt<'_> {
    #[inline]
    fn offset(&self, slot: u64, part: Part) -> usize {
        at(self.columns.offset(slot, part).saturating_add(self.origin))
    }

    /// Copies the slot of this index; `false` if there is none.
    #[inline]
    pub(crate) fn read(&self, index: u64, out: &mut [u8]) -> Result<bool> {
        if index >= self.len {
            return Ok(false);
        }
        for part in &self.columns.parts {
            let value = &mut out[part.offset..part.offset + part.size];
            self.view.read_short(self.offset(self.slot + index, *part), value)?;
        }
        Ok(true)
    }

    /// How many of `count` slots from this index on lie in its block.
    #[inline]
    pub(crate) fn together(&self, index: u64, count: u64) -> usize {
        let count = count.min(self.len.saturating_sub(index));
        at(self.columns.together(self.slot.saturating_add(index), count))
    }

    /// Copies the values of a column from this index on, which lie in one block. `false` if there is no such column.
    #[inline]
    pub(crate) fn gather(&self, index: usize, column: Part, out: &mut [u8]) -> Result<bool> {
        if !self.columns.parts.contains(&column) {
            return Ok(false);
        }
        self.view.read_into(self.offset(self.slot + index as u64, column), out)?;
        Ok(true)
    }
}

/// Slots in a row; of columns, in one block.
#[derive(Clone, Copy)]
struct SlotRun {
    slot: u64,
    count: u64,
    /// How many records came before.
    skipped: u64,
}

#[cfg(test)]
mod tests;
