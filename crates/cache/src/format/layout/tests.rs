//! `docs/FORMAT.md` tells the same numbers as the layout; and a word that moves is another version.

use super::*;
use crate::format::hash::{self, KeyHash};
use crate::format::owner::Owner;
use crate::format::position::{self, Position};
use crate::format::ring::Ring;
use crate::format::slot::Slot;

/// `docs/FORMAT.md` tells the same numbers as this module.
#[test]
fn the_page_about_the_format_is_true() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/FORMAT.md")).unwrap();
    for (region, offset, len) in [
        ("header page", 0, HEADER_LEN),
        ("control page", CONTROL, CONTROL_LEN),
        ("process table", PROCESSES, PROCESS_SLOTS * PROCESS_SLOT_LEN),
        ("counters", COUNTERS, COUNTER_STRIPES * COUNTER_STRIPE_LEN),
        ("namespaces", NAMESPACE_TABLE, MAX_NAMESPACES * NAMESPACE_ENTRY_LEN),
        ("shard heads", SHARD_HEADS, SHARD_HEAD_LEN),
    ] {
        let line = format!("| {region} | {offset} | {len} |");
        assert!(page.contains(&line), "FORMAT.md lacks {line:?}");
    }
    for (field, offset) in [
        ("clean", CLEAN - CONTROL),
        ("era", ERA - CONTROL),
        ("boot id", BOOT_ID - CONTROL),
        ("why emptied", EMPTIED_WHY - CONTROL),
        ("when emptied", EMPTIED_MS - CONTROL),
        ("sync failed", SYNC_FAILED - CONTROL),
        ("flushes", FLUSHES - CONTROL),
        ("watermark", WATERMARK - CONTROL),
        ("time base", TIME_BASE - CONTROL),
        ("time ahead", TIME_AHEAD - CONTROL),
        ("refused", REFUSED - CONTROL),
        ("turns", NAMESPACE_TURNS - CONTROL),
        ("salvaged", SALVAGED - CONTROL),
        ("flush horizons", HORIZONS - CONTROL),
        ("size record 0", SIZE_RECORDS[0] - CONTROL),
        ("size record 1", SIZE_RECORDS[1] - CONTROL),
        ("checksum", HEADER_CHECKSUM),
    ] {
        let line = format!("| {field} | {offset} |");
        assert!(page.contains(&line), "FORMAT.md lacks {line:?}");
    }
    for line in [
        format!("{FRONTIERS:>5}  frontier of the small ring"),
        format!("{SELECTOR:>5}  selector"),
        format!("{LEASED:>5}  leased"),
        format!("{PINNED:>5}  pinned"),
        format!("{APPEND_WINDOW:>5}  append window"),
        format!("{BOUNDS:>5}  boundary"),
        format!("{:>5}  metadata A                 {METADATA_WORDS} words", METADATA[0]),
        format!("{:>5}  metadata B                 {METADATA_WORDS} words", METADATA[1]),
        format!("{PINS:>5}  pins                     {PINS_PER_SHARD} of {PIN_LEN} bytes"),
        format!(
            "{REDO_RECORDS:>5}  redo records             {REDO_RECORDS_PER_SHARD} of {REDO_RECORD_LEN} bytes"
        ),
        format!(
            "{NAMESPACE_ACCOUNTS:>5}  accounts of namespaces   {MAX_NAMESPACES} of {NAMESPACE_LEN} bytes"
        ),
        format!("{LEASES:>5}  leases                   {LEASES_PER_SHARD} of {LEASE_LEN} bytes"),
    ] {
        assert!(page.contains(&line), "FORMAT.md lacks {line:?}");
    }
}

/// What each version of the format that had one was like: the [`hash_of_all_words`] of its layout. A change of the layout is a new
/// version, and a new line here; no line ever changes.
const LAYOUTS: &[(u32, u64)] = &[
    (6, 0xc286_95ba_5b11_7bc9),
    (7, 0xf960_826b_42f9_5a8c),
    (8, 0x3676_fb9a_d85b_860a),
    (9, 0x778e_70ce_ba09_ac69),
];

/// Names and values, in the order in which they are given.
macro_rules! values {
    ($($name:path),* $(,)?) => { vec![$((stringify!($name), format!("{:?}", $name))),*] };
}

/// Every constant of the layout but the version.
fn constants() -> Vec<(&'static str, String)> {
    values![
        MAGIC,
        PAGE,
        HEADER_LEN,
        HEADER_CHECKSUM,
        CONTROL,
        CONTROL_LEN,
        CLEAN,
        ERA,
        BOOT_ID,
        DEVICE,
        INODE,
        WATERMARK,
        TIME_BASE,
        TIME_AHEAD,
        EMPTIED_WHY,
        EMPTIED_MS,
        SYNC_FAILED,
        FLUSHES,
        REFUSED,
        NAMESPACE_TURNS,
        SALVAGED,
        INIT_TURN,
        HORIZONS,
        HORIZON_LEN,
        SIZE_RECORDS,
        SIZE_RECORD_WORDS,
        PROCESSES,
        PROCESS_SLOTS,
        PROCESS_SLOT_LEN,
        COUNTERS,
        COUNTER_STRIPES,
        COUNTER_STRIPE_LEN,
        NAMESPACE_TABLE,
        MAX_NAMESPACES,
        NAMESPACE_ENTRY_LEN,
        SHARD_HEADS,
        SHARD_HEAD_LEN,
        LOCK,
        NAMESPACE_TURNS_SEEN,
        STORED,
        FRONTIERS,
        LAPS_BEGUN,
        SELECTOR,
        LEASED,
        PINNED,
        APPEND_WINDOW,
        BOUNDS,
        METADATA,
        METADATA_WORDS,
        ANNEX_LEN,
        PINS,
        PINS_PER_SHARD,
        PIN_LEN,
        LEASES,
        LEASES_PER_SHARD,
        LEASE_LEN,
        REDO_RECORDS,
        REDO_RECORDS_PER_SHARD,
        REDO_RECORD_LEN,
        NAMESPACE_ACCOUNTS,
        NAMESPACE_LEN,
        BUCKET_LEN,
        SLOTS_PER_BUCKET,
        lock_byte::INIT,
        lock_byte::DIRTYING,
        lock_byte::RESIZING,
    ]
}

/// Words that are packed, each from values that fill its parts.
fn packed() -> [u64; 4] {
    let (hash, at) = (KeyHash::of(b"samovar", 42), Position::new(0x2_3456, 0x1_2345_6789));
    [
        at.word(),
        Slot::live(hash, Ring::Main, at, 5).word(),
        u64::from(Owner::new(0x123, 0x4567).word()),
        hash::BUCKETS_PER_PAGE << 32
            | u64::from(position::OFFSET_BITS) << 16
            | u64::from(position::LAP_LOW_BITS),
    ]
}

/// Of values, so that a name may change.
fn hash_of_all_words() -> u64 {
    let values = constants().into_iter().map(|(_, value)| value);
    let all: Vec<String> = values.chain(packed().map(|word| word.to_string())).collect();
    hash::checksum(all.join(" ").as_bytes())
}

#[test]
fn every_constant_is_one_of_those_that_decide_the_version() {
    let source = include_str!("../layout.rs");
    let declared = source.lines().filter_map(|line| line.trim_start().strip_prefix("pub(crate) const "));
    let declared = declared.filter_map(|rest| rest.split(':').next()).filter(|name| *name != "VERSION");
    let known = constants().into_iter().filter_map(|(name, _)| name.rsplit("::").next()).map(str::trim);
    let declared: Vec<&str> = declared.collect();
    assert!(declared.len() > 50, "the constants are not where they were: {declared:?}");
    assert_eq!(known.collect::<Vec<_>>(), declared, "list them in `constants`");
}

#[test]
fn another_layout_is_another_version() {
    let (version, hash) = LAYOUTS[LAYOUTS.len() - 1];
    let now = hash_of_all_words();
    assert!(
        (version, hash) == (VERSION, now),
        "the layout of version {version} had the hash {hash:#018x}, this one of version {VERSION} has {now:#018x}: \
         raise VERSION, and add a line to LAYOUTS"
    );
    assert!(LAYOUTS.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 != pair[1].1), "{LAYOUTS:?}");
}
