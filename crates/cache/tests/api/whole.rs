//! What concerns a whole cache: emptying it, and walking over it, while another process writes.
//!
//! Canaries, each tried, each found: an `Iter` that skips a changed slot; a clear that leaves out the main ring's
//! slots; an `iter::look` without its second look.

use crate::common::{FILE, Label, ROLE, Rng, number, seed, this_program};
use samovar::{Cache, ErrorKind, Ttl};
use samovar_mmap::{Access, SharedMap, Word64, open_existing, reserve};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const KEYS: u64 = 300;
/// Keys below this are always there.
const LASTING: u64 = 200;

/// The latest sequence that the writing process has acknowledged, in a file beside the cache.
struct Progress(SharedMap);

impl Progress {
    fn path(cache: &Path) -> PathBuf {
        cache.with_extension("progress")
    }

    fn create(cache: &Path) -> Self {
        reserve(&std::fs::File::create_new(Progress::path(cache)).unwrap(), 4096).unwrap();
        Progress::open(cache)
    }

    fn open(cache: &Path) -> Self {
        let file = open_existing(&Progress::path(cache), Access::ReadWrite).unwrap();
        Progress(SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap())
    }

    fn acknowledged(&self) -> Word64<'_> {
        self.0.view().word64(0).unwrap()
    }

    fn stop(&self) -> Word64<'_> {
        self.0.view().word64(64).unwrap()
    }
}

/// A process that does not outlive the test.
struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn key_of(key: u64) -> Vec<u8> {
    key.to_le_bytes().to_vec()
}

/// Overwrites lasting keys, and sets and removes the others, until it is told to stop.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn writing_process() {
    let (Ok(_), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let cache = Cache::options().open(Path::new(&file)).unwrap();
    let progress = Progress::open(Path::new(&file));
    let mut rng = Rng::new(number("SAMOVAR_SEED", 1));
    for sequence in 1.. {
        let key = rng.below(KEYS);
        let len = usize::try_from(rng.below(2000)).unwrap();
        if key >= LASTING && rng.below(2) == 0 {
            cache.remove(&key_of(key)).unwrap();
        } else {
            cache.set(&key_of(key), &Label { key, writer: 1, sequence }.value(len)).unwrap();
        }
        progress.acknowledged().store_release(sequence);
        if progress.stop().load_acquire() != 0 {
            return;
        }
    }
}

/// Does something at intervals while another process writes to the same file.
fn beside_a_writer(act: impl Fn(&Cache, &Progress)) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    // At least twice the data, so that nothing is evicted.
    let cache = Cache::options().capacity(2 << 20).open(&path).unwrap();
    for key in 0..LASTING {
        cache.set(&key_of(key), &Label { key, writer: 0, sequence: 0 }.value(900)).unwrap();
    }
    let progress = Progress::create(&path);
    let mut command = this_program!(writing_process, "writer", &path);
    let mut writer = Child(command.env("SAMOVAR_SEED", seed().to_string()).spawn().unwrap());
    while progress.acknowledged().load_acquire() == 0 {
        std::thread::yield_now();
    }
    let rounds = number("SAMOVAR_ROUNDS", 100);
    for round in 0..rounds {
        // Not before the writer has done something new.
        while progress.acknowledged().load_acquire() < round * 20 {
            std::thread::yield_now();
        }
        act(&cache, &progress);
    }
    progress.stop().store_release(1);
    assert!(writer.0.wait().unwrap().success());
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "{report}");
    let stats = cache.stats().unwrap();
    assert_eq!((stats.evictions, stats.resets, stats.refusals), (0, 0, 0));
    assert_eq!(cache.iter().count() as u64, stats.entries);
}

#[test]
fn what_was_set_before_a_clear_is_never_seen_after_it() {
    let (met, rounds) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    beside_a_writer(|cache, progress| {
        let before = progress.acknowledged().load_acquire();
        cache.clear().unwrap();
        // Every other time the writer is given time, whatever it has come to.
        rounds.set(rounds.get() + 1);
        while rounds.get() % 2 == 0 && progress.acknowledged().load_acquire() < before + 10 {
            std::thread::yield_now();
        }
        for key in 0..KEYS {
            let Some(value) = cache.get(&key_of(key)).unwrap() else { continue };
            let label = Label::of(&value).expect("a value that is not whole");
            assert!(label.key == key && label.sequence > before, "{label:?} was set before, by {before}");
            met.set(met.get() + 1);
        }
    });
    assert!(met.get() > 0, "nothing was ever written meanwhile");
}

#[test]
fn every_key_that_stays_is_met_once() {
    beside_a_writer(|cache, progress| {
        let before = progress.acknowledged().load_acquire();
        let mut times = BTreeMap::new();
        let mut newest = 0;
        for entry in cache {
            let entry = entry.unwrap();
            let label = Label::of(&entry.value).expect("a value that is not whole");
            assert_eq!(entry.key, key_of(label.key), "a foreign value");
            newest = newest.max(label.sequence);
            *times.entry(label.key).or_insert(0) += 1;
        }
        assert!(newest <= progress.acknowledged().load_acquire() + 1, "{newest} of the future, {before}");
        for key in 0..LASTING {
            assert_eq!(times.get(&key), Some(&1), "key {key}");
        }
    });
}

#[test]
fn a_clear_leaves_a_cache_as_good_as_new() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = Cache::options().capacity(256 << 10).open(&path).unwrap();
    for round in 0..20u64 {
        // More than it takes, in other lengths each time: ghosts, laps and both rings.
        for key in 0..2000u64 {
            cache.set(&key_of(key), &vec![7; usize::try_from((key * 31 + round) % 300).unwrap()]).unwrap();
        }
        cache.clear().unwrap();
        let (stats, report) = (cache.stats().unwrap(), cache.check().unwrap());
        assert!(report.is_clean(), "{report}");
        assert_eq!((stats.entries, stats.live_bytes, report.dead_entries, report.ghosts), (0, 0, 0, 0));
        assert_eq!((stats.clears, stats.resets), (round + 1, 0));
        assert_eq!(cache.iter().count(), 0);
        let evicted = stats.evictions;
        (0..100).for_each(|key| cache.set(&key_of(key), &[1; 400]).unwrap());
        assert!(
            (0..100).all(|key| cache.get(&key_of(key)).unwrap().is_some()),
            "it lost some of half its data"
        );
        assert_eq!(cache.stats().unwrap().evictions, evicted);
    }
    drop(cache);
    assert_eq!(Cache::options().open(&path).unwrap().stats().unwrap().clears, 20);
}

#[test]
fn a_walk_skips_what_has_expired_and_needs_no_right_to_write() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = Cache::options().capacity(1 << 20).open(&path).unwrap();
    cache.set_with(b"gone", b"v", Ttl::millis(0)).unwrap();
    cache.set_with(b"brief", b"v", Ttl::secs(100)).unwrap();
    cache.set(b"", b"").unwrap();
    let reader = Cache::options().read_only(true).open(&path).unwrap();
    for handle in [&cache, &reader] {
        let mut found: Vec<_> = handle.iter().map(Result::unwrap).collect();
        found.sort_by(|one, other| one.key.cmp(&other.key));
        let [empty, brief] = &found[..] else { panic!("{found:?}") };
        assert!(empty.key.is_empty() && empty.value.is_empty() && empty.ttl.is_none());
        let left = brief.ttl.unwrap().as_secs();
        assert!(brief.key == b"brief" && (1..=100).contains(&left), "{left}");
    }
    assert_eq!(reader.clear().unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(cache.stats().unwrap().entries, 3);
}
