//! Good and bad trace files.

use super::{Operation, Record, Trace};

const TWO_RECORDS: [u8; 26] = [
    0x2a, 0, 0, 0, 0, 0, 0, 0, 0x64, 0, 0, 0, 0, // get key 42, value of 100 bytes
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 2, // delete the last key, size unknown
];

fn records(file: &[u8]) -> Result<Vec<Record>, String> {
    Ok(Trace::decode(file)?.records().collect())
}

#[test]
fn records_are_little_endian() {
    let first = Record { key: 42, size_bytes: 100, operation: Operation::Get };
    let second = Record { key: u64::MAX, size_bytes: 0, operation: Operation::Delete };
    assert_eq!(records(&TWO_RECORDS), Ok(vec![first, second]));
}

#[test]
fn compressed_or_not_is_the_same() {
    let compressed = zstd::encode_all(&TWO_RECORDS[..], 3).expect("compress");
    assert_eq!(records(&compressed), records(&TWO_RECORDS));
}

#[test]
fn an_empty_trace_has_no_records() {
    assert_eq!(records(&[]), Ok(vec![]));
}

#[test]
fn half_a_record_is_named() {
    let why = records(&TWO_RECORDS[..20]).expect_err("20 bytes");
    assert!(why.contains("20 bytes") && why.contains("record 1 has only 7 bytes"), "{why}");
}

#[test]
fn an_unknown_op_is_named() {
    let mut file = TWO_RECORDS;
    file[25] = 3;
    let why = records(&file).expect_err("op 3");
    assert!(why.contains("record 1 has the op 3"), "{why}");
}

#[test]
fn a_compressed_trace_cut_short_is_an_error() {
    let compressed = zstd::encode_all(&TWO_RECORDS.repeat(100)[..], 3).expect("compress");
    let why = records(&compressed[..compressed.len() - 3]).expect_err("cut short");
    assert!(why.contains("does not decode"), "{why}");
}

#[test]
fn a_large_window_is_accepted() {
    // A frame written by hand: a window of 2^28 bytes, which a decoder refuses unless told not to, and one raw block.
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, (28 - 10) << 3, (26 << 3) | 1, 0, 0];
    frame.extend(TWO_RECORDS);
    assert_eq!(records(&frame), records(&TWO_RECORDS));
}
