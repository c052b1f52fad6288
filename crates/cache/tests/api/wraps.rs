//! Counters of the file that begin near their end, so that they come round while they are in use.
//!
//! A file is made, closed, and given the laps of another time; all else is done by the code that everybody uses.

use crate::common::{Rng, seed};
use samovar::{Cache, Options, Swap, Ttl};
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

const SHARD_HEADS: u64 = 86_016;
/// Within a shard head: the two frontiers; head and tail of each ring in each copy of the metadata.
const POSITIONS: [u64; 10] = [64, 72, 256, 264, 288, 296, 384, 392, 416, 424];
const LAP_SHIFT: u32 = 34;
/// The first and the last lap that there is.
const LAPS: u64 = 1 << 30;

fn options() -> Options {
    Cache::options().capacity(256 << 10)
}

/// The words of a closed file that lie there become what they are to be.
fn change(path: &Path, words: impl IntoIterator<Item = u64>, to: impl Fn(u64) -> u64) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    for at in words {
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, at).unwrap();
        file.write_all_at(&to(u64::from_le_bytes(bytes)).to_le_bytes(), at).unwrap();
    }
}

fn word(path: &Path, at: u64) -> u64 {
    let mut bytes = [0; 8];
    File::open(path).unwrap().read_exact_at(&mut bytes, at).unwrap();
    u64::from_le_bytes(bytes)
}

/// A new file whose rings have so many laps left before their laps come round.
fn with_laps_left(path: &Path, options: Options, left: u64) -> Cache {
    options.clone().open(path).unwrap().close().unwrap();
    change(path, POSITIONS.map(|at| SHARD_HEADS + at), |word| word | (LAPS - left) << LAP_SHIFT);
    options.open(path).unwrap()
}

/// Random sets, removes and gets, until the frontier of the main ring is so many laps on; nothing is lost but by eviction, and
/// nothing is found that was not the last value of its key.
fn use_for_laps(cache: &Cache, path: &Path, laps: u64, rng: &mut Rng) {
    let (mut last, frontier) = (HashMap::<u64, Option<Vec<u8>>>::new(), SHARD_HEADS + 72);
    let begun = word(path, frontier) >> LAP_SHIFT;
    let (mut rounds, before) = (0, cache.stats().unwrap());
    while (word(path, frontier) >> LAP_SHIFT).wrapping_sub(begun) % LAPS < laps {
        for _ in 0..1000 {
            let key = rng.below(300);
            match rng.below(8) {
                0 => {
                    cache.remove(&key.to_le_bytes()).unwrap();
                    last.insert(key, None);
                }
                1..=4 => {
                    let byte = rng.below(256).to_le_bytes()[0];
                    let value = vec![byte; usize::try_from(rng.below(4000)).unwrap()];
                    cache.set(&key.to_le_bytes(), &value).unwrap();
                    last.insert(key, Some(value));
                }
                _ => {
                    let found = cache.get(&key.to_le_bytes()).unwrap();
                    if let (Some(found), Some(last)) = (found, last.get(&key)) {
                        assert_eq!(Some(&found), last.as_ref(), "key {key}");
                    }
                }
            }
        }
        rounds += 1;
        let report = cache.check().unwrap();
        assert!(report.is_clean(), "round {rounds}: {report}");
        assert!(report.entries > 20, "round {rounds}: the shard was emptied: {report}");
    }
    let stats = cache.stats().unwrap();
    assert_eq!((stats.resets, stats.damaged), (before.resets, before.damaged), "the shard was emptied");
}

#[test]
fn laps_come_round_and_nothing_is_lost() {
    let mut rng = Rng::new(seed());
    for options in [options(), options().seals(true).verify(true)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        let cache = with_laps_left(&path, options.clone(), 3);
        use_for_laps(&cache, &path, 6, &mut rng);
        // And in the next process, whose first look it is.
        drop(cache);
        use_for_laps(&options.open(&path).unwrap(), &path, 2, &mut rng);
    }
}

/// The control page's refusals, turns of namespaces and era; the counters of all lines; values stored, laps begun; evictions,
/// ghost clocks, resets and version in each copy of the metadata.
fn counters() -> impl Iterator<Item = u64> {
    let metadata =
        [256, 384].into_iter().flat_map(|copy| [72, 80, 112, 120].map(|at| SHARD_HEADS + copy + at));
    let lines = (73_728..81_920).step_by(8);
    [4096 + 8, 4096 + 192, 4096 + 200, 4096 + 208, 4096 + 256, SHARD_HEADS + 16, SHARD_HEADS + 80]
        .into_iter()
        .chain(metadata)
        .chain(lines)
}

/// Every counter but the laps, at its end and within.
#[test]
fn counts_come_round_and_nothing_is_lost() {
    let mut rng = Rng::new(seed());
    for (version, options) in
        [(u64::MAX - 5, options()), (u64::from(u32::MAX) - 5, options().seals(true).verify(true))]
    {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        options.clone().open(&path).unwrap().close().unwrap();
        change(&path, counters(), |_| u64::MAX);
        change(&path, [256, 384].map(|copy| SHARD_HEADS + copy + 120), |_| version);
        // Tickets of leases have 32 bits; refusals for pins all above the lowest two.
        change(&path, [SHARD_HEADS + 136], |_| u64::from(u32::MAX));
        change(&path, [SHARD_HEADS + 144], |_| u64::MAX << 2);
        let cache = options.open(&path).unwrap();
        use_namespaces(&cache, &path);
        for round in 0..3 {
            let value = cache.get_or_insert_with(b"loaded", Ttl::NEVER, || vec![round]).unwrap();
            assert_eq!(value, [round]);
            cache.remove(b"loaded").unwrap();
        }
        cache.set(b"k", b"1").unwrap();
        let (_, version) = cache.get_with_version(b"k").unwrap().unwrap();
        (0..20u8).for_each(|key| cache.set(&[key], b"v").unwrap());
        assert_eq!(cache.compare_and_set(b"k", version, b"2", Ttl::NEVER).unwrap(), Swap::Stored);
        assert_eq!(cache.compare_and_set(b"k", version, b"3", Ttl::NEVER).unwrap(), Swap::Changed);
        let held = cache.get_ref(b"k").unwrap().unwrap();
        assert_eq!(held.to_vec().unwrap(), b"2");
        drop(held);
        use_for_laps(&cache, &path, 3, &mut rng);
        let stats = cache.stats().unwrap();
        assert!(stats.sets < 1 << 40 && stats.evictions < 1 << 40, "{stats:?}");
    }
}

/// A namespace whose epoch comes round when it is emptied: the second time it is one that it never had before.
fn use_namespaces(cache: &Cache, path: &Path) {
    let space = cache.create_namespace("n", None).unwrap();
    change(path, [81_920 + 8], |_| (1 << 48) - 1);
    for round in 0..3u8 {
        assert_eq!(space.get(b"k").unwrap(), None, "round {round}");
        space.set(b"k", &[round]).unwrap();
        assert_eq!(space.get(b"k").unwrap(), Some(vec![round]));
        space.clear().unwrap();
    }
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "{report}");
}

/// An era comes round where the file is emptied, as after a restart that left it unflushed.
#[test]
fn eras_come_round_with_the_next_life_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let options = options().seals(true).verify(true);
    options.clone().open(&path).unwrap().close().unwrap();
    change(&path, [4096 + 8], |_| u64::MAX);
    for era in [1, 3] {
        let cache = options.clone().open(&path).unwrap();
        cache.set(b"k", b"v").unwrap();
        assert_eq!(cache.get(b"k").unwrap(), Some(b"v".to_vec()));
        cache.close().unwrap();
        // Another boot, and not clean.
        change(&path, [4096 + 16], |word| word ^ 0x5a);
        change(&path, [4096], |_| 0);
        let cache = options.clone().open(&path).unwrap();
        assert!(!cache.attachment().warm);
        assert_eq!((cache.get(b"k").unwrap(), word(&path, 4096 + 8)), (None, era));
    }
}

/// A reset goes on from there, too.
#[test]
fn a_shard_whose_laps_come_round_is_emptied_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = with_laps_left(&path, options(), 1);
    cache.set(b"k", b"before").unwrap();
    // A tail ahead of its head: no writer left that.
    change(&path, [SHARD_HEADS + 264, SHARD_HEADS + 392], |word| word.wrapping_add(1 << LAP_SHIFT | 8));
    cache.set(b"l", b"after").unwrap();
    assert_eq!((cache.get(b"k").unwrap(), cache.get(b"l").unwrap()), (None, Some(b"after".to_vec())));
    assert_eq!(cache.stats().unwrap().resets, 1);
    assert_eq!(word(&path, SHARD_HEADS + 64) >> LAP_SHIFT, 1, "two laps on");
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "{report}");
}
