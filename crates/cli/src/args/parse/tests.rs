//! Sizes and times, right and wrong.

use super::{parse_size, parse_ttl};

#[test]
fn sizes_are_powers_of_1024() {
    for (text, size) in [
        ("4096", 4096),
        ("64MiB", 64 << 20),
        ("64MB", 64 << 20),
        ("64m", 64 << 20),
        ("1G", 1 << 30),
        ("1.5 GiB", 3 << 29),
    ] {
        assert_eq!(parse_size(text), Ok(size), "{text}");
    }
}

#[test]
fn what_is_no_size_is_refused() {
    for text in ["", "MiB", "-1", "64 parrots", "99999999999999999999G"] {
        assert!(parse_size(text).is_err(), "{text}");
    }
}

#[test]
fn a_time_to_live_lasts_at_least_a_millisecond() {
    assert!(parse_ttl("1ms").is_ok());
    assert!(parse_ttl("1h 30m").is_ok());
    for text in ["0s", "1ns", "", "soon", "30"] {
        assert!(parse_ttl(text).is_err(), "{text}");
    }
}
