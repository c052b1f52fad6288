//! The cache as its users see it.

pub(crate) mod attachment;
pub(crate) mod batch;
#[cfg(feature = "inject")]
pub(crate) mod bounds;
pub(crate) mod cache;
pub(crate) mod check;
pub(crate) mod clear;
pub(crate) mod counting;
pub(crate) mod deletion;
pub(crate) mod flush;
pub(crate) mod glance;
pub(crate) mod handle;
pub(crate) mod iter;
pub(crate) mod loader;
pub(crate) mod locking;
pub(crate) mod namespace;
pub(crate) mod operations;
pub(crate) mod options;
pub(crate) mod reference;
pub(crate) mod resize;
pub(crate) mod stats;
pub(crate) mod ttl;
pub(crate) mod watch;
