//! Offsets of time namespaces, as the kernel writes them.

use super::*;

#[test]
fn offsets_are_those_of_the_clock_since_the_boot() {
    assert_eq!(
        boot_offset_ms("monotonic           0         0\nboottime        86400 500000000\n"),
        Some(86_400_500)
    );
    assert_eq!(
        boot_offset_ms("monotonic          -5         0\nboottime          -17 250000000\n"),
        Some(-16_750)
    );
    assert_eq!(boot_offset_ms("boottime 0 0"), Some(0));
    for other in
        ["", "monotonic 1 0", "boottime", "boottime 1", "boottime x 0", "boottime 9223372036854775807 0"]
    {
        assert_eq!(boot_offset_ms(other), None, "{other:?}");
    }
}

#[test]
fn the_first_namespace_has_no_offset() {
    if namespace("time").ok() == Some(FIRST_TIME_NAMESPACE) {
        assert_eq!(read_time_offset_ms(), Some(0));
    }
}
