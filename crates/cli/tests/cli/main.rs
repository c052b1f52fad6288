//! The program `samovar`, run as its users run it: a process, its arguments, what it says and how it ends.

mod bad_input;
mod commands;
mod damage;
mod default_file;
mod demo;
mod harness;
mod help;
mod json;
mod kills;
mod load;
mod namespaces;
mod operations;
mod package;
mod prometheus;
#[cfg(unix)]
mod pty;
mod read_only;
mod records;
mod replays;
mod salvage;
mod several_keys;
mod sharing;
mod top;
mod traces;
