//! What is shown of two samples: the totals of the later one, and what happened between them.

use super::sample::Sample;
use crate::answer::units::{as_f64, bytes, count, percent, ratio};
use crate::commands::stat::StatView;
use samovar::{Cache, NamespaceStats, Process, ProcessState, ShardStats, Stats};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// Characters of a shard's gauge.
const GAUGE: u8 = 20;

/// Characters of a namespace's name.
const NAME_WIDTH: usize = 20;

/// One frame; without an earlier sample it has totals only.
pub(crate) struct Frame<'a> {
    pub(crate) cache: &'a Cache,
    pub(crate) path: &'a Path,
    pub(crate) before: Option<&'a Sample>,
    pub(crate) now: &'a Sample,
}

/// A frame for scripts: what `stat --json` tells, and what only `top` sees.
#[derive(Serialize)]
pub(crate) struct FrameReport {
    #[serde(flatten)]
    totals: StatView,
    leases: u64,
    interval: Option<Interval>,
    processes: Vec<ProcessReport>,
    shards: Vec<ShardReport>,
}

/// What happened between two samples.
#[derive(Serialize)]
struct Interval {
    seconds: f64,
    hit_ratio: Option<f64>,
    gets_per_second: f64,
    sets_per_second: f64,
    removes_per_second: f64,
    evictions_per_second: f64,
    refusals_per_second: f64,
}

#[derive(Serialize)]
struct ProcessReport {
    slot: u32,
    pid: u32,
    state: &'static str,
    age_ms: Option<u64>,
}

#[derive(Serialize)]
struct ShardReport {
    number: u64,
    entries: u64,
    live_bytes: u64,
    used_bytes: u64,
    data_bytes: u64,
    evictions: u64,
    resets: u64,
    pins: u64,
    leases: u64,
    writer: Option<u32>,
    pending: bool,
}

/// One of the counters.
type Count = fn(&Stats) -> u64;

fn gets(stats: &Stats) -> u64 {
    stats.hits.saturating_add(stats.misses)
}

impl Frame<'_> {
    /// The frame as JSON tells it.
    pub(crate) fn report(&self) -> FrameReport {
        FrameReport {
            totals: StatView::of(&self.path.display().to_string(), self.cache, &self.now.seen()),
            leases: self.now.leases(),
            interval: self.interval(),
            processes: self.now.processes.iter().map(ProcessReport::of).collect(),
            shards: self.now.shards.iter().map(ShardReport::of).collect(),
        }
    }

    fn interval(&self) -> Option<Interval> {
        let before = self.before?;
        Some(Interval {
            seconds: self.now.at.duration_since(before.at).as_secs_f64(),
            hit_ratio: self.recent_hit_ratio(),
            gets_per_second: self.rate(gets)?,
            sets_per_second: self.rate(|stats| stats.sets)?,
            removes_per_second: self.rate(|stats| stats.removes)?,
            evictions_per_second: self.rate(|stats| stats.evictions)?,
            refusals_per_second: self.rate(|stats| stats.refusals)?,
        })
    }

    fn recent(&self, of: Count) -> Option<u64> {
        self.before.map(|before| of(&self.now.stats).saturating_sub(of(&before.stats)))
    }

    fn rate(&self, of: Count) -> Option<f64> {
        let seconds = self.now.at.duration_since(self.before?.at).as_secs_f64();
        self.recent(of).map(|times| as_f64(times) / seconds.max(1e-3))
    }

    fn recent_hit_ratio(&self) -> Option<f64> {
        ratio(self.recent(|stats| stats.hits)?, self.recent(gets)?)
    }

    /// The frame as lines of text.
    pub(crate) fn lines(&self) -> Vec<String> {
        let stats = &self.now.stats;
        // A line feed in a file's name would break the line.
        let mut lines = vec![format!("samovar top: {}", self.path.display().to_string().escape_debug())];
        lines.push(String::new());
        self.put_operations(&mut lines);
        lines.push(String::new());
        lines.push(format!(
            "entries {}, {} live of {}, file {}",
            count(stats.entries),
            bytes(stats.live_bytes),
            bytes(stats.data_bytes),
            bytes(stats.file_bytes)
        ));
        lines.push(format!(
            "held in place {}, being loaded {}, damaged {}, shards reset {}",
            count(stats.pins),
            count(self.now.leases()),
            count(stats.damaged),
            count(stats.resets)
        ));
        lines.push(refusals(stats));
        lines.push(String::new());
        lines.push(format!("processes {:<8}pid  state            running for", self.now.processes.len()));
        lines.extend(self.now.processes.iter().map(process_line));
        lines.push(String::new());
        self.put_namespaces(&mut lines);
        lines.push(format!(
            "shards {:<10}{:<GAUGE_WIDTH$}fill   entries  live bytes    evictions  writer",
            self.now.shards.len(),
            "",
            GAUGE_WIDTH = usize::from(GAUGE)
        ));
        lines.extend(self.now.shards.iter().map(shard_line));
        lines
    }

    /// What each namespace holds and has done; nothing where there are none.
    fn put_namespaces(&self, lines: &mut Vec<String>) {
        if self.now.namespaces.is_empty() {
            return;
        }
        lines.push(format!(
            "namespaces {:<13}entries       bytes       limit   hit ratio        hits      misses        sets   evictions",
            self.now.namespaces.len(),
        ));
        lines.extend(self.now.namespaces.iter().map(namespace_line));
        lines.push(String::new());
    }

    fn put_operations(&self, lines: &mut Vec<String>) {
        let seconds = |before: &Sample| self.now.at.duration_since(before.at).as_secs_f64();
        let period = self.before.map_or_else(String::new, |before| format!("last {:.1} s", seconds(before)));
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        lines.push(format!("{:<12}{period:>16}{:>20}", "", "in all"));
        let recent = or_dash(self.recent_hit_ratio().map(percent));
        let total = or_dash(self.now.stats.hit_ratio().map(percent));
        lines.push(format!("{:<12}{recent:>16}{total:>20}", "hit ratio"));
        let rows: [(&str, Count); 5] = [
            ("gets", gets),
            ("sets", |stats| stats.sets),
            ("removes", |stats| stats.removes),
            ("evictions", |stats| stats.evictions),
            ("refusals", |stats| stats.refusals),
        ];
        for (name, of) in rows {
            let rate = or_dash(self.rate(of).map(|rate| format!("{rate:.0}/s")));
            lines.push(format!("{name:<12}{rate:>16}{:>20}", count(of(&self.now.stats))));
        }
    }
}

fn refusals(stats: &Stats) -> String {
    let mut others = stats.refusals;
    let named = [
        ("too large", stats.refused_too_large),
        ("others busy", stats.refused_busy),
        ("owner stopped", stats.owner_stopped),
        ("by the system", stats.refused_by_system),
    ];
    let mut line = String::from("refused:");
    for (name, times) in named {
        others = others.saturating_sub(times);
        line.push_str(&format!(" {name} {},", count(times)));
    }
    line + &format!(" for other reasons {}; pins {}", count(others), count(stats.pin_refusals))
}

fn process_line(process: &Process) -> String {
    let age = process.age_ms.map_or_else(|| "-".to_owned(), age);
    format!("{:>21}  {:<17}{age}", process.pid, state(process.state))
}

fn namespace_line(space: &NamespaceStats) -> String {
    // A line feed or a long name would move the columns.
    let name: String = space.name.escape_debug().take(NAME_WIDTH).collect();
    let hit_ratio = ratio(space.hits, space.hits.saturating_add(space.misses));
    format!(
        "  {name:<NAME_WIDTH$}{:>9}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}",
        count(space.entries),
        bytes(space.bytes),
        space.limit.map_or_else(|| "-".to_owned(), bytes),
        hit_ratio.map_or_else(|| "-".to_owned(), percent),
        count(space.hits),
        count(space.misses),
        count(space.sets),
        count(space.evictions)
    )
}

fn age(milliseconds: u64) -> String {
    humantime::format_duration(Duration::from_secs(milliseconds / 1000)).to_string()
}

fn state(state: ProcessState) -> &'static str {
    match state {
        ProcessState::Attached => "attached",
        ProcessState::WithoutLocks => "without locks",
        ProcessState::Dead => "dead",
        _ => "unknown",
    }
}

fn shard_line(shard: &ShardStats) -> String {
    let full = ratio(shard.used_bytes, shard.data_bytes).unwrap_or(0.0).clamp(0.0, 1.0);
    let marks = shard
        .used_bytes
        .saturating_mul(u64::from(GAUGE))
        .checked_div(shard.data_bytes)
        .unwrap_or(0)
        .min(u64::from(GAUGE));
    let gauge: String = (0..u64::from(GAUGE)).map(|at| if at < marks { '#' } else { '.' }).collect();
    let writer = match (shard.writer, shard.pending) {
        (Some(pid), _) => format!("process {pid}"),
        (None, true) => "left half done".to_owned(),
        (None, false) => "-".to_owned(),
    };
    format!(
        "{:>16} {gauge}{:>8}{:>10}{:>12}{:>13}  {writer}",
        shard.number,
        percent(full),
        count(shard.entries),
        bytes(shard.live_bytes),
        count(shard.evictions)
    )
}

impl ProcessReport {
    fn of(process: &Process) -> Self {
        let Process { slot, pid, age_ms, .. } = *process;
        ProcessReport { slot, pid, state: state(process.state), age_ms }
    }
}

impl ShardReport {
    fn of(shard: &ShardStats) -> Self {
        ShardReport {
            number: shard.number,
            entries: shard.entries,
            live_bytes: shard.live_bytes,
            used_bytes: shard.used_bytes,
            data_bytes: shard.data_bytes,
            evictions: shard.evictions,
            resets: shard.resets,
            pins: shard.pins,
            leases: shard.leases,
            writer: shard.writer,
            pending: shard.pending,
        }
    }
}
