#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

// From the ground up: error, layout, shape, schema, projection, slots, header | control, boot, motion, mapping, holder, space, store |
// table, reader, copy | directory, kept, safe, writer | flush, restore, pack, handle | iter, view, search, scan, snapshot,
// bell, follow | file, raw, folders, generation, draft, set, rotation, rotated, options | arrow, parquet. A module uses only what stands before it.
#[cfg(feature = "arrow")]
mod arrow;
mod bell;
mod boot;
mod control;
mod copy;
mod directory;
mod draft;
mod error;
mod file;
mod flush;
mod flusher;
mod folders;
mod follow;
mod generation;
mod habits;
mod handle;
mod header;
mod holder;
#[cfg(feature = "inject")]
#[doc(hidden)]
pub mod inject;
mod iter;
mod kept;
mod layout;
mod mapping;
mod motion;
mod new_table;
mod options;
mod pack;
#[cfg(feature = "parquet")]
mod parquet;
mod projection;
mod raw;
mod reader;
mod record;
mod restore;
mod rotated;
mod rotation;
mod safe;
mod scan;
mod schema;
mod search;
mod set;
mod shape;
mod slots;
mod snapshot;
mod space;
mod store;
mod table;
mod text;
mod view;
mod writer;

#[cfg(feature = "arrow")]
pub use arrow::RecordBatches;
pub use draft::Draft;
pub use error::{Error, ErrorKind, Result};
pub use file::RecordFile;
pub use follow::{Follower, RawFollower, Taken};
pub use generation::Generation;
pub use habits::{Warning, WarningKind};
pub use handle::{Condition, Info};
pub use iter::Iter;
pub use options::Options;
#[cfg(feature = "parquet")]
pub use parquet::parquet_rows;
pub use projection::Projection;
pub use raw::RawFile;
pub use record::{Plain, Record};
#[doc(hidden)]
pub use record::{covers, field};
pub use rotated::{Rotated, RotatedTaken, RotationFollower};
pub use rotation::{Rotation, RotationWriter};
#[cfg(feature = "arrow")]
pub use samovar_mmap::TrustedWriters;
pub use scan::{Fields, Scan};
pub use schema::{Field, Scalar, Schema};
pub use search::Sorted;
pub use set::RecordSet;
pub use snapshot::Snapshot;
pub use text::Column;
pub use view::View;
pub use zerocopy;
