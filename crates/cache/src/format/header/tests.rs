//! Headers that are written, read back, and damaged.

use super::*;

fn header() -> FileHeader {
    let geometry = Geometry::plan(Size::Capacity(64 << 20), None, None, None).unwrap();
    FileHeader {
        uuid: [1; 16],
        hash_seed: 2,
        seal_key: SealKey::new([3; 16]),
        sealed: true,
        created_ms: 4,
        geometry,
    }
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
            0..8 => ErrorKind::NotACache,
            8..16 | 24..40 => ErrorKind::UnsupportedVersion,
            _ => ErrorKind::Corrupt,
        };
        assert_eq!(kind, expected, "byte {at}");
    }
}

#[test]
fn a_header_that_lies_with_a_right_checksum_is_refused() {
    for at in [field::SHARD_BITS, field::PAGES, field::DATA_OFFSET, field::MAIN_UNITS, field::DATA_STRIDE] {
        let mut page = header().encode();
        page[at..at + 8].copy_from_slice(&(1u64 << 50).to_le_bytes());
        let sum = checksum(&page[..HEADER_CHECKSUM]);
        page[HEADER_CHECKSUM..].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(Unchecked::new(page).verify().unwrap_err().kind(), ErrorKind::Corrupt, "field at {at}");
    }
}
