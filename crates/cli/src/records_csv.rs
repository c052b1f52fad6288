//! Records out to CSV and in from it: a column for each number, the first line names them.

use crate::answer::failure::{Failure, Outcome, Status};
use crate::answer::output::Format;
use crate::args::records::{ExportArguments, ImportArguments, SomeArguments, TailArguments};
use crate::records_file::{failure_of, open, parse_schema};
use crate::records_parquet;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use samovar_records::{Column, ErrorKind, Options, RawFile, Schema};
use serde::Serialize;
use std::convert::Infallible;
use std::fmt::{self, Display, Formatter};
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

/// Lines between two looks at the progress bar.
const LINES_A_DRAW: u64 = 4096;
const DRAWS_PER_SECOND: u8 = 10;
const RECORDS_BAR: &str = "{prefix}[{bar:40}] {human_pos} of {human_len} records";
/// Longer than this, a follower that waits looks whether it is still there.
const A_WHILE: Duration = Duration::from_secs(3600);

/// The oldest records.
pub(crate) fn head(arguments: &SomeArguments) -> Outcome<Status> {
    let file = open(&arguments.file)?;
    let len = len_of(&file)?;
    write(&file, 0..len.min(arguments.lines), &mut io::stdout().lock())
}

/// The newest records, and those that come.
pub(crate) fn tail(arguments: &TailArguments) -> Outcome<Status> {
    let file = open(&arguments.file)?;
    if arguments.follow {
        return follow(&file, arguments.lines);
    }
    let len = len_of(&file)?;
    write(&file, len.saturating_sub(arguments.lines)..len, &mut io::stdout().lock())
}

/// The last `lines` records, and each that comes, until nobody reads them any more.
fn follow(file: &RawFile, lines: usize) -> Outcome<Status> {
    let mut writer = csv::Writer::from_writer(BufWriter::new(io::stdout().lock()));
    match write_as_they_come(file, lines, &mut writer) {
        Err(Stop::Csv(error)) if is_closed_pipe(&error) => Ok(Status::Done),
        Err(Stop::Csv(error)) => Err(Failure::new(Status::Other, "writing CSV", error)),
        Err(Stop::Records(failure)) => Err(failure),
        Ok(never) => match never {},
    }
}

fn write_as_they_come(
    file: &RawFile,
    lines: usize,
    writer: &mut csv::Writer<impl Write>,
) -> Result<Infallible, Stop> {
    let failed = |error| Stop::Records(failure_of(file.path(), &error));
    let columns = file.schema().columns();
    writer.write_record(columns.iter().map(Column::name))?;
    let info = file.info().map_err(failed)?;
    let mut follower = file.follow_from(info.pushed - info.len.min(lines) as u64);
    let mut records = Vec::new();
    loop {
        let taken = follower.take(&mut records).map_err(failed)?;
        if taken.lost > 0 {
            eprintln!("{}: {} records were dropped before they were read", file.path().display(), taken.lost);
        }
        for record in records.chunks_exact(file.schema().record_size()) {
            writer.write_record(columns.iter().map(|column| column.text(record)))?;
        }
        writer.flush().map_err(|error| Stop::Csv(error.into()))?;
        if taken.count == 0 {
            follower.wait(A_WHILE).map_err(failed)?;
        }
    }
}

/// All records.
pub(crate) fn export(arguments: &ExportArguments) -> Outcome<Status> {
    let file = open(&arguments.file)?;
    let all = 0..len_of(&file)?;
    match &arguments.out {
        Some(path) if records_parquet::is_named(path) => {
            let bar = progress(all.len() as u64, RECORDS_BAR);
            records_parquet::export(&file, path, &bar)
        }
        None => write(&file, all, &mut io::stdout().lock()),
        Some(path) => {
            let mut out = File::create(path).map_err(|error| Failure::of_file(path, &error))?;
            write(&file, all, &mut out)
        }
    }
}

fn len_of(file: &RawFile) -> Outcome<usize> {
    file.len().map_err(|error| failure_of(file.path(), &error))
}

fn write(file: &RawFile, indices: Range<usize>, out: &mut dyn Write) -> Outcome<Status> {
    let bar = progress(indices.len() as u64, RECORDS_BAR);
    let mut writer = csv::Writer::from_writer(BufWriter::new(out));
    let result = write_rows(file, indices, &mut writer, &bar);
    bar.finish_and_clear();
    match result {
        // The reader of the table has gone away (`... | head -1`): no error.
        Err(Stop::Csv(error)) if is_closed_pipe(&error) => Ok(Status::Done),
        Err(Stop::Csv(error)) => Err(Failure::new(Status::Other, "writing CSV", error)),
        Err(Stop::Records(failure)) => Err(failure),
        Ok(()) => Ok(Status::Done),
    }
}

/// Why the writing of rows ended early.
enum Stop {
    Csv(csv::Error),
    Records(Failure),
}

impl From<csv::Error> for Stop {
    fn from(error: csv::Error) -> Self {
        Stop::Csv(error)
    }
}

fn write_rows(
    file: &RawFile,
    indices: Range<usize>,
    writer: &mut csv::Writer<impl Write>,
    bar: &ProgressBar,
) -> Result<(), Stop> {
    let columns = file.schema().columns();
    writer.write_record(columns.iter().map(Column::name))?;
    let mut record = vec![0; file.schema().record_size()];
    for (done, index) in (0u64..).zip(indices) {
        let found = file
            .get_bytes(index, &mut record)
            .map_err(|error| Stop::Records(failure_of(file.path(), &error)))?;
        if !found {
            break; // dropped in front meanwhile
        }
        writer.write_record(columns.iter().map(|column| column.text(&record)))?;
        if done.is_multiple_of(LINES_A_DRAW) {
            bar.set_position(done);
        }
    }
    writer.flush().map_err(|error| Stop::Csv(error.into()))
}

fn is_closed_pipe(error: &csv::Error) -> bool {
    matches!(error.kind(), csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
}

/// Appends the lines of a CSV file, after all of them have been read.
pub(crate) fn import(arguments: &ImportArguments, format: Format) -> Outcome<Status> {
    let path = arguments.file.as_path();
    let asked = arguments.schema.as_deref().map(parse_schema).transpose()?;
    let there = match RawFile::open(path) {
        Ok(file) => Some(file),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(failure_of(path, &error)),
    };
    let schema = match (asked, there) {
        (Some(asked), _) => asked,
        (None, Some(file)) => file.schema().clone(),
        (None, None) => {
            return Err(Failure::new(Status::Usage, path.display(), "it does not exist")
                .with_remedy("say with --schema what its records are, such as time:i64,close:f64"));
        }
    };
    let records = if records_parquet::is_named(&arguments.csv) {
        records_parquet::read(&arguments.csv, &schema, &progress(0, "{prefix}{human_pos} records"))?
    } else {
        read_table(&arguments.csv, &schema)?
    };
    let count = records.len() / schema.record_size();
    let file = open_or_create(arguments, schema).map_err(|error| failure_of(path, &error))?;
    let appended = file.extend_from_bytes(&records).and_then(|()| file.close());
    appended.map_err(|error| failure_of(path, &error))?;
    format.line(&Imported { file: path.display().to_string(), records: count })?;
    Ok(Status::Done)
}

/// How many records a block of columns has.
const BLOCK_RECORDS: usize = 8192;

fn open_or_create(arguments: &ImportArguments, schema: Schema) -> samovar_records::Result<RawFile> {
    let mut options = Options::new();
    if arguments.checksums {
        options = options.checksums();
    }
    if arguments.columns_apart {
        options = options.columns_apart(BLOCK_RECORDS)?;
    }
    options.open_or_create_raw(&arguments.file, schema)
}

/// What was appended to a record file.
#[derive(Debug, Serialize)]
struct Imported {
    file: String,
    records: usize,
}

impl Display for Imported {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} records appended to {}", self.records, self.file)
    }
}

fn read_table(path: &Path, schema: &Schema) -> Outcome<Vec<u8>> {
    if path == Path::new("-") {
        return parse_table(path, io::stdin().lock(), 0, schema);
    }
    let file = File::open(path).map_err(|error| Failure::of_file(path, &error))?;
    let len = file.metadata().map_or(0, |metadata| metadata.len());
    parse_table(path, file, len, schema)
}

/// The table as records. A bad line is named by its number.
fn parse_table(path: &Path, table: impl Read, len: u64, schema: &Schema) -> Outcome<Vec<u8>> {
    let bar = progress(len, "{prefix}[{bar:40}] {bytes} of {total_bytes}");
    let mut reader = csv::Reader::from_reader(table);
    let header = reader.headers().map_err(|error| bad_csv(path, &error))?;
    let columns = place_columns(path, header, schema)?;
    let (mut records, mut row) = (Vec::new(), csv::StringRecord::new());
    while reader.read_record(&mut row).map_err(|error| bad_csv(path, &error))? {
        let (line, byte) = row.position().map_or((0, 0), |position| (position.line(), position.byte()));
        let start = records.len();
        records.resize(start + schema.record_size(), 0);
        for (column, at) in &columns {
            column
                .parse(row.get(*at).unwrap_or_default(), &mut records[start..])
                .map_err(|error| bad_line(path, line, &error))?;
        }
        if line.is_multiple_of(LINES_A_DRAW) {
            bar.set_position(byte);
        }
    }
    bar.finish_and_clear();
    Ok(records)
}

/// Each column of the records, and where the table has it. Columns that the records lack are left out.
fn place_columns(path: &Path, header: &csv::StringRecord, schema: &Schema) -> Outcome<Vec<(Column, usize)>> {
    let place = |column: Column| match header.iter().position(|name| name.trim() == column.name()) {
        Some(at) => Ok((column, at)),
        None => Err(Failure::new(
            Status::Usage,
            path.display(),
            format!("line 1 names no column {}, which the records have", column.name()),
        )
        .with_remedy(format!("name all of {schema} in the first line"))),
    };
    schema.columns().into_iter().map(place).collect()
}

fn bad_line(path: &Path, line: u64, error: &samovar_records::Error) -> Failure {
    Failure::new(Status::Usage, path.display(), format!("line {line}: {error}"))
        .with_remedy("nothing was imported; mend the line")
}

fn bad_csv(path: &Path, error: &csv::Error) -> Failure {
    let status = if matches!(error.kind(), csv::ErrorKind::Io(_)) { Status::Other } else { Status::Usage };
    Failure::new(status, path.display(), error).with_remedy("nothing was imported")
}

/// A bar on standard error, where that is a terminal.
fn progress(len: u64, template: &str) -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
    let bar = ProgressBar::with_draw_target(Some(len), target);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}
