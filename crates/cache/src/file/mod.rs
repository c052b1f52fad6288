//! The parts of the file that belong to no shard, and what a process knows of them.

pub(crate) mod anchor;
pub(crate) mod area;
pub(crate) mod cold;
pub(crate) mod estate;
pub(crate) mod gate;
pub(crate) mod groundwork;
pub(crate) mod measure;
pub(crate) mod place;
pub(crate) mod space;
pub(crate) mod stats;
pub(crate) mod ttl;
