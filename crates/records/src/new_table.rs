//! A new file of one table, which appears whole or not at all.

use crate::control::{Certain, Control};
use crate::error::{Error, Result};
use crate::header::{Header, TableType};
use crate::layout::{self, Kind};
use crate::shape::Shape;
use crate::slots::{Placed, Slots};
use crate::store;
use crate::table::FIRST_SLOTS;
use samovar_mmap::{NewFile, SharedMap};
use std::path::Path;

/// A file in the making. Dropped before it is published, it is removed.
pub(crate) struct NewTable {
    new: NewFile,
    map: SharedMap,
    slots: Slots,
    shape: Shape,
}

impl NewTable {
    /// With room for so many records at least.
    pub(crate) fn create(path: &Path, of: TableType, capacity: u64) -> Result<NewTable> {
        let header = Header::new(of, Kind::File);
        let len = header
            .file_len(capacity.max(FIRST_SLOTS))
            .ok_or_else(|| Error::invalid(format!("no file has room for {capacity} records")))?;
        let new = NewFile::create(path).map_err(|error| store::misplaced(path, error.into()))?;
        let map = store::format(new.file(), path, &header, len)?;
        let (capacity, origin) = (header.slots_in(len), header.records_offset());
        let shape = Shape { epoch: 0, base: 0, capacity, origin };
        Control { view: map.view(), block: layout::CONTROL }.format(shape)?;
        Ok(NewTable { new, map, slots: header.slots, shape })
    }

    /// Writes records from this ordinal on.
    pub(crate) fn write(&self, ordinal: u64, records: &[u8]) -> Result<()> {
        let placed = Placed { view: self.map.view(), slots: &self.slots, shape: self.shape };
        self.slots.encode(records, ordinal, |ordinal, slots| placed.write(ordinal, slots))
    }

    /// So many records were written, and will be durable once it is published.
    pub(crate) fn fill(&self, count: u64) -> Result<()> {
        let control = Control { view: self.map.view(), block: layout::CONTROL };
        control.readers()?.end().store(count);
        control.safe()?.commit(1, Certain { first: 0, end: count, epoch: 0 });
        Ok(())
    }

    /// Gives the file its name, durably.
    pub(crate) fn publish(self) -> Result<()> {
        self.map.close()?;
        self.new.publish()?;
        Ok(())
    }
}
