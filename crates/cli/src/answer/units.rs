//! Sizes, times and counts, as people read them.

use indicatif::{BinaryBytes, HumanCount};
use std::time::Duration;

/// `1234567` as `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    HumanCount(number).to_string()
}

/// `67108864` as `64.00 MiB`.
pub(crate) fn bytes(number: u64) -> String {
    BinaryBytes(number).to_string()
}

/// `1376` entries as `1,376 entries`, and `1` as `1 entry`.
pub(crate) fn entries(number: u64) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{} entries", count(number)) }
}

/// A share of one as `14.39 %`.
pub(crate) fn percent(ratio: f64) -> String {
    format!("{:.2} %", ratio * 100.0)
}

/// `part / whole`, and none where there is no whole.
pub(crate) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| as_f64(part) / as_f64(whole))
}

/// The nearest floating-point number.
pub(crate) fn as_f64(number: u64) -> f64 {
    number as f64
}

/// Nanoseconds with a unit that suits them: `180 ns`, `2.41 us`, `1.06 ms`.
pub(crate) fn nanoseconds(number: u64) -> String {
    let number_f64 = as_f64(number);
    match number {
        0..1_000 => format!("{number} ns"),
        1_000..1_000_000 => format!("{:.2} us", number_f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} ms", number_f64 / 1e6),
        _ => format!("{:.2} s", number_f64 / 1e9),
    }
}

/// A time with a unit that suits it.
pub(crate) fn duration(time: Duration) -> String {
    nanoseconds(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
