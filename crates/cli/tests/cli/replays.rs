//! replay, on the trace that ships and on traces made by hand.

use crate::harness::{
    DAMAGE, DELETE, DONE, GET, Place, SET, USAGE, assert_clean, busy_trace, samovar, trace, web12,
};
use serde_json::Value;
use std::fs;

#[track_caller]
fn replay(trace: &str, cache: &str, flags: &[&str]) -> Value {
    let arguments = [&["replay", trace, "--cache", cache, "--json"], flags].concat();
    samovar(&arguments).ends(DONE).json()
}

#[track_caller]
fn assert_numbers(report: &Value, numbers: &[(&str, u64)]) {
    for (name, number) in numbers {
        assert_eq!(report[name], *number, "{name}: {report}");
    }
}

#[test]
fn the_second_run_is_warm() {
    let place = Place::new();
    let cache = place.file("c");
    let cold = replay(&web12(), &cache, &[]);
    let counts = [("requests", 95_607), ("hits", 81_851), ("misses", 13_756), ("entries", 13_756)];
    assert_numbers(&cold, &counts);
    assert_numbers(&cold, &[("entries_max", 13_756), ("wrong_values", 0), ("entries_at_start", 0)]);
    assert_eq!(cold["warm"], false, "{cold}");
    let file_bytes = cold["file_bytes"].as_u64().expect("a number");
    assert!((63 << 20..=64 << 20).contains(&file_bytes), "{cold}");
    let warm = replay(&web12(), &cache, &[]);
    assert_numbers(&warm, &[("requests", 95_607), ("misses", 0), ("entries_at_start", 13_756)]);
    assert_eq!(warm["warm"], true, "{warm}");
    let cold_again = replay(&web12(), &cache, &["--cold"]);
    assert_numbers(&cold_again, &counts);
    assert_clean(&cache);
}

#[test]
fn the_report_is_for_people_too() {
    let place = Place::new();
    let arguments = ["replay", &web12(), "--cache", &place.file("c")];
    let cold = text(&arguments);
    for words in ["cold", "95,607", "14.39 %", "requests a second", "p99.9", "wrong values"] {
        assert!(cold.contains(words), "{words:?} is missing: {cold}");
    }
    let warm = text(&arguments);
    assert!(warm.contains("warm, with 13,756 entries"), "{warm}");
}

#[test]
fn the_json_has_times() {
    let place = Place::new();
    let file = place.write("t", &trace((0..1_000).map(|number| (number % 250, 0, GET))));
    let report = replay(&file, &place.file("c"), &[]);
    for name in ["get_ns", "set_ns"] {
        let quantile = |quantile: &str| report[name][quantile].as_u64().expect("a time");
        assert!(quantile("p50") <= quantile("p99") && quantile("p99") <= quantile("p99_9"), "{report}");
    }
    assert_eq!(report["miss_ratio"], 0.25, "{report}");
    assert!(report["seconds"].as_f64().expect("a number") > 0.0);
    assert!(report["requests_per_second"].as_f64().expect("a number") > 0.0);
}

#[test]
fn a_capacity_in_entries_is_never_exceeded() {
    let place = Place::new();
    let busy = place.write("t", &busy_trace(5_000));
    for entries in [100, 900] {
        let cache = place.file(&entries.to_string());
        let report = replay(&busy, &cache, &["--capacity-entries", &entries.to_string()]);
        let most = report["entries_max"].as_u64().expect("a number");
        assert!(most <= entries && most > entries / 2, "{report}");
        assert!(report["evictions"].as_u64().expect("a number") > 0, "{report}");
        assert_numbers(&report, &[("refusals", 0), ("wrong_values", 0)]);
        assert_clean(&cache);
    }
}

#[test]
fn the_policy_does_better_than_the_least_recently_used() {
    // A tenth of the distinct keys. LRU misses 31.5 % of the requests there, S3-FIFO 27.9 %.
    let place = Place::new();
    let report = replay(&web12(), &place.file("c"), &["--capacity-entries", "1376"]);
    assert!(report["miss_ratio"].as_f64().expect("a number") < 0.29, "{report}");
}

#[test]
fn recorded_ops_are_honoured_when_asked() {
    let place = Place::new();
    let records = [(1, 10, SET), (1, 10, GET), (1, 0, DELETE), (1, 10, GET), (2, 10, DELETE)];
    let file = place.write("t", &trace(records));
    let honoured = replay(&file, &place.file("c"), &["--honour-ops"]);
    assert_numbers(&honoured, &[("records", 5), ("requests", 2), ("hits", 1), ("misses", 1), ("sets", 2)]);
    assert_numbers(&honoured, &[("deletes", 2), ("entries", 1)]);
    let ignored = replay(&file, &place.file("d"), &[]);
    assert_numbers(&ignored, &[("requests", 5), ("hits", 3), ("misses", 2), ("sets", 2), ("deletes", 0)]);
}

#[test]
fn values_are_as_long_as_asked() {
    let place = Place::new();
    let file = place.write("t", &trace([(1, 50, GET), (2, 0, GET)]));
    for (flags, bytes) in [
        (&[][..], 50 + 100),
        (&["--value-size", "7"], 7 + 7),
        (&["--value-size", "0"], 0),
        (&["--capacity-entries", "1000"], 100 + 100),
        (&["--capacity-entries", "1000", "--value-size", "30"], 30 + 30),
    ] {
        let report = replay(&file, &place.file("c"), &[flags, &["--cold"]].concat());
        assert_numbers(&report, &[("live_bytes", 8 + 8 + bytes), ("misses", 2)]);
    }
}

#[test]
fn values_of_every_length_come_back_whole() {
    let place = Place::new();
    let records = (0..2).flat_map(|_| (1..3_000).map(|size| (u64::from(size), size, GET)));
    let file = place.write("t", &trace(records));
    let report = replay(&file, &place.file("c"), &[]);
    assert_numbers(&report, &[("hits", 2_999), ("misses", 2_999), ("wrong_values", 0)]);
}

#[test]
fn a_value_too_large_is_refused_and_the_replay_goes_on() {
    let place = Place::new();
    let records = [(1, 100, GET), (2, 3 << 20, GET), (3, u32::MAX, GET), (1, 100, GET)];
    let file = place.write("t", &trace(records));
    let report = replay(&file, &place.file("c"), &["--capacity", "8MiB"]);
    assert_numbers(&report, &[("requests", 4), ("hits", 1), ("misses", 3), ("refusals", 2), ("sets", 1)]);
    assert_numbers(&report, &[("largest_value_bytes", u64::from(u32::MAX)), ("max_value_size", 8 << 16)]);
}

#[test]
fn a_wrong_value_is_seen() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "abcdefgh", "not a value of a replay"]).ends(DONE);
    let key = u64::from_le_bytes(*b"abcdefgh");
    let file = place.write("t", &trace([(key, 0, GET)]));
    let answer = samovar(&["replay", &file, "--cache", &cache, "--json"]).ends(DAMAGE);
    assert_numbers(&answer.json(), &[("hits", 1), ("wrong_values", 1), ("first_wrong_key", key)]);
}

#[test]
fn capacities_must_agree() {
    let place = Place::new();
    let cache = place.file("c");
    let file = place.write("t", &busy_trace(100));
    let run = |flags: &[&str]| samovar(&[&["replay", &file, "--cache", &cache], flags].concat());
    run(&["--capacity", "8MiB"]).ends(DONE);
    run(&["--capacity", "9MiB"]).ends(USAGE).says(&[&cache]);
    run(&["--capacity-entries", "500"]).ends(USAGE).says(&[&cache]);
    run(&["--capacity", "8MiB"]).ends(DONE);
    run(&["--capacity", "8MiB", "--capacity-entries", "500"]).ends(USAGE);
    run(&["--capacity-entries", "0"]).ends(USAGE);
}

#[test]
fn cold_removes_no_file_but_a_cache() {
    let place = Place::new();
    for (name, text) in [("short", "tea"), ("long", &*"Camellia sinensis\n".repeat(10_000))] {
        let file = place.write(name, text.as_bytes());
        samovar(&["replay", &web12(), "--cache", &file, "--cold"]).ends(USAGE).says(&[&file]);
        assert_eq!(fs::read_to_string(&file).expect("the file"), text);
    }
}

#[track_caller]
fn text(arguments: &[&str]) -> String {
    samovar(arguments).ends(DONE).out()
}
