//! A file that may only be read is read, and not written.

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
        &["touch", &cache, "leaf"],
        &["get", &cache, "leaf", "--touch", "1s"],
    ] {
        samovar(write).ends(OTHER).says(&[&cache, "read-only"]);
    }
    assert!(before == fs::read(&cache).expect("the file"));
}
