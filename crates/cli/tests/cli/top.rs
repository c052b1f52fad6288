//! `samovar top`: one frame for scripts, and the live view in a real terminal, which is given back as it was.

use crate::harness::{DONE, OTHER, Place, USAGE, samovar};
use std::fs;

#[test]
fn one_frame_tells_what_is_there_and_changes_nothing() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE);
    samovar(&["get", &cache, "leaf", "--count"]).ends(DONE);
    let before = fs::read(&cache).expect("the file");
    let frame = samovar(&["top", &cache, "--once"]).ends(DONE).out();
    for words in ["samovar top: ", "hit ratio", "100.00 %", "entries 1, ", "processes 0", "shards 1"] {
        assert!(frame.contains(words), "{words:?} is missing: {frame}");
    }
    assert!(frame.contains("\ngets                       -                   1\n"), "{frame}");
    // No terminal, no live view.
    assert_eq!(samovar(&["top", &cache]).ends(DONE).out(), frame);
    assert!(before == fs::read(&cache).expect("the file"));
}

#[test]
fn a_frame_as_json_has_what_stat_has_and_more() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE);
    let stat = samovar(&["stat", &cache, "--json"]).ends(DONE).json();
    let frame = samovar(&["top", &cache, "--json"]).ends(DONE).json();
    for (name, value) in stat.as_object().expect("an object") {
        assert_eq!(&frame[name], value, "{name}");
    }
    assert!(frame["interval"].is_null() && frame["leases"] == 0, "{frame}");
    let shards = frame["shards"].as_array().expect("shards");
    assert!(shards[0]["entries"] == 1 && shards[0]["writer"].is_null(), "{frame}");
    let frame = samovar(&["top", &cache, "--json", "--interval", "10ms"]).ends(DONE).json();
    let interval = &frame["interval"];
    assert!(interval["seconds"].as_f64().expect("a number") >= 0.01, "{frame}");
    assert!(interval["gets_per_second"] == 0.0 && interval["hit_ratio"].is_null(), "{frame}");
}

#[test]
fn namespaces_are_shown_with_what_they_hold_and_did() {
    let place = Place::new();
    let cache = place.cache("c");
    assert!(!samovar(&["top", &cache, "--once"]).ends(DONE).out().contains("namespaces"));
    samovar(&["ns", "create", &cache, "green\ntea", "--limit", "64KiB"]).ends(DONE);
    samovar(&["ns", "create", &cache, "black"]).ends(DONE);
    samovar(&["set", &cache, "leaf", "sencha", "--namespace", "green\ntea"]).ends(DONE);
    samovar(&["get", &cache, "leaf", "--count", "--namespace", "green\ntea"]).ends(DONE);
    let frame = samovar(&["top", &cache, "--once"]).ends(DONE).out();
    let line = |start: &str| -> Vec<&str> {
        let found = frame.lines().find(|line| line.trim_start().starts_with(start));
        found.unwrap_or_else(|| panic!("{start}: {frame}")).split_whitespace().collect()
    };
    let heads = "namespaces 2 entries bytes limit hit ratio hits misses sets evictions";
    assert_eq!(line("namespaces").join(" "), heads);
    assert_eq!(line("green").join(" "), "green\\ntea 1 32 B 64.00 KiB 100.00 % 1 0 1 0");
    assert_eq!(line("black").join(" "), "black 0 0 B - - 0 0 0 0");
    let frame = samovar(&["top", &cache, "--json"]).ends(DONE).json();
    assert_eq!(frame["namespaces"].as_array().map(Vec::len), Some(2), "{frame}");
}

#[test]
fn what_cannot_be_watched_is_an_error() {
    let place = Place::new();
    samovar(&["top", &place.file("none")]).ends(OTHER).says(&["none", "samovar create"]);
    let text = place.write("text", &[b'x'; 10_000]);
    samovar(&["top", &text]).ends(USAGE).says(&[&text]);
    let answer = samovar(&["top", &place.cache("c"), "--interval", "0s"]).ends(USAGE);
    assert!(answer.err().contains("--interval"), "{}", answer.err());
}

#[cfg(unix)]
mod live {
    use crate::harness::{ABSENT, DONE, Place, samovar};
    use crate::pty::Pty;
    use nix::sys::signal::Signal;
    use samovar::Cache;
    use std::process::Command;

    fn top(cache: &str) -> Pty {
        let mut pty = Pty::start(Command::new(env!("CARGO_BIN_EXE_samovar")).args([
            "top",
            cache,
            "--interval",
            "20ms",
        ]));
        pty.shows("hit ratio");
        assert_eq!(pty.is_taken(), [true; 3]);
        pty
    }

    #[test]
    fn it_follows_what_happens_until_q() {
        let place = Place::new();
        let cache = place.cache("c");
        let mut pty = top(&cache);
        pty.shows("entries 0, ");
        pty.shows("processes 0 ");
        samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE);
        pty.shows("entries 1, ");
        let handle = Cache::options().create(false).open(&cache).expect("the cache");
        pty.shows(&format!("{}  attached", std::process::id()));
        let held = handle.get_ref(b"leaf").expect("a get");
        pty.shows("held in place 1, ");
        drop(held);
        handle.close().expect("closed");
        pty.shows("processes 0 ");
        samovar(&["get", &cache, "root", "--count"]).ends(ABSENT);
        pty.shows("50.00 %");
        samovar(&["ns", "create", &cache, "green"]).ends(DONE);
        pty.shows("namespaces 1 ");
        pty.shows("  green ");
        pty.types(b"q");
        assert!(pty.ends_in_order().success());
        assert!(!pty.text().contains("hit ratio"), "{}", pty.text());
    }

    #[test]
    fn it_ends_in_order_however_it_is_ended() {
        let place = Place::new();
        let cache = place.cache("c");
        // Ctrl-C is a key here, and so is escape.
        for keys in [b"\x03", b"\x1b"] {
            let mut pty = top(&cache);
            pty.types(keys);
            assert!(pty.ends_in_order().success());
        }
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
            let mut pty = top(&cache);
            pty.signal(signal);
            assert!(pty.ends_in_order().success(), "{signal}");
        }
    }

    #[test]
    fn a_file_cut_short_ends_it_with_an_error_that_can_be_read() {
        let place = Place::new();
        let cache = place.cache("c");
        let mut pty = top(&cache);
        let file = std::fs::OpenOptions::new().write(true).open(&cache).expect("the file");
        file.set_len(0).expect("shorter");
        assert_eq!(pty.ends_in_order().code(), Some(crate::harness::DAMAGE));
        pty.shows("cut short");
    }

    #[test]
    fn what_does_not_fit_is_scrolled_to() {
        let place = Place::new();
        let cache = place.file("c");
        samovar(&["create", &cache, "--capacity", "512MiB", "--max-value-size", "4KiB"]).ends(DONE);
        let mut pty = top(&cache);
        pty.shows("shards 64");
        assert!(!pty.text().contains("\n              63 "), "{}", pty.text());
        pty.types(b"          ");
        pty.shows("              63 ");
        pty.types(b"\x1b[H");
        pty.shows("hit ratio");
        pty.types(b"q");
        assert!(pty.ends_in_order().success());
    }
}
