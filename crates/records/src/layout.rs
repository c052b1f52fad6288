//! Every offset in the file. No other module knows one; `docs/RECORDS-FORMAT.md` draws them and a test compares the two.
//!
//! ```text
//! a file:  header page | control page: the block of the one table                          | its records
//! a pack:  header page | control page: who writes, directory, how much is used | blocks, records, directories
//! ```
//!
//! A *block* is all that a table has besides its records: four lines of words, two shadows, kept records, its key.

/// The first bytes of every record file.
pub(crate) const MAGIC: [u8; 8] = *b"SAMOREC\x1a";
/// The version of the format that this code reads and writes.
pub(crate) const VERSION: u64 = 2;

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
    pub(crate) const KIND: usize = 88;
    pub(crate) const SCHEMA: usize = 96;
    /// Covers all bytes before it.
    pub(crate) const CHECKSUM: usize = super::HEADER_LEN - 8;
    pub(crate) const SCHEMA_MAX: usize = CHECKSUM - SCHEMA;
}

/// What a file holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// One table, whose block is the control page.
    File = 1,
    /// Tables by key.
    Pack = 2,
}

/// The control page: the block of a file's one table, or a pack's own words.
pub(crate) const CONTROL: usize = HEADER_LEN;

/// Words of the control page. Who writes, how many did, and in which boot of the machine it was not flushed.
pub(crate) const HOLDER_PID: usize = CONTROL;
pub(crate) const HOLDER_START: usize = CONTROL + 8;
pub(crate) const HOLDER_GENERATION: usize = CONTROL + 16;
pub(crate) const BOOT: usize = CONTROL + 24;
/// A pack: where the directory lies, where free space begins, how many tables there are.
pub(crate) const DIRECTORY: usize = CONTROL + 64;
pub(crate) const USED: usize = CONTROL + 72;
pub(crate) const TABLES: usize = CONTROL + 80;

/// Words of a block, from its beginning. In a pack: the key's length, and a checksum that says that the block is one.
pub(crate) const KEY_LEN: usize = 32;
pub(crate) const KEY_SUM: usize = 40;
/// How many motions told of records that moved, and changed none.
pub(crate) const MOVES: usize = 48;
/// Where the update in motion stands; see `motion`.
pub(crate) const MOTION: usize = 64;
/// The ordinals that the two shadows stand for.
pub(crate) const TARGETS: usize = 72;
/// Which shape holds; see `shape`.
pub(crate) const EPOCH: usize = 88;
/// The ordinal of the oldest record, and the one after the newest.
pub(crate) const FIRST: usize = 96;
pub(crate) const END: usize = 104;
/// How many updates changed another record than the newest one.
pub(crate) const DEEP: usize = 112;
/// Two words of four bytes: one that those wait on who follow the table, and whether anybody does.
pub(crate) const NEWS: usize = 120;
pub(crate) const FOLLOWED: usize = 124;
/// Two shapes of four words: base, capacity, origin, and a checksum of them.
pub(crate) const SHAPES: usize = 128;
pub(crate) const SHAPE_LEN: usize = 32;
/// What outlives a loss of power: the number of flushes, and for the last one and the one before, by its parity, three
/// words: first, end, epoch. See `safe`.
pub(crate) const FLUSH: usize = 192;
pub(crate) const CERTAIN: usize = 200;
pub(crate) const CERTAIN_LEN: usize = 24;
/// Two shadows, then the kept records; in a pack, then the key.
pub(crate) const SHADOWS: usize = 256;
/// So that the words of a block lie in one page.
pub(crate) const BLOCK_ALIGN: u64 = 256;

/// Words of a kept record, before its bytes: its ordinal, and a checksum.
pub(crate) const KEPT_SUM: usize = 8;
pub(crate) const KEPT_BYTES: usize = 16;
/// The first two kept records are the newest of a flush, by its parity.
pub(crate) const KEPT_NEWEST: u64 = 2;
/// All others share about so many bytes, but there are at least one and at most so many.
const KEPT_ROOM: u64 = 256;
const KEPT_OTHERS: u64 = 10;

/// The largest record.
pub(crate) const RECORD_MAX: u64 = 1 << 20;
/// Ordinals and slots stay below it, so that sums of two never overflow.
pub(crate) const ORDINAL_MAX: u64 = 1 << 62;

const _: () = assert!(SHAPES + 2 * SHAPE_LEN <= SHADOWS);
const _: () = assert!(SHADOWS as u64 == BLOCK_ALIGN && SHAPES.is_multiple_of(64));
// What readers look at shares a cache line.
const _: () = assert!(MOTION.is_multiple_of(64) && FOLLOWED + 4 <= MOTION + 64);
// What a flush makes certain is one line, and so one page.
const _: () = assert!(FLUSH.is_multiple_of(64) && CERTAIN + 2 * CERTAIN_LEN <= FLUSH + 64);

/// The byte whose lock makes a writer: far beyond any file's end.
pub(crate) const WRITER_BYTE: u64 = 1 << 62;

/// A shadow begins at a multiple of a cache line.
pub(crate) const fn shadow_stride(slot_size: u64) -> u64 {
    slot_size.next_multiple_of(64)
}

/// Where the kept records begin in a block.
pub(crate) const fn kept_offset(slot_size: u64) -> u64 {
    SHADOWS as u64 + 2 * shadow_stride(slot_size)
}

/// Bytes from a kept record to the next.
pub(crate) const fn kept_stride(slot_size: u64) -> u64 {
    (KEPT_BYTES as u64 + slot_size).next_multiple_of(8)
}

/// How many kept records a block has room for.
pub(crate) const fn kept_count(slot_size: u64) -> u64 {
    let fit = KEPT_ROOM / kept_stride(slot_size);
    KEPT_NEWEST
        + if fit < 1 {
            1
        } else if fit > KEPT_OTHERS {
            KEPT_OTHERS
        } else {
            fit
        }
}

/// The most kept records that any block has room for.
pub(crate) const KEPT_MAX: usize = 12;
const _: () = assert!(kept_count(1) == KEPT_MAX as u64);

/// Where a block's key begins, and where the block ends if it has none.
pub(crate) const fn key_offset(slot_size: u64) -> u64 {
    kept_offset(slot_size) + kept_count(slot_size) * kept_stride(slot_size)
}

/// Where the records of a file begin: on the first page after its block. A pack has its blocks and records from there on.
pub(crate) const fn records_offset(slot_size: u64) -> u64 {
    (CONTROL as u64 + key_offset(slot_size)).next_multiple_of(PAGE)
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
