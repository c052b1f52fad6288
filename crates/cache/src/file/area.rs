//! A part of the file that begins at an offset known from the geometry. Making one costs nothing, since each access is
//! checked against the end of the file. The caller sees to it that an access stays within its own part.

use crate::error::Result;
use samovar_mmap::{Block, Line, View, Word32, Word64};

/// The file from `base` on.
#[derive(Clone, Copy)]
pub(crate) struct Area<'a> {
    file: View<'a>,
    base: usize,
}

impl<'a> Area<'a> {
    #[inline(always)]
    pub(crate) fn new(file: View<'a>, base: usize) -> Self {
        Area { file, base }
    }

    #[inline(always)]
    fn at(self, offset: usize) -> usize {
        self.base.wrapping_add(offset)
    }

    #[inline(always)]
    pub(crate) fn word32(self, offset: usize) -> Result<Word32<'a>> {
        Ok(self.file.word32(self.at(offset))?)
    }

    #[inline(always)]
    pub(crate) fn word64(self, offset: usize) -> Result<Word64<'a>> {
        Ok(self.file.word64(self.at(offset))?)
    }

    #[inline(always)]
    pub(crate) fn line(self, offset: usize) -> Result<Line<'a>> {
        Ok(self.file.line(self.at(offset))?)
    }

    #[inline(always)]
    pub(crate) fn block<const LINES: usize>(self) -> Result<Block<'a, LINES>> {
        Ok(self.file.block(self.base)?)
    }

    /// Lines side by side, somewhere in the area.
    #[inline(always)]
    pub(crate) fn block_at<const LINES: usize>(self, offset: usize) -> Result<Block<'a, LINES>> {
        Ok(self.file.block(self.at(offset))?)
    }

    /// A part of it that can only be read.
    pub(crate) fn window(self, offset: usize, len: usize) -> Result<View<'a>> {
        Ok(self.file.window(self.at(offset), len)?.read_only())
    }

    #[inline(always)]
    pub(crate) fn prefetch(self, offset: usize) {
        self.file.prefetch(self.at(offset));
    }

    #[inline(always)]
    pub(crate) fn read_into(self, offset: usize, out: &mut [u8]) -> Result<()> {
        Ok(self.file.read_into(self.at(offset), out)?)
    }

    /// The same, for a few bytes whose number the compiler knows. A fault is told by the map, and not here.
    #[inline(always)]
    pub(crate) fn read_short(self, offset: usize, out: &mut [u8]) -> Result<()> {
        Ok(self.file.read_short(self.at(offset), out)?)
    }

    #[inline(always)]
    pub(crate) fn append_to(self, offset: usize, len: usize, out: &mut Vec<u8>) -> Result<()> {
        Ok(self.file.append_to(self.at(offset), len, out)?)
    }

    #[inline(always)]
    pub(crate) fn equals(self, offset: usize, bytes: &[u8]) -> Result<bool> {
        Ok(self.file.equals(self.at(offset), bytes)?)
    }

    #[inline(always)]
    pub(crate) fn write_from(self, offset: usize, bytes: &[u8]) -> Result<()> {
        Ok(self.file.write_from(self.at(offset), bytes)?)
    }

    /// The same, for many bytes that nobody reads soon.
    #[inline(never)]
    pub(crate) fn stream_from(self, offset: usize, bytes: &[u8]) -> Result<()> {
        Ok(self.file.stream_from(self.at(offset), bytes)?)
    }

    /// Bytes of the whole file.
    #[inline(always)]
    pub(crate) fn file_len(self) -> usize {
        self.file.len()
    }

    /// The same, for a few bytes whose number the compiler knows. A fault is told by the map, and not here.
    #[inline(always)]
    pub(crate) fn write_short(self, offset: usize, bytes: &[u8]) -> Result<()> {
        Ok(self.file.write_short(self.at(offset), bytes)?)
    }

    /// Copies within the area, to where nothing overlaps.
    #[inline(always)]
    pub(crate) fn copy_within(self, from: usize, len: usize, to: usize) -> Result<()> {
        Ok(self.file.copy_to(self.at(from), len, self.file, self.at(to))?)
    }
}
