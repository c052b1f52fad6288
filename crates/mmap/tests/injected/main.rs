//! The fault injection hooks.

#[path = "../common/mod.rs"]
mod common;
mod hooks;
