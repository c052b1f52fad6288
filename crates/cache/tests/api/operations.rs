//! Every operation that looks before it writes: what it answers, what it leaves, and that nothing comes in between, of
//! threads or of processes.

use crate::common::{FILE, ROLE, this_program};
use samovar::{Cache, ErrorKind, Swap, Ttl, Version};
use std::path::Path;
use std::thread;

const ROUNDS: u64 = 2_000;
const HANDS: u64 = 3;

fn open(path: &Path) -> Cache {
    Cache::options().capacity(4 << 20).open(path).unwrap()
}

fn fresh() -> (tempfile::TempDir, Cache) {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(&dir.path().join("c.samovar"));
    (dir, cache)
}

fn value(cache: &Cache, key: &[u8]) -> Option<Vec<u8>> {
    cache.get(key).unwrap()
}

#[test]
fn add_stores_only_what_is_missing() {
    let (_dir, cache) = fresh();
    assert!(cache.add(b"k", b"1", Ttl::NEVER).unwrap());
    assert!(!cache.add(b"k", b"2", Ttl::NEVER).unwrap());
    assert!(value(&cache, b"k").unwrap() == b"1");
    cache.set_with(b"k", b"old", Ttl::millis(0)).unwrap();
    assert!(cache.add(b"k", b"3", Ttl::NEVER).unwrap(), "what has expired is missing");
    assert!(value(&cache, b"k").unwrap() == b"3");
    assert!(cache.check().unwrap().is_clean());
}

#[test]
fn replace_stores_only_over_what_is_there() {
    let (_dir, cache) = fresh();
    assert!(!cache.replace(b"k", b"1", Ttl::NEVER).unwrap());
    assert!(value(&cache, b"k").is_none());
    cache.set(b"k", b"1").unwrap();
    assert!(cache.replace(b"k", b"2", Ttl::NEVER).unwrap());
    assert!(value(&cache, b"k").unwrap() == b"2");
    cache.remove(b"k").unwrap();
    assert!(!cache.replace(b"k", b"3", Ttl::NEVER).unwrap());
}

#[test]
fn append_and_prepend_make_values_longer_and_no_keys() {
    let (_dir, cache) = fresh();
    assert!(!cache.append(b"k", b"x").unwrap() && !cache.prepend(b"k", b"x").unwrap());
    assert!(!cache.contains(b"k").unwrap());
    cache.set(b"k", b"m").unwrap();
    assert!(cache.append(b"k", b"z").unwrap() && cache.prepend(b"k", b"a").unwrap());
    assert!(cache.append(b"k", b"").unwrap());
    assert!(value(&cache, b"k").unwrap() == b"amz");
}

#[test]
fn what_grows_too_large_is_refused_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let options = Cache::options().capacity(4 << 20).max_value_size(1000);
    let cache = options.open(dir.path().join("c.samovar")).unwrap();
    cache.set(b"k", &[7; 900]).unwrap();
    let error = cache.append(b"k", &[8; 101]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ValueTooLarge);
    assert!(error.to_string().contains("1001"), "{error}");
    assert!(value(&cache, b"k").unwrap() == [7; 900]);
    assert_eq!(cache.stats().unwrap().refusals, 1);
}

#[test]
fn counters_wrap_upwards_and_stop_at_zero() {
    let (_dir, cache) = fresh();
    assert_eq!(cache.incr(b"n", 1).unwrap(), None);
    cache.set(b"n", b"18446744073709551614").unwrap();
    assert_eq!(cache.incr(b"n", 1).unwrap(), Some(u64::MAX));
    assert_eq!(cache.incr(b"n", 1).unwrap(), Some(0));
    assert_eq!(cache.incr(b"n", 10).unwrap(), Some(10));
    assert_eq!(cache.decr(b"n", 1).unwrap(), Some(9));
    assert!(value(&cache, b"n").unwrap() == b"9", "as short as can be");
    assert_eq!(cache.decr(b"n", 100).unwrap(), Some(0));
    cache.set(b"n", b"nine").unwrap();
    assert_eq!(cache.incr(b"n", 1).unwrap_err().kind(), ErrorKind::NotANumber);
    assert!(value(&cache, b"n").unwrap() == b"nine");
}

#[test]
fn operations_keep_the_time_to_live_unless_they_set_one() {
    let (_dir, cache) = fresh();
    let (soon, hour) = (Ttl::millis(150), Ttl::secs(3600));
    for key in [&b"append"[..], b"incr", b"touch", b"get_and_touch", b"replace"] {
        cache.set_with(key, b"1", soon).unwrap();
    }
    assert!(cache.append(b"append", b"1").unwrap());
    assert_eq!(cache.incr(b"incr", 1).unwrap(), Some(2));
    assert!(cache.touch(b"touch", hour).unwrap());
    assert!(cache.get_and_touch(b"get_and_touch", hour).unwrap().unwrap() == b"1");
    assert!(cache.replace(b"replace", b"2", Ttl::NEVER).unwrap());
    thread::sleep(std::time::Duration::from_millis(400));
    for (key, stays) in [
        (&b"append"[..], false),
        (b"incr", false),
        (b"touch", true),
        (b"get_and_touch", true),
        (b"replace", true),
    ] {
        assert_eq!(cache.contains(key).unwrap(), stays, "{}", key.escape_ascii());
    }
    assert!(!cache.touch(b"append", hour).unwrap(), "what has expired is not revived");
}

#[test]
fn a_version_changes_with_every_value_and_with_nothing_else() {
    let (_dir, cache) = fresh();
    assert_eq!(
        cache.compare_and_set(b"k", Version::from_number(0), b"v", Ttl::NEVER).unwrap(),
        Swap::Missing
    );
    assert!(cache.get_with_version(b"k").unwrap().is_none());
    cache.set(b"k", b"same").unwrap();
    let (_, first) = cache.get_with_version(b"k").unwrap().unwrap();
    cache.touch(b"k", Ttl::secs(60)).unwrap();
    assert_eq!(cache.get_with_version(b"k").unwrap().unwrap().1, first);
    cache.set(b"k", b"same").unwrap();
    assert_eq!(cache.compare_and_set(b"k", first, b"late", Ttl::NEVER).unwrap(), Swap::Changed);
    let (found, second) = cache.get_with_version(b"k").unwrap().unwrap();
    assert!(found == b"same" && second != first);
    assert_eq!(cache.compare_and_set(b"k", second, b"new", Ttl::NEVER).unwrap(), Swap::Stored);
    cache.remove(b"k").unwrap();
    cache.set(b"k", b"same").unwrap();
    assert_eq!(cache.compare_and_set(b"k", second, b"aba", Ttl::NEVER).unwrap(), Swap::Changed);
    assert!(value(&cache, b"k").unwrap() == b"same");
}

#[test]
fn a_version_survives_the_engine_moving_its_entry() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::options().capacity(256 << 10).open(dir.path().join("c.samovar")).unwrap();
    cache.set(b"k", b"v").unwrap();
    let (_, version) = cache.get_with_version(b"k").unwrap().unwrap();
    for round in 0..20_000u32 {
        cache.set(&(round % 100).to_le_bytes(), &[1; 500]).unwrap();
    }
    assert_eq!(cache.get_with_version(b"k").unwrap().unwrap().1, version);
    assert_eq!(cache.compare_and_set(b"k", version, b"w", Ttl::NEVER).unwrap(), Swap::Stored);
}

#[test]
fn contains_counts_nothing() {
    let (_dir, cache) = fresh();
    cache.set_with(b"gone", b"v", Ttl::millis(0)).unwrap();
    cache.set(b"k", b"v").unwrap();
    assert!(
        cache.contains(b"k").unwrap() && !cache.contains(b"gone").unwrap() && !cache.contains(b"x").unwrap()
    );
    let stats = cache.stats().unwrap();
    assert_eq!((stats.hits, stats.misses), (0, 0));
}

#[test]
fn many_are_stored_and_the_last_of_a_key_stays() {
    let (dir, cache) = fresh();
    let items: Vec<(Vec<u8>, Vec<u8>)> =
        (0..5_000u32).map(|at| ((at % 4_000).to_le_bytes().to_vec(), at.to_le_bytes().to_vec())).collect();
    cache.set_many(&items, Ttl::NEVER).unwrap();
    for key in 0..4_000u32 {
        let last = if key < 1_000 { key + 4_000 } else { key };
        assert!(value(&cache, &key.to_le_bytes()).unwrap() == last.to_le_bytes());
    }
    assert_eq!(cache.stats().unwrap().sets, 5_000);
    let reader = Cache::options().read_only(true).open(dir.path().join("c.samovar")).unwrap();
    assert_eq!(reader.set_many(&items, Ttl::NEVER).unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(reader.incr(b"n", 1).unwrap_err().kind(), ErrorKind::ReadOnly);
}

#[test]
fn one_that_is_refused_does_not_stop_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let options = Cache::options().capacity(4 << 20).max_value_size(100);
    let cache = options.open(dir.path().join("c.samovar")).unwrap();
    cache.set(b"large", b"old").unwrap();
    let large = vec![0; 101];
    let items = [(&b"a"[..], &b"1"[..]), (b"large", &large), (&large, b"2"), (b"z", b"3")];
    assert_eq!(cache.set_many(&items, Ttl::NEVER).unwrap_err().kind(), ErrorKind::ValueTooLarge);
    assert!(
        cache.contains(b"a").unwrap() && cache.contains(b"z").unwrap() && cache.contains(&large).unwrap()
    );
    assert!(!cache.contains(b"large").unwrap(), "as with set, what was to be replaced goes");
}

/// Adds to a shared counter, appends to a shared list, and swaps a shared number. Each operation would lose something
/// if another came between.
fn work(cache: &Cache, hand: u64) {
    for round in 0..ROUNDS {
        assert!(cache.incr(b"counter", 1).unwrap().is_some());
        cache.append(b"list", &[u8::try_from(hand).unwrap()]).unwrap();
        while !swap(cache) {}
        cache.add(&(round % 50).to_le_bytes(), &hand.to_le_bytes(), Ttl::NEVER).unwrap();
    }
}

fn swap(cache: &Cache) -> bool {
    let (old, version) = cache.get_with_version(b"swapped").unwrap().unwrap();
    let number: u64 = std::str::from_utf8(&old).unwrap().parse().unwrap();
    let new = (number + 1).to_string();
    cache.compare_and_set(b"swapped", version, new.as_bytes(), Ttl::NEVER).unwrap() == Swap::Stored
}

#[test]
#[ignore = "started by another test as a process of its own"]
fn a_hand() {
    let (Ok(role), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    work(&open(Path::new(&file)), role.parse().unwrap());
}

#[test]
fn nothing_is_lost_between_threads_and_processes() {
    let (dir, cache) = fresh();
    let path = dir.path().join("c.samovar");
    cache.set(b"counter", b"0").unwrap();
    cache.set(b"swapped", b"0").unwrap();
    cache.set(b"list", b"").unwrap();
    let children: Vec<_> =
        (0..HANDS).map(|hand| this_program!(a_hand, &hand.to_string(), &path).spawn().unwrap()).collect();
    thread::scope(|scope| {
        for hand in HANDS..2 * HANDS {
            let cache = &cache;
            scope.spawn(move || work(cache, hand));
        }
    });
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let expected = (2 * HANDS * ROUNDS).to_string();
    assert!(value(&cache, b"counter").unwrap() == expected.as_bytes());
    assert!(value(&cache, b"swapped").unwrap() == expected.as_bytes());
    let list = value(&cache, b"list").unwrap();
    for hand in 0..2 * HANDS {
        let times = list.iter().filter(|byte| u64::from(**byte) == hand).count() as u64;
        assert_eq!(times, ROUNDS, "appended by {hand}");
    }
    assert!(cache.check().unwrap().is_clean());
}
