//! Tests of `size.rs`.

use super::Size;

#[test]
fn a_size_is_read_as_it_is_written() {
    let size: Size = "4194304x64".parse().unwrap();
    assert_eq!(size, Size { entries: 4 << 20, value_len: 64 });
    assert_eq!(size.to_string(), "4194304x64");
    assert_eq!(size.name(), "4 M of 64 B");
    assert!("0x64".parse::<Size>().is_err() && "5".parse::<Size>().is_err());
}
