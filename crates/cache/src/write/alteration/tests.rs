//! What alterations decide at the edges.

use super::*;

fn current(value: &[u8]) -> Option<Current> {
    let preface = Preface { terms: Terms::default(), seal: None, version: 7 };
    Some(Current { preface, value: value.to_vec() })
}

#[test]
fn numbers_step_as_in_memcached() {
    for (value, by, expected) in [
        (&b"5"[..], Step::Up(3), Some(8)),
        (b"18446744073709551615", Step::Up(2), Some(1)),
        (b"5", Step::Down(9), Some(0)),
        (b"0010", Step::Down(1), Some(9)),
        (b"", Step::Up(1), None),
        (b"+1", Step::Up(1), None),
        (b" 1", Step::Up(1), None),
        (b"1\n", Step::Up(1), None),
        (b"18446744073709551616", Step::Up(1), None),
    ] {
        match (step(current(value), by), expected) {
            (Ok((Some(next), told)), Some(number)) => {
                assert_eq!(told, Some(number));
                assert_eq!(next.value, number.to_string().as_bytes());
                assert_eq!(next.version, None);
            }
            (Err(error), None) => assert_eq!(error.kind(), ErrorKind::NotANumber),
            _ => panic!("{}", value.escape_ascii()),
        }
    }
    assert!(matches!(step(None, Step::Up(1)), Ok((None, None))));
}

#[test]
fn more_goes_to_the_end_that_was_named() {
    for (end, expected) in [(End::Front, b"ab12"), (End::Back, b"12ab")] {
        let (next, told) = extend(current(b"12"), b"ab", end);
        assert!(told && next.is_some_and(|next| next.value == expected));
    }
    assert!(matches!(extend(None, b"ab", End::Back), (None, false)));
}
