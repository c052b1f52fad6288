//! Sizes and times, right and wrong.

use super::{Life, parse_life, parse_size, parse_time};
use std::time::Duration;

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
fn a_number_alone_is_seconds() {
    assert_eq!(parse_time("5"), Ok(Duration::from_secs(5)));
    assert_eq!(parse_life("5"), Ok(Life::Millis(5_000)));
    assert_eq!(parse_life("5"), parse_life("5s"));
    assert_eq!(parse_life("1h 30m"), Ok(Life::Millis(5_400_000)));
    assert_eq!(parse_life("never"), Ok(Life::ForEver));
}

#[test]
fn a_time_lasts_at_least_a_millisecond() {
    assert!(parse_life("1ms").is_ok());
    for text in ["0", "0s", "1ns", "", "soon", "-5", "1.5"] {
        assert!(parse_life(text).is_err(), "{text}");
    }
}

#[test]
fn what_is_forgotten_first_is_never_stale() {
    let minute = Duration::from_secs(60);
    assert!(Life::Millis(60_001).stale_after(minute).is_some());
    assert!(Life::ForEver.stale_after(minute).is_some());
    assert_eq!(Life::Millis(60_000).stale_after(minute), None);
}
