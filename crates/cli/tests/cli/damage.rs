//! A file with damaged bytes: `check` says so, no command panics, and no replay takes a wrong value for a right one.

use crate::harness::{DAMAGE, DONE, Place, samovar, web12};
use std::fs;

#[test]
fn check_finds_damaged_entries() {
    let place = Place::new();
    let cache = place.file("c");
    samovar(&["replay", &web12(), "--cache", &cache, "--capacity", "2MiB"]).ends(DONE);
    let mut bytes = fs::read(&cache).expect("the file");
    let half = bytes.len() / 2;
    bytes[half..half + 4096].fill(0xa5);
    fs::write(&cache, &bytes).expect("damage");
    let report = samovar(&["check", &cache, "--json"]).ends(DAMAGE).json();
    assert_eq!(report["clean"], false, "{report}");
    assert!(report["problem_count"].as_u64().expect("a number") > 0, "{report}");
    assert!(samovar(&["check", &cache]).ends(DAMAGE).out().contains("problems"));
    samovar(&["stat", &cache]).ends(DONE);
}

#[test]
fn a_damaged_header_is_named() {
    let place = Place::new();
    let cache = place.cache("c");
    let mut bytes = fs::read(&cache).expect("the file");
    bytes[100] ^= 1;
    fs::write(&cache, &bytes).expect("damage");
    samovar(&["stat", &cache]).ends(DAMAGE).says(&[&cache]);
    samovar(&["replay", &web12(), "--cache", &cache]).ends(DAMAGE).says(&[&cache]);
    samovar(&["replay", &web12(), "--cache", &cache, "--cold"]).ends(DONE);
}
