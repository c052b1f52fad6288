//! Seals count every part of an entry and its place.

use super::*;
use crate::format::entry::{Extras, Terms};

fn content<'p>(key: &'p [u8], value: &'p [u8]) -> KeyValue<'p> {
    KeyValue { key, value }
}

#[test]
fn every_part_of_an_entry_and_its_place_counts() {
    let (secret, other) = (SealKey::new([7; 16]), SealKey::new([8; 16]));
    let key = secret.in_era(4);
    let home = Home { ring: Ring::Small, at: Position::new(3, 100) };
    let terms = Terms { expiry_ms: Some(5), ..Terms::default() };
    let header = Header::new(1, 2, terms.extras().with(Extras::SEAL));
    let preface = Preface { terms, seal: None, version: 9 };
    let sum = key.seal(home, header, &preface, key.content(content(b"k", b"vv")));
    let sealed = preface.sealed_with(sum);
    assert!(key.is_whole(home, header, &sealed, key.content(content(b"k", b"vv"))));
    assert!(!key.is_whole(home, header, &preface, key.content(content(b"k", b"vv"))), "no seal");
    let longer = Header::new(1, 3, header.extras());
    let stale = Preface { terms: Terms { expiry_ms: Some(6), ..terms }, ..sealed };
    let later = Home { at: Position::new(4, 100), ..home };
    for (home, header, preface, parts) in [
        (Home { ring: Ring::Main, ..home }, header, sealed, content(b"k", b"vv")),
        (later, header, sealed, content(b"k", b"vv")),
        (home, longer, sealed, content(b"k", b"vv")),
        (home, header, stale, content(b"k", b"vv")),
        (home, header, Preface { version: 8, ..sealed }, content(b"k", b"vv")),
        (home, header, sealed, content(b"l", b"vv")),
        (home, header, sealed, content(b"k", b"vw")),
    ] {
        assert!(!key.is_whole(home, header, &preface, key.content(parts)), "{home:?} {header:?} {preface:?}");
    }
    for another in [other.in_era(4), secret.in_era(5)] {
        assert!(
            another.seal(home, header, &preface, another.content(content(b"k", b"vv"))) != sum,
            "{another:?}"
        );
    }
}

#[test]
fn every_bit_of_a_value_counts() {
    let home = Home { ring: Ring::Main, at: Position::new(3, 100) };
    let preface = Preface { terms: Terms::default(), seal: None, version: 9 };
    let secret = SealKey::new([7; 16]);
    let key = secret.in_era(1);
    // The sum takes other ways with up to 3, 8, 16, 128, 240 bytes, and with more.
    for len in [1, 3, 8, 16, 64, 128, 240, 241, 512, 1057] {
        let value_len = u32::try_from(len).unwrap();
        let header = Header::new(1, value_len, Extras::SEAL);
        let mut value = vec![0x5a; len];
        let seal = |value: &[u8]| key.seal(home, header, &preface, key.content(content(b"k", value)));
        let whole = seal(&value);
        for at in 0..len * 8 {
            value[at / 8] ^= 1 << (at % 8);
            assert_ne!(seal(&value), whole, "bit {at} of {len} bytes");
            value[at / 8] ^= 1 << (at % 8);
        }
    }
}

#[test]
fn seals_are_pinned_for_ever() {
    let home = Home { ring: Ring::Small, at: Position::new(3, 100) };
    let header = |value_len| Header::new(1, value_len, Extras::SEAL);
    let preface = Preface { terms: Terms::default(), seal: None, version: 9 };
    let secret = SealKey::new([7; 16]);
    let key = secret.in_era(4);
    let seal = |value: &[u8]| {
        let header = header(u32::try_from(value.len()).unwrap());
        key.seal(home, header, &preface, key.content(content(b"k", value)))
    };
    assert_eq!((seal(b"vv"), seal(&[7; 1000])), (8_442_154_107_456_463_402, 17_311_058_375_476_408_602));
}
