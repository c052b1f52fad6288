//! `SAMOVAR_FILE`: the cache file that every command is about, so that it need not be named each time.
//!
//! A command that takes the file and nothing else takes it from there where it is not named. A command that also takes
//! a key, a size or a name cannot tell `get FILE KEY` from `get KEY KEY`. So the rule is strict: where the variable is
//! set, such a command takes no file. If its first argument is a cache file all the same, it is refused: the file was
//! named out of habit.

use crate::probe::is_cache;
use clap::Command;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The environment variable.
pub(super) const SAMOVAR_FILE: &str = "SAMOVAR_FILE";
/// What the file is called in commands that take no file where the variable is set.
pub(super) const CACHE_FILE: &str = "cache_file";

/// A cache file was named where `SAMOVAR_FILE` names one.
#[derive(Debug)]
pub(super) struct NamedTwice {
    pub(super) named: OsString,
}

/// Puts `file` into the words of the command line, where the command takes one.
pub(super) fn insert(
    mut words: Vec<OsString>,
    file: OsString,
    program: &Command,
) -> Result<Vec<OsString>, NamedTwice> {
    let Some(place) = place_of_file(&words, program) else { return Ok(words) };
    if let Some(named) =
        words[place..].iter().find(|word| !is_option(word)).filter(|word| is_cache(Path::new(word)))
    {
        return Err(NamedTwice { named: named.clone() });
    }
    words.insert(place, file);
    Ok(words)
}

/// Behind the name of a command whose first argument is the file, and not the only one.
fn place_of_file(words: &[OsString], program: &Command) -> Option<usize> {
    let (mut place, mut command) = (1, program);
    while command.has_subcommands() {
        place += words.get(place..)?.iter().position(|word| !is_option(word))?;
        command = command.find_subcommand(&words[place])?;
        place += 1;
    }
    let first = command.get_positionals().next()?;
    (first.get_id() == CACHE_FILE).then_some(place)
}

/// No option before the arguments of a command takes a value.
fn is_option(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(b"-")
}
