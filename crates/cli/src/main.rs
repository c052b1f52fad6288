//! The samovar command: create, inspect and replay caches that are files.
//!
//! `args` says what may be asked, one module a command answers it, and `failure` says what an exit status means.
//! Nothing here panics: bad input, a closed pipe and a damaged file are all answers.
#![forbid(unsafe_code)]

mod access;
mod args;
mod change;
mod check;
mod create;
mod demo;
mod dump;
mod entry;
mod failure;
mod flush;
mod keys;
mod load;
mod namespace;
mod number;
mod output;
mod payload;
mod plan;
mod progress;
mod prometheus;
mod records;
mod records_csv;
mod replay;
mod report;
mod resize;
mod runner;
mod salvage;
mod source;
mod stat;
mod tally;
mod top;
mod trace;
mod units;

use args::{Arguments, Command};
use clap::Parser;
use failure::{Outcome, Status};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.verbose {
        let lines = tracing_subscriber::fmt().with_writer(std::io::stderr).without_time();
        lines.with_ansi(false).with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG).init();
    }
    match run(arguments.command) {
        Ok(status) => status.into(),
        Err(failure) => {
            failure.print();
            failure.status().into()
        }
    }
}

fn run(command: Command) -> Outcome<Status> {
    match command {
        Command::Create(arguments) => create::run(&arguments),
        Command::Set(arguments) => entry::set(&arguments),
        Command::Get(arguments) => entry::get(&arguments),
        Command::Contains(arguments) => entry::contains(&arguments),
        Command::Del(arguments) => entry::delete(&arguments),
        Command::Load(arguments) => load::run(&arguments),
        Command::Add(arguments) => change::add(&arguments),
        Command::Replace(arguments) => change::replace(&arguments),
        Command::Append(arguments) => change::append(&arguments),
        Command::Prepend(arguments) => change::prepend(&arguments),
        Command::Incr(arguments) => number::incr(&arguments),
        Command::Decr(arguments) => number::decr(&arguments),
        Command::Touch(arguments) => change::touch(&arguments),
        Command::Keys(arguments) => keys::run(&arguments),
        Command::Clear(arguments) => namespace::clear(&arguments),
        Command::Ns(command) => namespace::run(&command),
        Command::Stat(arguments) => stat::run(&arguments),
        Command::Top(arguments) => top::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Dump(arguments) => dump::run(&arguments),
        Command::Flush(arguments) => flush::run(&arguments),
        Command::Salvage(arguments) => salvage::run(&arguments),
        Command::Resize(arguments) => resize::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Records(command) => records::run(&command),
    }
}
