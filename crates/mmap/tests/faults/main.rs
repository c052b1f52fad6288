//! Faults: files cut short, full devices, and whose signal it is.
#![cfg(unix)]

#[path = "../common/mod.rs"]
mod common;
mod cut;
mod full;
mod guarded;
mod signals;
mod storm;
