//! What may be asked of a trace: a replay, and the demonstration.

use super::parse::parse_size;
use clap::Args;
use std::path::PathBuf;

/// `samovar replay`
#[derive(Debug, Args)]
#[command(after_help = REPLAY_NOTES)]
pub(crate) struct ReplayArguments {
    /// The trace, zstd-compressed or not
    pub(crate) trace: PathBuf,
    /// The cache file, made if nothing is there
    #[arg(long, value_name = "FILE")]
    pub(crate) cache: PathBuf,
    /// How large a new cache file is, everything included [default: 64MiB]
    #[arg(short, long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) capacity: Option<u64>,
    /// Give a new cache file exactly the room of this many entries instead
    #[arg(long, value_name = "N", conflicts_with = "capacity", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) capacity_entries: Option<u64>,
    /// The length of every value; without it, the recorded lengths, and 100 where none is recorded
    #[arg(long, value_name = "BYTES")]
    pub(crate) value_size: Option<u32>,
    /// Replay recorded sets as sets and deletes as deletes; without it, every record is a look-up
    #[arg(long)]
    pub(crate) honour_ops: bool,
    /// Delete the cache file first, so as to start with an empty one
    #[arg(long)]
    pub(crate) cold: bool,
}

/// `samovar demo`
#[derive(Debug, Args)]
#[command(after_help = DEMO_NOTES)]
pub(crate) struct DemoArguments {
    /// Keep the cache files in this directory; without it they go to a temporary one and are removed
    #[arg(short, long, value_name = "DIRECTORY")]
    pub(crate) dir: Option<PathBuf>,
    /// Write the trace that is replayed to this file, and do nothing else: `samovar replay` takes it
    #[arg(long, value_name = "PATH", conflicts_with_all = ["dir", "child"])]
    pub(crate) write_trace: Option<PathBuf>,
    /// The part of the demonstration that is killed: fill this cache, at a pace that can be watched
    #[arg(long, hide = true, value_name = "FILE")]
    pub(crate) child: Option<PathBuf>,
}

const REPLAY_NOTES: &str = "\
Every record of the trace is a get, and a miss is followed by a set, as a program with a cache does it. \
Every value that comes back is checked, to the last byte, against what was stored for its key; \
the exit status is 3 if one is wrong.

Run it again on the same file, and it starts warm. Run it twice at once on the same file, and the two share it.

--capacity-entries compares with caches that count entries: index and headers are extra, and all values have the one \
length of --value-size, or 100. Otherwise a new file takes values up to the largest of the trace, but not above a \
sixteenth of its capacity; larger ones are refused and counted.

A SIZE is a number of bytes, or one with a unit: 4096, 64KiB, 64MiB, 1G. Units are powers of 1024.

Examples:
  samovar demo --write-trace web12.trace.zst
  samovar replay web12.trace.zst --cache replay.samovar
  samovar replay web12.trace.zst --cache small.samovar --capacity-entries 1376";

const DEMO_NOTES: &str = "\
The trace: HTTP requests to the product pages of a web shop, December 2013. Copyright headissue GmbH, Jens Wilke, CC BY 4.0.

Example:
  samovar demo";
