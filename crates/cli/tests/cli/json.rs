//! `--json`: every command answers in JSON, and tells its errors in JSON.

use crate::harness::{ABSENT, DAMAGE, DONE, OTHER, Place, USAGE, samovar, samovar_reading, web12};
use serde_json::{Value, json};
use std::fs;

/// The answers to a command, one a line or one in all.
#[track_caller]
fn answers(status: i32, arguments: &[&str]) -> Vec<Value> {
    let answer = samovar(&[arguments, &["--json"]].concat()).ends(status);
    let values: Result<Vec<Value>, _> =
        serde_json::Deserializer::from_slice(answer.bytes()).into_iter().collect();
    assert!(answer.err().is_empty(), "{}", answer.err());
    values.unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", answer.out()))
}

#[test]
fn what_becomes_of_a_key_is_told_in_a_word() {
    let place = Place::new();
    let cache = place.cache("c");
    for (status, words, outcome) in [
        (ABSENT, &["replace", &cache, "leaf", "v"][..], "missing"),
        (DONE, &["set", &cache, "leaf", "v"], "stored"),
        (ABSENT, &["set", &cache, "leaf", "v", "--if-version", "9"], "changed"),
        (ABSENT, &["set", &cache, "root", "v", "--if-version", "9"], "missing"),
        (ABSENT, &["add", &cache, "leaf", "v"], "exists"),
        (DONE, &["add", &cache, "bud", "v"], "stored"),
        (DONE, &["append", &cache, "leaf", "v"], "stored"),
        (ABSENT, &["prepend", &cache, "root", "v"], "missing"),
        (DONE, &["touch", &cache, "leaf", "--ttl", "1h"], "touched"),
        (ABSENT, &["touch", &cache, "root", "--ttl", "1h"], "missing"),
    ] {
        assert_eq!(answers(status, words), [json!({ "key": words[2], "outcome": outcome })], "{words:?}");
    }
    let told = answers(ABSENT, &["del", &cache, "leaf", "root", "bud"]);
    let outcome = |key, outcome| json!({ "key": key, "outcome": outcome });
    assert_eq!(told, [outcome("leaf", "removed"), outcome("root", "missing"), outcome("bud", "removed")]);
}

#[test]
fn values_are_told_with_their_keys() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE);
    samovar_reading(b"\xff\x00", &["set", &cache, "root", "-"]).ends(DONE);
    let told = answers(ABSENT, &["get", &cache, "leaf", "bud", "root"]);
    assert_eq!((&told[0]["key"], &told[0]["value"]), (&"leaf".into(), &"oolong".into()));
    assert_eq!(told[1], json!({ "key": "bud", "found": false }));
    assert_eq!((&told[2]["value_hex"], &told[2]["bytes"]), (&"ff00".into(), &2.into()));
    assert_eq!(answers(DONE, &["contains", &cache, "leaf"]), [json!({ "key": "leaf", "found": true })]);
    assert_eq!(answers(ABSENT, &["contains", &cache, "bud"]), [json!({ "key": "bud", "found": false })]);
    let out = place.file("out");
    let told = answers(DONE, &["get", &cache, "leaf", "--out", &out]);
    assert!(told[0]["bytes"] == 6 && told[0].get("value").is_none(), "{told:?}");
    assert_eq!(fs::read(out).expect("the value"), b"oolong");
}

#[test]
fn whole_files_are_told_of() {
    let place = Place::new();
    let cache = place.file("c");
    let made = answers(DONE, &["create", &cache, "-c", "1MiB", "--max-capacity", "2MiB"]);
    assert_eq!(
        (&made[0]["file"], &made[0]["max_capacity_bytes"]),
        (&cache.as_str().into(), &(2 << 20).into())
    );
    let space = |outcome| [json!({ "namespace": "tea", "outcome": outcome })];
    assert_eq!(answers(DONE, &["ns", "create", &cache, "tea"]), space("created"));
    assert_eq!(answers(DONE, &["ns", "clear", &cache, "tea"]), space("cleared"));
    assert_eq!(answers(DONE, &["clear", &cache, "-n", "tea"]), space("cleared"));
    assert_eq!(answers(DONE, &["ns", "remove", &cache, "tea"]), space("removed"));
    assert_eq!(answers(ABSENT, &["ns", "remove", &cache, "tea"]), space("missing"));
    assert_eq!(answers(DONE, &["clear", &cache]), [json!({ "namespace": null, "outcome": "cleared" })]);
    assert_eq!(answers(DONE, &["flush", &cache]), [json!({ "file": cache, "entries": 0 })]);
    let dump = answers(DONE, &["dump", &cache]);
    assert!(dump[0]["lines"].as_array().is_some_and(|lines| lines.len() > 5), "{dump:?}");
    assert_eq!(answers(DONE, &["delete", &cache]), [json!({ "file": cache, "outcome": "deleted" })]);
}

#[test]
fn every_other_command_answers_in_json() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["add", &cache, "cups", "1"]).ends(DONE);
    let csv = place.write("bars.csv", b"time\n1\n");
    let bars = place.file("bars");
    for (status, words) in [
        (DONE, &["incr", &cache, "cups"][..]),
        (DONE, &["decr", &cache, "cups"]),
        (DONE, &["keys", &cache]),
        (DONE, &["ns", "list", &cache]),
        (DONE, &["stat", &cache]),
        (DONE, &["top", &cache]),
        (DONE, &["check", &cache]),
        (DONE, &["resize", &cache, "8MiB"]),
        (ABSENT, &["salvage", &cache]),
        (DONE, &["replay", &web12(), "--cache", &place.file("r")]),
        (DONE, &["demo"]),
        (DONE, &["records", "import", &bars, &csv, "--schema", "time:i64"]),
        (DONE, &["records", "info", &bars]),
        (DONE, &["man", &place.file("man1")]),
    ] {
        assert_eq!(answers(status, words).len(), 1, "{words:?}");
    }
}

#[test]
fn errors_are_told_with_their_kind_and_remedy() {
    let place = Place::new();
    let (cache, none) = (place.cache("c"), place.file("none"));
    let text = place.write("text", &[b'x'; 10_000]);
    for (status, kind, words) in [
        (OTHER, "not_found", &["get", &none, "leaf"][..]),
        (OTHER, "not_found", &["create", &place.file("no/c"), "-c", "1MiB"]),
        (USAGE, "already_exists", &["create", &cache, "-c", "1MiB"]),
        (USAGE, "not_a_cache", &["stat", &text]),
        (USAGE, "no_namespace", &["get", &cache, "leaf", "-n", "tea"]),
        (USAGE, "usage", &["get", &cache]),
        (USAGE, "usage", &["brew"]),
        (USAGE, "usage", &[]),
        (USAGE, "usage", &["set", &cache, "leaf", "v", "--ttl", "soon"]),
        (OTHER, "command_failed", &["load", &cache, "leaf", "--json", "--", "/no/such/program"]),
        (OTHER, "not_found", &["records", "info", &none]),
    ] {
        let words = if words.contains(&"--json") { words.to_vec() } else { [words, &["--json"]].concat() };
        let answer = samovar(&words).ends(status);
        let error = answer.json_error();
        assert_eq!((&error["status"], &error["kind"]), (&status.into(), &kind.into()), "{error}");
        assert!(error["error"].is_string() && error["remedy"].is_string(), "{error}");
        assert!(answer.bytes().is_empty());
    }
    fs::OpenOptions::new().write(true).open(&cache).expect("the file").set_len(5000).expect("shorter");
    let error = samovar(&["-j", "stat", &cache]).ends(DAMAGE).json_error();
    assert!(
        error["kind"] == "truncated" && error["remedy"].as_str().expect("words").contains("samovar delete")
    );
}

/// Behind `--`, a word is the command's own.
#[test]
fn help_and_other_programs_are_no_json() {
    let place = Place::new();
    let cache = place.cache("c");
    assert!(samovar(&["get", "--help", "--json"]).ends(DONE).out().contains("Usage"));
    let loaded = samovar(&["load", &cache, "leaf", "--", "echo", "--json"]).ends(DONE);
    assert_eq!(loaded.bytes(), b"--json\n");
    let answer = samovar(&["load", &cache, "leaf", "--nonsense", "--", "echo", "--json"]).ends(USAGE);
    assert!(answer.err().contains("Usage"), "{}", answer.err());
}
