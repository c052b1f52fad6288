//! Tests of `payload.rs`.

use super::*;

#[test]
fn a_value_is_known_and_damage_is_seen() {
    let mut payload = Payload::new(100);
    for len in [MIN_VALUE_LEN, 16, 17, 64, 100] {
        let mut value = payload.value(len, 7, 9).to_vec();
        assert_eq!(value.len(), len);
        assert_eq!(version(&value, 7), Some(9));
        assert_eq!(version(&value, 8), None);
        for at in [0, 4, len - 1] {
            value[at] ^= 1;
            assert_eq!(version(&value, 7), None, "length {len}, byte {at}");
            value[at] ^= 1;
        }
    }
    assert_eq!(version(&[], 7), None);
}
