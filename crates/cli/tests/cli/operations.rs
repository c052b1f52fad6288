//! Operations that look before they write: what they change, what they answer, and how scripts hear of it.

use crate::harness::{ABSENT, DONE, Place, USAGE, assert_clean, finish, samovar, samovar_reading, start};
use std::thread::sleep;
use std::time::Duration;

#[track_caller]
fn assert_value(cache: &str, key: &str, value: &str) {
    assert_eq!(samovar(&["get", cache, key]).ends(DONE).out(), value);
}

#[test]
fn add_and_replace_look_first() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["replace", &cache, "leaf", "assam"]).ends(ABSENT).stays_silent();
    samovar(&["contains", &cache, "leaf"]).ends(ABSENT).stays_silent();
    samovar(&["add", &cache, "leaf", "oolong"]).ends(DONE);
    samovar(&["add", &cache, "leaf", "assam"]).ends(ABSENT).stays_silent();
    assert_value(&cache, "leaf", "oolong");
    samovar_reading(b"assam", &["replace", &cache, "leaf", "-"]).ends(DONE);
    assert_value(&cache, "leaf", "assam");
    samovar(&["contains", &cache, "leaf"]).ends(DONE).stays_silent();
    assert_clean(&cache);
}

#[test]
fn more_is_put_to_either_end() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["append", &cache, "leaf", "x"]).ends(ABSENT).stays_silent();
    samovar(&["prepend", &cache, "leaf", "x"]).ends(ABSENT).stays_silent();
    samovar(&["set", &cache, "leaf", "lon"]).ends(DONE);
    samovar(&["append", &cache, "leaf", "g"]).ends(DONE);
    let front = place.write("front", b"oo");
    samovar(&["prepend", &cache, "leaf", "--value-file", &front]).ends(DONE);
    assert_value(&cache, "leaf", "oolong");
}

#[test]
fn numbers_are_counted_and_printed() {
    let place = Place::new();
    let cache = place.cache("c");
    assert!(samovar(&["incr", &cache, "cups"]).ends(ABSENT).bytes().is_empty());
    let answer = samovar(&["incr", &cache, "cups", "--json"]).ends(ABSENT).json();
    assert_eq!(answer, serde_json::json!({ "key": "cups", "value": null }));
    samovar(&["add", &cache, "cups", "0"]).ends(DONE);
    assert_eq!(samovar(&["incr", &cache, "cups"]).ends(DONE).out(), "1\n");
    assert_eq!(samovar(&["incr", &cache, "cups", "41"]).ends(DONE).out(), "42\n");
    let answer = samovar(&["decr", &cache, "cups", "2", "--json"]).ends(DONE).json();
    assert_eq!(answer, serde_json::json!({ "key": "cups", "value": 40 }));
    assert_eq!(samovar(&["decr", &cache, "cups", "1000"]).ends(DONE).out(), "0\n");
    samovar(&["set", &cache, "cups", &u64::MAX.to_string()]).ends(DONE);
    assert_eq!(samovar(&["incr", &cache, "cups", "2"]).ends(DONE).out(), "1\n");
    assert_value(&cache, "cups", "1");
}

#[test]
fn what_is_no_number_is_not_counted() {
    let place = Place::new();
    let cache = place.cache("c");
    for value in ["oolong", "", "-1", "1.5", "18446744073709551616"] {
        samovar(&["set", &cache, "leaf", "--", value]).ends(DONE);
        for command in ["incr", "decr"] {
            let answer =
                samovar(&[command, &cache, "leaf"]).ends(USAGE).says(&[&cache, "not a decimal number"]);
            assert!(answer.bytes().is_empty());
        }
        assert_value(&cache, "leaf", value);
    }
    let answer = samovar(&["incr", &cache, "leaf", "lots"]).ends(USAGE);
    assert!(answer.err().contains("lots"), "{}", answer.err());
}

#[test]
fn processes_count_together() {
    const RUNS: u64 = 25;
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "cups", "0"]).ends(DONE);
    let arguments = ["incr", &cache, "cups"];
    let mut sums: Vec<u64> = Vec::new();
    for _ in 0..RUNS {
        for child in [start(&arguments), start(&arguments), start(&arguments)] {
            sums.push(finish(&arguments, child).ends(DONE).out().trim().parse().expect("a number"));
        }
    }
    sums.sort_unstable();
    assert!(sums.into_iter().eq(1..=3 * RUNS));
}

#[test]
fn a_value_is_swapped_only_for_the_version_that_was_read() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["get", &cache, "leaf", "--version"]).ends(ABSENT).stays_silent();
    samovar(&["set", &cache, "leaf", "assam"]).ends(DONE);
    let read = samovar(&["get", &cache, "leaf", "--version", "--out", &place.file("out")]).ends(DONE).out();
    assert_eq!(std::fs::read(place.path("out")).expect("the value"), b"assam");
    let version = read.trim();
    let outcome = |key: &str, status| {
        let arguments = ["set", &cache, key, "oolong", "--if-version", version, "--json"];
        samovar(&arguments).ends(status).json()["outcome"].clone()
    };
    assert_eq!(outcome("root", ABSENT), "missing");
    assert_eq!(outcome("leaf", DONE), "stored");
    assert_eq!(outcome("leaf", ABSENT), "changed");
    samovar(&["set", &cache, "leaf", "late", "--if-version", version]).ends(ABSENT).stays_silent();
    assert_value(&cache, "leaf", "oolong");
    assert_eq!(samovar(&["set", &cache, "root", "v", "--json"]).ends(DONE).json()["outcome"], "stored");
}

#[test]
fn a_value_is_told_as_json() {
    let place = Place::new();
    let cache = place.cache("c");
    let answer = samovar(&["get", &cache, "leaf", "--json"]).ends(ABSENT).json();
    assert_eq!(answer, serde_json::json!({ "key": "leaf", "found": false }));
    samovar(&["set", &cache, "leaf", "oo\"long"]).ends(DONE);
    let answer = samovar(&["get", &cache, "leaf", "--json"]).ends(DONE).json();
    assert_eq!((&answer["value"], &answer["bytes"]), (&"oo\"long".into(), &7.into()), "{answer}");
    assert!(answer["version"].is_u64() && answer.get("value_hex").is_none(), "{answer}");
    samovar_reading(b"\xff\x00", &["set", &cache, "leaf", "-"]).ends(DONE);
    let answer = samovar(&["get", &cache, "leaf", "--json"]).ends(DONE).json();
    assert!(answer["value_hex"] == "ff00" && answer.get("value").is_none(), "{answer}");
}

#[test]
fn a_touch_gives_another_time_to_live() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["touch", &cache, "leaf", "--ttl", "1h"]).ends(ABSENT).stays_silent();
    for key in ["brief", "longer", "seen", "for ever"] {
        samovar(&["set", &cache, key, "v", "--ttl", "1h"]).ends(DONE);
    }
    samovar(&["touch", &cache, "brief", "--ttl", "1ms"]).ends(DONE);
    samovar(&["touch", &cache, "longer", "--ttl", "2h"]).ends(DONE);
    samovar(&["touch", &cache, "for ever", "--ttl", "never"]).ends(DONE);
    // Nothing lives for ever by an option that was left out.
    let answer = samovar(&["touch", &cache, "longer"]).ends(USAGE);
    assert!(answer.err().contains("--ttl"), "{}", answer.err());
    assert_eq!(samovar(&["get", &cache, "seen", "--touch", "1ms"]).ends(DONE).out(), "v");
    sleep(Duration::from_millis(50));
    samovar(&["contains", &cache, "brief"]).ends(ABSENT);
    samovar(&["get", &cache, "seen", "--touch", "1h"]).ends(ABSENT);
    assert_value(&cache, "longer", "v");
    assert_value(&cache, "for ever", "v");
}

#[test]
fn a_time_to_live_holds_for_what_is_added_and_replaced() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["add", &cache, "leaf", "v", "--ttl", "1ms"]).ends(DONE);
    samovar(&["set", &cache, "root", "v"]).ends(DONE);
    samovar(&["replace", &cache, "root", "v", "--ttl", "1ms"]).ends(DONE);
    sleep(Duration::from_millis(50));
    samovar(&["contains", &cache, "leaf"]).ends(ABSENT);
    samovar(&["contains", &cache, "root"]).ends(ABSENT);
}
