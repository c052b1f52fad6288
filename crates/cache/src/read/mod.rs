//! The validated copy, and the get that gives it out.

pub(crate) mod reader;
pub(crate) mod validated;
