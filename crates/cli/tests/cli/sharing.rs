//! Two processes replay into one file at once: no value is wrong, and the file is clean.

use crate::harness::{DONE, Place, assert_clean, busy_trace, finish, start, web12};

#[track_caller]
fn replay_at_once(arguments: &[&str]) -> [serde_json::Value; 2] {
    let children = [start(arguments), start(arguments)];
    children.map(|child| finish(arguments, child).ends(DONE).json())
}

#[test]
fn two_replays_of_one_trace_share_the_file() {
    let place = Place::new();
    let cache = place.file("c");
    let reports = replay_at_once(&["replay", &web12(), "--cache", &cache, "--json"]);
    for report in &reports {
        assert_eq!((&report["requests"], &report["wrong_values"]), (&95_607.into(), &0.into()), "{report}");
    }
    let misses: u64 = reports.iter().map(|report| report["misses"].as_u64().expect("a number")).sum();
    assert!((13_756..=2 * 13_756).contains(&misses), "{reports:?}");
    assert_clean(&cache);
}

#[test]
fn two_replays_that_evict_each_other_see_no_wrong_value() {
    let place = Place::new();
    let busy = place.write("t", &busy_trace(20_000));
    for capacity in [&["--capacity", "256KiB"][..], &["--capacity-entries", "300"]] {
        let cache = place.file(capacity[1]);
        let arguments =
            [&["replay", &busy, "--cache", &cache, "--json"], capacity, &["--honour-ops"]].concat();
        for report in replay_at_once(&arguments) {
            assert_eq!(report["wrong_values"], 0, "{report}");
            assert!(report["evictions"].as_u64().expect("a number") > 0, "{report}");
        }
        assert_clean(&cache);
    }
}
