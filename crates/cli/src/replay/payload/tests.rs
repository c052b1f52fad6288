//! The canary of every replay: what must pass passes, and each way a value can be wrong is seen.

use super::{Author, LABEL_BYTES, is_genuine};

/// Around the label, around words, and a value of many words.
const LENGTHS: [usize; 12] = [0, 1, 7, 8, 9, 23, 24, 25, 31, 32, 100, 4096];

fn value(author: &mut Author, key: u64, length: usize) -> Vec<u8> {
    author.compose(key, length).to_vec()
}

#[test]
fn what_was_written_passes() {
    let mut author = Author::new();
    for length in LENGTHS {
        for key in [0, 1, u64::MAX] {
            let value = value(&mut author, key, length);
            assert_eq!(value.len(), length);
            assert!(is_genuine(key, &value), "key {key}, {length} bytes");
        }
    }
}

#[test]
fn any_flipped_bit_is_seen() {
    for length in LENGTHS {
        let mut value = value(&mut Author::numbered(1), 42, length);
        for place in 0..length {
            value[place] ^= 1 << (place % 8);
            assert!(!is_genuine(42, &value), "byte {place} of {length}");
            value[place] ^= 1 << (place % 8);
        }
    }
}

#[test]
fn the_value_of_another_key_is_seen() {
    for length in LENGTHS.into_iter().filter(|length| *length > 0) {
        assert!(!is_genuine(42, &value(&mut Author::numbered(1), 43, length)), "{length} bytes");
    }
}

#[test]
fn a_value_torn_between_two_writes_is_seen() {
    let (mut one, mut other) = (Author::numbered(1), Author::numbered(2));
    let first = value(&mut one, 42, 100);
    for second in [value(&mut one, 42, 100), value(&mut other, 42, 100)] {
        for cut in 1..100 {
            let torn = [&first[..cut], &second[cut..]].concat();
            // A tear between bytes that are equal in both changes nothing.
            let is_whole = torn == first || torn == second;
            assert_eq!(is_genuine(42, &torn), is_whole, "torn at {cut}");
        }
    }
}

#[test]
fn a_value_cut_short_or_grown_is_seen() {
    for length in LENGTHS.into_iter().filter(|length| *length > 0) {
        let mut value = value(&mut Author::numbered(1), 42, length);
        value.push(0);
        assert!(!is_genuine(42, &value), "{length} bytes and one");
        value.truncate(length - 1);
        assert!(length == 1 || !is_genuine(42, &value), "{length} bytes less one");
    }
}

#[test]
fn words_in_another_order_are_seen() {
    let mut value = value(&mut Author::numbered(1), 42, 100);
    value[LABEL_BYTES..LABEL_BYTES + 16].rotate_left(8);
    assert!(!is_genuine(42, &value));
}
