//! Every offset in the file. No other module knows one; `docs/RECORDS-FORMAT.md` draws them and a test compares the two.
//!
//! ```text
//! header page | control page, with the two shadows at its end | records
//! ```

/// The first bytes of every record file.
pub(crate) const MAGIC: [u8; 8] = *b"SAMOREC\x1a";
/// The version of the format that this code reads and writes.
pub(crate) const VERSION: u64 = 1;

pub(crate) const PAGE: u64 = 4096;
/// The header page, written once at creation.
pub(crate) const HEADER_LEN: usize = 4096;

/// Byte offsets of the header's fields.
pub(crate) mod header {
    pub(crate) const MAGIC: usize = 0;
    pub(crate) const VERSION: usize = 8;
    pub(crate) const ENDIANNESS: usize = 16;
    pub(crate) const INCOMPATIBLE: usize = 24;
    pub(crate) const FINGERPRINT: usize = 32;
    pub(crate) const RECORD_SIZE: usize = 40;
    pub(crate) const ALIGNMENT: usize = 48;
    pub(crate) const SHADOW_STRIDE: usize = 56;
    pub(crate) const RECORDS_OFFSET: usize = 64;
    pub(crate) const CREATED_MS: usize = 72;
    pub(crate) const SCHEMA_LEN: usize = 80;
    pub(crate) const SCHEMA: usize = 88;
    /// Covers all bytes before it.
    pub(crate) const CHECKSUM: usize = super::HEADER_LEN - 8;
    pub(crate) const SCHEMA_MAX: usize = CHECKSUM - SCHEMA;
}

/// The control page: the writer's line, the readers' line, the two shapes.
pub(crate) const CONTROL: usize = HEADER_LEN;
/// Who writes.
pub(crate) const HOLDER_PID: usize = CONTROL;
pub(crate) const HOLDER_START: usize = CONTROL + 8;
pub(crate) const HOLDER_GENERATION: usize = CONTROL + 16;
/// Where the update in motion stands; see `motion`.
pub(crate) const MOTION: usize = CONTROL + 64;
/// The ordinals that the two shadows stand for.
pub(crate) const TARGETS: usize = CONTROL + 72;
/// Which shape holds; see `shape`.
pub(crate) const EPOCH: usize = CONTROL + 88;
/// The ordinal of the oldest record, and the one after the newest.
pub(crate) const FIRST: usize = CONTROL + 96;
pub(crate) const END: usize = CONTROL + 104;
/// Two shapes of two words: anchor, capacity.
pub(crate) const SHAPES: usize = CONTROL + 128;
pub(crate) const SHAPE_LEN: usize = 16;
/// Two shadows, one behind the other.
pub(crate) const SHADOWS: usize = CONTROL + 192;

/// The largest record.
pub(crate) const RECORD_MAX: u64 = 1 << 20;
/// Ordinals and slots stay below it, so that sums of two never overflow.
pub(crate) const ORDINAL_MAX: u64 = 1 << 62;

const _: () = assert!(SHAPES + 2 * SHAPE_LEN <= SHADOWS);
const _: () = assert!(SHADOWS.is_multiple_of(64) && SHAPES.is_multiple_of(64));
// What readers look at shares a cache line.
const _: () = assert!(MOTION.is_multiple_of(64) && END + 8 <= MOTION + 64);

/// The byte whose lock makes a writer: far beyond any file's end.
pub(crate) const WRITER_BYTE: u64 = 1 << 62;

/// A shadow begins at a multiple of a cache line.
pub(crate) const fn shadow_stride(record_size: u64) -> u64 {
    record_size.next_multiple_of(64)
}

/// Where the records begin: on the first page after the shadows.
pub(crate) const fn records_offset(shadow_stride: u64) -> u64 {
    (SHADOWS as u64 + 2 * shadow_stride).next_multiple_of(PAGE)
}

/// The checksum of bytes that are written once.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(bytes, 0x5265_636f_7264_7321)
}

/// A file offset as an index into a mapping. What damage made too large for this platform is caught by the bounds
/// check of the view it is used on.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "see above: the one place where offsets become indices")]
pub(crate) fn at(offset: u64) -> usize {
    offset as usize
}

#[cfg(test)]
mod tests;
