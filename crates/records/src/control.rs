//! The words of a table's block and of the control page, by name. Every load and store of them is here.
//!
//! Loads are acquire and stores are release: who sees a word sees the bytes that were written before it.

use crate::error::{Error, Result};
use crate::layout::{self, at};
use crate::shape::Shape;
use samovar_mmap::{Line, View, Word32, Word64};

/// Which handle writes, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HolderNote {
    pub(crate) pid: u64,
    /// When that process started.
    pub(crate) start: u64,
}

/// The line of words that every read looks at, checked once.
#[derive(Clone, Copy)]
pub(crate) struct ReadersLine<'a>(Line<'a>);

impl<'a> ReadersLine<'a> {
    #[inline(always)]
    pub(crate) fn motion(self) -> Word64<'a> {
        self.0.word(0)
    }

    #[inline(always)]
    pub(crate) fn target(self, shadow: u64) -> Word64<'a> {
        self.0.word((layout::TARGETS - layout::MOTION) / 8 + at(shadow & 1))
    }

    #[inline(always)]
    pub(crate) fn epoch(self) -> Word64<'a> {
        self.0.word((layout::EPOCH - layout::MOTION) / 8)
    }

    #[inline(always)]
    pub(crate) fn first(self) -> Word64<'a> {
        self.0.word((layout::FIRST - layout::MOTION) / 8)
    }

    #[inline(always)]
    pub(crate) fn end(self) -> Word64<'a> {
        self.0.word((layout::END - layout::MOTION) / 8)
    }

    /// How many updates changed another record than the newest one.
    #[inline(always)]
    pub(crate) fn deep(self) -> Word64<'a> {
        self.0.word((layout::DEEP - layout::MOTION) / 8)
    }
}

/// What a flush made certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Certain {
    pub(crate) first: u64,
    pub(crate) end: u64,
    pub(crate) epoch: u64,
}

/// The words that outlive a loss of power; see `safe`.
#[derive(Clone, Copy)]
pub(crate) struct SafeLine<'a>(Line<'a>);

impl<'a> SafeLine<'a> {
    /// The number of the last flush.
    pub(crate) fn flush(self) -> Word64<'a> {
        self.0.word(0)
    }

    fn word(self, flush: u64, index: usize) -> Word64<'a> {
        let begin = layout::CERTAIN - layout::FLUSH + at(flush & 1) * layout::CERTAIN_LEN;
        self.0.word(begin / 8 + index)
    }

    pub(crate) fn first(self, flush: u64) -> Word64<'a> {
        self.word(flush, 0)
    }

    pub(crate) fn epoch(self, flush: u64) -> Word64<'a> {
        self.word(flush, 2)
    }

    pub(crate) fn certain(self, flush: u64) -> Certain {
        let word = |index| self.word(flush, index).load();
        Certain { first: word(0), end: word(1), epoch: word(2) }
    }

    /// Writes what the next flush makes certain, and makes that hold by one store. All lies in one page, so that the
    /// device has the one or the other.
    pub(crate) fn commit(self, flush: u64, certain: Certain) {
        for (index, value) in [certain.first, certain.end, certain.epoch].into_iter().enumerate() {
            self.word(flush, index).store(value);
        }
        self.flush().store_release(flush);
    }
}

/// What a block of a pack says of its key: its length, and a checksum over it and its place.
#[derive(Clone, Copy)]
pub(crate) struct KeyWords<'a> {
    pub(crate) len: Word64<'a>,
    pub(crate) sum: Word64<'a>,
}

/// A table's block: all of a file, and where the block begins in it.
#[derive(Clone, Copy)]
pub(crate) struct Control<'a> {
    pub(crate) view: View<'a>,
    pub(crate) block: usize,
}

impl<'a> Control<'a> {
    fn word(self, offset: usize) -> Result<Word64<'a>> {
        Ok(self.view.word64(self.block.saturating_add(offset))?)
    }

    fn line(self, offset: usize) -> Result<Line<'a>> {
        Ok(self.view.line(self.block.saturating_add(offset))?)
    }

    /// The words that readers look at, which share a cache line.
    #[inline(always)]
    pub(crate) fn readers(self) -> Result<ReadersLine<'a>> {
        Ok(ReadersLine(self.view.line(self.block.saturating_add(layout::MOTION))?))
    }

    pub(crate) fn safe(self) -> Result<SafeLine<'a>> {
        Ok(SafeLine(self.line(layout::FLUSH)?))
    }

    /// The shape of an epoch. Who reads it while others write looks at the epoch again.
    #[inline(always)]
    pub(crate) fn shape(self, epoch: u64) -> Result<Shape> {
        let line = self.view.line(self.block.saturating_add(layout::SHAPES))?;
        let word = |index: usize| line.word(at(epoch & 1) * (layout::SHAPE_LEN / 8) + index).load();
        Ok(Shape { epoch, base: word(0), capacity: word(1), origin: word(2) })
    }

    /// The shape of an epoch, if its checksum fits: one wrong bit must not make a file of many times its length.
    pub(crate) fn checked_shape(self, epoch: u64) -> Result<Shape> {
        let shape = self.shape(epoch)?;
        let sum = self.line(layout::SHAPES)?.word(at(epoch & 1) * (layout::SHAPE_LEN / 8) + 3).load();
        if sum == shape.sum() {
            return Ok(shape);
        }
        Err(Error::corrupt("the record file's shape fails its checksum; import the data anew"))
    }

    /// Writes a shape where it does not hold yet, which its epoch will say.
    pub(crate) fn prepare_shape(self, shape: Shape) -> Result<()> {
        let line = self.line(layout::SHAPES)?;
        let begin = at(shape.epoch & 1) * (layout::SHAPE_LEN / 8);
        let words = [shape.base, shape.capacity, shape.origin, shape.sum()];
        words.into_iter().enumerate().for_each(|(index, value)| line.word(begin + index).store(value));
        Ok(())
    }

    /// How many motions told of records that moved, and changed none.
    pub(crate) fn moves(self) -> Result<Word64<'a>> {
        self.word(layout::MOVES)
    }

    /// Where the bytes begin that a shadow has in the file.
    #[inline]
    pub(crate) fn shadow(self, update: u64, shadow_stride: u64) -> usize {
        self.block.saturating_add(layout::SHADOWS + at((update & 1) * shadow_stride))
    }

    /// The place of a kept record.
    pub(crate) fn kept(self, index: usize, slot_size: u64) -> KeptPlace<'a> {
        let offset = layout::kept_offset(slot_size) + index as u64 * layout::kept_stride(slot_size);
        KeptPlace { view: self.view, begin: self.block.saturating_add(at(offset)) }
    }

    /// The words that processes wait on.
    pub(crate) fn news(self) -> Result<NewsWords<'a>> {
        Ok(NewsWords {
            news: self.view.word32(self.block.saturating_add(layout::NEWS))?,
            followed: self.view.word32(self.block.saturating_add(layout::FOLLOWED))?,
        })
    }

    /// A new table's state: no records.
    pub(crate) fn format(self, shape: Shape) -> Result<()> {
        self.prepare_shape(shape)?;
        let readers = self.readers()?;
        for shadow in 0..2 {
            readers.target(shadow).store(u64::MAX);
        }
        Ok(())
    }

    /// What the block says of its key.
    pub(crate) fn key(self) -> Result<KeyWords<'a>> {
        Ok(KeyWords { len: self.word(layout::KEY_LEN)?, sum: self.word(layout::KEY_SUM)? })
    }
}

/// Where the bytes of a record are kept as they were at the last flush.
#[derive(Clone, Copy)]
pub(crate) struct KeptPlace<'a> {
    pub(crate) view: View<'a>,
    pub(crate) begin: usize,
}

impl<'a> KeptPlace<'a> {
    pub(crate) fn ordinal(self) -> Result<Word64<'a>> {
        Ok(self.view.word64(self.begin)?)
    }

    pub(crate) fn sum(self) -> Result<Word64<'a>> {
        Ok(self.view.word64(self.begin.saturating_add(layout::KEPT_SUM))?)
    }

    pub(crate) fn bytes(self) -> usize {
        self.begin.saturating_add(layout::KEPT_BYTES)
    }
}

/// What those wait on who follow a table, and whether anybody does.
#[derive(Clone, Copy)]
pub(crate) struct NewsWords<'a> {
    pub(crate) news: Word32<'a>,
    pub(crate) followed: Word32<'a>,
}

/// The words that a file has once, whatever it holds.
#[derive(Clone, Copy)]
pub(crate) struct FileWords<'a>(pub(crate) View<'a>);

impl<'a> FileWords<'a> {
    pub(crate) fn holder(self) -> Result<HolderNote> {
        Ok(HolderNote {
            pid: self.0.word64(layout::HOLDER_PID)?.load_acquire(),
            start: self.0.word64(layout::HOLDER_START)?.load(),
        })
    }

    pub(crate) fn set_holder(self, note: HolderNote) -> Result<()> {
        self.0.word64(layout::HOLDER_START)?.store(note.start);
        self.0.word64(layout::HOLDER_PID)?.store_release(note.pid);
        Ok(())
    }

    /// Counts the writers that this file ever had.
    pub(crate) fn next_generation(self) -> Result<()> {
        self.0.word64(layout::HOLDER_GENERATION)?.fetch_add(1);
        Ok(())
    }

    pub(crate) fn generation(self) -> Result<u64> {
        Ok(self.0.word64(layout::HOLDER_GENERATION)?.load())
    }

    /// The boot in which it was written and not closed since; 0 if there is none.
    pub(crate) fn boot(self) -> Result<Word64<'a>> {
        Ok(self.0.word64(layout::BOOT)?)
    }

    pub(crate) fn directory(self) -> Result<Word64<'a>> {
        Ok(self.0.word64(layout::DIRECTORY)?)
    }

    pub(crate) fn used(self) -> Result<Word64<'a>> {
        Ok(self.0.word64(layout::USED)?)
    }

    pub(crate) fn tables(self) -> Result<Word64<'a>> {
        Ok(self.0.word64(layout::TABLES)?)
    }
}
