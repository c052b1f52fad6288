//! The samovar command: create, inspect and replay caches that are files.
//!
//! `args` says what may be asked, a module of `commands` answers it, and `answer::failure` says what an exit status means.
//! Nothing here panics: bad input, a closed pipe and a damaged file each have an answer.
#![forbid(unsafe_code)]

mod access;
mod answer;
mod args;
mod commands;
mod opening;
mod probe;
mod records;
mod records_csv;
mod records_file;
mod records_parquet;
mod replay;

use answer::failure::{Failure, Status};
use answer::output::Format;
use args::Arguments;
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let asked_for = Format::asked_for(&words);
    let arguments = match Arguments::read(words) {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error, asked_for),
    };
    if arguments.verbose {
        let lines = tracing_subscriber::fmt().with_writer(std::io::stderr).without_time();
        lines.with_ansi(false).with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG).init();
    }
    let format = if arguments.json { Format::Json } else { Format::Text };
    match commands::run(&arguments.command, format) {
        Ok(status) => status.into(),
        Err(failure) => {
            format.fail(&failure);
            failure.status().into()
        }
    }
}

/// Answers a command line that is wrong, or that asks for help.
fn refuse(error: &clap::Error, format: Format) -> ExitCode {
    if format == Format::Json && error.use_stderr() {
        format.fail(&Failure::of_usage(error));
    } else {
        // If the stream is closed, there is no reader left to tell.
        drop(error.print());
    }
    if error.use_stderr() { Status::Usage.into() } else { Status::Done.into() }
}
