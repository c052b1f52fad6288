//! What may be asked: commands, their arguments, and the help that explains them.

pub(crate) mod entry;
pub(crate) mod file;
pub(crate) mod namespace;
mod parse;
pub(crate) mod records;
pub(crate) mod trace;

use clap::{Parser, Subcommand};
use entry::{GetArguments, KeyArguments, LoadArguments, MoreArguments, SetArguments, StepArguments};
use entry::{StoreArguments, TouchArguments};
use file::{ClearArguments, CreateArguments, DumpArguments, FileArguments, KeysArguments, ReportArguments};
use file::{ResizeArguments, StatArguments, TopArguments};
use namespace::NamespaceCommand;
use records::RecordsCommand;
use trace::{DemoArguments, ReplayArguments};

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

const SALVAGE_NOTES: &str = "\
Run it after the machine lost its power or was restarted, before anything else opens the cache for writing: whoever does that empties \
it, unless it asks for a salvage too. Only a cache made with --seals can be salvaged. What is kept was its key's value at some time since the \
last flush: nothing comes back that was replaced, removed, cleared or had expired before. What was written after the flush \
may be there or not, key by key.

A cache that is warm stays as it is; a copy of one that was in use is emptied, as by everybody: the exit status of both is 1. One that was made \
without seals is left alone: 2.";
