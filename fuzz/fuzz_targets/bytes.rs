//! Any bytes in a cache's file, before it is opened and while it is used. Nothing panics and everything ends. A
//! verifying handle gives only values that were set for their key.
//!
//! `cargo +nightly fuzz run bytes` (from the root). The input is a program of four-byte instructions: damage the file that is
//! there, or use the handles that are open on it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use samovar::{Cache, Options, Ttl};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

const CAPACITY: u64 = 256 << 10;
/// Where the interesting parts begin: header, control page, process table, shard head, index, data.
const AREAS: [(u64, u64); 9] = [
    (0, 256),
    (4096, 1280),
    (8192, 64),
    (81_920, 4096),
    (86_016, 512),
    (90_112, 12288),
    (102_400, 16384),
    (118_784, 16384),
    (0, CAPACITY),
];

/// A file with some of everything in it, made once.
fn pristine() -> &'static (PathBuf, Vec<u8>, tempfile::TempDir) {
    static PRISTINE: OnceLock<(PathBuf, Vec<u8>, tempfile::TempDir)> = OnceLock::new();
    PRISTINE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        let made = options().capacity(CAPACITY).max_capacity(CAPACITY + (64 << 10)).seals(true);
        let cache = made.open(&path).unwrap();
        for round in 0..200u64 {
            let len = usize::try_from(round * 13 % 900).unwrap();
            cache.set(&(round % 60).to_le_bytes(), &value_of(round % 60, len)).unwrap();
        }
        cache.set_with(b"expiring", b"value", Ttl::secs(1000)).unwrap();
        drop(cache);
        let bytes = std::fs::read(&path).unwrap();
        (path, bytes, dir)
    })
}

fn options() -> Options {
    Cache::options().lock_timeout(Duration::from_millis(1))
}

/// A value that names its key and its length; the rest of it follows from both.
fn value_of(key: u64, len: usize) -> Vec<u8> {
    let word = key << 32 | len as u64;
    let mut value = word.to_le_bytes().to_vec();
    let mut fill = word | 1;
    value.resize_with(8 + len, || {
        fill ^= fill << 13;
        fill ^= fill >> 7;
        fill ^= fill << 17;
        fill.to_le_bytes()[0]
    });
    value
}

const APPENDED: &[u8] = b"more";

/// Whole, and of its key, perhaps with something appended.
fn expect_of(key: u64, value: &[u8]) {
    let word = value.first_chunk().map_or(u64::MAX, |word| u64::from_le_bytes(*word));
    let len = usize::try_from(word as u32).unwrap();
    let whole = value_of(key, len.min(value.len()));
    let rest = value.strip_prefix(&whole[..]);
    let is_of_key = rest.is_some_and(|rest| rest.chunks(APPENDED.len()).all(|more| more == APPENDED));
    assert!(is_of_key, "key {key}: {} bytes that were never set for it", value.len());
}

fn damage(file: &File, what: u8, area: u8, at: u64) {
    let (start, len) = AREAS[usize::from(area) % AREAS.len()];
    let at = start + at * 8 % len;
    let mut word = [0; 8];
    let _ = file.read_exact_at(&mut word, at);
    let changed = match what % 4 {
        0 => u64::from_le_bytes(word) ^ 1 << (what >> 2),
        1 => 0,
        2 => u64::MAX >> (what >> 2),
        _ => u64::from_le_bytes(word).wrapping_add(u64::from(what)),
    };
    let _ = file.write_all_at(&changed.to_le_bytes(), at);
}

fn use_it(cache: &Cache, what: u8, key: u64, len: usize) {
    let number = key % 70;
    let key = number.to_le_bytes();
    match what % 16 {
        0 => drop(cache.remove(&key)),
        1 | 2 => drop(cache.set(&key, &value_of(number, len % 2500))),
        3 => drop(cache.set_with(&key, &value_of(number, 5), Ttl::millis(1))),
        4 => drop(cache.check()),
        5 => drop(cache.stats()),
        8 => drop(cache.resize(CAPACITY + (len as u64 % 17) * 4096)),
        9 => drop(cache.get_many(&[key, key, [7; 8]], |at, value| match value {
            Some(value) if at < 2 => expect_of(number, value),
            _ => {}
        })),
        10 => drop(cache.get_ref(&key).map(|held| held.map(|held| held.to_vec()))),
        11 => drop(cache.append(&key, APPENDED)),
        12 => drop(cache.clear()),
        13 => drop(cache.iter().take(100).count()),
        14 => drop(cache.get_or_insert_with(&key, Ttl::secs(9), || value_of(number, len % 600))),
        _ => {
            if let Ok(Some(value)) = cache.get(&key) {
                expect_of(number, &value);
            }
        }
    }
}

fuzz_target!(|program: &[u8]| {
    let (path, bytes, _) = pristine();
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    let mut cache = None;
    for step in program.chunks_exact(4).take(200) {
        let &[what, detail, low, high] = step else { unreachable!("chunks of four") };
        let number = u64::from(u16::from_le_bytes([low, high]));
        match what % 8 {
            0..=2 => damage(&file, detail, what >> 3, number),
            3 if detail == 0 => drop(file.set_len(number * 4)),
            3 => {
                let options = options().verify(true).read_only(detail % 2 == 0).salvage(detail % 4 == 1);
                cache = options.open(path).ok();
            }
            _ => {
                if cache.is_none() {
                    cache = options().verify(true).open(path).ok();
                }
                if let Some(cache) = &cache {
                    use_it(cache, detail, number, usize::from(low) * 16);
                }
            }
        }
    }
});
