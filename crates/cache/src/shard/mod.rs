//! One shard: its words, its index, its log, and who holds them.

pub(crate) mod bounds;
pub(crate) mod head;
pub(crate) mod index;
pub(crate) mod lease;
pub(crate) mod lock;
pub(crate) mod locked;
pub(crate) mod log;
pub(crate) mod log_walk;
pub(crate) mod metadata;
pub(crate) mod pin;
pub(crate) mod view;
