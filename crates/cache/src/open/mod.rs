//! Attaching to a file, and leaving it.

pub(crate) mod attach;
