//! One process that hits a file in the order of Zipf's law, perhaps while another does the same.

use crate::cell::Work;
use crate::child;
use crate::order::Order;
use crate::peers::samovar::Samovar;
use crate::size::Size;
use crate::verdict::Verdict;
use crate::worker::{self, Task};
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Barrier;
use std::time::Duration;

/// What to hit; it travels as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PairProbe {
    pub(crate) path: PathBuf,
    pub(crate) size: Size,
    pub(crate) millis: u64,
    pub(crate) seed: u64,
}

impl PairProbe {
    /// What a process is started with to do this.
    pub(crate) fn arguments(&self) -> Result<Vec<OsString>> {
        Ok(vec!["pair-probe".into(), serde_json::to_string(self)?.into()])
    }

    /// Prints nanoseconds of a hit.
    pub(crate) fn run(&self) -> Result<Verdict> {
        let cache = Samovar::attach(&self.path)?;
        let order = Order::Zipf.draw(self.size.entries, self.seed);
        let timed = Duration::from_millis(self.millis);
        let task = Task {
            work: Work::Hit,
            order: &order,
            entries: self.size.entries,
            start: 0,
            fresh: 0,
            value_len: self.size.value_len,
            warm_up: timed,
            timed,
            operations: u64::MAX,
        };
        child::ready()?;
        let counts = worker::run(&cache, &task, &Barrier::new(1))?;
        println!("{}", counts.elapsed.wall.as_secs_f64() * 1e9 / counts.operations.max(1) as f64);
        Ok(Verdict::Held)
    }
}
