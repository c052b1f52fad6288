//! Places at a ring's head, whatever the lap.

use super::*;

const SPAN: Span = Span { start: 100, end: 200 };

fn at(lap: u64, offset: u64) -> Position {
    Position::new(lap, offset)
}

#[test]
fn an_entry_goes_to_the_head_or_to_the_next_lap_or_nowhere() {
    let place = |head, limit, units| SPAN.place(head, limit, units).map(|p| (p.at, p.wraps));
    assert_eq!(place(at(0, 100), at(0, 100), 99), Some((at(0, 100), false)));
    assert_eq!(place(at(0, 100), at(0, 100), 100), None, "the last unit is for a mark");
    assert_eq!(place(at(0, 190), at(0, 130), 9), Some((at(0, 190), false)));
    assert_eq!(place(at(0, 190), at(0, 130), 10), Some((at(1, 100), true)));
    assert_eq!(place(at(0, 190), at(0, 130), 30), Some((at(1, 100), true)));
    assert_eq!(place(at(0, 190), at(0, 130), 31), None);
    assert_eq!(place(at(1, 110), at(0, 130), 20), Some((at(1, 110), false)));
    assert_eq!(place(at(1, 110), at(0, 130), 21), None);
}

#[test]
fn a_span_may_shrink_below_its_head_and_its_tail() {
    let place = |head, limit, units| SPAN.place(head, limit, units).map(|p| (p.at, p.wraps));
    assert_eq!(place(at(0, 250), at(0, 130), 1), Some((at(1, 100), true)));
    assert_eq!(place(at(1, 150), at(0, 250), 49), Some((at(1, 150), false)));
    assert_eq!(place(at(1, 150), at(0, 250), 50), None);
    assert_eq!(place(at(1, 240), at(0, 250), 1), None);
    assert_eq!((SPAN.gap(at(0, 250), at(0, 130)), SPAN.gap(at(1, 150), at(0, 250))), (30, 49));
}

#[test]
fn positions_out_of_order_or_place_are_seen() {
    let orders = |frontier, tail, head| SPAN.orders(frontier, tail, head);
    assert!(orders(at(1, 150), at(1, 150), at(1, 150)));
    assert!(orders(at(1, 150), at(1, 160), at(2, 150)));
    assert!(!orders(at(1, 150), at(1, 160), at(2, 151)), "more than a lap apart");
    assert!(!orders(at(1, 150), at(1, 140), at(1, 160)), "a frontier ahead of its tail");
    assert!(!orders(at(1, 150), at(1, 170), at(1, 160)), "a tail ahead of its head");
    assert!(!orders(at(1, 90), at(1, 150), at(1, 160)), "outside the span");
    assert!(!orders(at(1, 150), at(1, 160), at(1, 201)), "outside the span");
}

#[test]
fn the_gap_is_what_is_not_used() {
    assert_eq!(SPAN.gap(at(3, 150), at(3, 150)), 99);
    assert_eq!(SPAN.gap(at(3, 190), at(3, 150)), 59);
    assert_eq!(SPAN.gap(at(4, 120), at(3, 150)), 30);
    assert_eq!(SPAN.gap(at(4, 150), at(3, 150)), 0);
}
