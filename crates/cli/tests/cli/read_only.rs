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
    samovar(&["stat", &cache]).ends(DONE);
    assert_clean(&cache);
    samovar(&["set", &cache, "leaf", "assam"]).ends(OTHER).says(&[&cache, "read-only"]);
    samovar(&["del", &cache, "leaf"]).ends(OTHER).says(&[&cache, "read-only"]);
    assert!(before == fs::read(&cache).expect("the file"));
}
