//! Trace files that are none: the record is named, and no cache is made.

use crate::harness::{DONE, GET, OTHER, Place, USAGE, samovar, trace};

#[track_caller]
fn refused(place: &Place, file: &str, status: i32, words: &[&str]) {
    let answer = samovar(&["replay", file, "--cache", &place.file("c")]).ends(status).says(words);
    assert!(answer.bytes().is_empty() && !place.path("c").exists());
}

#[test]
fn half_a_record_is_named() {
    let place = Place::new();
    let mut bytes = trace([(1, 0, GET), (2, 0, GET)]);
    bytes.truncate(20);
    refused(&place, &place.write("t", &bytes), USAGE, &["20 bytes", "record 1 has only 7 bytes"]);
}

#[test]
fn an_unknown_op_is_named() {
    let place = Place::new();
    let bytes = trace([(1, 0, GET), (2, 0, GET), (3, 0, 3)]);
    refused(&place, &place.write("t", &bytes), USAGE, &["record 2 has the op 3"]);
}

#[test]
fn a_compressed_trace_cut_short_does_not_decode() {
    let place = Place::new();
    let bytes = zstd::encode_all(&trace([(1, 0, GET); 1000])[..], 3).expect("compress");
    refused(&place, &place.write("t", &bytes[..bytes.len() / 2]), USAGE, &["zstd", "does not decode"]);
}

#[test]
fn a_missing_trace_is_an_error() {
    let place = Place::new();
    refused(&place, &place.file("none"), OTHER, &["none"]);
}

#[test]
fn an_empty_trace_is_a_trace() {
    let place = Place::new();
    let file = place.write("t", &[]);
    let report = samovar(&["replay", &file, "--cache", &place.file("c"), "--json"]).ends(DONE).json();
    assert_eq!((&report["requests"], &report["miss_ratio"]), (&0.into(), &0.0.into()), "{report}");
}
