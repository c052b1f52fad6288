//! A cache that is a file: shared by every process, warm after a crash.
//!
//! ```
//! use samovar::{Cache, Ttl};
//!
//! # let dir = tempfile::tempdir().unwrap();
//! # let path = dir.path().join("sessions.samovar");
//! // Makes the file, or attaches to it; any number of processes may do so at once.
//! let cache = Cache::options().capacity(64 << 20).open(&path)?;
//! cache.set_with(b"session:7", b"Ada", Ttl::secs(3600))?;
//! assert_eq!(cache.get(b"session:7")?.as_deref(), Some(&b"Ada"[..]));
//! # Ok::<(), samovar::Error>(())
//! ```
//!
//! * Reads take no lock and write nothing shared but a frequency bit, until the entry is known to be hot.
//! * Writes go through one lock a shard; a writer that dies leaves nothing to clean up.
//! * Eviction is S3-FIFO (Yang et al., SOSP 2023) on two circular logs a shard.
//! * What the file looks like is in `docs/FORMAT.md`, how the parts fit in `ARCHITECTURE.md`.

#![forbid(unsafe_code)]

mod api;
mod error;
mod event;
mod file;
mod format;
#[cfg(all(test, feature = "inject"))]
#[path = "litmus_tests.rs"]
mod litmus;
mod open;
mod policy;
mod read;
mod repair;
mod shard;
mod write;

pub use api::attachment::Attachment;
pub use api::handle::Cache;
pub use api::iter::{Entry, Iter};
pub use api::loader::{Lease, Loaded, Lookup};
pub use api::namespace::{Namespace, NamespaceStats};
pub use api::operations::{Swap, Version};
pub use api::options::Options;
pub use api::reference::{Chunks, Ref};
pub use api::resize::{Capacity, Resized};
pub use api::stats::Stats;
pub use api::ttl::Ttl;
pub use api::watch::{Process, ProcessState, ShardStats};
pub use error::{Error, ErrorKind, Result};
pub use file::untrusted::Emptied;
pub use format::geometry::Policy;
pub use repair::check::Report;
pub use repair::dump::{Depth, dump};
pub use repair::salvage::Salvaged;
pub use samovar_mmap::TrustedWriters;
