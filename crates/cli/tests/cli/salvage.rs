//! `samovar salvage`: what can be kept of a cache that lost power is kept, and the user is told what that is.
#![cfg(unix)]

use crate::harness::{ABSENT, DAMAGE, DONE, OTHER, Place, USAGE, assert_clean, samovar};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};

/// Makes the file one of a machine that was restarted before it was flushed.
fn lose_power(cache: &str) {
    let mut file = File::options().write(true).open(cache).expect("the file");
    for (at, bytes) in [(4096, &[0; 8][..]), (4096 + 16, &[0xee; 16])] {
        file.seek(SeekFrom::Start(at)).expect("a place");
        file.write_all(bytes).expect("written");
    }
}

fn sealed(place: &Place) -> String {
    let cache = place.file("c");
    samovar(&["create", &cache, "--capacity", "8MiB", "--seals"]).ends(DONE);
    for leaf in ["oolong", "sencha", "assam"] {
        samovar(&["set", &cache, leaf, "a value that is easy to find"]).ends(DONE);
    }
    cache
}

#[test]
fn what_lost_power_is_kept_and_it_says_so() {
    let place = Place::new();
    let cache = sealed(&place);
    lose_power(&cache);
    // One of the values did not get to the disk.
    let mut bytes = fs::read(&cache).expect("the file");
    let needle = b"oolonga value";
    let at = bytes.windows(needle.len()).position(|window| window == needle).expect("the value");
    bytes[at + 10] ^= 1;
    let mut file = File::options().write(true).open(&cache).expect("the file");
    file.write_all(&bytes).expect("written in place");
    samovar(&["stat", &cache]).ends(OTHER).says(&["restarted"]);
    let told = samovar(&["salvage", &cache, "--json"]).ends(DONE).json();
    assert_eq!((&told["warm"], &told["entries"]), (&false.into(), &2.into()), "{told}");
    assert_eq!((&told["salvage"]["kept"], &told["salvage"]["broken"]), (&2.into(), &1.into()), "{told}");
    assert!(told["because"].as_str().is_some_and(|because| because.contains("restarted")), "{told}");
    samovar(&["get", &cache, "oolong"]).ends(ABSENT);
    assert_eq!(samovar(&["get", &cache, "assam"]).ends(DONE).bytes(), b"a value that is easy to find");
    assert_clean(&cache);
    let stat = samovar(&["stat", &cache, "--json"]).ends(DONE).json();
    assert_eq!(stat["last_cold"]["kept"], 2, "{stat}");
    let stat = samovar(&["stat", &cache]).ends(DONE).out();
    assert!(stat.contains("restarted") && stat.contains("salvaged, with 2 entries kept"), "{stat}");
    // What is warm stays as it is.
    let before = fs::read(&cache).expect("the file");
    assert!(samovar(&["salvage", &cache]).ends(ABSENT).out().contains("nothing to salvage"));
    assert!(before == fs::read(&cache).expect("the file"));
    lose_power(&cache);
    let told = samovar(&["salvage", &cache]).ends(DONE).out();
    assert!(told.contains("kept") && told.contains("2 entries"), "{told}");
}

#[test]
fn what_cannot_be_salvaged_is_told() {
    let place = Place::new();
    let plain = place.cache("plain");
    samovar(&["set", &plain, "leaf", "oolong"]).ends(DONE);
    lose_power(&plain);
    let before = fs::read(&plain).expect("the file");
    samovar(&["salvage", &plain]).ends(USAGE).says(&["without seals"]);
    assert!(before == fs::read(&plain).expect("the file"), "it was left alone");
    let cache = sealed(&place);
    lose_power(&cache);
    fs::copy(&cache, place.path("copy")).expect("a copy");
    let copy = place.file("copy");
    // Of this boot, so that it is only a copy.
    let boot: String = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    if !boot.is_empty() {
        let digits: Vec<u8> = boot.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("digits"), 16);
        let id: Vec<u8> = digits.chunks(2).map(|pair| byte(pair).expect("a byte")).collect();
        let mut file = File::options().write(true).open(&copy).expect("the copy");
        file.seek(SeekFrom::Start(4096 + 16)).expect("a place");
        file.write_all(&id).expect("written");
        assert!(samovar(&["salvage", &copy]).ends(ABSENT).out().contains("emptied, because it is a copy"));
    }
    samovar(&["salvage", &place.file("none")]).ends(OTHER).says(&["none"]);
    let mut damaged = fs::read(&cache).expect("the file");
    damaged[100] ^= 1;
    samovar(&["salvage", &place.write("damaged", &damaged)]).ends(DAMAGE).says(&["damaged"]);
}
