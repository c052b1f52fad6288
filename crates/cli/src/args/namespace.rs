//! What may be asked of namespaces.

use super::file::ReportArguments;
use super::parse::parse_size;
use clap::{Args, Subcommand};
use std::path::PathBuf;

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
