//! The text format of Prometheus: what a cache holds and has done, as metrics with the file's name as their label.
//!
//! Namespaces have the same numbers under names of their own, with the name of each as one more label.
//!
//! Counters end in `_total` and only grow, as long as the file is the same; sizes are in bytes; the rest are gauges. Refusals
//! have a reason each, and their sum is that of all.

use super::seen::used_bytes;
use samovar::{Cache, Capacity, NamespaceStats, Stats};
use std::fmt::Write;

/// One metric, and its samples: further labels, and a value.
struct Metric {
    name: &'static str,
    help: &'static str,
    samples: Vec<(String, u64)>,
}

fn one(name: &'static str, help: &'static str, value: u64) -> Metric {
    Metric { name, help, samples: vec![(String::new(), value)] }
}

/// The metrics of the cache in `file`, as a text.
pub(crate) fn exposition(file: &str, cache: &Cache) -> samovar::Result<String> {
    let file = escaped(file);
    let mut text = String::new();
    let sizes = cache.capacity().into_iter().flat_map(sizes).chain(used(cache));
    let spaces = of_namespaces(&cache.namespaces().unwrap_or_default());
    for Metric { name, help, samples } in metrics(&cache.stats()?).into_iter().chain(sizes).chain(spaces) {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(text, "{name}{{file=\"{file}\"{labels}}} {value}");
        }
    }
    Ok(text)
}

fn metrics(stats: &Stats) -> Vec<Metric> {
    let named = [
        ("too_large", stats.refused_too_large),
        ("busy", stats.refused_busy),
        ("owner_stopped", stats.owner_stopped),
        ("system", stats.refused_by_system),
    ];
    let others = named.iter().fold(stats.refusals, |left, (_, times)| left.saturating_sub(*times));
    let reasons = named.into_iter().chain([("other", others)]);
    vec![
        Metric {
            name: "samovar_gets_total",
            help: "Gets, by what they found.",
            samples: vec![
                (",result=\"hit\"".to_owned(), stats.hits),
                (",result=\"miss\"".to_owned(), stats.misses),
            ],
        },
        one("samovar_sets_total", "Values stored.", stats.sets),
        one("samovar_removes_total", "Keys removed that were there.", stats.removes),
        one("samovar_clears_total", "Times that the cache was emptied by request.", stats.clears),
        one("samovar_evictions_total", "Entries that had to go to make room.", stats.evictions),
        Metric {
            name: "samovar_refusals_total",
            help: "Writes refused with an error, by reason.",
            samples: reasons.map(|(reason, times)| (format!(",reason=\"{reason}\""), times)).collect(),
        },
        one("samovar_pin_refusals_total", "Refusals because too much was held in place.", stats.pin_refusals),
        one("samovar_damaged_total", "Values not given out because their seal was broken.", stats.damaged),
        one("samovar_resets_total", "Shards emptied because their bytes made no sense.", stats.resets),
        one(
            "samovar_watermark_ahead_ms",
            "Milliseconds by which the watermark is ahead of any time that a writer can have noted.",
            stats.watermark_ahead_ms,
        ),
        one("samovar_entries", "Entries held.", stats.entries),
        one("samovar_live_bytes", "Bytes of keys and values held.", stats.live_bytes),
        one("samovar_pins", "Values held in place.", stats.pins),
        one("samovar_file_bytes", "Bytes of the file.", stats.file_bytes),
        one("samovar_data_bytes", "Bytes that entries can take.", stats.data_bytes),
        one("samovar_index_bytes", "Bytes of the index.", stats.index_bytes),
    ]
}

fn used(cache: &Cache) -> Option<Metric> {
    let used_bytes = used_bytes(&cache.shards().ok()?);
    Some(one("samovar_used_bytes", "Bytes that entries take, headers and padding included.", used_bytes))
}

/// The metrics of namespaces; none where there are no namespaces.
fn of_namespaces(spaces: &[NamespaceStats]) -> Vec<Metric> {
    if spaces.is_empty() {
        return Vec::new();
    }
    let label = |space: &NamespaceStats| format!(",namespace=\"{}\"", escaped(&space.name));
    let each = |name, help, value: fn(&NamespaceStats) -> u64| {
        let samples = spaces.iter().map(|space| (label(space), value(space))).collect();
        Metric { name, help, samples }
    };
    let gets = spaces.iter().flat_map(|space| {
        [("hit", space.hits), ("miss", space.misses)]
            .map(|(result, times)| (format!("{},result=\"{result}\"", label(space)), times))
    });
    let limits = spaces.iter().filter_map(|space| Some((label(space), space.limit?)));
    let metrics = [
        Metric {
            name: "samovar_namespace_gets_total",
            help: "Gets in a namespace, by what they found.",
            samples: gets.collect(),
        },
        each("samovar_namespace_sets_total", "Values stored in a namespace.", |space| space.sets),
        each("samovar_namespace_removes_total", "Keys removed from a namespace.", |space| space.removes),
        each(
            "samovar_namespace_evictions_total",
            "Entries of a namespace that had to go to make room.",
            |space| space.evictions,
        ),
        each("samovar_namespace_entries", "Entries held of a namespace.", |space| space.entries),
        each("samovar_namespace_bytes", "Bytes that they take, as its limit counts.", |space| space.bytes),
        each("samovar_namespace_live_bytes", "Bytes of their keys and values.", |space| space.live_bytes),
        Metric {
            name: "samovar_namespace_limit_bytes",
            help: "Bytes that the entries of a namespace may take, where there is a limit.",
            samples: limits.collect(),
        },
    ];
    metrics.into_iter().filter(|metric| !metric.samples.is_empty()).collect()
}

fn sizes(capacity: Capacity) -> [Metric; 3] {
    [
        one(
            "samovar_capacity_bytes",
            "How large the cache is, or becomes when its resize is done.",
            capacity.bytes,
        ),
        one("samovar_max_capacity_bytes", "The most that it can be resized to.", capacity.max_bytes),
        one("samovar_disk_bytes", "What the file takes on the disk.", capacity.disk_bytes),
    ]
}

/// A label's value as the format wants it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
