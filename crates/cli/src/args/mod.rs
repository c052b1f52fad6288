//! What may be asked: commands, their arguments, and the help that explains them.

mod default_file;
pub(crate) mod entry;
pub(crate) mod file;
pub(crate) mod generate;
pub(crate) mod namespace;
mod parse;
pub(crate) mod records;
pub(crate) mod trace;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use entry::{ContainsArguments, DelArguments, GetArguments, LoadArguments, MoreArguments, SetArguments};
use entry::{StepArguments, StoreArguments, TouchArguments};
use file::{ClearArguments, CreateArguments, DeleteArguments, DumpArguments, FileArguments, KeysArguments};
use file::{ResizeArguments, StatArguments, TopArguments};
use generate::{CompletionsArguments, ManArguments};
use namespace::NamespaceCommand;
use records::RecordsCommand;
use std::ffi::OsString;
use std::path::Path;
use trace::{DemoArguments, ReplayArguments};

/// A cache that is a file: shared by every process, warm after a crash.
///
/// A cache is one file. Any number of processes may use it at once. When they end (by an exit, a crash, kill -9), the
/// next one that opens the file finds it warm. When the file is full, the entries that are used least make room.
#[derive(Debug, Parser)]
#[command(name = "samovar", version, after_help = NOTES)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Answer as JSON on standard output, and tell errors as JSON on standard error
    #[arg(short, long, global = true)]
    pub(crate) json: bool,
    /// Tell on standard error what the engine does: attaching, refused opens, takeovers, repairs, flushes
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a new, empty cache file
    Create(CreateArguments),
    /// Delete a cache file; every program that has it open is told
    Delete(DeleteArguments),
    /// Store a value under a key
    Set(SetArguments),
    /// Write the values of keys to standard output; exit status 1 if one is not there
    Get(GetArguments),
    /// Say by the exit status whether a key is there; it counts as no read
    Contains(ContainsArguments),
    /// Remove keys; exit status 1 if one is not there
    Del(DelArguments),
    /// Write the value of a key to standard output, running a command to make it if it is missing
    Load(LoadArguments),
    /// Store a value under a key that is not there; exit status 1 if it is
    #[command(after_help = entry::ADD_NOTES)]
    Add(StoreArguments),
    /// Store a value under a key that is there; exit status 1 if it is not
    #[command(after_help = entry::REPLACE_NOTES)]
    Replace(StoreArguments),
    /// Put more behind the value of a key; exit status 1 if it is not there
    #[command(after_help = entry::APPEND_NOTES)]
    Append(MoreArguments),
    /// Put more before the value of a key; exit status 1 if it is not there
    #[command(after_help = entry::PREPEND_NOTES)]
    Prepend(MoreArguments),
    /// Add to the number stored for a key, and print the sum; exit status 1 if it is not there
    #[command(after_help = entry::INCR_NOTES)]
    Incr(StepArguments),
    /// Take from the number stored for a key, stopping at 0, and print what is left; exit status 1 if it is not there
    #[command(after_help = entry::DECR_NOTES)]
    Decr(StepArguments),
    /// Give the value of a key a new time to live; exit status 1 if it is not there
    Touch(TouchArguments),
    /// List the keys
    Keys(KeysArguments),
    /// Empty the cache, or one of its namespaces
    Clear(ClearArguments),
    /// Namespaces: keys, counts and limits of their own
    #[command(subcommand, after_help = namespace::NOTES)]
    Ns(NamespaceCommand),
    /// Show what the cache holds, what it costs and how well it does
    Stat(StatArguments),
    /// Watch the cache in the terminal: hits, operations, shards, processes; q quits
    Top(TopArguments),
    /// Read everything in the file and recount it; exit status 3 if anything is wrong
    #[command(after_help = file::CHECK_NOTES)]
    Check(FileArguments),
    /// Decode the bytes of a cache file, damaged or not, without changing any
    Dump(DumpArguments),
    /// Make everything stored so far safe against power loss and restarts
    #[command(after_help = file::FLUSH_NOTES)]
    Flush(FileArguments),
    /// Keep what can be kept of a cache that lost power before it was flushed; exit status 1 if there is nothing to keep
    #[command(after_help = file::SALVAGE_NOTES)]
    Salvage(FileArguments),
    /// Make the cache larger or smaller, while others use it
    Resize(ResizeArguments),
    /// Replay a trace of real accesses and report how the cache did
    Replay(ReplayArguments),
    /// Show in a few seconds what Samovar does: a real trace, kill -9, and still warm
    Demo(DemoArguments),
    /// Show, import and export files of fixed-size records
    #[command(subcommand, after_help = records::NOTES)]
    Records(RecordsCommand),
    /// Write the completions for a shell to standard output
    Completions(CompletionsArguments),
    /// Write the manual pages to a directory
    Man(ManArguments),
}

impl Arguments {
    /// Reads the command line, whose first word is the name of the program.
    pub(crate) fn read(words: Vec<OsString>) -> Result<Self, clap::Error> {
        let mut program = Arguments::command();
        let words = match std::env::var_os(default_file::SAMOVAR_FILE).filter(|file| !file.is_empty()) {
            None => words,
            Some(file) => default_file::insert(words, file, &program).map_err(|twice| {
                let named = Path::new(&twice.named).display();
                program.error(
                    ErrorKind::ArgumentConflict,
                    format!("the file {named} is named, but SAMOVAR_FILE names one: unset it, or leave the file out"),
                )
            })?,
        };
        Arguments::try_parse_from(words)
    }

    /// The program as it is described to shells and readers.
    pub(crate) fn program() -> clap::Command {
        Arguments::command()
    }
}

const NOTES: &str = "\
Examples:
  samovar create pages.samovar --capacity 64MiB
  samovar set pages.samovar front-page '<h1>Tea</h1>' --ttl 1h
  samovar get pages.samovar front-page
  samovar stat pages.samovar

Environment:
  SAMOVAR_FILE  the cache file of every command that is about one; the commands then take no FILE:
                SAMOVAR_FILE=pages.samovar samovar get front-page

Exit status:
  0  done
  1  the answer is no: the key is not there, is there already (add), or has another version (set --if-version)
  2  the request is wrong: usage, a bad trace, a file that is not a cache, a size out of range
  3  the cache file is damaged, or it returned a wrong value (check, replay)
  4  any other error: a file is missing, may not be read, or cannot be written just now; a command failed (load)

With --json, reports are objects, and answers about keys are one object a line. An error is one line on standard error, \
{\"error\", \"kind\", \"what\", \"why\", \"remedy\", \"status\"}: \"kind\" is for programs, \"error\" for people.";
