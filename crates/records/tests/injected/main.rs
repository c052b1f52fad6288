//! Record files with a hook at each of their stores and loads: deaths, losses of power, and writes amid reads.

#[path = "../records/common.rs"]
mod common;
mod deaths;
mod gaps;
mod midnight;
mod power;
mod powercut;
mod schedules;
