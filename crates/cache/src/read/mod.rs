//! The validated copy.

pub(crate) mod copy;
