//! The page that draws the file says what the code does.

use super::*;

const PAGE_OF_FORMAT: &str = include_str!("../../../../docs/RECORDS-FORMAT.md");

/// The row of the table that begins with this name.
fn row(name: &str) -> (usize, String) {
    let line = PAGE_OF_FORMAT.lines().find(|line| line.starts_with(&format!("| {name} |")));
    let cells: Vec<&str> =
        line.unwrap_or_else(|| panic!("{name} is not drawn")).split('|').map(str::trim).collect();
    (cells[2].parse().unwrap(), cells[3].to_owned())
}

#[test]
fn the_format_page_draws_every_field_where_it_is() {
    let fields = [
        ("MAGIC", header::MAGIC, "8"),
        ("VERSION", header::VERSION, "8"),
        ("ENDIANNESS", header::ENDIANNESS, "8"),
        ("INCOMPATIBLE", header::INCOMPATIBLE, "8"),
        ("FINGERPRINT", header::FINGERPRINT, "8"),
        ("RECORD_SIZE", header::RECORD_SIZE, "8"),
        ("ALIGNMENT", header::ALIGNMENT, "8"),
        ("SHADOW_STRIDE", header::SHADOW_STRIDE, "8"),
        ("RECORDS_OFFSET", header::RECORDS_OFFSET, "8"),
        ("CREATED_MS", header::CREATED_MS, "8"),
        ("SCHEMA_LEN", header::SCHEMA_LEN, "8"),
        ("KIND", header::KIND, "8"),
        ("SCHEMA", header::SCHEMA, "3992"),
        ("CHECKSUM", header::CHECKSUM, "8"),
        ("HOLDER_PID", HOLDER_PID, "8"),
        ("HOLDER_START", HOLDER_START, "8"),
        ("HOLDER_GENERATION", HOLDER_GENERATION, "8"),
        ("BOOT", BOOT, "8"),
        ("DIRECTORY", DIRECTORY, "8"),
        ("USED", USED, "8"),
        ("TABLES", TABLES, "8"),
        ("KEY_LEN", KEY_LEN, "8"),
        ("KEY_SUM", KEY_SUM, "8"),
        ("MOVES", MOVES, "8"),
        ("MOTION", MOTION, "8"),
        ("TARGETS", TARGETS, "16"),
        ("EPOCH", EPOCH, "8"),
        ("FIRST", FIRST, "8"),
        ("END", END, "8"),
        ("SHAPES", SHAPES, "64"),
        ("DEEP", DEEP, "8"),
        ("NEWS", NEWS, "4"),
        ("FOLLOWED", FOLLOWED, "4"),
        ("FLUSH", FLUSH, "8"),
        ("CERTAIN", CERTAIN, "48"),
        ("SHADOWS", SHADOWS, "2 x SHADOW_STRIDE"),
    ];
    for (name, at, bytes) in fields {
        assert_eq!(row(name), (at, bytes.to_owned()), "{name}");
    }
    assert_eq!((header::SCHEMA_MAX, 2 * SHAPE_LEN, 2 * CERTAIN_LEN), (3992, 64, 48));
}

#[test]
fn the_text_says_what_the_code_computes() {
    assert_eq!((CONTROL, SHADOWS, BLOCK_ALIGN), (4096, 256, 256));
    assert_eq!((WRITER_BYTE, ORDINAL_MAX), (1 << 62, 1 << 62));
    assert_eq!((records_offset(40), records_offset(2000)), (8192, 16_384));
    assert_eq!((kept_stride(40), kept_count(40)), (56, 2 + 4));
    assert_eq!((kept_stride(1), kept_count(1), kept_count(2000)), (24, 12, 3));
    assert_eq!((Kind::File as u64, Kind::Pack as u64), (1, 2));
    assert!(PAGE_OF_FORMAT.contains("5265636f72647321"));
}
