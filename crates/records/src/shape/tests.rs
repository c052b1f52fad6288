//! Slots, and growth of rings.

use super::*;

#[test]
fn growth_moves_only_what_wrapped() {
    for (first, end) in [(0, 0), (0, 10), (3, 9), (7, 17), (12, 20), (25, 33)] {
        let old = Shape { epoch: 5, base: 0, capacity: 10, origin: 0 };
        let wrapped = old.wrapped(first, end);
        let new = old.grown(first, 10 + wrapped.max(1));
        for ordinal in first..end {
            let slot = old.slot(ordinal);
            let moved = ordinal >= end - wrapped;
            let expected = if moved { slot + 10 } else { slot };
            assert_eq!(new.slot(ordinal), expected, "{ordinal} of {first}..{end}");
        }
    }
}

#[test]
fn nonsense_gives_a_slot_and_no_panic() {
    for base in [0, 1, u64::MAX] {
        for capacity in [0, 1, u64::MAX] {
            let shape = Shape { epoch: 0, base, capacity, origin: u64::MAX - 3 };
            shape.slot(7);
            shape.straight(7, 3);
            shape.offset(7, 40);
            shape.end_offset(40);
        }
    }
}
