//! Standard output and standard error. A reader that has gone away (`samovar stat f | head -1`) ends the text: that is not an error.

use super::failure::{Failure, Outcome, Status};
use serde::Serialize;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

/// For whom answers and errors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For scripts.
    Json,
}

impl Format {
    /// The format that the words of a command line ask for, whether or not they make sense.
    pub(crate) fn asked_for(words: &[OsString]) -> Format {
        let options = words.iter().skip(1).take_while(|word| *word != "--");
        match options.into_iter().any(|word| word == "--json" || word == "-j") {
            true => Format::Json,
            false => Format::Text,
        }
    }

    /// Writes a report of many lines.
    pub(crate) fn report(self, report: &(impl Display + Serialize)) -> Outcome<()> {
        match self {
            Format::Text => put(&report.to_string()),
            Format::Json => put_json_report(report),
        }
    }

    /// Writes an answer of one line.
    pub(crate) fn line(self, answer: &(impl Display + Serialize)) -> Outcome<()> {
        match self {
            Format::Text => put(&answer.to_string()),
            Format::Json => put_json_line(answer),
        }
    }

    /// Writes what only people want to hear.
    pub(crate) fn say(self, text: &str) -> Outcome<()> {
        match self {
            Format::Text => put(text),
            Format::Json => Ok(()),
        }
    }

    /// Writes an answer that people have from the exit status.
    pub(crate) fn answer(self, answer: &impl Serialize) -> Outcome<()> {
        match self {
            Format::Text => Ok(()),
            Format::Json => put_json_line(answer),
        }
    }

    /// Tells of a failure on standard error, in a line. If that is closed, there is no reader left to tell.
    pub(crate) fn fail(self, failure: &Failure) {
        let line = match self {
            Format::Text => format!("samovar: {failure}"),
            Format::Json => failure.to_json(),
        };
        drop(writeln!(io::stderr(), "{line}"));
    }

    /// Tells something that is worth knowing, though the command did what it was asked to do: on standard error, in a line.
    pub(crate) fn note(self, what: impl Display, why: impl Display) {
        if self == Format::Text {
            drop(writeln!(io::stderr(), "samovar: {what}: {why}"));
        }
    }
}

/// Writes raw bytes.
pub(crate) fn put_bytes(bytes: &[u8]) -> Outcome<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(Status::Other, "standard output", &error).of_kind(&error.kind()))
        }
        _ => Ok(()),
    }
}

/// Writes a text and ends its last line, if there is any.
pub(crate) fn put(text: &str) -> Outcome<()> {
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    put_bytes(format!("{text}{end}").as_bytes())
}

/// Writes an object in lines that people can read as well.
pub(crate) fn put_json_report(report: &impl Serialize) -> Outcome<()> {
    put(&serde_json::to_string_pretty(report).map_err(no_json)?)
}

/// Writes an object in one line.
pub(crate) fn put_json_line(answer: &impl Serialize) -> Outcome<()> {
    put(&json_line(answer)?)
}

/// An object in one line, without its end.
pub(crate) fn json_line(answer: &impl Serialize) -> Outcome<String> {
    serde_json::to_string(answer).map_err(no_json)
}

fn no_json(error: serde_json::Error) -> Failure {
    Failure::new(Status::Other, "the answer as JSON", error)
}
