//! What may be asked of an entry: where its key is, what is stored, how long it lives.

use super::parse::parse_ttl;
use clap::Args;
use samovar::Ttl;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Where keys are.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The cache file
    pub(crate) file: PathBuf,
    /// The namespace that the key is in; without it, it is in none
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
}

/// A value, for every command that stores one.
#[derive(Debug, Args)]
pub(crate) struct ValueArguments {
    /// The value; `-` reads it from standard input
    #[arg(required_unless_present = "value_file")]
    pub(crate) value: Option<OsString>,
    /// Read the value from this file instead
    #[arg(long, value_name = "PATH", conflicts_with = "value")]
    pub(crate) value_file: Option<PathBuf>,
}

/// `samovar set`
#[derive(Debug, Args)]
pub(crate) struct SetArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The key
    pub(crate) key: OsString,
    /// What to store
    #[command(flatten)]
    pub(crate) value: ValueArguments,
    /// Forget the value after this time, such as 30s, 250ms or 1h30m; without it, only for want of room
    #[arg(long, value_name = "TIME", value_parser = parse_ttl)]
    pub(crate) ttl: Option<Ttl>,
    /// Store it only if what is there is still of this version, as `get --version` told it; else exit status 1
    #[arg(long, value_name = "N")]
    pub(crate) if_version: Option<u32>,
    /// Say what became of it as JSON: stored, changed (there is another version) or missing
    #[arg(long)]
    pub(crate) json: bool,
}

/// `samovar get`
#[derive(Debug, Args)]
pub(crate) struct GetArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The key
    pub(crate) key: OsString,
    /// Write the value to this file instead; it is left alone when the key is not there
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
    /// Write the number of the value's version to standard output, for `set --if-version`; the value goes to --out, if given
    #[arg(long)]
    pub(crate) version: bool,
    /// Give the value this time to live, from now, such as 30s or 1h30m
    #[arg(long, value_name = "TIME", value_parser = parse_ttl, conflicts_with_all = ["version", "json"])]
    pub(crate) touch: Option<Ttl>,
    /// Write the value and its version as JSON; a value that is no text is written in hexadecimal
    #[arg(long, conflicts_with_all = ["version", "out"])]
    pub(crate) json: bool,
}

/// `samovar del` and `samovar contains`
#[derive(Debug, Args)]
pub(crate) struct KeyArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The key
    pub(crate) key: OsString,
}

/// `samovar add` and `samovar replace`
#[derive(Debug, Args)]
pub(crate) struct StoreArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The key
    pub(crate) key: OsString,
    /// What to store
    #[command(flatten)]
    pub(crate) value: ValueArguments,
    /// Forget the value after this time, such as 30s, 250ms or 1h30m; without it, only for want of room
    #[arg(long, value_name = "TIME", value_parser = parse_ttl)]
    pub(crate) ttl: Option<Ttl>,
}

/// `samovar append` and `samovar prepend`
#[derive(Debug, Args)]
pub(crate) struct MoreArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The key
    pub(crate) key: OsString,
    /// What to put to the value, which keeps its time to live
    #[command(flatten)]
    pub(crate) value: ValueArguments,
}

/// `samovar touch`
#[derive(Debug, Args)]
pub(crate) struct TouchArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The key
    pub(crate) key: OsString,
    /// Forget the value after this time, from now; without it, only for want of room
    #[arg(long, value_name = "TIME", value_parser = parse_ttl)]
    pub(crate) ttl: Option<Ttl>,
}

/// `samovar incr` and `samovar decr`
#[derive(Debug, Args)]
#[command(after_help = STEP_NOTES)]
pub(crate) struct StepArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The key, whose value is a decimal number
    pub(crate) key: OsString,
    /// By how much
    #[arg(default_value_t = 1)]
    pub(crate) by: u64,
    /// Print the number as JSON; null if the key is not there
    #[arg(long)]
    pub(crate) json: bool,
}

/// `samovar load`
#[derive(Debug, Args)]
#[command(after_help = LOAD_NOTES)]
pub(crate) struct LoadArguments {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The key
    pub(crate) key: OsString,
    /// Forget the value after this time, such as 30s, 250ms or 1h30m; without it, only for want of room
    #[arg(long, value_name = "TIME", value_parser = parse_ttl)]
    pub(crate) ttl: Option<Ttl>,
    /// How long the command may take before others who wait for its output run it too
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Duration,
    /// Report as JSON, instead of writing the value, whether the command ran and how long the value is
    #[arg(long)]
    pub(crate) json: bool,
    /// The command that writes the value to its standard output, and its arguments
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}

const STEP_NOTES: &str = "\
A number is decimal, from 0 to 18446744073709551615. A sum wraps around, a difference stops at 0. A key that is not there \
is not made: `samovar add FILE KEY 0` makes it, unless another process was first.";

const LOAD_NOTES: &str = "\
However many processes ask for the key at once, one of them runs the command, and the others wait for its output. If it is \
killed, another one runs it. A key that is set or deleted meanwhile stays as that left it: the output is then \
written, but not stored. If the command fails, nothing is stored, and the exit status is 4.

Example:
  samovar load /tmp/pages.samovar front-page --ttl 5m -- curl -fsS https://example.org/";
