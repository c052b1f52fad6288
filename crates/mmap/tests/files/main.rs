//! What files that are shared need: space, a name, locks, and processes that come and go.

#[path = "../common/mod.rs"]
mod common;
#[cfg(unix)]
mod descriptors;
#[cfg(unix)]
mod forks;
#[cfg(target_os = "linux")]
mod limits;
mod new_file;
mod processes;
mod space;
