//! Everything that happens under a shard's writer lock.

pub(crate) mod alteration;
pub(crate) mod drain;
pub(crate) mod room;
pub(crate) mod shortcut;
pub(crate) mod shrink;
pub(crate) mod tenancy;
pub(crate) mod writer;
