//! One table in an open file: where its block is, and what its writer knows of it.

use crate::control::Control;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{ORDINAL_MAX, at};
use crate::motion::{Home, Motion};
use crate::shape::Shape;
use crate::store::Store;
use std::sync::{Arc, Mutex};

/// A new table has room for at least so many records.
pub(crate) const FIRST_SLOTS: u64 = 8;

/// A table, for reading; for writing too if it has a [`State`].
pub(crate) struct Table {
    pub(crate) store: Arc<Store>,
    /// Where the table's block begins.
    pub(crate) block: u64,
    pub(crate) state: Option<Mutex<State>>,
}

/// What the writing handle knows of the table; nobody else changes it.
#[derive(Clone, Copy)]
pub(crate) struct State {
    pub(crate) motion: Motion,
    pub(crate) shape: Shape,
    pub(crate) first: u64,
    pub(crate) end: u64,
    /// False while a change is under way: found false, a change failed or panicked, and the words decide.
    pub(crate) settled: bool,
}

impl State {
    /// Before the words were looked at.
    pub(crate) const UNKNOWN: State = State {
        motion: Motion(0),
        shape: Shape { epoch: 0, anchor: 0, capacity: 0, origin: 0 },
        first: 0,
        end: 0,
        settled: false,
    };

    pub(crate) fn len(&self) -> u64 {
        self.end - self.first
    }

    /// What the words say, if they make sense.
    pub(crate) fn load(control: Control<'_>) -> Result<State> {
        let line = control.readers()?;
        let shape = control.shape(line.epoch().load_acquire())?;
        let first = line.first().load_acquire();
        let end = line.end().load_acquire();
        let motion = Motion(line.motion().load_acquire());
        let sound =
            shape.anchor <= first && first <= end && end < ORDINAL_MAX && end - first <= shape.capacity;
        if sound {
            return Ok(State { motion, shape, first, end, settled: true });
        }
        Err(Error::corrupt(format!(
            "the record file says it holds {first}..{end} with room for {}; import the data anew",
            shape.capacity
        )))
    }
}

impl Table {
    /// The table whose block begins here, for reading.
    pub(crate) fn for_reading(store: Arc<Store>, block: u64) -> Table {
        Table { store, block, state: None }
    }

    #[inline(always)]
    pub(crate) fn control(&self) -> Control<'_> {
        Control { view: self.store.mapping.view(), block: at(self.block) }
    }

    pub(crate) fn shape(&self) -> Result<Shape> {
        let control = self.control();
        control.shape(control.readers()?.epoch().load_acquire())
    }

    #[inline]
    pub(crate) fn record_size(&self) -> usize {
        self.store.header.schema.record_size()
    }

    /// The bytes of a record.
    #[inline]
    pub(crate) fn home(&self, shape: Shape, ordinal: u64) -> Result<Home<'_>> {
        let offset = shape.offset(ordinal, self.record_size() as u64);
        let view = self.store.mapping.view().window(at(offset), self.record_size())?;
        Ok(Home { ordinal, view })
    }

    /// What was read, unless a word met a fault meanwhile.
    #[inline(always)]
    pub(crate) fn believed<R>(&self, read: R) -> Result<R> {
        if self.store.mapping.is_poisoned() { Err(poisoned()) } else { Ok(read) }
    }
}

#[cold]
pub(crate) fn poisoned() -> Error {
    Error::new(
        ErrorKind::Fault,
        "the record file was cut short, or its device failed, while it was mapped; open it anew",
    )
}
