//! Overwrites: most take the fast path. It leaves out nothing that a write owes to seals, namespaces, leases,
//! pins, limits of time, and accounts. Each is done often enough in a row that fifteen of sixteen may take it.
//!
//! Canaries: those of `scripts/canaries` that name `overwrites`.

use crate::common::{Rng, seed};
use samovar::{Cache, Lookup, Options, Ttl};
use std::time::Duration;

const ROUNDS: u32 = 100;

fn options() -> Options {
    Cache::options().capacity(4 << 20)
}

fn with_cache(options: Options, act: impl FnOnce(&Cache)) {
    let dir = tempfile::tempdir().unwrap();
    let cache = options.open(dir.path().join("c.samovar")).unwrap();
    act(&cache);
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "{report}");
}

/// A value of a round; longer in some than in others.
fn value(round: u32) -> Vec<u8> {
    let mut value = round.to_le_bytes().to_vec();
    value.resize(4 + usize::try_from(round * 7 % 60).unwrap(), 0x5a);
    value
}

#[test]
fn accounts_are_exact_whatever_the_sizes() {
    with_cache(options(), |cache| {
        for round in 0..ROUNDS {
            for key in 0..8u8 {
                cache.set(&[key], &value(round + u32::from(key))).unwrap();
            }
            let live: usize = (0..8).map(|key| 1 + value(round + key).len()).sum();
            let stats = cache.stats().unwrap();
            assert_eq!((stats.entries, stats.live_bytes), (8, live as u64));
            assert_eq!((stats.sets, stats.evictions), (8 * u64::from(round + 1), 0));
        }
    });
}

#[test]
fn seals_are_renewed() {
    with_cache(options().verify(true), |cache| {
        for round in 0..ROUNDS {
            cache.set(b"k", &value(round)).unwrap();
            assert_eq!(cache.get(b"k").unwrap(), Some(value(round)));
        }
        assert_eq!(cache.stats().unwrap().damaged, 0);
    });
}

#[test]
fn namespaces_keep_what_is_theirs() {
    with_cache(options(), |cache| {
        let [one, other] = ["one", "other"].map(|name| cache.create_namespace(name, None).unwrap());
        for round in 0..ROUNDS {
            cache.set(b"k", &value(round)).unwrap();
            one.set(b"k", &value(round + 1)).unwrap();
            other.set(b"k", &value(round + 2)).unwrap();
            if round % 10 == 0 {
                other.clear().unwrap();
                assert_eq!(other.get(b"k").unwrap(), None);
            } else {
                assert_eq!(other.get(b"k").unwrap(), Some(value(round + 2)));
            }
            assert_eq!(cache.get(b"k").unwrap(), Some(value(round)));
            assert_eq!(one.get(b"k").unwrap(), Some(value(round + 1)));
            let known =
                [one.stats().unwrap(), other.stats().unwrap()].map(|stats| (stats.entries, stats.sets));
            assert_eq!(
                known,
                [(1, u64::from(round) + 1), (u64::from(round % 10 != 0), u64::from(round) + 1)]
            );
        }
    });
}

#[test]
fn limits_of_time_come_and_go() {
    with_cache(options(), |cache| {
        for round in 0..ROUNDS {
            let (ttl, there) = match round % 3 {
                0 => (Ttl::NEVER, true),
                1 => (Ttl::secs(3600), true),
                _ => (Ttl::millis(0), false),
            };
            cache.set_with(b"k", &value(round), ttl).unwrap();
            assert_eq!(cache.get(b"k").unwrap(), there.then(|| value(round)), "round {round}");
        }
    });
}

#[test]
fn leases_end() {
    with_cache(options(), |cache| {
        for round in 0..ROUNDS {
            let soon_stale = Ttl::secs(3600).stale_after(Duration::ZERO);
            cache.set_with(b"k", &value(round), soon_stale).unwrap();
            let Lookup::StaleYours(_, lease) = cache.lookup(b"k").unwrap() else { panic!("no lease") };
            cache.set(b"k", &value(round + 1)).unwrap();
            assert!(!lease.fulfil(b"late", Ttl::NEVER).unwrap(), "a lease outlived a set");
            assert_eq!(cache.get(b"k").unwrap(), Some(value(round + 1)));
        }
    });
}

#[test]
fn pinned_bytes_stay() {
    with_cache(Cache::options().capacity(256 << 10), |cache| {
        // Several laps of the ring that they are in by then.
        let churn = |rounds: u32| {
            for round in 0..rounds {
                cache.set(&(round % 8).to_le_bytes(), &value(round)).unwrap();
            }
        };
        churn(20_000);
        let held = cache.get_ref(&3u32.to_le_bytes()).unwrap().unwrap();
        let before = held.to_vec().unwrap();
        churn(20_000);
        assert_eq!(held.to_vec().unwrap(), before);
    });
}

/// So many keys overwritten in turn, one a round, with values at least this long; each that had a turn lately is there then.
fn overwrite(cache: &Cache, keys: u32, rounds: std::ops::Range<u32>, len: usize) {
    for round in rounds.clone() {
        let mut value = value(round);
        value.resize(value.len() + len, 0x3c);
        cache.set(&(round % keys).to_le_bytes(), &value).unwrap();
    }
    for round in rounds.end.saturating_sub(keys)..rounds.end {
        let found = cache.get(&(round % keys).to_le_bytes()).unwrap();
        assert_eq!(found.map(|found| found[..4].to_vec()), Some(round.to_le_bytes().to_vec()));
    }
    let stats = cache.stats().unwrap();
    assert_eq!((stats.evictions, stats.resets), (0, 0));
}

#[test]
fn laps_end_in_time() {
    with_cache(Cache::options().capacity(256 << 10), |cache| {
        for part in 0..100 {
            overwrite(cache, 8, part * 500..(part + 1) * 500, 0);
        }
    });
}

#[test]
fn an_end_that_sinks_is_kept_to() {
    with_cache(Cache::options().capacity(1 << 20).max_value_size(1 << 10), |cache| {
        let mut rounds = 0..1000;
        let mut rng = Rng::new(seed());
        for _ in 0..3000 {
            // More than the small ring holds, so that most live in the main ring, whose end it is.
            overwrite(cache, 300, rounds.clone(), 400);
            rounds = rounds.end..rounds.end + 20 + u32::try_from(rng.below(40)).unwrap();
            let percent = 70 + rng.below(31);
            assert!(cache.resize((1 << 20) * percent / 100).unwrap().complete);
        }
    });
}

/// A cache whose live bytes are a little above the limit that decides how much is kept free. Now and then they are
/// below it, when a small value replaces a large one. The sets that follow look around again. (That what they go by is
/// so is asserted by the engine itself, where it is built to assert.)
#[test]
fn what_was_seen_is_forgotten_when_a_large_value_goes() {
    let seed = seed();
    for percent in (60..86).step_by(2) {
        with_cache(Cache::options().capacity(512 << 10).max_value_size(16 << 10), |cache| {
            let (mut rng, large) = (Rng::new(seed ^ percent), vec![0x3c; 12 << 10]);
            let set_large =
                |key: u64| cache.set(&[b"large", &key.to_le_bytes()[..]].concat(), &large).unwrap();
            let set_small = |key: u64| cache.set(&key.to_le_bytes(), &[0x5a; 150]).unwrap();
            let bytes = cache.stats().unwrap().data_bytes * percent / 100;
            let (larges, smalls) = (bytes / 2 / (12 << 10), bytes / 2 / 176);
            // Overwritten until all of them are in the main ring, and that has gone round.
            for _ in 0..4 {
                (0..larges).for_each(set_large);
                (0..smalls).for_each(set_small);
            }
            for _ in 0..300 {
                let key = rng.below(larges);
                (0..rng.below(40)).for_each(|_| set_small(rng.below(smalls)));
                cache.set(&[b"large", &key.to_le_bytes()[..]].concat(), b"small").unwrap();
                (0..20).for_each(|_| set_small(rng.below(smalls)));
                set_large(key);
            }
            assert_eq!(cache.stats().unwrap().resets, 0, "SAMOVAR_SEED={seed}, {percent} %");
        });
    }
}
