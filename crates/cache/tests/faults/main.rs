//! What only the feature `inject` can bring about: deaths at any store, chosen schedules, lost power, clocks that are set.
//!
//! Processes that a test starts set hooks of the whole process. The tests themselves run side by side in threads, and
//! set hooks of their own thread.

#[path = "../common/mod.rs"]
mod common;

mod bounds;
#[cfg(unix)]
mod die;
#[cfg(all(unix, feature = "tracing"))]
mod events;
#[cfg(unix)]
mod flush;
mod glance;
#[cfg(unix)]
mod interleave;
#[cfg(unix)]
mod power;
mod quiet;
#[cfg(unix)]
mod salvage;
#[cfg(unix)]
mod salvaged;
#[cfg(unix)]
mod slow_disk;
#[cfg(unix)]
mod stale;
#[cfg(unix)]
mod times;
#[cfg(unix)]
mod trust;
#[cfg(unix)]
mod weak;
