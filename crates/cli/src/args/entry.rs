//! What may be asked of an entry: where its key is, what is stored, how long it lives.

use super::default_file::CACHE_FILE;
use super::parse::{Life, parse_life, parse_time};
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Where keys are.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The cache file; left out where SAMOVAR_FILE names it
    #[arg(id = CACHE_FILE, value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The namespace that the key is in; without it, it is in none
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
}

/// A value, for every command that stores one.
#[derive(Debug, Args)]
pub(crate) struct ValueArguments {
    /// The value; `-` reads it from standard input
    #[arg(required_unless_present = "value_file")]
    pub(crate) value: Option<OsString>,
    /// Read the value from this file instead
    #[arg(short = 'f', long, value_name = "PATH", conflicts_with = "value")]
    pub(crate) value_file: Option<PathBuf>,
}

/// How long a value lives, for every command that stores a new one.
#[derive(Debug, Args)]
pub(crate) struct LifeArguments {
    /// Forget the value after this time, such as 5 (seconds), 250ms or 1h30m; `never` keeps it until room is needed
    #[arg(short, long, value_name = "TIME", value_parser = parse_life, default_value = "never")]
    pub(crate) ttl: Life,
}

/// `samovar set`
#[derive(Debug, Args)]
#[command(after_help = SET_NOTES)]
pub(crate) struct SetArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The key
    pub(crate) key: OsString,
    #[command(flatten)]
    pub(crate) value: ValueArguments,
    #[command(flatten)]
    pub(crate) life: LifeArguments,
    /// Store it only if what is there is still of this version, as `get --version` told it; else exit status 1
    #[arg(long, value_name = "N")]
    pub(crate) if_version: Option<u32>,
}

/// `samovar get`
#[derive(Debug, Args)]
#[command(after_help = GET_NOTES)]
pub(crate) struct GetArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The keys
    #[arg(required = true, value_name = "KEY")]
    pub(crate) keys: Vec<OsString>,
    /// Write the value to this file instead; it is left alone when the key is not there. One key only
    #[arg(short, long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
    /// End every value with a NUL byte, as `xargs -0` reads them
    #[arg(short = '0', long, conflicts_with = "out")]
    pub(crate) null: bool,
    /// Write the number of the value's version, for `set --if-version`; the value itself goes to --out, if given
    #[arg(long)]
    pub(crate) version: bool,
    /// Count it as a read: in the hit ratio, and for what is kept when room is needed. The file is then opened for writing
    #[arg(short, long)]
    pub(crate) count: bool,
    /// Give the value this time to live, from now, such as 30, 1h30m or never. It counts as a read
    #[arg(long, value_name = "TIME", value_parser = parse_life, conflicts_with = "version")]
    pub(crate) touch: Option<Life>,
}

/// `samovar contains`
#[derive(Debug, Args)]
#[command(after_help = CONTAINS_NOTES)]
pub(crate) struct ContainsArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The key
    pub(crate) key: OsString,
}

/// `samovar del`
#[derive(Debug, Args)]
#[command(after_help = DEL_NOTES)]
pub(crate) struct DelArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The keys
    #[arg(required = true, value_name = "KEY")]
    pub(crate) keys: Vec<OsString>,
}

/// `samovar add` and `samovar replace`
#[derive(Debug, Args)]
pub(crate) struct StoreArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The key
    pub(crate) key: OsString,
    #[command(flatten)]
    pub(crate) value: ValueArguments,
    #[command(flatten)]
    pub(crate) life: LifeArguments,
}

/// `samovar append` and `samovar prepend`
#[derive(Debug, Args)]
pub(crate) struct MoreArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The key, whose value keeps its time to live
    pub(crate) key: OsString,
    #[command(flatten)]
    pub(crate) value: ValueArguments,
}

/// `samovar touch`
#[derive(Debug, Args)]
#[command(after_help = TOUCH_NOTES)]
pub(crate) struct TouchArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The key
    pub(crate) key: OsString,
    /// Forget the value after this time, from now, such as 5 (seconds), 250ms or 1h30m; `never` keeps it until room is needed
    #[arg(short, long, value_name = "TIME", value_parser = parse_life)]
    pub(crate) ttl: Life,
}

/// `samovar incr` and `samovar decr`
#[derive(Debug, Args)]
pub(crate) struct StepArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The key, whose value is a decimal number
    pub(crate) key: OsString,
    /// By how much
    #[arg(default_value_t = 1)]
    pub(crate) by: u64,
}

/// `samovar load`
#[derive(Debug, Args)]
#[command(after_help = LOAD_NOTES)]
pub(crate) struct LoadArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The key
    pub(crate) key: OsString,
    #[command(flatten)]
    pub(crate) life: LifeArguments,
    /// Refresh the value after this time: one process runs the command, and all others get the old value meanwhile
    #[arg(short, long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) stale_after: Option<Duration>,
    /// How long the command may take before others who wait for its output run it too
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = parse_time)]
    pub(crate) timeout: Duration,
    /// The command that writes the value to its standard output, and its arguments
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}

const SET_NOTES: &str = "\
Examples:
  samovar set pages.samovar front-page '<h1>Tea</h1>' --ttl 1h
  date | samovar set pages.samovar date -
  samovar set pages.samovar logo --value-file logo.png";

const GET_NOTES: &str = "\
One value is written as it is, with nothing added. Where several keys are asked for, each value ends with a line feed, and keys \
that are not there are left out: the exit status is then 1. With --json there is one object a line for every key.

A get leaves no trace: neither the hit ratio nor eviction sees it, a flushed file stays flushed, and a file that may only be read can \
be read. --count makes it a read like that of any program. A file whose entries cannot be trusted any more, as after a power \
loss, is opened for writing, which empties it.

Examples:
  samovar get pages.samovar front-page
  samovar get pages.samovar front-page date --json
  samovar get pages.samovar logo --out logo.png";

const CONTAINS_NOTES: &str = "\
Example:
  samovar contains pages.samovar front-page && echo it is there";

const DEL_NOTES: &str = "\
The exit status is 1 if one of the keys was not there. The others are removed all the same.

Examples:
  samovar del pages.samovar front-page
  samovar del pages.samovar date logo --json";

pub(super) const ADD_NOTES: &str = "\
Example:
  samovar add pages.samovar visits 0";

pub(super) const REPLACE_NOTES: &str = "\
Example:
  samovar replace pages.samovar front-page '<h1>More tea</h1>' --ttl 1h";

pub(super) const APPEND_NOTES: &str = "\
Example:
  samovar append pages.samovar front-page '<p>Since 1778</p>'";

pub(super) const PREPEND_NOTES: &str = "\
Example:
  samovar prepend pages.samovar front-page '<!DOCTYPE html>'";

const TOUCH_NOTES: &str = "\
Examples:
  samovar touch pages.samovar front-page --ttl 2h
  samovar touch pages.samovar front-page --ttl never";

pub(super) const INCR_NOTES: &str = "\
A number is decimal, from 0 to 18446744073709551615. A sum wraps around. A key that is not there is not made: \
`samovar add FILE KEY 0` makes it, unless another process was first.

Examples:
  samovar incr pages.samovar visits
  samovar incr pages.samovar visits 10";

pub(super) const DECR_NOTES: &str = "\
A number is decimal, from 0 to 18446744073709551615. A difference stops at 0.

Examples:
  samovar decr pages.samovar visits
  samovar decr pages.samovar visits 10";

const LOAD_NOTES: &str = "\
However many processes ask for the key at once, one of them runs the command, and the others wait for its output. If it is \
killed, another one runs it. Standard error says so if the output was written, but not stored: because the key was set or \
deleted meanwhile, or because the cache has no room for it.

If the command fails, nothing is stored, and the exit status is 4. Where a stale value is there, it is written instead, the \
exit status is 0, and standard error tells of the failure.

Examples:
  samovar load pages.samovar report --ttl 10m -- ./make-report
  samovar load pages.samovar rates --ttl 1d --stale-after 5m -- ./make-report";
