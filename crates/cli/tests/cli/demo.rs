//! demo, from its first line to its last.

use crate::harness::{DONE, Place, samovar};
use std::fs;

#[test]
fn the_demonstration_ends_well() {
    let place = Place::new();
    fs::create_dir(place.path("stage")).expect("a directory");
    // The cache of an earlier demonstration is in the way, and is removed.
    let survivor = place.cache("stage/survivor.samovar");
    let text = samovar(&["demo", "--dir", &place.file("stage")]).ends(DONE).out();
    for words in ["killed after", "warm, with", "0 problems", "cold: a new file", "14.39 %", "none was wrong"]
    {
        assert!(text.contains(words), "{words:?} is missing: {text}");
    }
    let stat = samovar(&["stat", &survivor, "--json"]).ends(DONE).json();
    assert_eq!(stat["entries"], 13_756, "{stat}");
}
