//! What may be asked of a whole cache file.

use super::default_file::{CACHE_FILE, SAMOVAR_FILE};
use super::parse::{parse_interval, parse_policy, parse_size};
use clap::Args;
use samovar::Policy;
use std::path::PathBuf;
use std::time::Duration;

/// `samovar create`
#[derive(Debug, Args)]
#[command(after_help = CREATE_NOTES)]
pub(crate) struct CreateArguments {
    /// The cache file to make; nothing may be there yet
    #[arg(env = SAMOVAR_FILE)]
    pub(crate) file: PathBuf,
    /// How large the cache is, everything included. It is reserved at once, and changes only if it is resized
    #[arg(short, long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) capacity: u64,
    /// The most that the cache can ever be resized to; without it, its capacity. The index is made for that many entries
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) max_capacity: Option<u64>,
    /// The largest value that may be stored
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) max_value_size: Option<u64>,
    /// How large a key and its value are together on average: the size of the index follows from it
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) expected_entry_size: Option<u64>,
    /// What goes when there is no more room: s3-fifo, what is not read again soon, or fifo, what was stored first
    #[arg(short, long, value_name = "POLICY", value_parser = parse_policy, default_value = "s3-fifo")]
    pub(crate) policy: Policy,
    /// Give every entry a seal of eight bytes, by which damage is found
    #[arg(short, long)]
    pub(crate) seals: bool,
    /// Make all its memory now, in huge pages where the system has them: some seconds for each GiB, and faster from then on
    #[arg(long)]
    pub(crate) prefault: bool,
}

/// A cache file that is there, and nothing else to say.
#[derive(Debug, Args)]
pub(crate) struct FileArguments {
    /// The cache file
    #[arg(env = SAMOVAR_FILE)]
    pub(crate) file: PathBuf,
}

/// `samovar delete`
#[derive(Debug, Args)]
#[command(after_help = DELETE_NOTES)]
pub(crate) struct DeleteArguments {
    /// The cache file. It is always named here: SAMOVAR_FILE does not count
    pub(crate) file: PathBuf,
}

/// `samovar stat`
#[derive(Debug, Args)]
#[command(after_help = STAT_NOTES)]
pub(crate) struct StatArguments {
    /// The cache file
    #[arg(env = SAMOVAR_FILE)]
    pub(crate) file: PathBuf,
    /// Report in the text format of Prometheus, for a textfile collector or a scrape
    #[arg(short, long)]
    pub(crate) prometheus: bool,
}

/// `samovar top`
#[derive(Debug, Args)]
#[command(after_help = TOP_NOTES)]
pub(crate) struct TopArguments {
    /// The cache file
    #[arg(env = SAMOVAR_FILE)]
    pub(crate) file: PathBuf,
    /// How long to count between two frames, such as 500ms or 5 (seconds) [default: 1s]
    #[arg(short, long, value_name = "TIME", value_parser = parse_interval)]
    pub(crate) interval: Option<Duration>,
    /// Print one frame and end, as --json does too; with --interval, what happened in that time, else only totals
    #[arg(short = '1', long)]
    pub(crate) once: bool,
}

/// `samovar dump`
#[derive(Debug, Args)]
#[command(after_help = DUMP_NOTES)]
pub(crate) struct DumpArguments {
    /// The cache file
    #[arg(env = SAMOVAR_FILE)]
    pub(crate) file: PathBuf,
    /// Show every entry, not only the heads of the shards
    #[arg(short, long)]
    pub(crate) entries: bool,
}

/// `samovar resize`
#[derive(Debug, Args)]
#[command(after_help = RESIZE_NOTES)]
pub(crate) struct ResizeArguments {
    /// The cache file; left out where SAMOVAR_FILE names it
    #[arg(id = CACHE_FILE, value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// How large it is to become, everything included; at most what it was made for
    #[arg(value_name = "SIZE", value_parser = parse_size)]
    pub(crate) capacity: u64,
}

/// `samovar keys`
#[derive(Debug, Args)]
#[command(after_help = KEYS_NOTES)]
pub(crate) struct KeysArguments {
    /// The cache file
    #[arg(env = SAMOVAR_FILE)]
    pub(crate) file: PathBuf,
    /// List the keys of this namespace; without it, those that are in none
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
}

/// `samovar clear`
#[derive(Debug, Args)]
#[command(after_help = CLEAR_NOTES)]
pub(crate) struct ClearArguments {
    /// The cache file
    #[arg(env = SAMOVAR_FILE)]
    pub(crate) file: PathBuf,
    /// Empty only this namespace
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
}

const CREATE_NOTES: &str = "\
A SIZE is a number of bytes, or one with a unit: 4096, 64KiB, 64MiB, 1G. Units are powers of 1024.

Examples:
  samovar create pages.samovar --capacity 64MiB
  samovar create small.samovar -c 16MiB --max-capacity 64MiB --seals";

const DELETE_NOTES: &str = "\
Every program that has the cache open is told that it is gone. If the file is removed by other means, they go on with a cache that \
no other program sees. A file that is neither a cache nor empty is left alone.

Example:
  samovar delete pages.samovar";

const STAT_NOTES: &str = "\
The file is only read. Gets of this command do not count, unless they are made with --count. The overhead is what an entry takes above its \
key and value: its header, its padding, and its share of the index. Free room is not counted.

Examples:
  samovar stat pages.samovar
  samovar stat pages.samovar --prometheus";

const TOP_NOTES: &str = "\
Keys: q, Esc or Ctrl-C quits; up, down, page up, page down and home scroll.

Processes that only read are not seen: they leave no trace in the file, as this one does not.

Examples:
  samovar top pages.samovar
  samovar top pages.samovar --once --interval 100ms";

pub(super) const CHECK_NOTES: &str = "\
Example:
  samovar check pages.samovar";

const DUMP_NOTES: &str = "\
Example:
  samovar dump pages.samovar --entries";

pub(super) const FLUSH_NOTES: &str = "\
After a flush, and as long as nothing is written, the cache is still warm when the power fails or the machine restarts.

Example:
  samovar flush pages.samovar";

pub(super) const SALVAGE_NOTES: &str = "\
Run it after the machine lost its power or was restarted, before any program opens the cache for writing. Opening for writing empties \
it, unless the program asks for a salvage too. Only a cache made with --seals can be salvaged. What is kept was its key's value at some time since the \
last flush: nothing comes back that was replaced, removed, cleared or had expired before. What was written after the flush \
may be there or not, key by key.

A cache that is warm stays as it is. A copy of a cache that was in use is emptied, as by every program that opens it. The exit \
status of both is 1. A cache made without seals is left alone: 2.

Example:
  samovar salvage pages.samovar || echo nothing to salvage";

const RESIZE_NOTES: &str = "\
A SIZE is a number of bytes, or one with a unit: 4096, 64KiB, 64MiB, 1G. Units are powers of 1024.

Example:
  samovar resize pages.samovar 16MiB";

const KEYS_NOTES: &str = "\
Bytes outside printable ASCII are escaped, as in a Rust string. With --json there is one object a line, with the length of the value and \
what is left of its time to live as well.

Examples:
  samovar keys pages.samovar
  samovar keys pages.samovar --namespace sessions --json";

const CLEAR_NOTES: &str = "\
Examples:
  samovar clear pages.samovar --namespace sessions
  samovar clear pages.samovar";
