//! Tests of `summary.rs`.

use super::*;

#[test]
fn the_median_is_in_the_middle() {
    assert_eq!(Summary::of([]), None);
    assert_eq!(Summary::of([3.0, 1.0, 2.0]), Some(Summary { median: 2.0, min: 1.0, max: 3.0 }));
    assert_eq!(Summary::of([4.0, 1.0, 2.0, 3.0]).map(|s| s.median), Some(2.5));
}
