//! What may be asked: commands, their arguments, and the help that explains them.

use crate::answer::units::{parse_size, parse_ttl};
use crate::commands::change::{MoreArguments, StoreArguments, TouchArguments};
use crate::commands::create::parse_policy;
use crate::commands::number::StepArguments;
use crate::commands::source::ValueArguments;
use crate::commands::top::TopArguments;
use crate::records::RecordsCommand;
use clap::{Args, Parser, Subcommand};
use samovar::{Policy, Ttl};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// A cache that is a file: shared by every process, warm after a crash.
///
/// A cache is one file. Any number of processes may use it at once, and whatever happens to them (an exit, a crash,
/// kill -9), the next one that opens the file finds it warm. When the file is full, what is used least makes room.
#[derive(Debug, Parser)]
#[command(name = "samovar", version, after_help = EXIT_STATUS, after_long_help = EXIT_STATUS_AND_EXAMPLE)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Tell on standard error what the engine does: attaching, gates, takeovers, repairs, flushes
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a new, empty cache file
    Create(CreateArguments),
    /// Store a value under a key
    Set(SetArguments),
    /// Write the value of a key to standard output; exit status 1 if it is not there
    Get(GetArguments),
    /// Say by the exit status whether a key is there; it counts as no read
    Contains(KeyArguments),
    /// Remove a key; exit status 1 if it is not there
    Del(KeyArguments),
    /// Write the value of a key to standard output, running a command to make it if it is missing
    Load(LoadArguments),
    /// Store a value under a key that is not there; exit status 1 if it is
    Add(StoreArguments),
    /// Store a value under a key that is there; exit status 1 if it is not
    Replace(StoreArguments),
    /// Put more behind the value of a key; exit status 1 if it is not there
    Append(MoreArguments),
    /// Put more before the value of a key; exit status 1 if it is not there
    Prepend(MoreArguments),
    /// Add to the number stored for a key, and print the sum; exit status 1 if it is not there
    Incr(StepArguments),
    /// Take from the number stored for a key, stopping at 0, and print what is left
    Decr(StepArguments),
    /// Give the value of a key a new time to live; exit status 1 if it is not there
    Touch(TouchArguments),
    /// List the keys
    Keys(KeysArguments),
    /// Empty the cache, or one of its namespaces
    Clear(ClearArguments),
    /// Namespaces: keys, counts and limits of their own
    #[command(subcommand)]
    Ns(NamespaceCommand),
    /// Show what the cache holds, what it costs and how well it does
    Stat(StatArguments),
    /// Watch the cache in the terminal: hits, operations, shards, processes; q quits
    Top(TopArguments),
    /// Read everything in the file and recount it; exit status 3 if anything is wrong
    Check(ReportArguments),
    /// Decode the bytes of a cache file, damaged or not, without changing any
    Dump(DumpArguments),
    /// Make everything stored so far safe against power loss and restarts
    Flush(FileArguments),
    /// Keep what can be kept of a cache that lost power before it was flushed; exit status 1 if there is nothing to keep
    #[command(after_help = SALVAGE_NOTES)]
    Salvage(ReportArguments),
    /// Make the cache larger or smaller, while others use it
    Resize(ResizeArguments),
    /// Replay a trace of real accesses and report how the cache did
    Replay(ReplayArguments),
    /// Show in a few seconds what Samovar does: a real trace, kill -9, and still warm
    Demo(DemoArguments),
    /// Show, import and export files of fixed-size records
    #[command(subcommand)]
    Records(RecordsCommand),
}

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

/// Where keys are.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The cache file
    pub(crate) file: PathBuf,
    /// The namespace that the key is in; without it, it is in none
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
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

/// `samovar ns`
#[derive(Debug, Subcommand)]
pub(crate) enum NamespaceCommand {
    /// Show all namespaces and what they hold
    List(ReportArguments),
    /// Make a namespace, or change the limit of one that is there
    Create(NamespaceCreateArguments),
    /// Empty a namespace, at once
    Clear(NamespaceArguments),
    /// Empty a namespace and forget its name; exit status 1 if it is not there
    Remove(NamespaceArguments),
}

/// `samovar ns create`
#[derive(Debug, Args)]
pub(crate) struct NamespaceCreateArguments {
    /// The cache file
    pub(crate) file: PathBuf,
    /// The name, of at most 39 bytes
    pub(crate) name: String,
    /// What its entries may take, headers included; without it, whatever the cache has
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) limit: Option<u64>,
}

/// `samovar ns clear` and `samovar ns remove`
#[derive(Debug, Args)]
pub(crate) struct NamespaceArguments {
    /// The cache file
    pub(crate) file: PathBuf,
    /// The name
    pub(crate) name: String,
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
    pub(crate) patience: Duration,
    /// Report as JSON, instead of writing the value, whether the command ran and how long the value is
    #[arg(long)]
    pub(crate) json: bool,
    /// The command that writes the value to its standard output, and its arguments
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}

/// `samovar flush`
#[derive(Debug, Args)]
pub(crate) struct FileArguments {
    /// The cache file
    pub(crate) file: PathBuf,
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

/// `samovar dump`
#[derive(Debug, Args)]
pub(crate) struct DumpArguments {
    /// The cache file
    pub(crate) file: PathBuf,
    /// Show every entry, not only the heads of the shards
    #[arg(long)]
    pub(crate) entries: bool,
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

/// `samovar check` and `samovar salvage`
#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// The cache file
    pub(crate) file: PathBuf,
    /// Report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

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
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
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
    /// Remove the cache file first, so as to start with an empty one
    #[arg(long)]
    pub(crate) cold: bool,
    /// Report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `samovar demo`
#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Keep the cache files in this directory; without it they go to a temporary one and are removed
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) dir: Option<PathBuf>,
    /// The part of the demonstration that is killed: fill this cache, at a pace that can be watched
    #[arg(long, hide = true, value_name = "FILE")]
    pub(crate) child: Option<PathBuf>,
}

const EXIT_STATUS: &str = "\
Exit status:
  0  done
  1  the answer is no: the key is not there, or is there already (add), or of another version (set --if-version)
  2  the request makes no sense: usage, a bad trace, a file that is no cache, a size out of range
  3  the cache file is damaged, or it returned a wrong value (check, replay)
  4  anything else: a file that is missing, may not be read, or cannot be written just now, or a command that failed (load)";

const EXIT_STATUS_AND_EXAMPLE: &str = "\
Example:
  samovar create /tmp/pages.samovar --capacity 64MiB
  samovar set /tmp/pages.samovar front-page '<h1>Tea</h1>' --ttl 1h
  samovar get /tmp/pages.samovar front-page
  samovar stat /tmp/pages.samovar

Exit status:
  0  done
  1  the answer is no: the key is not there, or is there already (add), or of another version (set --if-version)
  2  the request makes no sense: usage, a bad trace, a file that is no cache, a size out of range
  3  the cache file is damaged, or it returned a wrong value (check, replay)
  4  anything else: a file that is missing, may not be read, or cannot be written just now, or a command that failed (load)";

const SIZES: &str =
    "A SIZE is a number of bytes, or one with a unit: 4096, 64KiB, 64MiB, 1G. Units are powers of 1024.";

const SALVAGE_NOTES: &str = "\
Run it after the machine lost its power or was restarted, before anything else opens the cache for writing: whoever does that empties \
it, unless it asks for a salvage too. Only a cache made with --seals can be salvaged. What is kept was its key's value at some time since the \
last flush: nothing comes back that was replaced, removed, cleared or had expired before. What was written after the flush \
may be there or not, key by key.

A cache that is warm stays as it is; a copy of one that was in use is emptied, as by everybody: the exit status of both is 1. One that was made \
without seals is left alone: 2.";

const LOAD_NOTES: &str = "\
However many processes ask for the key at once, one of them runs the command, and the others wait for its output. If it is \
killed, another one runs it. A key that is set or deleted meanwhile stays as that left it: the output is then \
written, but not stored. If the command fails, nothing is stored, and the exit status is 4.

Example:
  samovar load /tmp/pages.samovar front-page --ttl 5m -- curl -fsS https://example.org/";

const REPLAY_NOTES: &str = "\
Every record of the trace is a get, and a miss is followed by a set, as a program with a cache does it. \
Every value that comes back is checked, to the last byte, against what was stored for its key; \
the exit status is 3 if one is wrong.

Run it again on the same file, and it starts warm. Run it twice at once on the same file, and the two share it.

--capacity-entries compares with caches that count entries: index and headers are extra, and all values have the one \
length of --value-size, or 100. Otherwise a new file takes values up to the largest of the trace, but not above a \
sixteenth of its capacity; larger ones are refused and counted.

A SIZE is a number of bytes, or one with a unit: 4096, 64KiB, 64MiB, 1G. Units are powers of 1024.";
