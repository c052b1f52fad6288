//! The extents of a cache: which parts of its file have their space. The file is as long as the largest cache that it
//! may become. What the present cache does not need are holes, if the file system has them.

use crate::error::{Error, Result};
use crate::file::size_record::SizeRecord;
use crate::format::geometry::Geometry;
use crate::format::layout::PAGE;
use crate::format::position::UNIT;
use std::fs::File;
use std::ops::Range;

/// Bytes of the file that a shard's data takes, from one unit to another, in whole pages.
pub(crate) fn data(geometry: &Geometry, shard: u64, units: Range<u64>) -> Range<u64> {
    let start = geometry.data_at(shard);
    let end = (units.end * UNIT).next_multiple_of(PAGE).min(geometry.data_stride);
    let begin = (units.start * UNIT).next_multiple_of(PAGE).min(end);
    start + begin..start + end
}

/// Everything that a cache of this size uses.
pub(crate) fn parts(geometry: &Geometry, size_record: &SizeRecord) -> Vec<Range<u64>> {
    let shards = (0..geometry.shards()).map(|shard| data(geometry, shard, 0..size_record.units));
    std::iter::once(0..geometry.data_offset).chain(shards).collect()
}

/// The same, with what lies side by side in one piece.
pub(crate) fn merged(geometry: &Geometry, size_record: &SizeRecord) -> Vec<Range<u64>> {
    let mut merged: Vec<Range<u64>> = Vec::new();
    for part in parts(geometry, size_record) {
        match merged.last_mut() {
            Some(last) if last.end == part.start => last.end = part.end,
            _ => merged.push(part),
        }
    }
    merged
}

/// Makes a new file as long as it may become, with space for what it is.
pub(crate) fn occupy(file: &File, geometry: &Geometry, size_record: &SizeRecord) -> Result<()> {
    if size_record.bytes(geometry) == geometry.file_bytes {
        samovar_mmap::reserve(file, geometry.file_bytes)?;
        return Ok(());
    }
    samovar_mmap::reserve(file, geometry.data_offset)?;
    file.set_len(geometry.file_bytes)
        .map_err(|source| Error::system("making the new file as long as it may become", source))?;
    reserve(file, parts(geometry, size_record))
}

/// Gives parts of the file their space. What they hold stays.
pub(crate) fn reserve(file: &File, parts: impl IntoIterator<Item = Range<u64>>) -> Result<()> {
    for part in parts {
        samovar_mmap::reserve_range(file, part.start, part.end - part.start)?;
    }
    Ok(())
}

/// Gives a part of the file back, where that can be done; else it keeps its space.
pub(crate) fn release(file: &File, part: Range<u64>) -> Result<()> {
    match samovar_mmap::punch(file, part.start, part.end - part.start) {
        Err(error) if error.kind() == samovar_mmap::ErrorKind::Unsupported => Ok(()),
        done => Ok(done?),
    }
}

/// Gives back all space that a cache of this size does not use. Nobody may hold anything there.
pub(crate) fn release_rest(file: &File, geometry: &Geometry, size_record: &SizeRecord) -> Result<()> {
    for shard in 0..geometry.shards() {
        release(file, data(geometry, shard, size_record.units..geometry.area().end))?;
    }
    Ok(())
}
