//! Each bad input gets its own clear error, and the file is left as it was.

use crate::harness::{ABSENT, DAMAGE, DONE, OTHER, Place, USAGE, samovar, samovar_in, web12};
use std::fs;

/// Every command that opens an existing cache.
fn each_on(cache: &str) -> Vec<Vec<&str>> {
    vec![
        vec!["set", cache, "k", "v"],
        vec!["set", cache, "k", "v", "--if-version", "1"],
        vec!["get", cache, "k"],
        vec!["get", cache, "k", "--version"],
        vec!["get", cache, "k", "--touch", "1s"],
        vec!["contains", cache, "k"],
        vec!["add", cache, "k", "v"],
        vec!["replace", cache, "k", "v"],
        vec!["append", cache, "k", "v"],
        vec!["prepend", cache, "k", "v"],
        vec!["incr", cache, "k"],
        vec!["decr", cache, "k"],
        vec!["touch", cache, "k", "--ttl", "1h"],
        vec!["del", cache, "k"],
        vec!["stat", cache],
        vec!["check", cache],
    ]
}

#[test]
fn a_missing_file_is_not_made() {
    let place = Place::new();
    let cache = place.file("c");
    for arguments in each_on(&cache) {
        samovar(&arguments).ends(OTHER).says(&[&cache, "samovar create"]);
        assert!(!place.path("c").exists());
    }
}

#[test]
fn a_foreign_file_is_left_alone() {
    let place = Place::new();
    let text = "Camellia sinensis\n".repeat(10_000);
    let cache = place.write("c", text.as_bytes());
    for arguments in each_on(&cache) {
        samovar(&arguments).ends(USAGE).says(&[&cache]);
    }
    samovar(&["create", &cache, "--capacity", "8MiB"]).ends(USAGE).says(&[
        &cache,
        "already there",
        "another path",
    ]);
    assert_eq!(fs::read_to_string(&cache).expect("the file"), text);
}

#[test]
fn a_directory_is_no_cache() {
    let place = Place::new();
    for arguments in each_on(&place.file("")) {
        samovar(&arguments).ends(USAGE).says(&[]);
    }
}

#[test]
fn a_cache_is_not_made_over_another() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "k", "v"]).ends(DONE);
    let remedy = format!("samovar delete {cache}");
    samovar(&["create", &cache, "--capacity", "8MiB"]).ends(USAGE).says(&["already there", &remedy]);
    assert_eq!(samovar(&["get", &cache, "k"]).ends(DONE).bytes(), b"v");
}

#[test]
fn a_file_cut_short_is_damage() {
    let place = Place::new();
    let cache = place.cache("c");
    let file = fs::OpenOptions::new().write(true).open(&cache).expect("the file");
    file.set_len(1 << 20).expect("shorter");
    for arguments in each_on(&cache) {
        samovar(&arguments).ends(DAMAGE).says(&[&cache]);
    }
    assert_eq!(fs::metadata(&cache).expect("the file").len(), 1 << 20);
}

#[test]
fn sizes_and_times_must_make_sense() {
    let place = Place::new();
    let cache = place.file("c");
    for size in ["", "parrots", "-1", "12QiB"] {
        let answer = samovar(&["create", &cache, &format!("--capacity={size}")]).ends(USAGE);
        assert!(answer.err().contains("--capacity"), "{}", answer.err());
    }
    samovar(&["create", &cache, "--capacity", "1KiB"]).ends(USAGE).says(&[&cache]);
    assert!(!place.path("c").exists());
    let answer = samovar(&["set", &place.cache("c"), "k", "v", "--ttl", "soon"]).ends(USAGE);
    assert!(answer.err().contains("--ttl"), "{}", answer.err());
}

#[test]
fn no_room_is_an_error() {
    let place = Place::new();
    samovar(&["create", &place.file("c"), "--capacity", "20T"]).ends(OTHER).says(&[&place.file("c")]);
    assert!(!place.path("c").exists());
}

#[test]
fn keys_and_values_have_limits() {
    let place = Place::new();
    let cache = place.file("c");
    samovar(&["create", &cache, "--capacity", "8MiB", "--max-value-size", "10KiB"]).ends(DONE);
    let large = place.write("large", &[0; 10_241]);
    samovar(&["set", &cache, "k", "--value-file", &large]).ends(USAGE).says(&[&cache]);
    samovar(&["set", &cache, &"k".repeat(65_536), "v"]).ends(USAGE).says(&[&cache]);
    samovar(&["set", &cache, "k", "--value-file", &place.file("none")]).ends(OTHER).says(&["none"]);
}

#[test]
fn a_value_is_given_once() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "k"]).ends(USAGE);
    samovar(&["set", &cache, "k", "v", "--value-file", &cache]).ends(USAGE);
}

#[test]
fn a_missing_directory_is_named() {
    let place = Place::new();
    let cache = place.file("none/c");
    let trace = web12();
    for words in [
        &["create", &cache, "--capacity", "1MiB"][..],
        &["get", &cache, "leaf"],
        &["set", &cache, "leaf", "oolong"],
        &["replay", &trace, "--cache", &cache],
    ] {
        samovar(words).ends(OTHER).says(&[&cache, "its directory", "does not exist", "make that first"]);
    }
    samovar(&["delete", &place.file("none")]).ends(OTHER).says(&["nothing to delete"]);
}

/// A name that occurs in the words of a message is told all the same.
#[test]
fn a_file_is_named_however_short_its_name_is() {
    let place = Place::new();
    for name in ["c", "a", "file", "not"] {
        place.write(name, &[b'x'; 10_000]);
        samovar_in(&place, &["get", name, "leaf"])
            .ends(USAGE)
            .says(&[&format!("samovar: {name}: the file is not")]);
    }
    fs::create_dir(place.path("dir")).expect("a directory");
    samovar_in(&place, &["replay", "dir", "--cache", "r"]).ends(OTHER).says(&["samovar: dir: "]);
    samovar_in(&place, &["get", "dir", "leaf"]).ends(USAGE).says(&["samovar: dir is not a regular file"]);
}

#[test]
fn a_value_larger_than_the_file_is_read_no_further() {
    let place = Place::new();
    let cache = place.cache("c");
    let large = place.write("large", &vec![0; 9 << 20]);
    // One without an end would be read for ever.
    let endless = if cfg!(unix) { "/dev/zero" } else { large.as_str() };
    for command in ["set", "add", "replace", "append"] {
        for value in [large.as_str(), endless] {
            let answer = samovar(&[command, &cache, "leaf", "--value-file", value]).ends(USAGE);
            answer.says(&["more bytes", "8388608"]);
        }
    }
    samovar(&["set", &place.file("none"), "leaf", "-f", endless]).ends(OTHER).says(&["none"]);
    samovar(&["contains", &cache, "leaf"]).ends(ABSENT);
}

/// A remedy is one of the command's, not a call.
#[test]
fn remedies_are_commands_and_options() {
    let place = Place::new();
    let cache = place.cache("c");
    let large = place.write("large", &[0; 4 << 20]);
    samovar(&["set", &cache, "leaf", "-f", &large]).ends(USAGE).says(&["larger --max-value-size"]);
    samovar(&["resize", &cache, "1GiB"]).ends(USAGE).says(&["larger --max-capacity"]);
    samovar(&["get", &cache, "leaf", "-n", "tea"]).ends(USAGE).says(&["samovar ns create"]);
    fs::OpenOptions::new().write(true).open(&cache).expect("the file").set_len(5000).expect("shorter");
    samovar(&["get", &cache, "leaf"]).ends(DAMAGE).says(&[&format!("samovar delete {cache}")]);
}
