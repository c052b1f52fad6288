//! Sizes and times, right and wrong.

use super::{bytes, count, entries, nanoseconds, parse_size, parse_ttl, ratio};

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

#[test]
fn numbers_read_well() {
    assert_eq!(count(1_234_567), "1,234,567");
    assert_eq!(bytes(64 << 20), "64.00 MiB");
    assert_eq!(entries(1), "1 entry");
    assert_eq!(entries(1_376), "1,376 entries");
    assert_eq!(nanoseconds(180), "180 ns");
    assert_eq!(nanoseconds(2_410), "2.41 us");
    assert_eq!(nanoseconds(1_060_000), "1.06 ms");
    assert_eq!(nanoseconds(2_500_000_000), "2.50 s");
    assert_eq!(ratio(1, 4), Some(0.25));
    assert_eq!(ratio(0, 0), None);
}
