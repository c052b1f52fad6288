//! What may be asked of a whole cache file.

use super::parse::{parse_interval, parse_policy, parse_size};
use clap::Args;
use samovar::Policy;
use std::path::PathBuf;
use std::time::Duration;

/// `samovar create`
#[derive(Debug, Args)]
#[command(after_help = SIZES)]
pub(crate) struct CreateArguments {
    /// The cache file to make; nothing may be there yet
    pub(crate) file: PathBuf,
    /// How large the cache is, everything included. It is reserved at once, and changes only if it is resized
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
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
    #[arg(long, value_name = "POLICY", value_parser = parse_policy, default_value = "s3-fifo")]
    pub(crate) policy: Policy,
    /// Give every entry a seal of eight bytes, by which damage is found
    #[arg(long)]
    pub(crate) seals: bool,
    /// Make all its memory now, in huge pages where the system has them: some seconds for each GiB, and faster from then on
    #[arg(long)]
    pub(crate) prefault: bool,
}

/// `samovar flush`
#[derive(Debug, Args)]
pub(crate) struct FileArguments {
    /// The cache file
    pub(crate) file: PathBuf,
}

/// `samovar check` and `samovar salvage`
#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// The cache file
    pub(crate) file: PathBuf,
    /// Report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `samovar stat`
#[derive(Debug, Args)]
pub(crate) struct StatArguments {
    /// The cache file
    pub(crate) file: PathBuf,
    /// Report as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Report in the text format of Prometheus, for a textfile collector or a scrape
    #[arg(long, conflicts_with = "json")]
    pub(crate) prometheus: bool,
}

/// `samovar top`
#[derive(Debug, Args)]
#[command(after_help = TOP_NOTES)]
pub(crate) struct TopArguments {
    /// The cache file
    pub(crate) file: PathBuf,
    /// How long to count between two frames, such as 500ms or 5s [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = parse_interval)]
    pub(crate) interval: Option<Duration>,
    /// Print one frame and end; with --interval, what happened in that time, else only totals
    #[arg(long)]
    pub(crate) once: bool,
    /// Print one frame as JSON and end
    #[arg(long)]
    pub(crate) json: bool,
}

/// `samovar dump`
#[derive(Debug, Args)]
pub(crate) struct DumpArguments {
    /// The cache file
    pub(crate) file: PathBuf,
    /// Show every entry, not only the heads of the shards
    #[arg(long)]
    pub(crate) entries: bool,
}

/// `samovar resize`
#[derive(Debug, Args)]
#[command(after_help = SIZES)]
pub(crate) struct ResizeArguments {
    /// The cache file
    pub(crate) file: PathBuf,
    /// How large it is to be, everything included; at most what it was made for
    #[arg(value_name = "SIZE", value_parser = parse_size)]
    pub(crate) capacity: u64,
    /// Report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `samovar keys`
#[derive(Debug, Args)]
pub(crate) struct KeysArguments {
    /// The cache file
    pub(crate) file: PathBuf,
    /// List the keys of this namespace; without it, those that are in none
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Write one JSON object a line, with the length of the value and what is left of its time to live as well
    #[arg(long)]
    pub(crate) json: bool,
}

/// `samovar clear`
#[derive(Debug, Args)]
pub(crate) struct ClearArguments {
    /// The cache file
    pub(crate) file: PathBuf,
    /// Empty only this namespace
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
}

const SIZES: &str =
    "A SIZE is a number of bytes, or one with a unit: 4096, 64KiB, 64MiB, 1G. Units are powers of 1024.";

const TOP_NOTES: &str = "\
Keys: q, Esc or Ctrl-C quits; up, down, page up, page down and home scroll.

Processes that only read are not seen: they leave no trace in the file, as this one does not.";
