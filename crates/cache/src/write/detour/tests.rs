//! Ways around pinned stretches.

use super::*;
use crate::format::position::Position;

const SPAN: Span = Span { start: 100, end: 200 };

fn at(lap: u64, offset: u64) -> Position {
    Position::new(lap, offset)
}

#[test]
fn a_head_goes_around_what_is_pinned() {
    let detour = |head: Position, tail: Position, to: (Position, bool), offset, units| {
        let place = Place { at: to.0, wraps: to.1 };
        around(SPAN, Ends { head, tail }, place, Span::of(offset, units))
    };
    let here = |head| (head, false);
    let wraps = |lap, offset| (at(lap, offset), true);
    // One lap: the stretch lies ahead in it, or reaches its end.
    assert_eq!(detour(at(5, 120), at(5, 110), here(at(5, 120)), 125, 10), Detour::Skip(135));
    assert_eq!(detour(at(5, 120), at(5, 110), here(at(5, 120)), 120, 10), Detour::Skip(130));
    assert_eq!(detour(at(5, 190), at(5, 150), here(at(5, 190)), 192, 8), Detour::Lap(100));
    // Two laps: the tail is the limit.
    assert_eq!(detour(at(6, 120), at(5, 150), here(at(6, 120)), 130, 20), Detour::Skip(150));
    assert_eq!(detour(at(6, 120), at(5, 150), here(at(6, 120)), 130, 21), Detour::Wait);
    assert_eq!(detour(at(6, 120), at(5, 150), here(at(6, 120)), 110, 21), Detour::Wait);
    // The next lap begins before the stretch, or inside it.
    assert_eq!(detour(at(5, 190), at(5, 150), wraps(6, 100), 105, 10), Detour::Lap(100));
    assert_eq!(detour(at(5, 190), at(5, 150), wraps(6, 100), 95, 10), Detour::Lap(105));
    assert_eq!(detour(at(5, 190), at(5, 150), wraps(6, 100), 95, 60), Detour::Wait);
    // Nothing is in the ring.
    assert_eq!(detour(at(5, 190), at(5, 190), wraps(6, 100), 105, 10), Detour::Restart);
    assert_eq!(detour(at(6, 100), at(6, 100), here(at(6, 100)), 95, 10), Detour::Move(105));
    assert_eq!(detour(at(6, 100), at(6, 100), here(at(6, 100)), 95, 105), Detour::Wait);
}
