//! The head of a shard: eight cache lines of words, whose place in the file is checked once for all of them.

use crate::error::Result;
use crate::file::area::Area;
use crate::format::layout::SHARD_HEAD_LEN;
use samovar_mmap::{Block, Line, Word32, Word64};

const LINE: usize = 64;

/// One shard's head. Offsets are those of [`crate::format::layout`], within the head.
#[derive(Clone, Copy)]
pub(crate) struct Head<'a>(Block<'a, { SHARD_HEAD_LEN / LINE }>);

impl<'a> Head<'a> {
    /// The head that begins where the area does.
    #[inline(always)]
    pub(crate) fn new(area: Area<'a>) -> Result<Self> {
        Ok(Head(area.block()?))
    }

    #[inline(always)]
    pub(crate) fn word32(self, offset: usize) -> Word32<'a> {
        self.0.word32(offset)
    }

    #[inline(always)]
    pub(crate) fn word64(self, offset: usize) -> Word64<'a> {
        self.0.word64(offset)
    }

    /// The line that an offset lies in.
    #[inline(always)]
    pub(crate) fn line(self, offset: usize) -> Line<'a> {
        self.0.line(offset / LINE)
    }
}

const _: () = assert!(SHARD_HEAD_LEN.is_multiple_of(LINE));
