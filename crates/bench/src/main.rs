//! Samovar beside its peers, and beside what the machine can do, measured in one run.
//!
//! A run is made of *cells*: one peer, one population of entries, and what is measured on it in order. Each cell runs in
//! a process of its own (this program, executed again), in rounds that go through all peers before any comes again.
//! `README.md` says what each measure means.

#![deny(unsafe_code)]
#![cfg_attr(not(feature = "lmdb"), forbid(unsafe_code))]

mod args;
mod catalogue;
mod cell;
mod child;
mod churn;
mod drive;
mod eviction;
mod floor;
mod floor_probe;
mod full;
mod goals;
mod grid;
mod ground;
mod key;
mod latency;
mod machine;
mod open;
mod order;
mod overhead;
mod pair;
mod pair_probe;
mod payload;
mod peer;
mod peers;
mod plan;
mod random;
mod replay;
mod report;
mod results;
mod roster;
mod score;
mod size;
mod speeds;
mod stopwatch;
mod summary;
mod table;
mod terrain;
mod verdict;
mod worker;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match args::Args::parse().run() {
        Ok(verdict) => verdict.exit_code(),
        Err(error) => {
            eprintln!("samovar-bench: {error:#}");
            ExitCode::from(2)
        }
    }
}
