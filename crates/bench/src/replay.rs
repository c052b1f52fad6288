//! A trace replayed into the policies of peers, each with room for so many entries: every record is a get, and a miss is
//! filled. Keys are the trace's numbers and values are nothing; what an entry weighs is for the caller to reckon.
//! `docs/TRACES.md` describes the file.

use crate::verdict::Verdict;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::Serialize;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Key, size, operation.
const RECORD: usize = 13;
/// The largest window that a decoder knows.
const WINDOW_LOG_MAX: u32 = 31;

/// What to replay.
#[derive(Args, Clone, Debug)]
pub(crate) struct Replay {
    /// The trace, compressed with zstd.
    trace: PathBuf,
    /// Policies and their entries, as POLICY:ENTRIES.
    #[arg(required = true)]
    runs: Vec<Run>,
}

/// One policy with room for so many entries.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Run {
    policy: String,
    entries: usize,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Found {
    #[serde(flatten)]
    run: Run,
    requests: usize,
    misses: usize,
}

/// Asks for a key, and stores it if it was not there; whether it was.
type Policy = Box<dyn FnMut(u64) -> bool>;

impl Replay {
    /// Prints an array of JSON.
    pub(crate) fn run(&self) -> Result<Verdict> {
        let keys = read(&self.trace)?;
        let replay = |run: &Run| -> Result<Found> {
            let mut policy = run.policy()?;
            let misses = keys.iter().filter(|key| !policy(**key)).count();
            Ok(Found { run: run.clone(), requests: keys.len(), misses })
        };
        let found = self.runs.iter().map(replay).collect::<Result<Vec<Found>>>()?;
        println!("{}", serde_json::to_string(&found)?);
        Ok(Verdict::Held)
    }
}

fn read(path: &Path) -> Result<Vec<u64>> {
    let file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    let mut decoder = zstd::Decoder::new(file)?;
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    let mut bytes = Vec::new();
    decoder.read_to_end(&mut bytes).with_context(|| path.display().to_string())?;
    let (records, rest) = bytes.as_chunks::<RECORD>();
    ensure!(rest.is_empty(), "{} is no whole number of records", path.display());
    let key = |record: &[u8; RECORD]| record.first_chunk().map(|key| u64::from_le_bytes(*key));
    Ok(records.iter().filter_map(key).collect())
}

impl FromStr for Run {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (policy, entries) = text.split_once(':').context("a run is written POLICY:ENTRIES")?;
        Ok(Run { policy: policy.to_owned(), entries: entries.parse()? })
    }
}

impl Run {
    /// Each with its defaults; foyer in one shard, so that its policy is exact.
    fn policy(&self) -> Result<Policy> {
        match self.policy.split_once('-').unwrap_or((&self.policy, "")) {
            #[cfg(feature = "quick_cache")]
            ("quick_cache", "") => Ok(quick_cache(self.entries)),
            #[cfg(feature = "moka")]
            ("moka", "") => Ok(moka(self.entries)),
            #[cfg(feature = "foyer")]
            ("foyer", policy) => foyer(self.entries, policy),
            _ => bail!("no policy is called {}, of those that are built in", self.policy),
        }
    }
}

#[cfg(feature = "quick_cache")]
fn quick_cache(entries: usize) -> Policy {
    let cache = quick_cache::sync::Cache::new(entries);
    Box::new(move |key| {
        let hit = cache.get(&key).is_some();
        if !hit {
            cache.insert(key, ());
        }
        hit
    })
}

/// With its pending tasks run as often as it takes for the capacity to hold.
#[cfg(feature = "moka")]
fn moka(entries: usize) -> Policy {
    const GETS: u32 = 32;
    let (cache, mut gets) = (moka::sync::Cache::new(entries as u64), 0);
    Box::new(move |key| {
        let hit = cache.get(&key).is_some();
        gets += 1;
        if !hit {
            cache.insert(key, ());
        }
        if !hit || gets == GETS {
            cache.run_pending_tasks();
            gets = 0;
        }
        hit
    })
}

#[cfg(feature = "foyer")]
fn foyer(entries: usize, policy: &str) -> Result<Policy> {
    use foyer_memory::{Cache, CacheBuilder, EvictionConfig};
    use foyer_memory::{FifoConfig, LfuConfig, LruConfig, S3FifoConfig, SieveConfig};
    let config: EvictionConfig = match policy {
        "fifo" => FifoConfig::default().into(),
        "lru" => LruConfig::default().into(),
        "lfu" => LfuConfig::default().into(),
        "s3fifo" => S3FifoConfig::default().into(),
        "sieve" => SieveConfig.into(),
        _ => bail!("foyer has no policy called {policy}"),
    };
    let cache: Cache<u64, ()> =
        CacheBuilder::new(entries).with_shards(1).with_eviction_config(config).build();
    Ok(Box::new(move |key| {
        let hit = cache.get(&key).is_some();
        if !hit {
            cache.insert(key, ());
        }
        hit
    }))
}

#[cfg(test)]
mod tests;
