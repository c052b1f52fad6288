//! How long operations took one by one.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Nanoseconds that so many of a thousand operations do not exceed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50_ns: f64,
    pub(crate) p99_ns: f64,
    pub(crate) p999_ns: f64,
    pub(crate) max_ns: f64,
}

/// Counts one operation.
#[inline]
pub(crate) fn record(histogram: &mut Option<Histogram<u64>>, took: Duration) {
    if histogram.is_none() {
        *histogram = Histogram::new_with_bounds(1, LONGEST_NS, 3).ok();
    }
    if let Some(histogram) = histogram {
        histogram.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(LONGEST_NS));
    }
}

/// Of all threads together; none if nothing was counted.
pub(crate) fn of<'a>(histograms: impl Iterator<Item = &'a Histogram<u64>>) -> Option<Latency> {
    let mut all = Histogram::<u64>::new_with_bounds(1, LONGEST_NS, 3).ok()?;
    for histogram in histograms {
        all.add(histogram).ok()?;
    }
    let quantile = |quantile| all.value_at_quantile(quantile) as f64;
    (!all.is_empty()).then(|| Latency {
        p50_ns: quantile(0.5),
        p99_ns: quantile(0.99),
        p999_ns: quantile(0.999),
        max_ns: all.max() as f64,
    })
}

const LONGEST_NS: u64 = 60_000_000_000;

#[cfg(test)]
mod tests;
