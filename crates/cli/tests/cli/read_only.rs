//! A file that may only be read is read, and not written; and what is only read is not written.

use crate::harness::{ABSENT, DONE, OTHER, Place, assert_clean, samovar};
use std::fs;

#[test]
fn a_read_only_file_is_read_and_nothing_else() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE);
    let mut permissions = fs::metadata(&cache).expect("the file").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&cache, permissions).expect("read-only");
    let before = fs::read(&cache).expect("the file");
    assert_eq!(samovar(&["get", &cache, "leaf"]).ends(DONE).bytes(), b"oolong");
    samovar(&["get", &cache, "root"]).ends(ABSENT);
    samovar(&["contains", &cache, "leaf"]).ends(DONE);
    samovar(&["get", &cache, "leaf", "--version"]).ends(DONE);
    samovar(&["stat", &cache]).ends(DONE);
    assert_clean(&cache);
    for write in [
        &["set", &cache, "leaf", "assam"][..],
        &["del", &cache, "leaf"],
        &["add", &cache, "root", "assam"],
        &["append", &cache, "leaf", "assam"],
        &["incr", &cache, "leaf"],
        &["touch", &cache, "leaf", "--ttl", "1h"],
        &["get", &cache, "leaf", "--count"],
        &["get", &cache, "leaf", "--touch", "1s"],
    ] {
        samovar(write).ends(OTHER).says(&[&cache, "read-only"]);
    }
    assert!(before == fs::read(&cache).expect("the file"));
}

#[test]
fn a_get_leaves_no_trace_unless_it_counts() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE);
    samovar(&["flush", &cache]).ends(DONE);
    let before = fs::read(&cache).expect("the file");
    assert_eq!(samovar(&["get", &cache, "leaf"]).ends(DONE).bytes(), b"oolong");
    samovar(&["get", &cache, "root", "leaf", "--version"]).ends(ABSENT);
    samovar(&["contains", &cache, "leaf"]).ends(DONE);
    assert!(before == fs::read(&cache).expect("the file"), "a flushed file is no longer what was flushed");
    samovar(&["get", &cache, "leaf", "--count"]).ends(DONE);
    assert!(before != fs::read(&cache).expect("the file"));
    assert_eq!(samovar(&["stat", &cache, "--json"]).ends(DONE).json()["hits"], 1);
}

/// A file that cannot be trusted has nothing to read. It is emptied, and the answer is that the key is not there.
#[cfg(unix)]
#[test]
fn a_get_of_a_cold_file_empties_it() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE);
    // Of a machine that was restarted.
    let mut bytes = fs::read(&cache).expect("the file");
    bytes[4096..4104].fill(0);
    bytes[4112..4128].fill(0xee);
    fs::write(&cache, bytes).expect("written");
    samovar(&["get", &cache, "leaf"]).ends(ABSENT);
    let stat = samovar(&["stat", &cache, "--json"]).ends(DONE).json();
    assert!(stat["entries"] == 0 && stat["last_cold"]["because"].is_string(), "{stat}");
}
