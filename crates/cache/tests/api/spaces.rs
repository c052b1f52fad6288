//! Namespaces: keys of their own, counts of their own, a limit that holds whatever is set, and emptied in an instant,
//! in every process.
//!
//! Canaries, each tried, each found: a reader that does not compare epochs; a set that makes no room within the share;
//! an emptied namespace that stays in the accounts. By `die.rs`: a repair that does not store the accounts.

use crate::common::{FILE, Label, ROLE, Rng, number, seed, this_program};
use samovar::{Cache, ErrorKind, Lookup, Namespace, Swap, Ttl};
use samovar_mmap::{Access, SharedMap, Word64, open_existing, reserve};
use std::collections::BTreeMap;
use std::path::Path;

const NAMES: [&str; 3] = ["a", "b", "sessions of people"];

type Model = BTreeMap<(usize, u64), Vec<u8>>;

/// Handle 0 is the default namespace.
fn handle(cache: &Cache, space: usize) -> Cache {
    if space == 0 {
        cache.clone()
    } else {
        Cache::clone(&cache.create_namespace(NAMES[space - 1], None).unwrap())
    }
}

fn step(cache: &Cache, model: &mut Model, rng: &mut Rng, sequence: u64) {
    let (space, key) = (usize::try_from(rng.below(4)).unwrap(), rng.below(40));
    let (at, name, here) = ((space, key), key.to_le_bytes(), handle(cache, space));
    let len = usize::try_from(rng.below(500)).unwrap();
    let value = Label { key, writer: space as u64, sequence }.value(len);
    match rng.below(40) {
        0 if space > 0 => {
            cache.namespace(NAMES[space - 1]).unwrap().clear().unwrap();
            model.retain(|(of, _), _| *of != space);
        }
        1 if space > 0 => {
            assert!(cache.remove_namespace(NAMES[space - 1]).unwrap());
            assert_eq!(here.set(&name, &value).unwrap_err().kind(), ErrorKind::NoNamespace);
            assert_eq!(here.get(&name).unwrap(), None);
            model.retain(|(of, _), _| *of != space);
        }
        2 if rng.below(5) == 0 => {
            cache.clear().unwrap();
            model.clear();
        }
        3..=6 => assert_eq!(here.remove(&name).unwrap(), model.remove(&at).is_some(), "{at:?}"),
        7..=9 => {
            let added = here.add(&name, &value, Ttl::NEVER).unwrap();
            assert_eq!(added, !model.contains_key(&at), "{at:?}");
            model.entry(at).or_insert(value);
        }
        10..=12 => {
            let appended = here.append(&name, b"more").unwrap();
            assert_eq!(appended, model.contains_key(&at), "{at:?}");
            model.entry(at).and_modify(|value| value.extend_from_slice(b"more"));
        }
        13 => {
            here.set_with(&name, &value, Ttl::millis(0)).unwrap();
            model.remove(&at);
        }
        14..=16 => {
            if let Some((_, version)) = here.get_with_version(&name).unwrap() {
                assert_eq!(here.compare_and_set(&name, version, &value, Ttl::NEVER).unwrap(), Swap::Stored);
                model.insert(at, value);
            }
        }
        17 => {
            here.set_many(&[(name, &value)], Ttl::NEVER).unwrap();
            model.insert(at, value);
        }
        18..=28 => assert_eq!(here.get(&name).unwrap().as_ref(), model.get(&at), "{at:?}"),
        _ => {
            here.set(&name, &value).unwrap();
            model.insert(at, value);
        }
    }
}

/// What the namespaces hold is what the model says, however one asks.
fn compare(cache: &Cache, model: &Model) {
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "{report}");
    for space in 0..=NAMES.len() {
        let mut found: Vec<_> = handle(cache, space).iter().map(|entry| entry.unwrap()).collect();
        found.sort_by_key(|entry| u64::from_le_bytes(entry.key[..].try_into().unwrap()));
        let expected: Vec<_> = model.iter().filter(|((of, _), _)| *of == space).collect();
        assert_eq!(found.len(), expected.len(), "namespace {space}");
        for (entry, ((_, key), value)) in found.iter().zip(&expected) {
            assert!(entry.key == key.to_le_bytes() && entry.value == **value, "{space} {key}");
        }
    }
}

#[test]
fn namespaces_are_maps_of_their_own() {
    let seed = seed();
    for round in 0..number("SAMOVAR_ROUNDS", 8) {
        let mut rng = Rng::new(seed.wrapping_add(round));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        let open = || Cache::options().capacity(512 << 10).seals(round % 2 == 0).open(&path).unwrap();
        let (mut cache, mut model) = (open(), Model::new());
        for sequence in 0..3000 {
            step(&cache, &mut model, &mut rng, sequence);
            if rng.below(60) == 0 {
                compare(&cache, &model);
            }
            if rng.below(400) == 0 {
                cache.close().unwrap();
                cache = open();
                assert!(cache.attachment().warm);
            }
        }
        compare(&cache, &model);
        assert_eq!((cache.stats().unwrap().evictions, cache.stats().unwrap().resets), (0, 0));
    }
}

#[test]
fn a_namespace_counts_for_itself() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = Cache::options().capacity(32 << 20).open(&path).unwrap();
    let (one, other) =
        (cache.create_namespace("one", None).unwrap(), cache.create_namespace("other", None).unwrap());
    for key in 0u64..100 {
        one.set(&key.to_le_bytes(), &[1; 100]).unwrap();
        one.get(&key.to_le_bytes()).unwrap();
        assert_eq!(other.get(&key.to_le_bytes()).unwrap(), None);
        assert_eq!(cache.get(&key.to_le_bytes()).unwrap(), None);
    }
    assert!(one.remove(&0u64.to_le_bytes()).unwrap() && !other.remove(&0u64.to_le_bytes()).unwrap());
    let (ours, theirs) = (one.stats().unwrap(), other.stats().unwrap());
    assert_eq!((ours.hits, ours.misses, ours.sets, ours.removes, ours.entries), (100, 0, 100, 1, 99));
    // Header 8, namespace 8, label 4, key 8, value 100: 128 bytes.
    assert_eq!((ours.bytes, ours.live_bytes), (99 * 128, 99 * 108));
    assert_eq!((theirs.hits, theirs.misses, theirs.sets, theirs.entries), (0, 100, 0, 0));
    let stats = cache.stats().unwrap();
    assert_eq!((stats.hits, stats.misses, stats.sets, stats.entries), (100, 200, 100, 99));
    one.clear().unwrap();
    assert_eq!(
        (one.stats().unwrap().entries, one.stats().unwrap().bytes, cache.stats().unwrap().entries),
        (0, 0, 0)
    );
    drop((cache, one, other));
    let cache = Cache::options().open(&path).unwrap();
    assert_eq!(cache.namespace("one").unwrap().stats().unwrap().hits, 100);
}

#[test]
fn there_are_at_most_sixty_four_and_names_are_short() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = Cache::options().capacity(1 << 20).open(&path).unwrap();
    let longest = "a name of up to thirty-nine bytes \u{e9}\u{e9}.";
    assert_eq!(longest.len(), 39);
    let kind = |made: Result<Namespace, samovar::Error>| made.unwrap_err().kind();
    assert_eq!(kind(cache.create_namespace("", None)), ErrorKind::InvalidArgument);
    assert_eq!(kind(cache.create_namespace(&format!("{longest}."), None)), ErrorKind::InvalidArgument);
    assert_eq!(kind(cache.create_namespace("x", Some(0))), ErrorKind::InvalidArgument);
    assert_eq!(kind(cache.namespace(longest)), ErrorKind::NoNamespace);
    cache.create_namespace(longest, None).unwrap();
    for number in 1..64u64 {
        let space = cache.create_namespace(&number.to_string(), Some(number << 10)).unwrap();
        space.set(b"k", &number.to_le_bytes()).unwrap();
    }
    assert_eq!(kind(cache.create_namespace("one more", None)), ErrorKind::TooManyNamespaces);
    cache.create_namespace("7", None).unwrap();
    assert_eq!(cache.namespace("7").unwrap().stats().unwrap().limit, None);
    for number in 1..64u64 {
        let space = cache.namespace(&number.to_string()).unwrap();
        assert_eq!(space.get(b"k").unwrap().unwrap(), number.to_le_bytes(), "{number}");
    }
    assert_eq!(cache.namespaces().unwrap().len(), 64);
    let old = cache.namespace("7").unwrap();
    assert!(cache.remove_namespace("7").unwrap());
    let new = cache.create_namespace("one more", None).unwrap();
    // The number is the same, its entries and its handles are not.
    assert_eq!((new.get(b"k").unwrap(), old.get(b"k").unwrap()), (None, None));
    assert_eq!((new.stats().unwrap().sets, old.stats().unwrap_err().kind()), (0, ErrorKind::NoNamespace));
    new.set(b"k", b"new").unwrap();
    assert_eq!(old.get(b"k").unwrap(), None);
    assert_eq!(old.set(b"k", b"old").unwrap_err().kind(), ErrorKind::NoNamespace);
    assert_eq!(old.clear().unwrap_err().kind(), ErrorKind::NoNamespace);
    let reader = Cache::options().read_only(true).open(&path).unwrap();
    assert_eq!(reader.namespace("one more").unwrap().get(b"k").unwrap().unwrap(), b"new");
    assert_eq!(kind(reader.create_namespace("z", None)), ErrorKind::ReadOnly);
    assert_eq!(reader.namespace("9").unwrap().clear().unwrap_err().kind(), ErrorKind::ReadOnly);
    assert!(cache.check().unwrap().is_clean());
}

/// Sets of every size, overwrites that grow, hot keys, keys one after another: the limit holds after each.
#[test]
fn a_limit_holds_whatever_is_set() {
    let mut rng = Rng::new(seed());
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::options().capacity(32 << 20).open(dir.path().join("c.samovar")).unwrap();
    for key in 0..20_000u64 {
        cache.set(&key.to_le_bytes(), &[7; 300]).unwrap();
    }
    // Four parts, so a share is 64 KiB.
    const LIMIT: u64 = 256 << 10;
    let space = cache.create_namespace("limited", Some(LIMIT)).unwrap();
    for round in 0..6000u64 {
        let (key, len) = match round % 6 {
            0 => (rng.below(50), rng.below(20_000)),
            1 => (0, round * 8),
            2 => (round, 10),
            _ => (rng.below(2000), rng.below(900)),
        };
        space.set(&key.to_le_bytes(), &vec![1; usize::try_from(len).unwrap()]).unwrap();
        assert!(space.get(&key.to_le_bytes()).unwrap().is_some(), "what was set last is there");
        let held = space.stats().unwrap();
        assert!(held.bytes <= LIMIT, "{held:?} after {round}");
        (0..5).for_each(|_| drop(space.get(&rng.below(9).to_le_bytes()).unwrap()));
    }
    let held = space.stats().unwrap();
    assert!(held.evictions > 1000 && held.bytes > LIMIT / 2, "{held:?}");
    // One that is larger than a share is alone in its part.
    space.set(b"large", &vec![1; 100_000]).unwrap();
    assert!(space.get(b"large").unwrap().is_some());
    assert!(space.stats().unwrap().bytes <= LIMIT / 4 * 3 + 100_100);
    space.set(b"large", b"small").unwrap();
    // Lowered: the next sets see to it.
    cache.create_namespace("limited", Some(LIMIT / 8)).unwrap();
    (0..300u64).for_each(|key| space.set(&key.to_le_bytes(), b"v").unwrap());
    assert!(space.stats().unwrap().bytes <= LIMIT / 8, "{:?}", space.stats().unwrap());
    for key in 0..20_000u64 {
        assert!(
            cache.get(&key.to_le_bytes()).unwrap().is_some(),
            "a limited namespace took the room of others"
        );
    }
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "{report}");
}

/// A namespace that fills the cache and is emptied leaves room for as much again, without an eviction.
#[test]
fn what_was_emptied_is_free_space() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::options().capacity(4 << 20).open(dir.path().join("c.samovar")).unwrap();
    let space = cache.create_namespace("pages", None).unwrap();
    let entries = 5_000u64;
    for round in 0..4u64 {
        for key in 0..entries {
            space.set(&key.to_le_bytes(), &[1; 400]).unwrap();
        }
        assert_eq!(cache.stats().unwrap().evictions, 0);
        if round % 2 == 0 {
            space.clear().unwrap()
        } else {
            assert!(cache.remove_namespace("pages").unwrap())
        }
        assert_eq!((cache.stats().unwrap().entries, cache.stats().unwrap().live_bytes), (0, 0));
        for key in 0..entries {
            cache.set(&key.to_le_bytes(), &[2; 400]).unwrap();
        }
        for key in 0..entries {
            assert!(cache.get(&key.to_le_bytes()).unwrap().is_some(), "round {round}, key {key}");
            cache.remove(&key.to_le_bytes()).unwrap();
        }
        let report = cache.check().unwrap();
        assert!(report.is_clean(), "{report}");
        if round % 2 != 0 {
            cache.clear().unwrap();
            assert_eq!(space.get(b"x").unwrap(), None);
            break;
        }
    }
    assert_eq!(cache.stats().unwrap().evictions, 0);
}

fn progress(cache: &Path) -> SharedMap {
    let file = open_existing(&cache.with_extension("progress"), Access::ReadWrite).unwrap();
    SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap()
}

fn word(map: &SharedMap, at: usize) -> Word64<'_> {
    map.view().word64(at * 64).unwrap()
}

struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const KEYS: u64 = 60;

/// Sets, appends to and removes keys of a namespace until it is told to stop.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn writing_process() {
    let (Ok(_), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let path = Path::new(&file);
    let cache = Cache::options().open(path).unwrap();
    let space = cache.namespace("tea").unwrap();
    let (progress, mut rng) = (progress(path), Rng::new(number("SAMOVAR_SEED", 1)));
    for sequence in 1.. {
        let key = rng.below(KEYS);
        let (begun, done) = (word(&progress, 3).load_acquire(), word(&progress, 2).load_acquire());
        samovar_mmap::fence_full();
        match rng.below(8) {
            0 => drop(space.remove(&key.to_le_bytes()).unwrap()),
            1 => drop(space.touch(&key.to_le_bytes(), Ttl::secs(100)).unwrap()),
            _ => {
                let len = usize::try_from(rng.below(700)).unwrap();
                space.set(&key.to_le_bytes(), &Label { key, writer: 1, sequence }.value(len)).unwrap();
                // Nobody else sets: what was just set is lost only to a clear that begins after that.
                let found = space.get(&key.to_le_bytes()).unwrap();
                let quiet = done == begun && word(&progress, 3).load_acquire() == begun;
                assert!(found.is_some() || !quiet, "a set was lost");
            }
        }
        word(&progress, 0).store_release(sequence);
        if word(&progress, 1).load_acquire() != 0 {
            return;
        }
    }
}

#[test]
fn what_was_set_before_a_clear_is_never_seen_after_it_in_any_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = Cache::options().capacity(1 << 20).open(&path).unwrap();
    let reader = Cache::options().read_only(true).open(&path).unwrap();
    let space = cache.create_namespace("tea", None).unwrap();
    let elsewhere = reader.namespace("tea").unwrap();
    reserve(&std::fs::File::create_new(path.with_extension("progress")).unwrap(), 4096).unwrap();
    let progress = progress(&path);
    let mut command = this_program!(writing_process, "writer", &path);
    let mut writer = Child(command.env("SAMOVAR_SEED", seed().to_string()).spawn().unwrap());
    let mut met = 0;
    for round in 1..=number("SAMOVAR_ROUNDS", 300) {
        while word(&progress, 0).load_acquire() < round * 40 {
            assert!(writer.0.try_wait().unwrap().is_none(), "the writing process has ended");
            std::thread::yield_now();
        }
        let before = word(&progress, 0).load_acquire();
        word(&progress, 3).store_release(round);
        samovar_mmap::fence_full();
        space.clear().unwrap();
        word(&progress, 2).store_release(round);
        // In every other round not before something was written after it.
        while round % 2 == 0 && word(&progress, 0).load_acquire() < before + 10 {
            assert!(writer.0.try_wait().unwrap().is_none(), "the writing process has ended");
            std::thread::yield_now();
        }
        for handle in [&*space, &*elsewhere] {
            for key in 0..KEYS {
                let Some(value) = handle.get(&key.to_le_bytes()).unwrap() else { continue };
                let label = Label::of(&value).expect("a value that is not whole");
                assert!(label.key == key && label.sequence > before, "{label:?} was set before, by {before}");
                met += 1;
            }
        }
    }
    word(&progress, 1).store_release(1);
    assert!(writer.0.wait().unwrap().success());
    assert!(met > 0, "nothing was ever written meanwhile");
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "{report}");
    let stats = cache.stats().unwrap();
    assert_eq!((stats.evictions, stats.resets, stats.refusals), (0, 0, 0));
    assert_eq!(space.iter().count() as u64, space.stats().unwrap().entries);
}

#[test]
fn a_clear_voids_the_leases_of_its_namespace_alone() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar")).unwrap();
    let (one, other) =
        (cache.create_namespace("one", None).unwrap(), cache.create_namespace("other", None).unwrap());
    let lease = |here: &Cache| match here.lookup(b"k").unwrap() {
        Lookup::MissingYours(lease) => lease,
        found => panic!("{found:?}"),
    };
    let (ours, theirs, outside) = (lease(&one), lease(&other), lease(&cache));
    one.clear().unwrap();
    assert!(!ours.fulfil(b"from before the clear", Ttl::NEVER).unwrap());
    assert!(theirs.fulfil(b"v", Ttl::NEVER).unwrap() && outside.fulfil(b"w", Ttl::NEVER).unwrap());
    assert_eq!(one.get(b"k").unwrap(), None);
    assert_eq!(
        (&other.get(b"k").unwrap().unwrap()[..], &cache.get(b"k").unwrap().unwrap()[..]),
        (&b"v"[..], &b"w"[..])
    );
    assert!(lease(&one).fulfil(b"from after it", Ttl::NEVER).unwrap());
    let lease = lease(&one.create_namespace("one more", None).unwrap());
    cache.clear().unwrap();
    assert!(!lease.fulfil(b"v", Ttl::NEVER).unwrap());
}
