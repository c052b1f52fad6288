//! What a replay reports, for people and for scripts.

use crate::answer::units::{as_f64, bytes, count, nanoseconds, percent, ratio};
use crate::replay::counts::{Quantiles, ReplayCounts};
use samovar::Stats;
use serde::Serialize;
use std::fmt::{self, Display, Formatter};

/// What is known before the first record.
#[derive(Debug, Serialize)]
pub(crate) struct Start {
    /// The trace.
    pub(crate) trace: String,
    /// Its length.
    pub(crate) records: u64,
    /// The cache file.
    pub(crate) cache: String,
    /// Its size.
    pub(crate) file_bytes: u64,
    /// Whether entries of an earlier run are there.
    pub(crate) warm: bool,
    /// How many.
    pub(crate) entries_at_start: u64,
    /// The same in words, or why the cache is cold.
    #[serde(rename = "start")]
    pub(crate) state: String,
    /// The largest value of the trace.
    pub(crate) largest_value_bytes: u64,
    /// The limit on values that a new file was given. One that was there keeps its own.
    pub(crate) max_value_size: Option<u64>,
}

/// What is known after the last.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    start: Start,
    requests: u64,
    hits: u64,
    misses: u64,
    miss_ratio: f64,
    entries: u64,
    entries_max: u64,
    live_bytes: u64,
    sets: u64,
    deletes: u64,
    evictions: u64,
    refusals: u64,
    wrong_values: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_wrong_key: Option<u64>,
    seconds: f64,
    requests_per_second: f64,
    get_ns: Option<Quantiles>,
    set_ns: Option<Quantiles>,
}

impl Report {
    /// Puts together what was counted and what the cache says. Evictions are those of all processes meanwhile.
    pub(crate) fn new(start: Start, counts: &ReplayCounts, before: &Stats, after: &Stats) -> Report {
        let seconds = counts.duration.as_secs_f64();
        Report {
            start,
            requests: counts.requests,
            hits: counts.hits,
            misses: counts.misses,
            miss_ratio: ratio(counts.misses, counts.requests).unwrap_or_default(),
            entries: after.entries,
            entries_max: counts.entries_max,
            live_bytes: after.live_bytes,
            sets: counts.sets,
            deletes: counts.deletes,
            evictions: after.evictions.saturating_sub(before.evictions),
            refusals: counts.refusals,
            wrong_values: counts.wrong_values,
            first_wrong_key: counts.first_wrong_key,
            seconds,
            requests_per_second: if seconds > 0.0 { as_f64(counts.requests) / seconds } else { 0.0 },
            get_ns: counts.get_times.quantiles(),
            set_ns: counts.set_times.quantiles(),
        }
    }
}

impl Display for Start {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        row(f, "trace", format_args!("{}, {} records", self.trace, count(self.records)))?;
        row(f, "cache", format_args!("{}, {}", self.cache, bytes(self.file_bytes)))?;
        row(f, "start", format_args!("{}", self.state))?;
        if let Some(limit) = self.max_value_size.filter(|limit| *limit < self.largest_value_bytes) {
            let (largest, limit) = (bytes(self.largest_value_bytes), bytes(limit));
            row(
                f,
                "values",
                format_args!("up to {largest}; those above {limit} are refused, for want of room"),
            )?;
        }
        Ok(())
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        row(f, "requests", format_args!("{:>12}", count(self.requests)))?;
        row(f, "hits", format_args!("{:>12}", count(self.hits)))?;
        let miss_ratio = percent(self.miss_ratio);
        row(f, "misses", format_args!("{:>12}   {miss_ratio} of the requests", count(self.misses)))?;
        let entries_max = count(self.entries_max);
        row(f, "entries", format_args!("{:>12}   {entries_max} at most", count(self.entries)))?;
        row(f, "evictions", format_args!("{:>12}", count(self.evictions)))?;
        row(f, "refusals", format_args!("{:>12}", count(self.refusals)))?;
        row(f, "wrong values", format_args!("{:>12}", count(self.wrong_values)))?;
        if let Some(key) = self.first_wrong_key {
            row(f, "", format_args!("{:>12}   the first for key {key}", ""))?;
        }
        self.write_speed(f)
    }
}

impl Report {
    fn write_speed(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let rate = format!("{:.0}", self.requests_per_second);
        let rate = rate.parse().map_or(rate, count);
        row(f, "speed", format_args!("{rate:>12}   requests a second, {:.3} s in all", self.seconds))?;
        for (name, times) in [("get", self.get_ns), ("set", self.set_ns)] {
            if let Some(times) = times {
                let [p50, p99, p99_9] = [times.p50, times.p99, times.p99_9].map(nanoseconds);
                row(f, name, format_args!("{p50:>12}   (median)   p99 {p99}   p99.9 {p99_9}"))?;
            }
        }
        Ok(())
    }
}

fn row(f: &mut Formatter<'_>, name: &str, value: fmt::Arguments<'_>) -> fmt::Result {
    writeln!(f, "{name:<14}{value}")
}
