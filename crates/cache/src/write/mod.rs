//! Everything that happens under a shard's writer lock.
//!
//! A plan says what a set is to do, a transaction does it, a reclaimer makes room for it. From the ground up:

pub(crate) mod alteration;
pub(crate) mod item;

pub(crate) mod plan;
pub(crate) mod transaction;

pub(crate) mod detour;
pub(crate) mod namespaces;

pub(crate) mod allocator;
pub(crate) mod batch;
pub(crate) mod reclaimer;
pub(crate) mod shrink;

pub(crate) mod writer;
