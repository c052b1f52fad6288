//! `samovar records`: files of fixed-size records, whose types are known by their schema alone.

use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output;
use crate::records_csv;
use clap::{Args, Subcommand};
use samovar_records::{Error, ErrorKind, RawFile, Schema};
use serde::Serialize;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

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

/// Does what is asked.
pub(crate) fn run(command: &RecordsCommand) -> Outcome<Status> {
    match command {
        RecordsCommand::Info(arguments) => info(arguments),
        RecordsCommand::Head(arguments) => records_csv::head(arguments),
        RecordsCommand::Tail(arguments) => records_csv::tail(arguments),
        RecordsCommand::Import(arguments) => records_csv::import(arguments),
        RecordsCommand::Export(arguments) => records_csv::export(arguments),
    }
}

/// Opens a record file to read it.
pub(crate) fn open(path: &Path) -> Outcome<RawFile> {
    RawFile::open(path).map_err(|error| failure_of(path, &error))
}

/// The schema that the user wrote.
pub(crate) fn parse_schema(text: &str) -> Outcome<Schema> {
    text.parse().map_err(|error: Error| Failure::new(Status::Usage, "--schema", error))
}

/// What a record file's error means to the user.
pub(crate) fn failure_of(path: &Path, error: &Error) -> Failure {
    let status = match error.kind() {
        ErrorKind::InvalidArgument
        | ErrorKind::AlreadyExists
        | ErrorKind::EmptyFile
        | ErrorKind::NotRecords
        | ErrorKind::NotRegularFile
        | ErrorKind::WrongSize
        | ErrorKind::WrongType => Status::Usage,
        ErrorKind::Truncated | ErrorKind::Corrupt | ErrorKind::Fault => Status::Damage,
        _ => Status::Other,
    };
    let failure = Failure::new(status, path.display(), error);
    match error.kind() {
        ErrorKind::NotFound => {
            failure.with_remedy("make it with `samovar records import FILE CSV --schema time:i64,close:f64`")
        }
        _ => failure,
    }
}

#[derive(Debug, Serialize)]
struct View {
    file: String,
    schema: String,
    record_bytes: usize,
    records: usize,
    capacity: usize,
    pushed: u64,
    updates: u64,
    writers: u64,
    created_ms: u64,
    records_offset: u64,
}

fn info(arguments: &InfoArguments) -> Outcome<Status> {
    let path = arguments.file.as_path();
    let file = open(path)?;
    let info = file.info().map_err(|error| failure_of(path, &error))?;
    let view = View {
        file: path.display().to_string(),
        schema: file.schema().to_string(),
        record_bytes: file.schema().record_size(),
        records: info.len,
        capacity: info.capacity,
        pushed: info.pushed,
        updates: info.updates,
        writers: info.writers,
        created_ms: info.created_ms,
        records_offset: info.records_offset,
    };
    if arguments.json {
        output::put_json(&view)?
    } else {
        output::put(&view.to_string())?
    }
    Ok(Status::Done)
}

impl Display for View {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} records of {} bytes", self.file, self.records, self.record_bytes)?;
        writeln!(f, "schema    {}", self.schema)?;
        writeln!(f, "room for  {} records, from byte {} on", self.capacity, self.records_offset)?;
        writeln!(
            f,
            "pushed    {} records by {} writers, {} updates in place",
            self.pushed, self.writers, self.updates
        )
    }
}
