//! The parts of the file that belong to no shard, and what a process knows of them.

pub(crate) mod area;
pub(crate) mod clean_word;
pub(crate) mod clock;
pub(crate) mod counters;
pub(crate) mod extents;
pub(crate) mod horizon;
pub(crate) mod identity;
pub(crate) mod namespace;
pub(crate) mod open_checks;
pub(crate) mod prefault;
pub(crate) mod process_slot;
pub(crate) mod size_record;
pub(crate) mod untrusted;
