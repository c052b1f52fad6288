//! create, set, get, del, stat and check, on good input.

use crate::harness::{
    ABSENT, DONE, OTHER, Place, USAGE, assert_clean, finish, samovar, samovar_reading, start,
};
use std::fs;
use std::thread::sleep;
use std::time::Duration;

#[test]
fn what_was_set_is_read_and_removed() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE);
    assert_eq!(samovar(&["get", &cache, "leaf"]).ends(DONE).bytes(), b"oolong");
    samovar(&["set", &cache, "leaf", "assam"]).ends(DONE);
    assert_eq!(samovar(&["get", &cache, "leaf"]).ends(DONE).bytes(), b"assam");
    samovar(&["del", &cache, "leaf"]).ends(DONE);
    samovar(&["del", &cache, "leaf"]).ends(ABSENT);
    assert_clean(&cache);
}

#[test]
fn a_key_that_is_not_there_is_an_answer_without_words() {
    let place = Place::new();
    let cache = place.cache("c");
    let answer = samovar(&["get", &cache, "leaf", "--out", &place.file("out")]).ends(ABSENT);
    assert!(answer.bytes().is_empty() && answer.err().is_empty());
    assert!(!place.path("out").exists());
}

#[test]
fn values_are_any_bytes_from_anywhere() {
    let place = Place::new();
    let cache = place.cache("c");
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let file = place.write("value", &bytes);
    samovar(&["set", &cache, "file", "--value-file", &file]).ends(DONE);
    samovar_reading(&bytes, &["set", &cache, "pipe", "-"]).ends(DONE);
    samovar(&["set", &cache, "", ""]).ends(DONE);
    assert_eq!(samovar(&["get", &cache, "file"]).ends(DONE).bytes(), bytes);
    samovar(&["get", &cache, "pipe", "--out", &place.file("out")]).ends(DONE);
    assert_eq!(fs::read(place.path("out")).expect("the value"), bytes);
    assert!(samovar(&["get", &cache, ""]).ends(DONE).bytes().is_empty());
}

#[test]
fn a_time_to_live_ends() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "short", "v", "--ttl", "50ms"]).ends(DONE);
    samovar(&["set", &cache, "long", "v", "--ttl", "1h 30m"]).ends(DONE);
    sleep(Duration::from_millis(100));
    samovar(&["get", &cache, "short"]).ends(ABSENT);
    samovar(&["get", &cache, "long"]).ends(DONE);
}

#[test]
fn stat_tells_what_is_there() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE);
    samovar(&["get", &cache, "leaf", "--count"]).ends(DONE);
    samovar(&["get", &cache, "root", "-c"]).ends(ABSENT);
    let stat = samovar(&["stat", &cache, "--json"]).ends(DONE).json();
    for (name, value) in [("entries", 1), ("live_bytes", 10), ("hits", 1), ("misses", 1), ("sets", 1)] {
        assert_eq!(stat[name], value, "{name}: {stat}");
    }
    assert_eq!((&stat["hit_ratio"], &stat["file_bytes"]), (&0.5.into(), &(8 << 20).into()), "{stat}");
    // Header and padding, and a share of the index: what is free is no entry's.
    let overhead = stat["overhead_bytes_per_entry"].as_f64().expect("a number");
    assert!((8.0..40.0).contains(&overhead), "{stat}");
    let table = samovar(&["stat", &cache]).ends(DONE).out();
    assert!(table.contains("entries         1\n") && table.contains("8.00 MiB"), "{table}");
}

#[test]
fn stat_of_an_empty_cache_divides_by_nothing() {
    let place = Place::new();
    let stat = samovar(&["stat", &place.cache("c"), "--json"]).ends(DONE).json();
    assert!(stat["hit_ratio"].is_null() && stat["overhead_bytes_per_entry"].is_null(), "{stat}");
}

#[test]
fn stat_and_check_leave_the_file_as_it_is() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE);
    let before = fs::read(&cache).expect("the file");
    samovar(&["stat", &cache]).ends(DONE);
    samovar(&["check", &cache]).ends(DONE);
    assert!(before == fs::read(&cache).expect("the file"));
}

#[test]
fn check_counts_the_entries() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE);
    let report = samovar(&["check", &cache, "--json"]).ends(DONE).json();
    assert_eq!((&report["clean"], &report["entries"]), (&true.into(), &1.into()), "{report}");
    assert_eq!(report["problems"], serde_json::json!([]));
}

#[test]
fn verbose_tells_what_the_engine_does() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE).stays_silent();
    let answer = samovar(&["get", &cache, "leaf", "-v", "--count"]).ends(DONE);
    assert_eq!(answer.bytes(), b"oolong");
    for words in ["attached", "warm=true entries=1", "detached last=true"] {
        assert!(answer.err().contains(words), "{words:?} is missing: {}", answer.err());
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let place = Place::new();
    let cache = place.cache("c");
    let value = place.write("value", &[b'x'; 100_000]);
    samovar(&["set", &cache, "large", "--value-file", &value]).ends(DONE);
    for arguments in [&["get", &cache, "large"][..], &["stat", &cache], &["--help"]] {
        let mut child = start(arguments);
        drop(child.stdout.take());
        finish(arguments, child).ends(DONE).stays_silent();
    }
}

#[test]
fn a_flushed_cache_is_clean_and_can_be_dumped() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE);
    assert!(samovar(&["flush", &cache]).ends(DONE).out().contains("1 entry"));
    let dump = samovar(&["dump", &cache, "--entries"]).ends(DONE);
    assert!(dump.out().contains("clean      1") && dump.out().contains("\"leaf\""), "{}", dump.out());
    assert!(!samovar(&["dump", &cache]).ends(DONE).out().contains("leaf"));
}

#[test]
fn a_cache_is_made_with_all_its_memory() {
    let place = Place::new();
    let cache = place.file("c");
    samovar(&["create", &cache, "--capacity", "4MiB", "--prefault"]).ends(DONE);
    samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE);
    assert_eq!(samovar(&["get", &cache, "leaf"]).ends(DONE).out().trim_end(), "oolong");
}

#[test]
fn a_cache_is_resized_and_stat_tells_it() {
    let place = Place::new();
    let cache = place.file("c");
    samovar(&["create", &cache, "--capacity", "4MiB", "--max-capacity", "16MiB"]).ends(DONE);
    samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE);
    let before = samovar(&["stat", &cache, "--json"]).ends(DONE).json();
    assert_eq!(
        (&before["capacity_bytes"], &before["max_capacity_bytes"]),
        (&(4 << 20).into(), &(16 << 20).into())
    );
    let told = samovar(&["resize", &cache, "12MiB"]).ends(DONE).out();
    assert!(told.contains("4.00 MiB became 12.00 MiB: nothing had to go"), "{told}");
    let resized = samovar(&["resize", &cache, "6MiB", "--json"]).ends(DONE).json();
    assert_eq!((&resized["from"], &resized["to"]), (&(12 << 20).into(), &(6 << 20).into()));
    assert_eq!((&resized["evictions"], &resized["complete"]), (&0.into(), &true.into()));
    let after = samovar(&["stat", &cache, "--json"]).ends(DONE).json();
    assert_eq!((&after["capacity_bytes"], &after["resize_pending"]), (&(6 << 20).into(), &false.into()));
    assert!(after["disk_bytes"].as_u64() > before["disk_bytes"].as_u64());
    let told = samovar(&["stat", &cache]).ends(DONE).out();
    assert!(told.contains("6.00 MiB, at most 16.00 MiB") && told.contains("on disk"), "{told}");
    samovar(&["resize", &cache, "17MiB"]).ends(USAGE).says(&["above", "16777216"]);
    samovar(&["resize", &cache, "1KiB"]).ends(USAGE).says(&["too small", "least"]);
    samovar(&["resize", &place.file("none"), "1MiB"]).ends(OTHER).says(&["does not exist"]);
    assert_eq!(samovar(&["get", &cache, "leaf"]).ends(DONE).bytes(), b"oolong");
    assert!(samovar(&["check", &cache]).ends(DONE).out().contains("clean"));
}

#[test]
fn a_cache_is_deleted_and_who_has_it_open_is_told() {
    let place = Place::new();
    let cache = place.cache("c");
    let handle = samovar::Cache::options().create(false).open(&cache).expect("the cache");
    assert!(samovar(&["delete", &cache]).ends(DONE).out().contains("deleted"));
    assert!(!place.path("c").exists());
    assert_eq!(handle.get(b"leaf").expect_err("gone").kind(), samovar::ErrorKind::Replaced);
    samovar(&["delete", &cache]).ends(OTHER).says(&[&cache, "does not exist"]);
    // One that cannot be opened any more goes as well; what is no cache stays.
    let cache = place.cache("short");
    let file = fs::OpenOptions::new().write(true).open(&cache).expect("the file");
    file.set_len(5000).expect("shorter");
    samovar(&["delete", &cache]).ends(DONE);
    samovar(&["delete", &place.write("empty", b"")]).ends(DONE);
    let text = place.write("text", &[b'x'; 10_000]);
    samovar(&["delete", &text]).ends(USAGE).says(&[&text]);
    samovar(&["delete", &place.file("")]).ends(USAGE).says(&[]);
    assert!(place.path("text").exists());
}

#[test]
fn what_is_free_is_no_overhead() {
    let place = Place::new();
    let cache = place.cache("c");
    let overhead = || {
        let stat = samovar(&["stat", &cache, "--json"]).ends(DONE).json();
        stat["overhead_bytes_per_entry"].as_f64().expect("a number")
    };
    samovar(&["set", &cache, "0", &"v".repeat(100)]).ends(DONE);
    let of_one = overhead();
    let handle = samovar::Cache::options().create(false).open(&cache).expect("the cache");
    for key in 1..1000_u32 {
        handle.set(&key.to_le_bytes(), &[0; 100]).expect("a set");
    }
    handle.close().expect("closed");
    let of_many = overhead();
    assert!((of_one - of_many).abs() < 8.0, "one entry: {of_one}, a thousand: {of_many}");
}
