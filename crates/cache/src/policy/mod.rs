//! What is kept and what goes; how far ahead room is kept.

pub(crate) mod evict;
pub(crate) mod runway;
