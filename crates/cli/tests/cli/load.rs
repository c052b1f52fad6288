//! `samovar load`: a command runs once for all who ask.
#![cfg(unix)]

use crate::harness::{ABSENT, DONE, OTHER, Place, USAGE, finish, samovar, start};
use std::thread::sleep;
use std::time::{Duration, Instant};

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

#[test]
fn what_was_not_stored_is_told() {
    let place = Place::new();
    let cache = place.file("c");
    samovar(&["create", &cache, "-c", "8MiB", "--max-value-size", "10KiB"]).ends(DONE);
    let large = ["load", &cache, "large", "--", "sh", "-c", "head -c 20000 /dev/zero"];
    let answer = samovar(&large).ends(DONE).says(&["was not stored", "10240"]);
    assert_eq!(answer.bytes(), [0; 20_000]);
    let program = env!("CARGO_BIN_EXE_samovar");
    // Another process is faster.
    let script = format!("{program} set {cache} leaf assam; printf oolong");
    let answer = samovar(&["load", &cache, "leaf", "--", "sh", "-c", &script]).ends(DONE);
    assert_eq!(answer.bytes(), b"oolong");
    answer.says(&["was not stored", "set or deleted meanwhile"]);
    assert_eq!(samovar(&["get", &cache, "leaf"]).ends(DONE).bytes(), b"assam");
    let script = format!("{program} set {cache} root assam; printf oolong");
    let told = samovar(&["load", &cache, "root", "--json", "--", "sh", "-c", &script]).ends(DONE).json();
    assert_eq!((&told["loaded"], &told["stored"]), (&true.into(), &false.into()), "{told}");
    assert!(told["because"].as_str().is_some_and(|why| why.contains("meanwhile")), "{told}");
}

#[test]
fn a_stale_value_is_refreshed_by_one_and_given_to_others() {
    let place = Place::new();
    let cache = place.cache("c");
    let load = |script: &str| {
        ["load", &cache, "leaf", "-t", "1h", "-s", "100ms", "--json", "--", "sh", "-c", script]
            .map(str::to_owned)
    };
    let run = |script: &str| samovar(&load(script).each_ref().map(String::as_str)).ends(DONE).json();
    assert_eq!(run("printf old")["loaded"], true);
    assert_eq!(run("printf new")["loaded"], false);
    sleep(Duration::from_millis(150));
    let slow = load(&format!("touch {}; sleep 1; printf new!", place.file("begun")));
    let slow = slow.each_ref().map(String::as_str);
    let refresher = start(&slow);
    let begun = Instant::now();
    while !place.path("begun").exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the command never ran");
        sleep(Duration::from_millis(5));
    }
    let told = run("printf never");
    assert_eq!(
        (&told["loaded"], &told["stale"], &told["value_bytes"]),
        (&false.into(), &true.into(), &3.into())
    );
    let told = finish(&slow, refresher).ends(DONE).json();
    assert_eq!(
        (&told["loaded"], &told["stored"], &told["stale"]),
        (&true.into(), &true.into(), &false.into())
    );
    assert_eq!(samovar(&["get", &cache, "leaf"]).ends(DONE).bytes(), b"new!");
}

#[test]
fn a_stale_value_is_better_than_none() {
    let place = Place::new();
    let cache = place.cache("c");
    let load = ["load", &cache, "leaf", "--ttl", "1h", "--stale-after", "1ms"];
    samovar(&[&load[..], &["--", "printf", "old"]].concat()).ends(DONE).stays_silent();
    sleep(Duration::from_millis(50));
    let answer = samovar(&[&load[..], &["--", "sh", "-c", "exit 7"]].concat()).ends(DONE);
    assert_eq!(answer.bytes(), b"old");
    answer.says(&["stale", "exit status: 7"]);
    let told = samovar(&[&load[..], &["--json", "--", "false"]].concat()).ends(DONE).json();
    assert_eq!(
        (&told["loaded"], &told["stale"], &told["value_bytes"]),
        (&false.into(), &true.into(), &3.into())
    );
    // It has never to be refreshed if it is forgotten before.
    for (ttl, soft) in [("5s", "5"), ("1s", "1m")] {
        let words = ["load", &cache, "root", "--ttl", ttl, "--stale-after", soft, "--", "printf", "x"];
        samovar(&words).ends(USAGE).says(&["--stale-after", "--ttl"]);
    }
    samovar(&["load", &cache, "root", "--stale-after", "5", "--", "printf", "x"]).ends(DONE);
}

#[test]
fn who_has_waited_long_enough_runs_the_command_for_itself() {
    let place = Place::new();
    let cache = place.cache("c");
    let slow_script = format!("touch {}; sleep 2; printf slow", place.file("begun"));
    let slow = ["load", &cache, "leaf", "--", "sh", "-c", &slow_script];
    let child = start(&slow);
    while !place.path("begun").exists() {
        sleep(Duration::from_millis(5));
    }
    let answer = samovar(&["load", &cache, "leaf", "--timeout", "100ms", "--", "printf", "mine"]).ends(DONE);
    assert_eq!(answer.bytes(), b"mine");
    assert_eq!(finish(&slow, child).ends(DONE).bytes(), b"slow");
}
