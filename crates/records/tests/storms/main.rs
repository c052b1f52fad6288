//! Storms: many threads and processes on the same files, some of them stopped and killed, for as long as asked.

#[path = "../records/common.rs"]
mod common;
#[cfg(unix)]
mod packs;
mod shared;
