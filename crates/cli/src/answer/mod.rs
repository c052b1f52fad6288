//! What the program says: answers on standard output, errors and progress on standard error.

pub(crate) mod bytes;
pub(crate) mod failure;
pub(crate) mod output;
pub(crate) mod progress;
pub(crate) mod units;
