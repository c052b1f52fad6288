//! Real accesses, replayed: traces, values that show when they are wrong, the loop, and what it counts.

pub(crate) mod counts;
mod payload;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod runner;
pub(crate) mod trace;
