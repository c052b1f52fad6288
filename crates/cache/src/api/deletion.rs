//! The end of a cache: its file is removed, and every process that has it open is told.
//!
//! ```text
//!   every shard's lock --> init lock, the path still names this file? --> clean word: removed --> shards emptied --> unlinked
//! ```
//!
//! From the store of the clean word on, writes answer `Replaced`. So do gets once the shards are empty, since a miss
//! looks at the clean word. A death before the file is unlinked leaves one that its next first opener empties.

use crate::api::handle::Cache;
use crate::api::options::Options;
use crate::error::Result;
use crate::file::open_checks::io_error;
use crate::repair::recover;
use std::path::Path;

impl Cache {
    /// Deletes the cache at `path`. From then on, every handle on it, in every process, answers `Replaced`. The next open of
    /// the path makes a new file. To make a cache of another capacity, or with another program's version: delete, then
    /// open.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("c.samovar");
    /// use samovar::{Cache, ErrorKind};
    ///
    /// let cache = Cache::options().capacity(1 << 20).open(&path)?;
    /// cache.set(b"k", b"v")?;
    /// Cache::delete(&path)?;
    /// assert!(!path.exists());
    /// assert_eq!(cache.get(b"k").unwrap_err().kind(), ErrorKind::Replaced);
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Options::open`]. A file that cannot be opened stays: one of another version, or one that is no cache. It
    /// can be removed as any file can. `Busy` or `OwnerStopped` if a shard cannot be had for long enough; `Replaced` if
    /// the path was given to another file meanwhile; `PermissionDenied` where the folder may not be changed, or on
    /// Windows while others have the file open: then the cache is empty, and the next open uses the file again.
    pub fn delete(path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let cache = Options::new().create(false).open(path)?;
        let attached = &cache.inner.attached;
        let shards = cache.all_shards()?;
        let locked = cache.lock_all(&shards)?;
        let unlinked = attached.alone(|| {
            attached.mark_removed()?;
            for number in 0..attached.header.geometry.shards() {
                recover::reset(attached.shard(number)?)?;
            }
            Ok(std::fs::remove_file(path))
        })?;
        drop(locked);
        drop(cache);
        // Some systems remove no file that is mapped. It can be removed once the last handle is gone.
        unlinked.or_else(|_| std::fs::remove_file(path)).map_err(|source| io_error("removing", path, source))
    }
}
