//! `SAMOVAR_FILE`: the file that commands are about where none is named.

use crate::harness::{ABSENT, DONE, OTHER, Place, USAGE, samovar, samovar_about};

#[test]
fn a_cache_is_used_without_being_named() {
    let place = Place::new();
    let cache = place.file("c");
    let run = |words: &[&str]| samovar_about(&cache, words);
    run(&["create", "--capacity", "8MiB", "--max-capacity", "16MiB"]).ends(DONE);
    run(&["set", "leaf", "oolong"]).ends(DONE);
    run(&["-v", "set", "--ttl", "1h", "root", "assam"]).ends(DONE);
    assert_eq!(run(&["get", "leaf"]).ends(DONE).bytes(), b"oolong");
    assert_eq!(run(&["get", "leaf", "root"]).ends(DONE).bytes(), b"oolong\nassam\n");
    run(&["contains", "bud"]).ends(ABSENT);
    run(&["add", "cups", "1"]).ends(DONE);
    assert_eq!(run(&["incr", "cups", "2"]).ends(DONE).out(), "3\n");
    run(&["touch", "leaf", "--ttl", "2h"]).ends(DONE);
    run(&["append", "leaf", "!"]).ends(DONE);
    run(&["del", "leaf", "root"]).ends(DONE);
    run(&["ns", "create", "tea"]).ends(DONE);
    run(&["set", "-n", "tea", "leaf", "sencha"]).ends(DONE);
    assert!(run(&["ns", "list"]).ends(DONE).out().starts_with("tea "));
    run(&["clear", "-n", "tea"]).ends(DONE);
    assert_eq!(run(&["keys"]).ends(DONE).out(), "cups\n");
    run(&["resize", "16MiB"]).ends(DONE);
    assert_eq!(run(&["stat", "--json"]).ends(DONE).json()["capacity_bytes"], 16 << 20);
    for command in ["check", "flush", "dump", "top"] {
        run(&[command]).ends(DONE);
    }
    #[cfg(unix)]
    assert_eq!(run(&["load", "made", "--", "printf", "tea"]).ends(DONE).bytes(), b"tea");
}

#[test]
fn a_command_that_takes_nothing_else_may_name_another() {
    let place = Place::new();
    let (cache, other) = (place.cache("c"), place.cache("other"));
    samovar(&["set", &other, "leaf", "oolong"]).ends(DONE);
    assert_eq!(samovar_about(&cache, &["keys", &other]).ends(DONE).out(), "leaf\n");
    samovar_about(&cache, &["delete", &other]).ends(DONE);
    assert!(place.path("c").exists() && !place.path("other").exists());
}

/// Out of habit the file is named all the same: it is not taken for a key.
#[test]
fn a_file_that_is_named_twice_is_no_key() {
    let place = Place::new();
    let (cache, other) = (place.cache("c"), place.cache("other"));
    samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE);
    for words in [
        &["get", &other, "leaf"][..],
        &["del", &cache, "leaf"],
        &["--json", "del", "-v", &other, "leaf"],
        &["set", &other, "leaf"],
    ] {
        let answer = samovar_about(&cache, words).ends(USAGE);
        assert!(answer.err().contains("SAMOVAR_FILE"), "{}", answer.err());
    }
    samovar(&["contains", &cache, "leaf"]).ends(DONE);
    // A file that is no cache may bear the name of a key.
    let page = place.write("page", b"<h1>Tea</h1>");
    samovar_about(&cache, &["set", &page, "--value-file", &page]).ends(DONE);
    assert_eq!(samovar_about(&cache, &["get", &page]).ends(DONE).bytes(), b"<h1>Tea</h1>");
}

#[test]
fn nothing_is_deleted_by_default() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar_about(&cache, &["delete"]).ends(USAGE);
    assert!(place.path("c").exists());
}

#[test]
fn records_traces_and_help_have_nothing_to_do_with_it() {
    let place = Place::new();
    let (cache, csv) = (place.cache("c"), place.write("bars.csv", b"time\n1\n"));
    let bars = place.file("bars");
    samovar_about(&cache, &["records", "import", &bars, &csv, "--schema", "time:i64"]).ends(DONE);
    samovar_about(&cache, &["records", "head", &bars]).ends(DONE);
    for words in [&["help", "get"][..], &["get", "--help"], &["ns", "create", "--help"], &["help"]] {
        samovar_about(&cache, words).ends(DONE);
    }
}

#[test]
fn an_empty_variable_names_no_file() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar_about("", &["set", &cache, "leaf", "oolong"]).ends(DONE);
    assert_eq!(samovar_about("", &["get", &cache, "leaf"]).ends(DONE).bytes(), b"oolong");
    samovar_about("", &["stat", &cache]).ends(DONE);
    samovar_about("", &["stat"]).ends(USAGE);
    samovar_about(&place.file("none"), &["get", "leaf"]).ends(OTHER).says(&["none", "samovar create"]);
}
