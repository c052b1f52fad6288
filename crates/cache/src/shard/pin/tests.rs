//! A pinned stretch in one word.

use super::*;

#[test]
fn a_stretch_is_one_word() {
    let span = Span::of((1 << 34) - 1, (1 << 30) - 1);
    assert_eq!(from_word(to_word(span)), Some(span));
    assert_eq!(from_word(7), None);
}
