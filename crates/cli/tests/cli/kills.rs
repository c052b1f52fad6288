//! kill -9 in the middle of a replay: the next one starts warm, no value is wrong, and the file is clean.

use crate::harness::{DONE, Place, assert_clean, busy_trace, samovar, start, web12};
use samovar::Cache;
use std::process::Child;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How many sets a replay has made when it is killed: in an empty cache, in one that fills, and in one that evicts.
const LIVES_SETS: [u64; 5] = [1, 100, 3_000, 1_000, 9_000];

#[test]
fn a_killed_replay_leaves_a_warm_and_clean_cache() {
    let place = Place::new();
    let cache = place.file("c");
    let busy = place.write("t", &busy_trace(200_000));
    for sets in LIVES_SETS {
        let child = start(&["replay", &busy, "--cache", &cache, "--capacity", "1MiB", "--honour-ops"]);
        kill_after(child, &cache, sets_in(&cache) + sets);
        assert_clean(&cache);
    }
    let report = samovar(&["replay", &web12(), "--cache", &cache, "--json"]).ends(DONE).json();
    assert_eq!((&report["warm"], &report["wrong_values"]), (&true.into(), &0.into()), "{report}");
    assert!(report["entries_at_start"].as_u64().expect("a number") > 500, "{report}");
    assert_clean(&cache);
}

fn kill_after(mut child: Child, cache: &str, sets: u64) {
    let start = Instant::now();
    while sets_in(cache) < sets {
        assert!(start.elapsed() < Duration::from_secs(60), "{sets} sets take too long");
        sleep(Duration::from_micros(200));
    }
    assert!(child.try_wait().expect("a status").is_none(), "the replay ended before it was killed");
    child.kill().expect("killed");
    child.wait().expect("gone");
}

/// The sets that the cache has counted; none while there is no cache.
fn sets_in(cache: &str) -> u64 {
    let opened = Cache::options().create(false).read_only(true).open(cache);
    opened.map_or(0, |cache| cache.stats().unwrap().sets)
}
