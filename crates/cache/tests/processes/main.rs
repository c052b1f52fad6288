//! Many processes on one file: killed, stopped, forked, and opening it at once.
//!
//! Each test has the machine to itself (`common::alone`): their processes are many, and some measure how long others wait.

#[path = "../common/mod.rs"]
mod common;

#[cfg(target_os = "linux")]
mod clocks;
#[cfg(all(unix, feature = "inject"))]
mod forks;
mod kills;
#[cfg(all(unix, feature = "inject"))]
mod many;
#[cfg(unix)]
mod openers;
#[cfg(all(unix, feature = "inject"))]
mod owners;
#[cfg(unix)]
mod powercut;
#[cfg(all(unix, feature = "inject"))]
mod readers;
#[cfg(unix)]
mod soak;
