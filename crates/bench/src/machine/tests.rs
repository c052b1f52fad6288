//! Tests of `machine.rs`.

#[test]
fn days_become_dates() {
    assert_eq!(super::civil(0), (1970, 1, 1));
    assert_eq!(super::civil(19_782), (2024, 2, 29));
    assert_eq!(super::civil(20_454), (2026, 1, 1));
}
