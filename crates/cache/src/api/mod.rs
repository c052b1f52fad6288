//! The cache as its users see it.

pub(crate) mod batch;
pub(crate) mod cache;
pub(crate) mod clear;
pub(crate) mod deletion;
pub(crate) mod iter;
pub(crate) mod loader;
pub(crate) mod namespace;
pub(crate) mod operations;
pub(crate) mod options;
pub(crate) mod reference;
pub(crate) mod resize;
pub(crate) mod watch;
