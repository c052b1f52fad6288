//! The validated copy.

pub(crate) mod reader;
