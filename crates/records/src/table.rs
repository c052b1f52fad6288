//! One table in an open file: where its block is, and what its writer knows of it.

use crate::control::{Certain, Control};
use crate::error::{Error, ErrorKind, Result};
use crate::header::TableType;
use crate::layout::{KEPT_MAX, KEPT_NEWEST, ORDINAL_MAX, at};
use crate::motion::Motion;
use crate::projection::Projected;
use crate::schema::Schema;
use crate::shape::Shape;
use crate::slots::{Home, Placed, Slots};
use crate::store::Store;
use std::sync::{Arc, Mutex};

/// A new table has room for at least so many records.
pub(crate) const FIRST_SLOTS: u64 = 8;
/// No record.
pub(crate) const NONE: u64 = u64::MAX;

/// A table, for reading; for writing too if it has a [`State`].
pub(crate) struct Table {
    pub(crate) store: Arc<Store>,
    /// Where the table's block begins.
    pub(crate) block: u64,
    /// Boxed, so that those who read hundreds of tables do not move it about.
    pub(crate) state: Option<Box<Mutex<State>>>,
    /// Of a file whose machine lost its power, and that no writer has opened since: what is certain of it.
    pub(crate) unrestored: Option<Box<Unrestored>>,
    /// How records of the type that was asked for are made of those that are there, if they are others.
    pub(crate) projected: Option<Box<Projected>>,
    /// Whether a record is the bytes of its slot, so that a read only copies them.
    pub(crate) is_direct: bool,
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
    /// The number of the last flush, and what it made certain.
    pub(crate) flush: u64,
    pub(crate) certain: Certain,
    /// What the flush under way will make certain, if there is one.
    pub(crate) in_flight: Option<Certain>,
    pub(crate) kept: Kept,
    /// Whether a record was replaced since the last flush, as far as is known.
    pub(crate) changed: bool,
    /// Whether the device knows that the file is written.
    pub(crate) announced: bool,
    /// Whether its pack has forgotten it.
    pub(crate) removed: bool,
}

/// The ordinals of the records that the block keeps as they were at the last flush, by their places.
#[derive(Clone, Copy)]
pub(crate) struct Kept(pub(crate) [u64; KEPT_MAX]);

impl Kept {
    pub(crate) const NOTHING: Kept = Kept([NONE; KEPT_MAX]);

    /// Whether these are the bytes of this record.
    #[inline]
    pub(crate) fn contains(&self, ordinal: u64) -> bool {
        self.0.contains(&ordinal)
    }

    /// A place that is free, among the first `count`.
    pub(crate) fn free_place(&self, count: u64) -> Option<usize> {
        (at(KEPT_NEWEST)..at(count)).find(|index| self.0[*index] == NONE)
    }
}

/// A file as it was at the last flush before the power was lost.
pub(crate) struct Unrestored {
    /// While the file names this boot, nobody has written it since.
    pub(crate) boot: u64,
    pub(crate) first: u64,
    pub(crate) end: u64,
    pub(crate) shape: Shape,
    /// The records that are read from where they were kept.
    pub(crate) kept: Vec<KeptAt>,
}

/// A record, and where its bytes were kept.
#[derive(Clone, Copy)]
pub(crate) struct KeptAt {
    pub(crate) index: usize,
    pub(crate) ordinal: u64,
}

impl State {
    const NOTHING: Certain = Certain { first: 0, end: 0, epoch: 0 };

    /// Before the words were looked at.
    pub(crate) const UNKNOWN: State = State {
        motion: Motion(0),
        shape: Shape { epoch: 0, base: 0, capacity: 0, origin: 0 },
        first: 0,
        end: 0,
        settled: false,
        flush: 0,
        certain: State::NOTHING,
        in_flight: None,
        kept: Kept::NOTHING,
        changed: false,
        announced: false,
        removed: false,
    };

    pub(crate) fn len(&self) -> u64 {
        self.end - self.first
    }

    /// What a flush now would make certain.
    pub(crate) fn whole(&self) -> Certain {
        Certain { first: self.first, end: self.end, epoch: self.shape.epoch }
    }

    /// Whether a flush would change anything.
    pub(crate) fn is_dirty(&self) -> bool {
        self.changed || self.certain != self.whole()
    }

    /// What the words say, if they make sense. What is kept is not among them.
    pub(crate) fn load(control: Control<'_>) -> Result<State> {
        let line = control.readers()?;
        let shape = control.checked_shape(line.epoch().load_acquire())?;
        let first = line.first().load_acquire();
        let end = line.end().load_acquire();
        let motion = Motion(line.motion().load_acquire());
        let sound = shape.base <= first && first <= end && end < ORDINAL_MAX && end - first <= shape.capacity;
        if !sound {
            return Err(Error::corrupt(format!(
                "the record file says it holds {first}..{end} with room for {}; import the data anew",
                shape.capacity
            )));
        }
        let safe = control.safe()?;
        let flush = safe.flush().load_acquire();
        let certain = safe.certain(flush);
        // The writer before may have replaced anything.
        Ok(State {
            motion,
            shape,
            first,
            end,
            settled: true,
            flush,
            certain,
            changed: true,
            ..State::UNKNOWN
        })
    }
}

impl Table {
    /// The table whose block begins here, for reading.
    pub(crate) fn for_reading(store: Arc<Store>, block: u64) -> Table {
        let is_direct = store.header.slots.are_plain();
        Table { store, block, state: None, unrestored: None, projected: None, is_direct }
    }

    /// The table as it was at the last flush, until a writer has opened it.
    pub(crate) fn unrestored(mut self, unrestored: Unrestored) -> Table {
        (self.unrestored, self.is_direct) = (Some(Box::new(unrestored)), false);
        self
    }

    /// The table for reading records of another type.
    pub(crate) fn projected(mut self, projected: Projected) -> Table {
        (self.projected, self.is_direct) = (Some(Box::new(projected)), false);
        self
    }

    /// What a file of such records is made with.
    pub(crate) fn table_type(&self) -> TableType {
        TableType { schema: self.schema().clone(), features: self.slots().features() }
    }

    /// What its records are to those who read it.
    pub(crate) fn schema(&self) -> &Schema {
        self.projected.as_ref().map_or(&*self.store.header.schema, |projected| &projected.schema)
    }

    /// Whether a read does more with a slot than copy it: it checks a checksum, or finds fields.
    pub(crate) fn decodes(&self) -> bool {
        self.projected.is_some() || self.slots().have_sums()
    }

    #[inline(always)]
    pub(crate) fn control(&self) -> Control<'_> {
        Control { view: self.store.mapping.view(), block: at(self.block) }
    }

    #[inline]
    pub(crate) fn record_size(&self) -> usize {
        self.schema().record_size()
    }

    #[inline]
    pub(crate) fn slots(&self) -> &Slots {
        &self.store.header.slots
    }

    /// Its slots in this shape.
    #[inline]
    pub(crate) fn placed(&self, shape: Shape) -> Placed<'_> {
        Placed { view: self.store.mapping.view(), slots: self.slots(), shape }
    }

    /// The slot of a record.
    #[inline]
    pub(crate) fn home(&self, shape: Shape, ordinal: u64) -> Result<Home<'_>> {
        self.placed(shape).home(ordinal)
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
