//! Recovery, the recount, salvage, and the bytes told to a person.

pub(crate) mod check;
pub(crate) mod dump;
pub(crate) mod recover;
pub(crate) mod salvage;
