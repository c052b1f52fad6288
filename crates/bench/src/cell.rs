//! A cell: one peer, one population, and what is measured on it. It travels to the process that runs it as JSON, and what
//! that process found travels back.

use crate::latency::Latency;
use crate::order::Order;
use crate::size::Size;
use serde::{Deserialize, Serialize};

/// What is done to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Work {
    /// A get that must find its value.
    Hit,
    /// A hit after every entry was hit so often that nothing is left to record.
    Saturated,
    /// Gets of so many keys at once, where every key must find its value.
    Batch {
        /// Keys of a batch.
        keys: u32,
    },
    /// A get that copies nothing: the value is pinned where it lies, and its first bytes are checked there.
    Borrow,
    /// A get of a key that was never stored.
    Miss,
    /// A set of a key that is there, with a value of the same length.
    Overwrite,
    /// A set of a key that was never there, which evicts another; each is timed by itself.
    Insert,
    /// Gets, and every n-th operation an overwrite.
    Mixed {
        /// How many of a hundred operations are overwrites.
        sets_percent: u32,
    },
}

/// One thing that is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Measure {
    pub(crate) work: Work,
    pub(crate) order: Order,
    pub(crate) threads: u32,
}

/// What a process of its own is started for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) peer: String,
    /// What is stored before anything is timed.
    pub(crate) size: Size,
    /// Entries that there is room for.
    pub(crate) capacity: u32,
    /// Timed in this order, on one population.
    pub(crate) measures: Vec<Measure>,
    /// How long each is timed; a quarter as long goes before, untimed.
    pub(crate) millis: u64,
    /// Instead of a time, so many operations of each thread, none untimed: for counting instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) operations: Option<u64>,
    pub(crate) seed: u64,
}

/// What one measure came to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Timing {
    pub(crate) measure: Measure,
    /// Wall and CPU nanoseconds of one operation, as the thread sees it that does it.
    pub(crate) wall_ns: f64,
    pub(crate) cpu_ns: f64,
    pub(crate) operations: u64,
    pub(crate) hits: u64,
    pub(crate) gets: u64,
    /// Of the operations one by one, where that is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) latency: Option<Latency>,
}

/// What a cell came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Wall nanoseconds of one set while the population was stored.
    pub(crate) load_ns: f64,
    pub(crate) timings: Vec<Timing>,
    /// By how much the process grew from before the peer was made until it was filled.
    #[serde(default)]
    pub(crate) resident_bytes: u64,
    /// Entries that it held then, where it can say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) held: Option<u64>,
}

impl Work {
    pub(crate) fn name(self) -> String {
        match self {
            Work::Hit => "hit".to_owned(),
            Work::Saturated => "hit, frequencies full".to_owned(),
            Work::Batch { keys } => format!("hit, get_many of {keys}"),
            Work::Borrow => "hit, get_ref".to_owned(),
            Work::Miss => "miss".to_owned(),
            Work::Overwrite => "overwrite".to_owned(),
            Work::Insert => "insert".to_owned(),
            Work::Mixed { sets_percent } => format!("{}/{sets_percent}", 100 - sets_percent),
        }
    }

    pub(crate) fn writes(self) -> bool {
        matches!(self, Work::Overwrite | Work::Insert | Work::Mixed { .. })
    }
}

impl Measure {
    pub(crate) fn name(self) -> String {
        let threads =
            if self.threads == 1 { "1 thread".to_owned() } else { format!("{} threads", self.threads) };
        format!("{}, {}, {threads}", self.work.name(), self.order.name())
    }
}
