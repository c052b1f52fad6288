//! Where values lie, and that slots come back as they went in.

use super::*;

const CHECKSUMS: Features = Features::CHECKSUMS;

fn columns() -> Features {
    Features::columns(8192).unwrap()
}

fn slots(schema: &str, features: Features) -> Slots {
    Slots::of(&schema.parse().unwrap(), features)
}

#[test]
fn features_are_bits_and_the_size_of_a_block() {
    assert_eq!(columns(), Features(2 | 13 << 8));
    assert_eq!(columns().block(), Some(8192));
    assert_eq!([0, 1, 32, 65, 1 << 21].map(Features::columns), [None; 5]);
    let known = [0, 1, 2 | 6 << 8, 3 | 20 << 8];
    let unknown = [4, 2, 6 << 8, 2 | 5 << 8, 2 | 21 << 8, 2 | 13 << 8 | 1 << 13, 1 << 63];
    assert!(known.map(Features).iter().all(|features| features.are_known()));
    assert!(!unknown.map(Features).iter().any(|features| features.are_known()));
}

#[test]
fn a_slot_is_a_record_and_its_checksum_at_the_alignment_of_the_type() {
    let sizes = ["time:i64,close:f64", "time:i32", "packed(1) time:i64,side:u8"]
        .map(|schema| [Features::default(), CHECKSUMS].map(|features| slots(schema, features).size()));
    assert_eq!(sizes, [[16, 24], [4, 12], [9, 17]]);
}

#[test]
fn there_are_whole_blocks_of_columns() {
    let slots = slots("time:i64,close:f64", columns());
    assert_eq!((slots.fit(16 * 8191), slots.fit(16 * 8192 + 5)), (0, 8192));
    assert_eq!((slots.bytes_of(1), slots.bytes_of(8193)), (Some(16 * 8192), Some(2 * 16 * 8192)));
}

#[test]
fn each_column_lies_in_one_piece_of_its_block() {
    let slots = slots("time:i64,side:u8[3],flag:u8[5]", columns().with(CHECKSUMS));
    let columns = slots.columns().unwrap();
    let begins: Vec<u64> = columns.parts.iter().map(|part| columns.offset(0, *part)).collect();
    assert_eq!(begins, [0, 8 * 8192, 11 * 8192, 16 * 8192]);
    assert_eq!(columns.offset(8191, columns.parts[1]), 8 * 8192 + 3 * 8191);
    assert_eq!(columns.offset(8192, columns.parts[1]), 24 * 8192 + 8 * 8192);
    assert_eq!((columns.together(8190, 10), columns.together(8192, 10)), (2, 10));
}

#[test]
fn a_checksum_is_of_the_record_and_its_ordinal() {
    let slots = slots("time:i64", CHECKSUMS);
    let mut all = Vec::new();
    slots
        .encode(&[7; 24], 5, |_, some| {
            all.extend_from_slice(some);
            Ok(())
        })
        .unwrap();
    let whole = |record: &[u8]| assert_eq!(record, [7; 8]);
    assert_eq!(slots.decode(&all, 5, whole), None);
    assert_eq!(slots.decode(&all, 6, whole), Some(6), "each lies where another did");
    all[16] ^= 1;
    assert_eq!(slots.decode(&all, 5, |_| ()), Some(6));
}
