//! What is kept and what goes; how far ahead room is kept.

pub(crate) mod append_window;
pub(crate) mod eviction;
