//! What the cache does, by its public interface: one process, or a few that work together.

#[path = "../common/mod.rs"]
mod common;

mod batch;
#[cfg(unix)]
mod cut;
mod deleted;
mod dump;
mod endless;
mod errors;
#[cfg(unix)]
mod hostile;
mod kept;
mod leases;
mod model;
mod open_checks;
mod operations;
mod overwrites;
mod pins;
mod policy;
#[cfg(target_os = "linux")]
mod prefault;
mod resize;
#[cfg(unix)]
mod seals;
mod slices;
mod spaces;
mod watch;
mod whole;
mod wraps;
