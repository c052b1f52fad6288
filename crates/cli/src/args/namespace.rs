//! What may be asked of namespaces.

use super::default_file::CACHE_FILE;
use super::file::FileArguments;
use super::parse::parse_size;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `samovar ns`
#[derive(Debug, Subcommand)]
pub(crate) enum NamespaceCommand {
    /// Show all namespaces and what they hold
    #[command(after_help = LIST_NOTES)]
    List(FileArguments),
    /// Make a namespace, or change the limit of one that is there
    Create(NamespaceCreateArguments),
    /// Empty a namespace, at once
    #[command(after_help = CLEAR_NOTES)]
    Clear(NamespaceArguments),
    /// Empty a namespace and forget its name; exit status 1 if it is not there
    #[command(after_help = REMOVE_NOTES)]
    Remove(NamespaceArguments),
}

/// `samovar ns create`
#[derive(Debug, Args)]
#[command(after_help = CREATE_NOTES)]
pub(crate) struct NamespaceCreateArguments {
    /// The cache file; left out where SAMOVAR_FILE names it
    #[arg(id = CACHE_FILE, value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The name, of at most 39 bytes
    pub(crate) name: String,
    /// The most bytes that its entries may take, headers included [default: no limit]
    #[arg(short, long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) limit: Option<u64>,
}

/// `samovar ns clear` and `samovar ns remove`
#[derive(Debug, Args)]
pub(crate) struct NamespaceArguments {
    /// The cache file; left out where SAMOVAR_FILE names it
    #[arg(id = CACHE_FILE, value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The name
    pub(crate) name: String,
}

pub(super) const NOTES: &str = "\
Example:
  samovar ns create pages.samovar sessions --limit 1MiB
  samovar set pages.samovar 7 Ada --namespace sessions
  samovar ns list pages.samovar";

const LIST_NOTES: &str = "\
Example:
  samovar ns list pages.samovar";

const CREATE_NOTES: &str = "\
A SIZE is a number of bytes, or one with a unit: 4096, 64KiB, 64MiB, 1G. Units are powers of 1024.

Example:
  samovar ns create pages.samovar sessions --limit 1MiB";

const CLEAR_NOTES: &str = "\
Example:
  samovar ns clear pages.samovar sessions";

const REMOVE_NOTES: &str = "\
Example:
  samovar ns remove pages.samovar sessions";
