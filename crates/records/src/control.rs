//! The words of the control page, by name. Every load and store of them is here.
//!
//! Loads are acquire and stores are release: whoever sees a word sees the bytes that were written before it.

use crate::error::Result;
use crate::layout::{self, at};
use crate::shape::Shape;
use samovar_mmap::{Line, View, Word64};

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
}

/// The control page of a file.
#[derive(Clone, Copy)]
pub(crate) struct Control<'a>(pub(crate) View<'a>);

impl<'a> Control<'a> {
    /// Where the update in motion stands; partner of the loads in `reader`, stores in `motion`.
    #[inline]
    pub(crate) fn motion(self) -> Result<Word64<'a>> {
        Ok(self.0.word64(layout::MOTION)?)
    }

    /// The ordinal that a shadow stands for.
    #[inline]
    pub(crate) fn target(self, shadow: u64) -> Result<Word64<'a>> {
        Ok(self.0.word64(layout::TARGETS + at(shadow & 1) * 8)?)
    }

    /// The ordinal of the oldest record.
    #[inline]
    pub(crate) fn first(self) -> Result<Word64<'a>> {
        Ok(self.0.word64(layout::FIRST)?)
    }

    /// The ordinal after the newest record: the one word that publishes a push.
    #[inline]
    pub(crate) fn end(self) -> Result<Word64<'a>> {
        Ok(self.0.word64(layout::END)?)
    }

    #[inline]
    pub(crate) fn epoch(self) -> Result<Word64<'a>> {
        Ok(self.0.word64(layout::EPOCH)?)
    }

    /// The words that readers look at, which share a cache line.
    #[inline(always)]
    pub(crate) fn readers(self) -> Result<ReadersLine<'a>> {
        Ok(ReadersLine(self.0.line(layout::MOTION)?))
    }

    /// The shape of an epoch. Whoever reads it while others write looks at the epoch again.
    #[inline(always)]
    pub(crate) fn shape(self, epoch: u64) -> Result<Shape> {
        let (line, words) = (self.0.line(layout::SHAPES)?, at(epoch & 1) * (layout::SHAPE_LEN / 8));
        let (anchor, capacity) = (line.word(words).load(), line.word(words + 1).load());
        Ok(Shape { epoch, anchor, capacity })
    }

    /// Writes a shape where it does not hold yet, which its epoch will say.
    pub(crate) fn prepare_shape(self, shape: Shape) -> Result<()> {
        let words = layout::SHAPES + at(shape.epoch & 1) * layout::SHAPE_LEN;
        self.0.word64(words)?.store(shape.anchor);
        self.0.word64(words + 8)?.store(shape.capacity);
        Ok(())
    }

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

    /// A new file's state: no records, room for `capacity`.
    pub(crate) fn format(self, capacity: u64) -> Result<()> {
        self.prepare_shape(Shape { epoch: 0, anchor: 0, capacity })?;
        for shadow in 0..2 {
            self.target(shadow)?.store(u64::MAX);
        }
        Ok(())
    }
}
