//! Every offset, word and bit of the file, and nothing else.

pub(crate) mod entry;
pub(crate) mod geometry;
pub(crate) mod hash;
pub(crate) mod header;
pub(crate) mod layout;
pub(crate) mod owner;
pub(crate) mod position;
pub(crate) mod ring;
pub(crate) mod seal;
pub(crate) mod slot;
pub(crate) mod xxh3;
