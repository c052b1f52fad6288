//! Tests of `score.rs`.

use super::*;

fn line(bound: Bound, tmpfs: Option<f64>, disk: Option<f64>) -> &'static str {
    Line { goal: String::new(), bound, found: [tmpfs, disk].map(Summary::of) }.met()
}

#[test]
fn a_goal_is_met_only_where_every_place_meets_it() {
    let least = Bound::AtLeast(2.0);
    assert_eq!(line(least, Some(2.0), Some(2.1)), "yes");
    assert_eq!(line(least, Some(2.0), None), "yes");
    assert_eq!(line(least, Some(2.0), Some(1.9)), "tmpfs only");
    assert_eq!(line(least, Some(1.9), Some(2.0)), "disk only");
    assert_eq!(line(least, Some(1.9), None), "NO");
    assert_eq!(line(least, None, None), "not measured");
    assert_eq!(line(Bound::AtMost(2.0), Some(2.1), Some(3.0)), "NO");
    assert_eq!(line(Bound::None, Some(9.0), None), "");
}
