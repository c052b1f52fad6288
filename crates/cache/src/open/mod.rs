//! Opening a file, keeping it durable, and leaving it.

pub(crate) mod attached;
pub(crate) mod creation;
pub(crate) mod durability;
pub(crate) mod init_lock;
pub(crate) mod mapped_file;
pub(crate) mod membership;
pub(crate) mod recovery;
