//! A pinned stretch in one word.

use super::*;

#[test]
fn a_stretch_is_one_word() {
    let extent = Extent { offset: (1 << 34) - 1, units: (1 << 30) - 1 };
    assert_eq!(Extent::of_word(extent.word()), Some(extent));
    assert_eq!(Extent::of_word(7), None);
}
