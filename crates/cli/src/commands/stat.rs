//! `samovar stat`: what a cache holds, what it costs and how well it does. The file is only read.

use crate::access;
use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output::{self, Format};
use crate::answer::units::{bytes, count, entries, percent};
use crate::args::file::StatArguments;
use crate::commands::namespace;
use crate::commands::prometheus;
use crate::commands::seen::Seen;
use samovar::{Cache, Emptied};
use serde::Serialize;
use std::fmt::{self, Display, Formatter};
use std::time::{Duration, UNIX_EPOCH};

/// Prints the statistics.
pub(crate) fn run(arguments: &StatArguments, format: Format) -> Outcome<Status> {
    let cache = access::open_read_only(&arguments.file)?;
    let file = arguments.file.display().to_string();
    if arguments.prometheus && format == Format::Json {
        return Err(Failure::new(Status::Usage, "--prometheus", "it is another format than that of --json")
            .with_remedy("name one of the two"));
    }
    let failed = |error| Failure::of_cache(&arguments.file, &error);
    if arguments.prometheus {
        output::put(&prometheus::exposition(&file, &cache).map_err(failed)?)?
    } else {
        format.report(&StatView::of(&file, &cache, &Seen::now(&cache).map_err(failed)?))?
    }
    Ok(Status::Done)
}

/// The statistics as they are shown. Ratios are absent while there is nothing to divide by.
#[derive(Debug, Serialize)]
pub(crate) struct StatView {
    file: String,
    warm: bool,
    state: String,
    /// Why and when the file was last emptied or salvaged; absent if it never was.
    last_cold: Option<LastCold>,
    /// How large the cache is, or becomes when its resize is done. This and the next three are absent if the size
    /// record makes no sense.
    capacity_bytes: Option<u64>,
    max_capacity_bytes: Option<u64>,
    /// A resize is under way, or was left half done.
    resize_pending: Option<bool>,
    /// What the file takes on the disk.
    disk_bytes: Option<u64>,
    file_bytes: u64,
    data_bytes: u64,
    index_bytes: u64,
    entries: u64,
    live_bytes: u64,
    /// What entries take of the room for them, headers and padding included.
    used_bytes: Option<u64>,
    overhead_bytes_per_entry: Option<f64>,
    hit_ratio: Option<f64>,
    hits: u64,
    misses: u64,
    sets: u64,
    removes: u64,
    clears: u64,
    evictions: u64,
    refusals: u64,
    owner_stopped: u64,
    refused_too_large: u64,
    refused_busy: u64,
    refused_by_system: u64,
    damaged: u64,
    pins: u64,
    pin_refusals: u64,
    resets: u64,
    /// By how much the latest time that the file notes is wrong; 0 if it is not.
    watermark_ahead_ms: u64,
    namespaces: Vec<namespace::Row>,
}

/// The last time that the file was emptied, or salvaged, because its entries could not be trusted.
#[derive(Debug, Serialize)]
struct LastCold {
    because: String,
    at_ms: u64,
    /// Entries that were kept by a salvage; absent if it was emptied.
    kept: Option<u64>,
}

impl LastCold {
    fn of(emptied: Emptied) -> LastCold {
        LastCold { because: emptied.why, at_ms: emptied.at_ms, kept: emptied.kept }
    }
}

impl Display for LastCold {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let ago = UNIX_EPOCH.elapsed().unwrap_or_default().saturating_sub(Duration::from_millis(self.at_ms));
        write!(f, "{} s ago, because {}", count(ago.as_secs()), self.because)?;
        self.kept.map_or(Ok(()), |kept| write!(f, "; salvaged, with {} kept", entries(kept)))
    }
}

impl StatView {
    /// The statistics of the cache in `file`, as it told them just now or some time ago.
    pub(crate) fn of(file: &str, cache: &Cache, seen: &Seen) -> StatView {
        let (capacity, stats) = (cache.capacity().ok(), &seen.stats);
        StatView {
            capacity_bytes: capacity.map(|capacity| capacity.bytes),
            max_capacity_bytes: capacity.map(|capacity| capacity.max_bytes),
            resize_pending: capacity.map(|capacity| capacity.pending),
            disk_bytes: capacity.map(|capacity| capacity.disk_bytes),
            file: file.to_owned(),
            warm: cache.attachment().warm,
            state: access::describe(cache),
            last_cold: cache.attachment().last_emptied.map(LastCold::of),
            file_bytes: stats.file_bytes,
            data_bytes: stats.data_bytes,
            index_bytes: stats.index_bytes,
            entries: stats.entries,
            live_bytes: stats.live_bytes,
            used_bytes: seen.used_bytes,
            overhead_bytes_per_entry: seen.overhead_per_entry(),
            hit_ratio: stats.hit_ratio(),
            hits: stats.hits,
            misses: stats.misses,
            sets: stats.sets,
            removes: stats.removes,
            clears: stats.clears,
            evictions: stats.evictions,
            refusals: stats.refusals,
            owner_stopped: stats.owner_stopped,
            refused_too_large: stats.refused_too_large,
            refused_busy: stats.refused_busy,
            refused_by_system: stats.refused_by_system,
            damaged: stats.damaged,
            pins: stats.pins,
            pin_refusals: stats.pin_refusals,
            resets: stats.resets,
            watermark_ahead_ms: stats.watermark_ahead_ms,
            namespaces: namespace::rows(cache),
        }
    }
}

impl StatView {
    /// How large the cache is, and may become.
    fn capacity_told(&self) -> Option<String> {
        let pending = if self.resize_pending? { ", to which a resize is pending" } else { "" };
        Some(format!("{}{pending}, at most {}", bytes(self.capacity_bytes?), bytes(self.max_capacity_bytes?)))
    }
}

impl Display for StatView {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let overhead = self
            .overhead_bytes_per_entry
            .map(|bytes| format!("{bytes:.1} bytes an entry, free room not counted"));
        writeln!(f, "{}: {}", self.file, self.state)?;
        let rows = [
            ("capacity", or_dash(self.capacity_told())),
            ("on disk", or_dash(self.disk_bytes.map(bytes))),
            ("file", bytes(self.file_bytes)),
            ("  for entries", bytes(self.data_bytes)),
            ("    in use", or_dash(self.used_bytes.map(bytes))),
            ("  for the index", bytes(self.index_bytes)),
            ("entries", count(self.entries)),
            ("live bytes", format!("{} of keys and values", bytes(self.live_bytes))),
            ("overhead", or_dash(overhead)),
            ("hit ratio", or_dash(self.hit_ratio.map(percent))),
            ("hits", count(self.hits)),
            ("misses", count(self.misses)),
            ("sets", count(self.sets)),
            ("removes", count(self.removes)),
            ("clears", count(self.clears)),
            ("evictions", count(self.evictions)),
            ("refusals", count(self.refusals)),
            ("  too large", count(self.refused_too_large)),
            ("  others busy", count(self.refused_busy)),
            ("  owner stopped", count(self.owner_stopped)),
            ("  by the system", count(self.refused_by_system)),
            ("damaged", count(self.damaged)),
            ("pins", format!("{} now, {} refusals", count(self.pins), count(self.pin_refusals))),
            ("resets", count(self.resets)),
        ];
        let cold = self.last_cold.as_ref().map(|cold| ("last cold", cold.to_string()));
        let is_ahead = self.watermark_ahead_ms > 0;
        let ahead = is_ahead.then(|| ("watermark", format!("{} ms ahead", count(self.watermark_ahead_ms))));
        rows.into_iter()
            .chain(ahead)
            .chain(cold)
            .try_for_each(|(name, value)| writeln!(f, "{name:<16}{value}"))?;
        self.namespaces.iter().try_for_each(|row| writeln!(f, "namespace       {row}"))
    }
}
