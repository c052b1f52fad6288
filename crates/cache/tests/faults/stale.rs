//! A reader may sleep at any of its loads and copies, while its entry is recycled or replaced. It never returns a value
//! that is torn, foreign or older than the one that was there when it began.
//!
//! Canaries: without the check at the end of a copy both tests of an overtaken reader fail, and without that of the laps those of a
//! thousand laps; see `scripts/canaries`.

use samovar::Cache;
use samovar_mmap::hooks::{Event, set_thread_hook};
use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::rc::Rc;

const ENTRIES: u64 = 64;
const VALUE: usize = 200;

fn value(key: u64, version: u8) -> Vec<u8> {
    let mut value = vec![version; VALUE];
    value[..8].copy_from_slice(&key.to_le_bytes());
    value
}

fn set(cache: &Cache, key: u64, version: u8) {
    cache.set(&key.to_le_bytes(), &value(key, version)).unwrap();
}

/// Gets `key`, doing `meanwhile` at the reader's `nth` event; none if the get has fewer.
fn get_interrupted(
    cache: &Cache,
    key: u64,
    nth: u32,
    meanwhile: impl Fn() + 'static,
) -> Option<Option<Vec<u8>>> {
    let (left, fired) = (Rc::new(Cell::new(nth)), Rc::new(Cell::new(false)));
    let seen = fired.clone();
    set_thread_hook(Some(Box::new(move |event| {
        if !matches!(event, Event::Load | Event::CopyOut | Event::CopyOutHalf) || seen.get() {
            return;
        }
        left.set(left.get() - 1);
        if left.get() == 0 {
            seen.set(true);
            meanwhile();
        }
    })));
    let found = cache.get(&key.to_le_bytes()).unwrap();
    set_thread_hook(None);
    fired.get().then_some(found)
}

/// Runs the race at every event of a get, in a fresh cache each time.
fn at_every_event(meanwhile: impl Fn(&Cache) + Clone + 'static, examine: impl Fn(Option<Vec<u8>>, u32)) {
    let mut events = 0;
    for nth in 1..1000 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        let cache = Cache::options().capacity_entries(ENTRIES, 8, VALUE).open(&path).unwrap();
        set(&cache, 0, 1);
        let (other, act) = (cache.clone(), meanwhile.clone());
        match get_interrupted(&cache, 0, nth, move || act(&other)) {
            Some(found) => examine(found, nth),
            None => break,
        }
        events = nth;
    }
    assert!(events >= 8, "a get has more events than {events}: the hooks are not where they were");
}

#[test]
fn a_reader_overtaken_by_a_lap_finds_nothing() {
    let fill = |cache: &Cache| (1..4 * ENTRIES).for_each(|key| set(cache, key, 9));
    at_every_event(fill, |found, nth| assert!(found.is_none() || found == Some(value(0, 1)), "event {nth}"));
}

#[test]
fn a_reader_overtaken_by_laps_and_its_own_key_finds_the_new_value() {
    let replace = |cache: &Cache| {
        (1..4 * ENTRIES).for_each(|key| set(cache, key, 9));
        set(cache, 0, 2);
    };
    at_every_event(replace, |found, nth| {
        let whole = [None, Some(value(0, 1)), Some(value(0, 2))];
        assert!(whole.contains(&found), "event {nth}: a torn or foreign value");
    });
}

#[test]
fn a_reader_overtaken_by_an_overwrite_finds_a_whole_value() {
    at_every_event(
        |cache| set(cache, 0, 2),
        |found, nth| assert!([Some(value(0, 1)), Some(value(0, 2))].contains(&found), "event {nth}"),
    );
}

/// Where the shard's head lies; in it the selector, and the copies of its metadata, whose fifth word is the main ring's head.
const SHARD_HEAD: u64 = 86_016;
const LAP: u64 = 1 << 34;

/// The main ring's head.
fn head(file: &File) -> u64 {
    let word = |at| {
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, SHARD_HEAD + at).unwrap();
        u64::from_le_bytes(bytes)
    };
    word(256 + 128 * (word(128) & 1) + 32)
}

/// Puts bytes into the log that nobody needs.
fn turn(cache: &Cache) {
    set(cache, 1, 9);
    cache.remove(&1u64.to_le_bytes()).unwrap();
}

/// Ten lap bits: after exactly 1,024 laps the same key at the same place has the same slot.
#[test]
fn a_slot_that_comes_back_after_a_thousand_laps_is_known_for_another() {
    let mut events = 0;
    for nth in 1..1000 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        let cache = Cache::options().capacity_entries(16, 8, VALUE).open(&path).unwrap();
        let file = File::open(&path).unwrap();
        let first = head(&file);
        // Once the small ring is full, and the main one has room, all goes there.
        while head(&file) < first + 2 * LAP {
            turn(&cache);
        }
        let again = head(&file) + 1024 * LAP;
        set(&cache, 0, 1);
        let other = cache.clone();
        let meanwhile = move || {
            other.remove(&0u64.to_le_bytes()).unwrap();
            turn_until(&other, &file, again);
            set(&other, 0, 2);
        };
        let Some(found) = get_interrupted(&cache, 0, nth, meanwhile) else { break };
        let whole = [None, Some(value(0, 1)), Some(value(0, 2))];
        assert!(whole.contains(&found), "event {nth}: a torn value");
        events = nth;
    }
    assert!(events >= 8, "a get has more events than {events}");
}

/// As above, but the reader sleeps twice. It sleeps before it has loaded a frontier, for exactly 1,024 laps; and in the
/// middle of its copy, while the key is set at that place again. In between lies what the key had there one lap before.
#[test]
fn a_reader_that_sleeps_for_a_thousand_laps_and_once_more_finds_no_torn_value() {
    let mut slept = 0;
    for nth in 1..1000 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        let cache = Cache::options().capacity_entries(16, 8, VALUE).open(&path).unwrap();
        let file = File::open(&path).unwrap();
        let first = head(&file);
        while head(&file) < first + 2 * LAP {
            turn(&cache);
        }
        let again = head(&file) + 1024 * LAP;
        set(&cache, 0, 1);
        let (left, copies, steps) = (Cell::new(nth), Cell::new(0), Rc::new(Cell::new(0)));
        let (other, step) = (cache.clone(), steps.clone());
        set_thread_hook(Some(Box::new(move |event| {
            if !matches!(event, Event::Load | Event::CopyOut | Event::CopyOutHalf) {
                return;
            }
            left.set(left.get() - 1);
            copies.set(copies.get() + i32::from(event == Event::CopyOut));
            if left.get() == 0 {
                other.remove(&0u64.to_le_bytes()).unwrap();
                turn_until(&other, &file, again - LAP);
                set(&other, 0, 3);
                turn_until(&other, &file, again);
                step.set(1);
            } else if event == Event::CopyOutHalf && copies.replace(0) > 1 && step.get() == 1 {
                step.set(2);
                set(&other, 0, 2);
            }
        })));
        let found = cache.get(&0u64.to_le_bytes()).unwrap();
        set_thread_hook(None);
        if steps.get() == 0 {
            break;
        }
        slept += steps.get() / 2;
        let whole = [None, Some(value(0, 1)), Some(value(0, 2)), Some(value(0, 3))];
        assert!(whole.contains(&found), "event {nth}: a torn value");
    }
    assert!(slept > 0, "no get slept twice");
}

/// Turns until the main ring's head is there, exactly.
fn turn_until(cache: &Cache, file: &File, to: u64) {
    while head(file) < to {
        turn(cache);
    }
    assert!(head(file) == to, "a lap is not like the others");
}

/// A large value that is set anew during every copy of it: a copy that was begun is the value of that time.
#[test]
fn a_hot_large_key_is_never_refused() {
    const LARGE: usize = 100_000;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = Cache::options().capacity(64 << 20).max_value_size(LARGE as u64).open(&path).unwrap();
    let version = Rc::new(Cell::new(1u8));
    cache.set(b"hot", &[1; LARGE]).unwrap();
    let (other, next) = (cache.clone(), version.clone());
    // The header and the key come before the value.
    let copies = Cell::new(0);
    set_thread_hook(Some(Box::new(move |event| match event {
        Event::CopyOut => copies.set(copies.get() + 1),
        Event::CopyOutHalf if copies.replace(0) > 1 => {
            next.set(next.get().wrapping_add(1));
            other.set(b"hot", &[next.get(); LARGE]).unwrap();
        }
        _ => {}
    })));
    let gets: Vec<_> = (0..100).map(|_| (version.get(), cache.get(b"hot"))).collect();
    set_thread_hook(None);
    for (oldest, found) in gets {
        let found = found.expect("a get is never refused").expect("the key is always there");
        let is_whole = found.len() == LARGE && found.iter().all(|byte| *byte == found[0]);
        assert!(is_whole && found[0].wrapping_sub(oldest) <= 2, "a torn or an old value");
    }
}

#[test]
fn a_thousand_laps_do_not_bring_a_slot_back() {
    // Ten lap bits: after 1,024 laps of its ring a slot's word could name the same place again.
    let laps = |cache: &Cache| {
        for round in 0..1024 * ENTRIES {
            set(cache, 1 + round % (3 * ENTRIES), 9);
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let cache =
        Cache::options().capacity_entries(ENTRIES, 8, VALUE).open(dir.path().join("c.samovar")).unwrap();
    for nth in [1, 5, 9, 12] {
        set(&cache, 0, 1);
        let other = cache.clone();
        if let Some(found) = get_interrupted(&cache, 0, nth, move || laps(&other)) {
            assert!(found.is_none() || found == Some(value(0, 1)), "event {nth}");
        }
    }
}
