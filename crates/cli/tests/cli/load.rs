//! `samovar load`: a command runs once for all who ask.
#![cfg(unix)]

use crate::harness::{ABSENT, DONE, OTHER, Place, USAGE, finish, samovar, start};

#[test]
fn the_command_runs_only_if_the_key_is_missing() {
    let place = Place::new();
    let cache = place.cache("c");
    let load = |word: &str| samovar(&["load", &cache, "leaf", "--", "printf", word]).ends(DONE);
    assert_eq!(load("oolong").bytes(), b"oolong");
    assert_eq!(load("assam").bytes(), b"oolong");
    assert_eq!(samovar(&["get", &cache, "leaf"]).ends(DONE).bytes(), b"oolong");
    let told = samovar(&["load", &cache, "leaf", "--json", "--", "printf", "x"]).ends(DONE).json();
    assert_eq!((&told["loaded"], &told["value_bytes"]), (&false.into(), &6.into()));
    let told =
        samovar(&["load", &cache, "root", "--json", "--ttl", "1h", "--", "printf", "x"]).ends(DONE).json();
    assert_eq!((&told["loaded"], &told["value_bytes"]), (&true.into(), &1.into()));
}

#[test]
fn a_command_that_fails_stores_nothing_and_is_told() {
    let place = Place::new();
    let cache = place.cache("c");
    let answer = samovar(&["load", &cache, "leaf", "--", "sh", "-c", "echo half; exit 7"]).ends(OTHER);
    assert!(answer.bytes().is_empty() && answer.err().contains("nothing was stored"), "{}", answer.err());
    samovar(&["load", &cache, "leaf", "--", "/no/such/program"]).ends(OTHER).says(&["/no/such/program"]);
    samovar(&["get", &cache, "leaf"]).ends(ABSENT);
    samovar(&["load", &cache, "leaf"]).ends(USAGE);
}

#[test]
fn eight_processes_run_it_once() {
    let place = Place::new();
    let (cache, counted) = (place.cache("c"), place.file("counted"));
    let script = format!("echo ran >> {counted}; sleep 0.2; echo tea");
    let arguments = ["load", &cache, "leaf", "--", "sh", "-c", &script];
    let children: Vec<_> = (0..8).map(|_| start(&arguments)).collect();
    for child in children {
        assert_eq!(finish(&arguments, child).ends(DONE).bytes(), b"tea\n");
    }
    assert_eq!(std::fs::read_to_string(counted).expect("it ran"), "ran\n");
}
