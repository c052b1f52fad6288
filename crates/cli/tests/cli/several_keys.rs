//! get and del of several keys at once.

use crate::harness::{ABSENT, DONE, Place, USAGE, samovar};

fn filled(place: &Place) -> String {
    let cache = place.cache("c");
    for (key, value) in [("a", "1"), ("b", "two\n"), ("c", "")] {
        samovar(&["set", &cache, key, value]).ends(DONE);
    }
    cache
}

#[test]
fn each_value_ends_with_a_line_feed_where_there_are_several() {
    let place = Place::new();
    let cache = filled(&place);
    assert_eq!(samovar(&["get", &cache, "a"]).ends(DONE).bytes(), b"1");
    assert_eq!(samovar(&["get", &cache, "a", "c", "b", "a"]).ends(DONE).bytes(), b"1\n\ntwo\n\n1\n");
    assert_eq!(samovar(&["get", &cache, "a", "x", "b"]).ends(ABSENT).bytes(), b"1\ntwo\n\n");
    assert_eq!(samovar(&["get", &cache, "a", "b", "-0"]).ends(DONE).bytes(), b"1\0two\n\0");
    assert_eq!(samovar(&["get", &cache, "a", "-0"]).ends(DONE).bytes(), b"1\0");
    assert_eq!(samovar(&["get", &cache, "x", "y"]).ends(ABSENT).bytes(), b"");
}

#[test]
fn versions_and_times_are_those_of_each_key() {
    let place = Place::new();
    let cache = filled(&place);
    let versions = samovar(&["get", &cache, "a", "b", "c", "--version"]).ends(DONE).out();
    assert_eq!(versions.lines().filter(|line| line.parse::<u32>().is_ok()).count(), 3, "{versions}");
    samovar(&["get", &cache, "a", "b", "--touch", "1ms"]).ends(DONE);
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert_eq!(samovar(&["get", &cache, "a", "b", "c", "--json"]).ends(ABSENT).json_lines().len(), 3);
    assert_eq!(samovar(&["keys", &cache]).ends(DONE).out(), "c\n");
}

#[test]
fn one_file_takes_one_value() {
    let place = Place::new();
    let cache = filled(&place);
    samovar(&["get", &cache, "a", "b", "--out", &place.file("out")]).ends(USAGE).says(&["--out", "one key"]);
    assert!(!place.path("out").exists());
    samovar(&["get", &cache]).ends(USAGE);
    samovar(&["del", &cache]).ends(USAGE);
}

#[test]
fn what_is_there_is_removed_whatever_is_not() {
    let place = Place::new();
    let cache = filled(&place);
    samovar(&["del", &cache, "a", "x", "b"]).ends(ABSENT).stays_silent();
    assert_eq!(samovar(&["keys", &cache]).ends(DONE).out(), "c\n");
    samovar(&["del", &cache, "c"]).ends(DONE);
}
