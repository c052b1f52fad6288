//! Headers: there and back, every byte changed, and lies with a right checksum.

use super::*;

fn header() -> Header {
    let schema = Arc::new("time:i64,close:f64,name:u8[8]".parse().unwrap());
    let slots = Slots::of(&schema, Features::CHECKSUMS);
    Header { schema, slots, kind: Kind::Pack, created_ms: 4 }
}

fn reseal(page: &mut [u8; HEADER_LEN]) {
    let sum = layout::checksum(&page[..field::CHECKSUM]);
    page[field::CHECKSUM..].copy_from_slice(&sum.to_le_bytes());
}

#[test]
fn a_header_survives_the_page() {
    assert_eq!(Unchecked::new(header().encode()).verify().unwrap(), header());
}

#[test]
fn every_changed_byte_is_refused() {
    for at in (0..200).chain([1000, HEADER_LEN - 1]) {
        let mut page = header().encode();
        page[at] ^= 0x40;
        let kind = Unchecked::new(page).verify().unwrap_err().kind();
        let expected = match at {
            0..8 => ErrorKind::NotRecords,
            8..16 | 24..32 => ErrorKind::UnsupportedVersion,
            16..24 => ErrorKind::WrongEndianness,
            _ => ErrorKind::Corrupt,
        };
        assert_eq!(kind, expected, "byte {at}");
    }
}

#[test]
fn a_header_that_lies_with_a_right_checksum_is_refused() {
    let words = [
        field::FINGERPRINT,
        field::RECORD_SIZE,
        field::ALIGNMENT,
        field::SHADOW_STRIDE,
        field::RECORDS_OFFSET,
        field::SCHEMA_LEN,
        field::KIND,
        field::SCHEMA,
    ];
    for at in words {
        for lie in [0, 3, 1 << 50, u64::MAX] {
            let mut page = header().encode();
            page[at..at + 8].copy_from_slice(&u64::to_le_bytes(lie));
            reseal(&mut page);
            let kind = Unchecked::new(page).verify().unwrap_err().kind();
            assert_eq!(kind, ErrorKind::Corrupt, "field at {at}, {lie}");
        }
    }
}

#[test]
fn types_are_told_apart() {
    let header = header();
    let kind = |text: &str| header.admit(&text.parse().unwrap()).map_err(|error| error.kind());
    assert_eq!(kind("time:i64,close:f64,name:u8[8]"), Ok(()));
    assert_eq!(kind("time:i64,close:f64"), Err(ErrorKind::WrongSize));
    assert_eq!(kind("time:i64,open:f64,name:u8[8]"), Err(ErrorKind::WrongType));
    assert_eq!(kind("time:u64,close:f64,name:u8[8]"), Err(ErrorKind::WrongType));
}
