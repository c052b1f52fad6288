//! Every offset in the file. No other module knows one; `docs/FORMAT.md` draws them and a test compares the two.
//!
//! ```text
//! header page | control page | process table | counters | namespaces | shard heads | annexes | indexes | data areas
//! ```

/// The first bytes of every cache file.
pub(crate) const MAGIC: [u8; 8] = *b"SAMOVAR\x1a";
/// The version of the format that this code reads and writes.
pub(crate) const VERSION: u32 = 9;

pub(crate) const PAGE: u64 = 4096;
/// The header page, written once at creation.
pub(crate) const HEADER_LEN: usize = 4096;
/// Where the header's checksum lies; it covers all bytes before it.
pub(crate) const HEADER_CHECKSUM: usize = HEADER_LEN - 8;

/// The control page: what changes at attach, flush and detach.
pub(crate) const CONTROL: usize = 4096;
pub(crate) const CONTROL_LEN: usize = 4096;
pub(crate) const CLEAN: usize = CONTROL;
pub(crate) const ERA: usize = CONTROL + 8;
pub(crate) const BOOT_ID: usize = CONTROL + 16;
pub(crate) const DEVICE: usize = CONTROL + 32;
pub(crate) const INODE: usize = CONTROL + 40;
/// The latest wall-clock time that any writer has seen, milliseconds; on a line of its own.
pub(crate) const WATERMARK: usize = CONTROL + 128;
/// What the file's time is above the milliseconds since this boot, modulo 2^64.
pub(crate) const TIME_BASE: usize = CONTROL + 136;
/// How far the file's time was ahead of the clock on the wall when the file was last clean, modulo 2^64.
pub(crate) const TIME_AHEAD: usize = CONTROL + 144;
/// Why and when the file was last emptied: a code, 0 for never, and the file's time.
pub(crate) const EMPTIED_WHY: usize = CONTROL + 48;
pub(crate) const EMPTIED_MS: usize = CONTROL + 56;
/// Not 0 if a sync failed since the file was last emptied.
pub(crate) const SYNC_FAILED: usize = CONTROL + 64;
/// Flushes begun.
pub(crate) const FLUSHES: usize = CONTROL + 72;

/// Refusals by reason, a word each; they are rare, so that all processes share them.
pub(crate) const REFUSED: usize = CONTROL + 192;
/// How often a namespace was emptied or removed. A writer whose shard has seen another number updates its accounts.
pub(crate) const NAMESPACE_TURNS: usize = CONTROL + 256;
/// One more than the entries that were kept when the file was last found cold; 0 if it was emptied.
pub(crate) const SALVAGED: usize = CONTROL + 512;
/// Sleeping place of those who wait for the init byte, alone on its line: turns 31 bits | waiters 1.
pub(crate) const INIT_TURN: usize = CONTROL + 448;
/// Where the rings of each shard stood at the last flush: two laps a shard.
pub(crate) const HORIZONS: usize = CONTROL + 1024;
pub(crate) const HORIZON_LEN: usize = 8;

/// How large the cache is, or will be: two records. The one with the higher epoch counts.
pub(crate) const SIZE_RECORDS: [usize; 2] = [CONTROL + 320, CONTROL + 384];
pub(crate) const SIZE_RECORD_WORDS: usize = 8;

/// Process slots: who is attached.
pub(crate) const PROCESSES: usize = 8192;
pub(crate) const PROCESS_SLOTS: usize = 4096;
pub(crate) const PROCESS_SLOT_LEN: usize = 16;

/// Counters, one cache line a stripe.
pub(crate) const COUNTERS: usize = PROCESSES + PROCESS_SLOTS * PROCESS_SLOT_LEN;
pub(crate) const COUNTER_STRIPES: usize = 128;
pub(crate) const COUNTER_STRIPE_LEN: usize = 64;

/// The table of namespaces, one cache line each.
pub(crate) const NAMESPACE_TABLE: usize = COUNTERS + COUNTER_STRIPES * COUNTER_STRIPE_LEN;
pub(crate) const MAX_NAMESPACES: usize = 64;
pub(crate) const NAMESPACE_ENTRY_LEN: usize = 64;

/// Shard heads, then, on a page boundary, the annexes, then the indexes.
pub(crate) const SHARD_HEADS: usize = NAMESPACE_TABLE + MAX_NAMESPACES * NAMESPACE_ENTRY_LEN;
pub(crate) const SHARD_HEAD_LEN: usize = 512;
/// Within a shard head: the writer lock, alone on its line.
pub(crate) const LOCK: usize = 0;
/// The number of `NAMESPACE_TURNS` that the shard's accounts go by; on the lock's line, for its owner alone.
pub(crate) const NAMESPACE_TURNS_SEEN: usize = 8;
/// Values stored; there too.
pub(crate) const STORED: usize = 16;
/// The two reclaim frontiers, on the one line that readers look at.
pub(crate) const FRONTIERS: usize = 64;
/// How many laps they have begun together, modulo 2^64; there too.
pub(crate) const LAPS_BEGUN: usize = FRONTIERS + 16;
/// Which copy of the metadata is committed, and whether the other one is prepared.
pub(crate) const SELECTOR: usize = 128;
/// How many leases were granted, and how much of their table may be in use; on the selector's line, which every writer reads.
pub(crate) const LEASED: usize = SELECTOR + 8;
/// Whether there may be pins, and how often something was refused because of them.
pub(crate) const PINNED: usize = SELECTOR + 16;
/// The append window, four words; there too.
pub(crate) const APPEND_WINDOW: usize = SELECTOR + 24;
/// Where the rings meet and end, six words.
pub(crate) const BOUNDS: usize = 192;
/// The two copies of the metadata.
pub(crate) const METADATA: [usize; 2] = [256, 384];
pub(crate) const METADATA_WORDS: usize = 16;

/// What a shard has beside its head, and seldom looks at: three pages each.
pub(crate) const ANNEX_LEN: u64 = 3 * PAGE;
/// Within an annex: entries that readers hold in place.
pub(crate) const PINS: usize = 0;
pub(crate) const PINS_PER_SHARD: usize = 16;
pub(crate) const PIN_LEN: usize = 32;
/// Keys that somebody is loading.
pub(crate) const LEASES: usize = 512;
pub(crate) const LEASES_PER_SHARD: usize = 64;
pub(crate) const LEASE_LEN: usize = 32;
/// The redo records of namespaces: their accounts after a prepared change.
pub(crate) const REDO_RECORDS: usize = 2560;
pub(crate) const REDO_RECORDS_PER_SHARD: usize = 2;
pub(crate) const REDO_RECORD_LEN: usize = 64;
/// What each namespace holds in this shard: a line of accounts, a line of counters.
pub(crate) const NAMESPACE_ACCOUNTS: usize = 4096;
pub(crate) const NAMESPACE_LEN: usize = 128;

pub(crate) const BUCKET_LEN: u64 = 64;
pub(crate) const SLOTS_PER_BUCKET: usize = 8;

const _: () = assert!(CONTROL + CONTROL_LEN == PROCESSES);
const _: () = assert!(SHARD_HEADS.is_multiple_of(HEADER_LEN));
const _: () = assert!(
    NAMESPACE_TURNS + 8 <= SIZE_RECORDS[0] && SIZE_RECORDS[0] + SIZE_RECORD_WORDS * 8 <= SIZE_RECORDS[1]
);
const _: () = assert!(SIZE_RECORDS[1] + SIZE_RECORD_WORDS * 8 <= INIT_TURN && INIT_TURN + 64 <= SALVAGED);
const _: () = assert!(APPEND_WINDOW + 4 * 8 <= BOUNDS);
const _: () = assert!(PINS + PINS_PER_SHARD * PIN_LEN == LEASES);
const _: () = assert!(LEASES + LEASES_PER_SHARD * LEASE_LEN == REDO_RECORDS);
const _: () = assert!(REDO_RECORDS + REDO_RECORDS_PER_SHARD * REDO_RECORD_LEN <= NAMESPACE_ACCOUNTS);
const _: () = assert!((NAMESPACE_ACCOUNTS + MAX_NAMESPACES * NAMESPACE_LEN) as u64 == ANNEX_LEN);
const _: () = assert!(METADATA[0] + METADATA_WORDS * 8 == METADATA[1]);
const _: () = assert!(METADATA[1] + METADATA_WORDS * 8 == SHARD_HEAD_LEN);

/// Byte locks, far beyond any file's end: they exclude and show life, and cover no data.
pub(crate) mod lock_byte {
    use std::ops::Range;

    const BASE: u64 = 1 << 62;
    /// Held exclusively while a process attaches or detaches.
    pub(crate) const INIT: u64 = BASE;
    /// Held exclusively while the clean word is cleared durably.
    pub(crate) const DIRTYING: u64 = BASE + 3;
    /// Held exclusively while a process resizes the cache.
    pub(crate) const RESIZING: u64 = BASE + 4;

    /// Held exclusively by the owner of a process slot, for as long as it lives.
    pub(crate) fn process(slot: u32) -> u64 {
        BASE + 4096 + u64::from(slot)
    }

    /// Those of several process slots.
    pub(crate) fn processes(slots: Range<u32>) -> Range<u64> {
        process(slots.start)..process(slots.end)
    }
}

/// A file offset as an index into the mapping. `Geometry::verify` has made sure that the file's length fits. An offset
/// that damage made larger is cut; the bounds check of the view that uses it finds it, or it is harmless.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "see above: the one place where offsets become indices")]
pub(crate) fn at(offset: u64) -> usize {
    offset as usize
}

/// Eight-byte units of the log, as bytes.
#[inline]
pub(crate) fn bytes_of(units: u64) -> usize {
    at(units.wrapping_mul(crate::format::position::UNIT))
}

/// Where the annexes begin.
pub(crate) fn annexes(shards: u64) -> u64 {
    (SHARD_HEADS as u64 + shards * SHARD_HEAD_LEN as u64).next_multiple_of(PAGE)
}

/// Where the indexes begin.
pub(crate) fn indexes(shards: u64) -> u64 {
    annexes(shards) + shards * ANNEX_LEN
}

/// Which layout this is: a file made with other constants is another format, whatever its version says.
pub(crate) fn fingerprint() -> u64 {
    let words = [
        HEADER_LEN as u64,
        WATERMARK as u64,
        PROCESSES as u64,
        COUNTERS as u64,
        SHARD_HEADS as u64,
        SIZE_RECORDS[0] as u64,
        SHARD_HEAD_LEN as u64,
        BOUNDS as u64,
        METADATA[0] as u64,
        METADATA_WORDS as u64,
        ANNEX_LEN,
        LEASED as u64,
        PINNED as u64,
        APPEND_WINDOW as u64,
        LAPS_BEGUN as u64,
        LEASES as u64,
        NAMESPACE_TABLE as u64,
        REDO_RECORDS as u64,
        NAMESPACE_ACCOUNTS as u64,
        NAMESPACE_LEN as u64,
        HORIZONS as u64,
        BUCKET_LEN,
        crate::format::hash::BUCKETS_PER_PAGE,
        u64::from(crate::format::position::OFFSET_BITS),
        u64::from(crate::format::position::LAP_LOW_BITS),
    ];
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    crate::format::hash::checksum(&bytes)
}

#[cfg(test)]
mod tests;
