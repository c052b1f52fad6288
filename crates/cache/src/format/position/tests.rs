//! Positions, and what a slot keeps of them.

use super::*;

#[test]
fn a_frontier_protects_one_lap_ahead_and_nothing_behind() {
    let frontier = Position::new(5, 100);
    for (lap, offset, live) in
        [(5, 100, true), (5, 99, false), (5, 1000, true), (6, 99, true), (6, 100, false), (4, 500, false)]
    {
        assert_eq!(frontier.protects(Position::new(lap, offset).low()), live, "lap {lap} unit {offset}");
    }
}

#[test]
fn what_a_slot_keeps_is_made_whole_again() {
    for lap in [0, 5, (1 << LAP_LOW_BITS) - 1, 1 << 20] {
        let frontier = Position::new(lap, 100);
        for at in [frontier, Position::new(lap, 900), Position::new(lap + 1, 99)] {
            assert_eq!(frontier.ahead(at.low()), at);
        }
    }
}

#[test]
fn the_lap_bits_of_a_slot_wrap_around() {
    let frontier = Position::new((1 << LAP_LOW_BITS) - 1, 100);
    assert!(frontier.protects(Position::new(1 << LAP_LOW_BITS, 50).low()));
    assert!(!frontier.protects(Position::new((1 << LAP_LOW_BITS) + 1, 50).low()));
}
