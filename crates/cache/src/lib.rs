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

mod alteration;
mod anchor;
mod area;
mod attach;
mod batch;
mod bounds;
mod cache;
mod check;
mod clear;
mod cold;
mod deletion;
mod drain;
mod dump;
mod entry;
mod error;
mod estate;
mod event;
mod evict;
mod gate;
mod geometry;
mod groundwork;
mod hash;
mod head;
mod header;
mod index;
mod iter;
mod layout;
mod lease;
mod ledger;
mod loader;
mod lock;
mod log;
mod measure;
mod namespace;
mod operations;
mod options;
mod pin;
mod place;
mod position;
mod reader;
mod recover;
mod reference;
mod resize;
mod retreat;
mod ring;
mod room;
mod runway;
mod salvage;
mod seal;
mod shard;
mod shortcut;
mod slot;
mod space;
mod stats;
mod stretch;
mod tenancy;
mod ttl;
mod watch;
mod writer;
mod xxh3;

pub use attach::Attachment;
pub use cache::Cache;
pub use check::Report;
pub use cold::Emptied;
pub use dump::{Depth, dump};
pub use error::{Error, ErrorKind, Result};
pub use geometry::Policy;
pub use iter::{Entry, Iter};
pub use loader::{Lease, Loaded, Lookup};
pub use namespace::{Namespace, NamespaceStats};
pub use operations::{Swap, Version};
pub use options::Options;
pub use reference::{Chunks, Ref};
pub use resize::{Capacity, Resized};
pub use salvage::Salvaged;
pub use samovar_mmap::TrustedWriters;
pub use stats::Stats;
pub use ttl::Ttl;
pub use watch::{Process, ProcessState, ShardStats};
