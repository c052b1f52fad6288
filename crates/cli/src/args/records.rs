//! What may be asked of files of fixed-size records.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `samovar records`
#[derive(Debug, Subcommand)]
pub(crate) enum RecordsCommand {
    /// Show what a record file holds
    Info(InfoArguments),
    /// Write the oldest records as CSV
    #[command(after_help = HEAD_NOTES)]
    Head(SomeArguments),
    /// Write the newest records as CSV
    #[command(after_help = TAIL_NOTES)]
    Tail(TailArguments),
    /// Append the rows of a CSV or Parquet file; all of them or, if one is bad, none
    Import(ImportArguments),
    /// Write all records as CSV or Parquet
    #[command(after_help = EXPORT_NOTES)]
    Export(ExportArguments),
    /// Copy a record file while it may be written: every record is whole
    Backup(BackupArguments),
    /// Say whether a record file makes sense and can be read
    #[command(after_help = CHECK_NOTES)]
    Check(InfoArguments),
}

/// `samovar records info`
#[derive(Debug, Args)]
#[command(after_help = INFO_NOTES)]
pub(crate) struct InfoArguments {
    /// The record file
    pub(crate) file: PathBuf,
}

/// `samovar records head`
#[derive(Debug, Args)]
pub(crate) struct SomeArguments {
    /// The record file
    pub(crate) file: PathBuf,
    /// How many records
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 10)]
    pub(crate) lines: usize,
}

/// `samovar records tail`
#[derive(Debug, Args)]
pub(crate) struct TailArguments {
    /// The record file
    pub(crate) file: PathBuf,
    /// How many records
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 10)]
    pub(crate) lines: usize,
    /// Go on with the records that come, until stopped
    #[arg(short, long)]
    pub(crate) follow: bool,
}

/// `samovar records backup`
#[derive(Debug, Args)]
#[command(after_help = BACKUP_NOTES)]
pub(crate) struct BackupArguments {
    /// The record file
    pub(crate) file: PathBuf,
    /// The copy, which must not be there yet
    pub(crate) copy: PathBuf,
}

/// `samovar records import`
#[derive(Debug, Args)]
#[command(after_help = IMPORT_NOTES)]
pub(crate) struct ImportArguments {
    /// The record file; made if it is not there, which needs --schema
    pub(crate) file: PathBuf,
    /// The CSV file, whose first line names the columns; `-` is standard input; or a Parquet file, whose name ends in .parquet
    pub(crate) csv: PathBuf,
    /// The fields of a record, in order
    #[arg(
        short,
        long,
        value_name = "SCHEMA",
        help = "The fields of a record: NAME:TYPE or NAME:TYPE[COUNT], such as time:i64,open:f64,bid:f64[5],name:u8[8]"
    )]
    pub(crate) schema: Option<String>,
    /// A file that is made: with a checksum for each record, by which damage is told
    #[arg(long)]
    pub(crate) checksums: bool,
    /// A file that is made: with columns that lie apart, for walks through few of them
    #[arg(long)]
    pub(crate) columns_apart: bool,
}

/// `samovar records export`
#[derive(Debug, Args)]
#[command(after_help = EXPORT_NOTES)]
pub(crate) struct ExportArguments {
    /// The record file
    pub(crate) file: PathBuf,
    /// Write to this file instead of standard output; as Parquet if its name ends in .parquet
    #[arg(short, long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
}

pub(super) const NOTES: &str = "\
Example:
  samovar records import bars.records bars.csv --schema time:i64,close:f64
  samovar records tail bars.records -n 1";

const INFO_NOTES: &str = "\
Example:
  samovar records info bars.records";

const HEAD_NOTES: &str = "\
Example:
  samovar records head bars.records -n 5";

const TAIL_NOTES: &str = "\
Example:
  samovar records tail bars.records -n 5";

const BACKUP_NOTES: &str = "\
Example:
  samovar records backup bars.records bars.backup";

const CHECK_NOTES: &str = "\
Example:
  samovar records check bars.records";

const IMPORT_NOTES: &str = "\
Examples:
  samovar records import bars.records bars.csv --schema time:i64,close:f64
  printf 'time,close\\n3,7.7\\n' | samovar records import bars.records -";

const EXPORT_NOTES: &str = "\
A name that ends in .parquet gives Parquet, if the program was built with the feature of that name.

Example:
  samovar records export bars.records --out bars.csv";
