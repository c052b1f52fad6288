//! Numbers that read well.

use super::{bytes, count, entries, nanoseconds, ratio};

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
