//! Values held in place: their bytes stay, though any process writes or dies meanwhile. They cost the cache no more than
//! themselves.
//!
//! `SAMOVAR_SEED` repeats a run.
//!
//! Canaries, each tried, each found: no look at the pins before an entry is placed; a pin that is not checked again
//! once it can be seen. Also a head that goes on inside a pinned stretch, and a dead owner that is never found dead.

use crate::common::{FILE, Label, ROLE, Rng, number, seed, this_program};
use samovar::{Cache, ErrorKind, Options, Ref};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

/// One shard.
const CAPACITY: u64 = 272 << 10;
const LARGEST: u64 = 24 << 10;

fn options() -> Options {
    Cache::options().capacity(CAPACITY).max_value_size(LARGEST)
}

fn key_of(key: u64) -> [u8; 8] {
    key.to_le_bytes()
}

fn value_of(key: u64, sequence: u64, len: u64) -> Vec<u8> {
    Label { key, writer: 0, sequence }.value(usize::try_from(len).unwrap())
}

/// Lengths from small to a sixth of the main ring.
fn length(rng: &mut Rng) -> u64 {
    let longest = [100, 1000, 8000, LARGEST][usize::try_from(rng.below(4)).unwrap()];
    24 + rng.below(longest - 24)
}

fn expect_clean(cache: &Cache) {
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "{report}");
}

struct Scene {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        Scene { _dir: dir, path }
    }

    fn open(&self) -> Cache {
        options().open(&self.path).unwrap()
    }
}

/// A value in place, and what it must be.
struct Held<'c> {
    value: Ref<'c>,
    expected: Vec<u8>,
}

impl Held<'_> {
    fn examine(&self) {
        assert!(self.value.to_vec().unwrap() == self.expected, "a pinned value changed");
    }
}

/// Pins the key, if there is a pin to be had.
fn hold<'c>(cache: &'c Cache, key: u64) -> Option<Held<'c>> {
    match cache.get_ref(&key_of(key)) {
        Ok(found) => found.map(|value| Held { expected: value.to_vec().unwrap(), value }),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Pinned, "{error}");
            None
        }
    }
}

/// Overwrites the whole cache so many times; how many sets were refused because of pins.
fn overwrite(cache: &Cache, rng: &mut Rng, times: u64) -> u64 {
    let (mut bytes, mut refused) = (0, 0);
    while bytes < times * CAPACITY {
        let (key, len) = (rng.below(300), length(rng));
        bytes += len;
        match cache.set(&key_of(key), &value_of(key, bytes, len)) {
            Ok(()) => {}
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Pinned, "{error}");
                refused += 1;
            }
        }
    }
    refused
}

#[test]
fn a_pinned_value_outlives_twenty_times_the_cache() {
    let (scene, mut rng) = (Scene::new(), Rng::new(seed()));
    let cache = scene.open();
    overwrite(&cache, &mut rng, 2);
    cache.set(&key_of(1000), &value_of(1000, 1, 5000)).unwrap();
    let held = hold(&cache, 1000).unwrap();
    for _ in 0..20 {
        assert_eq!(overwrite(&cache, &mut rng, 1), 0);
        held.examine();
        expect_clean(&cache);
    }
    assert_eq!(cache.stats().unwrap().resets, 0);
    assert_eq!(cache.stats().unwrap().pins, 1);
    drop(held);
    assert_eq!(cache.stats().unwrap().pins, 0);
}

/// Sets, removals and pins, so many of ten the latter; how many sets were refused.
fn come_and_go(cache: &Cache, mut rng: Rng, holds: u64) -> u64 {
    let mut held: Vec<Held<'_>> = Vec::new();
    let mut refused = 0;
    for round in 0..number("SAMOVAR_ROUNDS", 1500) {
        match rng.below(10) {
            #[cfg(feature = "inject")]
            9 if rng.below(4) == 0 => cache.wish_small_percent(rng.below(50)).unwrap(),
            weight if weight < holds => held.extend(hold(cache, rng.below(300))),
            8 if !held.is_empty() => {
                drop(held.swap_remove(usize::try_from(rng.below(held.len() as u64)).unwrap()))
            }
            9 => drop(cache.remove(&key_of(rng.below(300))).unwrap()),
            _ => {
                let (key, len) = (rng.below(300), length(&mut rng));
                let set = cache.set(&key_of(key), &value_of(key, round, len));
                refused += u64::from(set.is_err_and(|error| {
                    assert_eq!(error.kind(), ErrorKind::Pinned, "{error}");
                    true
                }));
            }
        }
        held.iter().for_each(Held::examine);
        if round % 50 == 0 {
            expect_clean(cache);
        }
        if round % 500 == 0 {
            cache.clear().unwrap();
        }
    }
    assert_eq!(cache.stats().unwrap().resets, 0);
    drop(held);
    assert_eq!(overwrite(cache, &mut rng, 2), 0, "nothing is pinned any more");
    refused
}

#[test]
fn pins_that_come_and_go_all_hold() {
    let seed = seed();
    let refused = [1, 2, 6].map(|holds| {
        let scene = Scene::new();
        come_and_go(&scene.open(), Rng::new(seed.wrapping_add(holds)), holds)
    });
    println!("{refused:?} sets were refused");
    assert_eq!(refused[0], 0, "a few pins leave room for everything");
}

/// A process by its role. It does nothing in a plain run.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn process() {
    let (Ok(role), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let cache = options().open(Path::new(&file)).unwrap();
    match role.as_str() {
        "overwrites" => {
            let mut rng = Rng::new(number("SAMOVAR_SEED", 1));
            assert_eq!(overwrite(&cache, &mut rng, 20), 0);
        }
        "pins all" => {
            let _held: Vec<Held<'_>> = (0..16).map(|key| hold(&cache, key).unwrap()).collect();
            println!("\npinned");
            loop {
                std::thread::park();
            }
        }
        "pins a quarter" => {
            let held: Vec<Held<'_>> = (0..16).map_while(|key| hold(&cache, key)).collect();
            assert!((1..16).contains(&held.len()), "the bytes are the limit, and not the number");
            println!("\npinned");
            loop {
                std::thread::park();
            }
        }
        #[cfg(unix)]
        "forks" => forks(&cache),
        other => panic!("no such role: {other}"),
    }
}

#[test]
fn another_process_goes_around_a_pin() {
    let (scene, seed) = (Scene::new(), seed());
    let cache = scene.open();
    for key in [1000, 1001, 1002] {
        cache.set(&key_of(key), &value_of(key, 1, 3000)).unwrap();
    }
    let held: Vec<Held<'_>> = [1000, 1001, 1002].map(|key| hold(&cache, key).unwrap()).into();
    let mut other = this_program!(process, "overwrites", &scene.path);
    assert!(other.env("SAMOVAR_SEED", seed.to_string()).status().unwrap().success());
    held.iter().for_each(Held::examine);
    expect_clean(&cache);
}

#[test]
fn a_pin_costs_no_more_than_its_entry() {
    let entries = |pinned: bool| {
        let scene = Scene::new();
        let cache = Cache::options().capacity_entries(400, 8, 64).open(&scene.path).unwrap();
        let set = |key: u64| cache.set(&key_of(key), &value_of(key, 1, 64)).unwrap();
        (0..400).for_each(set);
        let held = pinned.then(|| hold(&cache, 399).unwrap());
        let held_entries = (400..20_000).map(|key| {
            set(key);
            cache.stats().unwrap().entries
        });
        let least = held_entries.skip(1000).min().unwrap();
        held.iter().for_each(Held::examine);
        expect_clean(&cache);
        least
    };
    let (without, with) = (entries(false), entries(true));
    assert!(with + 2 >= without, "{without} entries without a pin, {with} with one");
}

fn pins_all(scene: &Scene) -> Child {
    let mut command = this_program!(process, "pins all", &scene.path);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line == "pinned"));
    child
}

#[test]
fn the_pins_of_a_killed_process_are_free() {
    let (scene, mut rng) = (Scene::new(), Rng::new(seed()));
    let cache = scene.open();
    for key in 0..17 {
        cache.set(&key_of(key), &value_of(key, 1, 1000)).unwrap();
    }
    let mut pinner = pins_all(&scene);
    assert_eq!(cache.get_ref(&key_of(16)).unwrap_err().kind(), ErrorKind::Pinned);
    assert_eq!(cache.stats().unwrap().pins, 16);
    pinner.kill().unwrap();
    pinner.wait().unwrap();
    assert_eq!(cache.stats().unwrap().pins, 0);
    // Half of them are taken over by readers, the others are in the way of a writer.
    let held: Vec<Held<'_>> = (8..16).map(|key| hold(&cache, key).unwrap()).collect();
    assert_eq!(overwrite(&cache, &mut rng, 20), 0);
    held.iter().for_each(Held::examine);
    expect_clean(&cache);
}

/// Nobody sets anything meanwhile: who wants a pin looks by itself which of the others are dead.
#[test]
fn a_quarter_of_the_bytes_that_a_killed_process_pinned_is_free() {
    let scene = Scene::new();
    let cache = scene.open();
    (0..16).for_each(|key| cache.set(&key_of(key), &value_of(key, 1, LARGEST / 4)).unwrap());
    let mut child =
        this_program!(process, "pins a quarter", &scene.path).stdout(Stdio::piped()).spawn().unwrap();
    let told = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(told.map_while(Result::ok).any(|line| line == "pinned"));
    let while_it_lives = cache.get_ref(&key_of(0)).map(drop);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(while_it_lives.unwrap_err().kind(), ErrorKind::Pinned);
    assert_eq!(cache.stats().unwrap().pins, 0);
    (0..16).for_each(|key| drop(cache.get_ref(&key_of(key)).unwrap().unwrap()));
}

#[test]
fn there_are_sixteen_pins_and_a_quarter_of_the_bytes() {
    let scene = Scene::new();
    let cache = scene.open();
    for key in 0..17 {
        cache.set(&key_of(key), &value_of(key, 1, 1000)).unwrap();
    }
    let mut held: Vec<Held<'_>> = (0..16).map(|key| hold(&cache, key).unwrap()).collect();
    let refused = cache.get_ref(&key_of(16)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Pinned);
    assert_eq!(cache.get(&key_of(16)).unwrap().map(|value| value.len()), Some(1000), "a copy can be made");
    held.pop();
    assert!(hold(&cache, 16).is_some());
    drop(held);
    assert_eq!((cache.stats().unwrap().pins, cache.stats().unwrap().pin_refusals), (0, 1));
    for key in 0..3 {
        cache.set(&key_of(key), &value_of(key, 2, LARGEST)).unwrap();
    }
    let held: Vec<Held<'_>> = (0..3).filter_map(|key| hold(&cache, key)).collect();
    assert!(held.len() < 3, "three of them are more than a quarter");
    held.iter().for_each(Held::examine);
}

#[test]
fn a_set_without_a_place_is_refused_and_all_that_was_there_stays() {
    let scene = Scene::new();
    let cache = Cache::options().capacity(CAPACITY).max_value_size(33 << 10).open(&scene.path).unwrap();
    // Filled from the start with entries of one size; every tenth that is there is pinned.
    let set = |key: u64, len: u64| cache.set(&key_of(key), &value_of(key, 1, len));
    (0..160).for_each(|key| set(key, 1000).unwrap());
    let there = |key: &u64| cache.contains(&key_of(*key)).unwrap();
    let spread: Vec<u64> = (0..160).filter(there).step_by(10).take(16).collect();
    let held: Vec<Held<'_>> = spread.iter().map(|key| hold(&cache, *key).unwrap()).collect();
    let before = cache.stats().unwrap().entries;
    assert_eq!(set(500, 33 << 10).unwrap_err().kind(), ErrorKind::Pinned);
    assert_eq!(cache.stats().unwrap().entries, before, "nothing was evicted for nothing");
    assert_eq!((cache.stats().unwrap().pin_refusals, cache.stats().unwrap().refusals), (1, 1));
    held.iter().for_each(Held::examine);
    drop(held);
    set(500, 33 << 10).unwrap();
    expect_clean(&cache);
}

#[test]
fn all_of_the_small_ring_may_be_pinned() {
    let (scene, mut rng) = (Scene::new(), Rng::new(seed()));
    let cache = scene.open();
    // Many times around, so that new keys are in the small ring; then most of it is held.
    overwrite(&cache, &mut rng, 3);
    let mut held = Vec::new();
    for key in 2000..2100 {
        cache.set(&key_of(key), &value_of(key, 1, 1800)).unwrap();
        if held.len() < 16 {
            held.extend(hold(&cache, key));
        }
    }
    (3000..4000).for_each(|key| cache.set(&key_of(key), &value_of(key, 1, 500)).unwrap());
    held.iter().for_each(Held::examine);
    expect_clean(&cache);
}

#[test]
fn values_of_every_shape_are_held() {
    let scene = Scene::new();
    let cache = scene.open();
    cache.set(b"", b"").unwrap();
    let empty = cache.get_ref(b"").unwrap().unwrap();
    assert!(empty.is_empty() && empty.chunks(4).next().is_none() && empty.to_vec().unwrap().is_empty());
    assert!(cache.get_ref(b"none").unwrap().is_none());
    assert_eq!(cache.stats().unwrap().pins, 1, "a miss holds nothing");
    cache.set_with(b"dead", b"v", samovar::Ttl::millis(0)).unwrap();
    assert!(cache.get_ref(b"dead").unwrap().is_none());
    let reader = Cache::options().read_only(true).open(&scene.path).unwrap();
    assert_eq!(reader.get_ref(b"").unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(
        (reader.stats().unwrap().pins, reader.stats().unwrap().hits),
        (1, cache.stats().unwrap().hits)
    );
}

/// Does something at one event of what another does on this thread, as if it were another thread.
#[cfg(feature = "inject")]
fn at_event(nth: u32, meanwhile: impl Fn() + 'static, act: impl FnOnce()) -> bool {
    use samovar_mmap::hooks::set_thread_hook;
    use std::cell::Cell;
    let events = std::rc::Rc::new(Cell::new(0));
    let seen = events.clone();
    set_thread_hook(Some(Box::new(move |_| {
        seen.set(seen.get() + 1);
        if seen.get() == nth {
            meanwhile();
        }
    })));
    act();
    set_thread_hook(None);
    events.get() >= nth
}

/// A cache of 64 entries that lives as long as the test program.
#[cfg(feature = "inject")]
fn small_cache(path: &Path) -> &'static Cache {
    Box::leak(Box::new(Cache::options().capacity_entries(64, 8, 200).open(path).unwrap()))
}

#[cfg(feature = "inject")]
fn set_many(cache: &Cache, keys: std::ops::Range<u64>) {
    keys.for_each(|key| cache.set(&key_of(key), &value_of(key, 9, 200)).unwrap());
}

/// New keys, read so often that they go through both rings: whatever was there is overwritten.
#[cfg(feature = "inject")]
fn churn(cache: &Cache) {
    for key in 10_000..10_200 {
        set_many(cache, key..key + 1);
        (0..3).for_each(|_| assert!(cache.get(&key_of(key)).unwrap().is_some()));
    }
    for key in 10_000..10_200 {
        cache.remove(&key_of(key)).unwrap();
    }
}

/// At each of its loads, stores and swaps a reader that pins is overtaken by laps of the rings.
#[cfg(feature = "inject")]
#[test]
fn a_reader_overtaken_while_it_pins_holds_what_it_says() {
    let scene = Scene::new();
    let cache = small_cache(&scene.path);
    for nth in 1..1000 {
        set_many(cache, 0..1);
        let mut found = None;
        let more = at_event(
            nth,
            || {
                churn(cache);
                cache.set(&key_of(0), &value_of(0, 2, 200)).unwrap();
            },
            || found = cache.get_ref(&key_of(0)).unwrap(),
        );
        for _ in 0..2 {
            let value = found.as_ref().map(|value| value.to_vec().unwrap());
            let possible = [None, Some(value_of(0, 9, 200)), Some(value_of(0, 2, 200))];
            assert!(possible.contains(&value), "event {nth}: torn, foreign, or not held");
            churn(cache);
        }
        drop(found);
        assert_eq!(cache.stats().unwrap().pins, 0, "event {nth}");
        if !more {
            assert!(nth > 20, "a pin has more events than {nth}: the hooks are not where they were");
            return;
        }
    }
}

/// At each of its loads, stores and swaps a writer that evicts is overtaken by a reader that pins.
#[cfg(feature = "inject")]
#[test]
fn a_writer_overtaken_by_a_pin_goes_around_it() {
    use std::cell::RefCell;
    use std::rc::Rc;
    let (scene, mut rng) = (Scene::new(), Rng::new(seed()));
    let cache = small_cache(&scene.path);
    set_many(cache, 0..400);
    let first = 400 + rng.below(1000);
    for nth in 1.. {
        let from = first + u64::from(nth) * 4;
        let held: Rc<RefCell<Vec<Held<'static>>>> = Rc::default();
        let (pins, choice) = (held.clone(), rng.below(48));
        // A pin that is gone again, so that the writer has to find out that there is none.
        drop(hold(cache, from - 1));
        let more = at_event(
            nth,
            // The oldest are the next to go.
            move || {
                (0..3)
                    .for_each(|more| pins.borrow_mut().extend(hold(cache, from - 64 + (choice + more) % 48)))
            },
            || set_many(cache, from..from + 4),
        );
        held.borrow().iter().for_each(Held::examine);
        churn(cache);
        held.borrow().iter().for_each(Held::examine);
        expect_clean(cache);
        held.borrow_mut().clear();
        set_many(cache, from - 60..from + 4);
        if !more {
            assert!(nth > 100, "four sets have more events than {nth}: the hooks are not where they were");
            return;
        }
    }
}

/// Pages that this thread has had to fetch so far.
#[cfg(target_os = "linux")]
fn faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    stat.rsplit(')').next().unwrap().split_whitespace().nth(7).unwrap().parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_reference_costs_does_not_depend_on_the_length_of_its_value() {
    let scene = Scene::new();
    let large = vec![7; 32 << 20];
    let open = || Cache::options().capacity(256 << 20).max_value_size(32 << 20).open(&scene.path).unwrap();
    let cache = open();
    cache.set(b"large", &large).unwrap();
    cache.set(b"small", b"v").unwrap();
    // A map of its own, none of whose pages were touched.
    let touched = |act: &dyn Fn(&Cache)| {
        let fresh = open();
        let before = faults();
        act(&fresh);
        faults() - before
    };
    let held = |cache: &Cache, key: &[u8]| assert!(cache.get_ref(key).unwrap().is_some());
    let small = touched(&|cache| held(cache, b"small"));
    let large = touched(&|cache| held(cache, b"large"));
    let copied = touched(&|cache| assert!(cache.get(b"large").unwrap().is_some()));
    println!("pages fetched: {small} for a small value, {large} for a large one, {copied} to copy it");
    assert!(large <= small + 8, "{large} pages were touched, {small} for a small value");
    assert!(copied > 10 * large.max(1), "the measure sees no copy: {copied}");
}

/// A value held across a fork is the parent's.
#[cfg(unix)]
fn forks(cache: &Cache) {
    use fork::{Fork, fork};
    use nix::sys::wait::{WaitStatus, waitpid};
    cache.set(b"k", b"value").unwrap();
    let held = cache.get_ref(b"k").unwrap().unwrap();
    match fork().unwrap() {
        Fork::Parent(pid) => {
            let pid = nix::unistd::Pid::from_raw(pid);
            assert_eq!(waitpid(pid, None).unwrap(), WaitStatus::Exited(pid, 0));
            assert_eq!(cache.stats().unwrap().pins, 1, "the child let go of it");
            let mut rng = Rng::new(1);
            overwrite(cache, &mut rng, 5);
            assert_eq!(held.to_vec().unwrap(), b"value");
        }
        Fork::Child => {
            let used = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| held.len()));
            drop(held);
            let own = cache.get_ref(b"k").unwrap().unwrap();
            let fine = used.is_err() && own.to_vec().unwrap() == b"value";
            drop(own);
            std::process::exit(i32::from(!fine));
        }
    }
}

#[cfg(unix)]
#[test]
fn a_forked_child_lets_go_of_nothing() {
    let scene = Scene::new();
    assert!(this_program!(process, "forks", &scene.path).status().unwrap().success());
}
