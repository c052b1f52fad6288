//! `samovar records`: files of fixed-size records, whose types are known by their schema alone.

use crate::answer::failure::{Outcome, Status};
use crate::answer::output::Format;
use crate::args::records::{BackupArguments, InfoArguments, RecordsCommand};
use crate::records_csv;
use crate::records_file::{failure_of, open};
use samovar_records::Condition;
use serde::Serialize;
use std::fmt::{self, Display, Formatter};

/// Does what is asked.
pub(crate) fn run(command: &RecordsCommand, format: Format) -> Outcome<Status> {
    match command {
        RecordsCommand::Info(arguments) => info(arguments, format),
        RecordsCommand::Head(arguments) => records_csv::head(arguments),
        RecordsCommand::Tail(arguments) => records_csv::tail(arguments),
        RecordsCommand::Import(arguments) => records_csv::import(arguments, format),
        RecordsCommand::Export(arguments) => records_csv::export(arguments),
        RecordsCommand::Backup(arguments) => backup(arguments, format),
        RecordsCommand::Check(arguments) => check(arguments, format),
    }
}

#[derive(Debug, Serialize)]
struct RecordsView {
    file: String,
    schema: String,
    record_bytes: usize,
    slot_bytes: usize,
    checksums: bool,
    block_records: Option<usize>,
    records: usize,
    capacity: usize,
    pushed: u64,
    updates: u64,
    writers: u64,
    created_ms: u64,
    records_offset: u64,
    durable: u64,
    condition: &'static str,
}

/// Whether a file is as it was written, in a few words.
fn condition(condition: Condition) -> &'static str {
    match condition {
        Condition::Sound => "sound",
        Condition::PowerLost => "as at its last flush: the machine lost its power since",
        Condition::BootUnknown => "unknown: the system does not say whether the machine lost its power",
        _ => "of a kind that this program does not know",
    }
}

fn info(arguments: &InfoArguments, format: Format) -> Outcome<Status> {
    let path = arguments.file.as_path();
    let file = open(path)?;
    let info = file.info().map_err(|error| failure_of(path, &error))?;
    let view = RecordsView {
        file: path.display().to_string(),
        schema: file.schema().to_string(),
        record_bytes: file.schema().record_size(),
        slot_bytes: info.slot_size,
        checksums: info.has_checksums,
        block_records: info.block_records,
        records: info.len,
        capacity: info.capacity,
        pushed: info.pushed,
        updates: info.updates,
        writers: info.writers,
        created_ms: info.created_ms,
        records_offset: info.records_offset,
        durable: info.durable,
        condition: condition(info.condition),
    };
    format.report(&view)?;
    Ok(Status::Done)
}

/// What was done, in a sentence.
#[derive(Debug, Serialize)]
struct Done {
    file: String,
    records: usize,
    #[serde(skip)]
    what: &'static str,
}

impl Display for Done {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} records {}", self.file, self.records, self.what)
    }
}

fn backup(arguments: &BackupArguments, format: Format) -> Outcome<Status> {
    let copy = arguments.copy.as_path();
    open(&arguments.file)?.backup(copy).map_err(|error| failure_of(copy, &error))?;
    let records = open(copy)?.len().map_err(|error| failure_of(copy, &error))?;
    format.report(&Done { file: copy.display().to_string(), records, what: "copied" })?;
    Ok(Status::Done)
}

fn check(arguments: &InfoArguments, format: Format) -> Outcome<Status> {
    let path = arguments.file.as_path();
    let file = open(path)?;
    let info = file.check().and_then(|()| file.info()).map_err(|error| failure_of(path, &error))?;
    let what = if info.has_checksums { "can be read, and their checksums fit" } else { "can be read" };
    format.report(&Done { file: path.display().to_string(), records: info.len, what })?;
    Ok(Status::Done)
}

impl Display for RecordsView {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} records of {} bytes", self.file, self.records, self.record_bytes)?;
        writeln!(f, "schema    {}", self.schema)?;
        if let Some(block) = self.block_records {
            writeln!(f, "columns   lie apart, {block} records a block")?;
        }
        if self.checksums {
            writeln!(f, "checksums one a record, {} bytes with it", self.slot_bytes)?;
        }
        writeln!(f, "room for  {} records, from byte {} on", self.capacity, self.records_offset)?;
        writeln!(
            f,
            "pushed    {} records by {} writers, {} updates in place",
            self.pushed, self.writers, self.updates
        )?;
        writeln!(f, "flushed   {} records", self.durable)?;
        writeln!(f, "condition {}", self.condition)
    }
}
