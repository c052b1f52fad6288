//! Files whose logs would have no end, if a walk believed the metadata: every call ends.

#![cfg(unix)]

use samovar::Cache;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::sync::mpsc;
use std::time::Duration;

/// Of `docs/FORMAT.md`: the head of the only shard of a small cache, and within it the selector, metadata A, the small ring's head.
const SHARD_HEAD: u64 = 86_016;
const SELECTOR: u64 = SHARD_HEAD + 128;
const METADATA: [u64; 2] = [SHARD_HEAD + 256, SHARD_HEAD + 384];
const DATA_OFFSET: u64 = 152;
const BOUNDARY: u64 = SHARD_HEAD + 192;
const WRAP: u64 = 2 << 48;
const FILLER: u64 = 4 << 48;

fn word(file: &File, at: u64) -> u64 {
    let mut word = [0; 8];
    file.read_exact_at(&mut word, at).unwrap();
    u64::from_le_bytes(word)
}

/// A mark with its check byte.
fn mark(low: u64) -> u64 {
    let check = (low ^ 0x5a_a55a_a55a_a55a).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56;
    check << 56 | low
}

/// A small ring of fillers of one unit, whose head is a thousand million laps ahead of its tail.
fn endless(file: &File) {
    let (data, units) = (word(file, DATA_OFFSET), word(file, BOUNDARY));
    for unit in 0..units - 1 {
        file.write_all_at(&mark(FILLER | 1).to_le_bytes(), data + unit * 8).unwrap();
    }
    file.write_all_at(&mark(WRAP).to_le_bytes(), data + (units - 1) * 8).unwrap();
    let committed = usize::try_from(word(file, SELECTOR) & 1).unwrap();
    let far = (1u64 << 30) - 1;
    file.write_all_at(&(far << 34).to_le_bytes(), METADATA[committed]).unwrap();
    file.write_all_at(&0u64.to_le_bytes(), METADATA[committed] + 8).unwrap();
}

#[test]
fn a_recount_that_may_only_read_ends_and_names_the_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = Cache::options().capacity(256 << 10).open(&path).unwrap();
    cache.set(b"k", b"v").unwrap();
    cache.close().unwrap();
    endless(&OpenOptions::new().read(true).write(true).open(&path).unwrap());
    let (done, told) = mpsc::channel();
    std::thread::spawn(move || {
        let report = Cache::options().read_only(true).open(&path).and_then(|cache| cache.check());
        done.send(report.map(|report| report.problems)).unwrap();
    });
    // It takes a moment; without a bound, hours.
    let problems = told.recv_timeout(Duration::from_secs(60)).expect("the recount ends").unwrap();
    assert!(problems.iter().any(|problem| problem.contains("Small ring")), "{problems:?}");
}
