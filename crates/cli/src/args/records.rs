//! What may be asked of files of fixed-size records.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `samovar records`
#[derive(Debug, Subcommand)]
pub(crate) enum RecordsCommand {
    /// Show what a record file holds
    Info(InfoArguments),
    /// Write the oldest records as CSV
    Head(SomeArguments),
    /// Write the newest records as CSV
    Tail(SomeArguments),
    /// Append the lines of a CSV file; all of them or, if one is bad, none
    Import(ImportArguments),
    /// Write all records as CSV
    Export(ExportArguments),
}

/// `samovar records info`
#[derive(Debug, Args)]
pub(crate) struct InfoArguments {
    /// The record file
    pub(crate) file: PathBuf,
    /// Report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `samovar records head` and `tail`
#[derive(Debug, Args)]
pub(crate) struct SomeArguments {
    /// The record file
    pub(crate) file: PathBuf,
    /// How many records
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 10)]
    pub(crate) lines: usize,
}

/// `samovar records import`
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// The record file; made if it is not there, which needs --schema
    pub(crate) file: PathBuf,
    /// The CSV file, whose first line names the columns; `-` is standard input
    pub(crate) csv: PathBuf,
    /// The fields of a record, in order
    #[arg(
        long,
        value_name = "SCHEMA",
        help = "The fields of a record: NAME:TYPE or NAME:TYPE[COUNT], such as time:i64,open:f64,bid:f64[5],name:u8[8]"
    )]
    pub(crate) schema: Option<String>,
}

/// `samovar records export`
#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The record file
    pub(crate) file: PathBuf,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
}
