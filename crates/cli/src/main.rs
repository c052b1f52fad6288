//! The samovar command: create, inspect and replay caches that are files.
//!
//! `args` says what may be asked, a module of `commands` answers it, and `answer::failure` says what an exit status means.
//! Nothing here panics: bad input, a closed pipe and a damaged file are all answers.
#![forbid(unsafe_code)]

mod access;
mod answer;
mod args;
mod commands;
mod records;
mod records_csv;
mod records_file;
mod replay;

use args::Arguments;
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.verbose {
        let lines = tracing_subscriber::fmt().with_writer(std::io::stderr).without_time();
        lines.with_ansi(false).with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG).init();
    }
    match commands::run(arguments.command) {
        Ok(status) => status.into(),
        Err(failure) => {
            failure.print();
            failure.status().into()
        }
    }
}
