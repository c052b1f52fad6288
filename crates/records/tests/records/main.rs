//! Record files as users have them: one handle and several, processes, forks, full disks, files that are not what they
//! should be.

mod checksums;
mod common;
mod disk;
mod edges;
mod following;
#[cfg(unix)]
mod forks;
mod generations;
mod handles;
mod hostile;
mod losses;
mod model;
mod numpy;
mod packs;
mod processes;
mod projections;
mod rotations;
mod scans;
mod set;
