//! What a replay counts and times.

use crate::answer::failure::{Failure, Outcome, Status};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::time::Duration;

/// The counts of one replay.
#[derive(Debug)]
pub(crate) struct ReplayCounts {
    /// Look-ups that count: all records, or the recorded gets.
    pub(crate) requests: u64,
    /// Look-ups that found a value.
    pub(crate) hits: u64,
    /// Look-ups that found none.
    pub(crate) misses: u64,
    /// Values stored.
    pub(crate) sets: u64,
    /// Recorded deletes that were carried out.
    pub(crate) deletes: u64,
    /// Operations that the cache refused.
    pub(crate) refusals: u64,
    /// Hits whose value was never stored for that key.
    pub(crate) wrong_values: u64,
    /// The key of the first of them.
    pub(crate) first_wrong_key: Option<u64>,
    /// The largest number of entries seen.
    pub(crate) entries_max: u64,
    /// How long the replay took.
    pub(crate) duration: Duration,
    /// The times of the look-ups.
    pub(crate) get_times: Latency,
    /// The times of the stores.
    pub(crate) set_times: Latency,
}

impl ReplayCounts {
    /// Nothing counted yet.
    pub(crate) fn new() -> Outcome<ReplayCounts> {
        Ok(ReplayCounts {
            requests: 0,
            hits: 0,
            misses: 0,
            sets: 0,
            deletes: 0,
            refusals: 0,
            wrong_values: 0,
            first_wrong_key: None,
            entries_max: 0,
            duration: Duration::ZERO,
            get_times: Latency::new()?,
            set_times: Latency::new()?,
        })
    }

    /// Counts a hit whose value was never stored for `key`.
    pub(crate) fn see_wrong_value(&mut self, key: u64) {
        self.wrong_values += 1;
        self.first_wrong_key.get_or_insert(key);
    }

    /// Notes how many entries there are just now.
    pub(crate) fn see_entries(&mut self, entries: u64) {
        self.entries_max = self.entries_max.max(entries);
    }
}

/// A distribution of times, to three digits.
#[derive(Debug)]
pub(crate) struct Latency(Histogram<u64>);

impl Latency {
    fn new() -> Outcome<Latency> {
        Histogram::new_with_bounds(1, LONGEST_NS, 3)
            .map(Latency)
            .map_err(|error| Failure::new(Status::Other, "the histogram of times", error))
    }

    /// Counts one operation.
    pub(crate) fn record(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(LONGEST_NS));
    }

    /// The times that matter, or none where nothing was timed.
    pub(crate) fn quantiles(&self) -> Option<Quantiles> {
        let at = |quantile| self.0.value_at_quantile(quantile);
        (!self.0.is_empty()).then(|| Quantiles {
            p50: at(0.5),
            p99: at(0.99),
            p99_9: at(0.999),
            max: self.0.max(),
        })
    }
}

/// The times that matter, in nanoseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Quantiles {
    /// Half of all operations were as fast.
    pub(crate) p50: u64,
    /// 99 of 100 were.
    pub(crate) p99: u64,
    /// 999 of 1000 were.
    pub(crate) p99_9: u64,
    /// The slowest.
    pub(crate) max: u64,
}

/// An hour; longer times count as one.
const LONGEST_NS: u64 = 3_600_000_000_000;
