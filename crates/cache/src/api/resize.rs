//! Resizing a cache while others read and write.
//!
//! The file is laid out for the largest cache that it may become, and every process has mapped all of it. So nobody
//! maps anything anew, and readers need not know. To grow is to reserve space, and then to tell each shard. To shrink
//! is to have each shard leave the space above its new end ([`crate::write::shrink`]), and then to give that space
//! back.

use crate::api::handle::{Cache, read_only};
use crate::error::Result;
use crate::event;
use crate::file::extents;
use crate::file::size_record::SizeRecord;
use crate::write::shrink::Progress;
use std::cell::Cell;
use std::fs::File;
use std::time::Duration;

/// How long a resize leaves the shard that it is at to waiting writers.
const COURTESY: Duration = Duration::from_micros(200);

/// How large a cache is; see [`Cache::capacity`].
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
/// let capacity = cache.capacity()?;
/// assert_eq!(capacity.bytes, capacity.max_bytes);
/// # Ok::<(), samovar::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capacity {
    /// The whole cache, in bytes. While a resize is pending, its target.
    pub bytes: u64,
    /// The most that it can be resized to: what [`Options::max_capacity`](crate::Options::max_capacity) said when it was made.
    pub max_bytes: u64,
    /// A resize is under way, or it was interrupted by a death or a refusal: the next
    /// [`resize`](Cache::resize) finishes it.
    pub pending: bool,
    /// What the file takes on the disk.
    pub disk_bytes: u64,
}

/// What a [`resize`](Cache::resize) did.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
/// let resized = cache.resize(512 << 10)?;
/// println!("{} bytes became {}, and {} entries had to go", resized.from, resized.to, resized.evictions);
/// assert!(resized.complete);
/// # Ok::<(), samovar::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resized {
    /// The capacity before, in bytes.
    pub from: u64,
    /// The capacity now.
    pub to: u64,
    /// Entries that had to go.
    pub evictions: u64,
    /// True if all space that the cache no longer needs was given back. If not, readers hold values in place there: the
    /// next resize, to the same capacity or another, gives it back.
    pub complete: bool,
}

impl Cache {
    /// How large the cache is, how large it may become, and what it takes on the disk.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("c.samovar");
    /// let cache = samovar::Cache::options().capacity(1 << 20).max_capacity(4 << 20).open(path)?;
    /// let capacity = cache.capacity()?;
    /// assert_eq!((capacity.bytes, capacity.max_bytes, capacity.pending), (1 << 20, 4 << 20, false));
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Replaced` or `NotFound` if the path names another file by now, or none; `Corrupt` if the size record makes no
    /// sense; `Io` if the system does not tell; `Fault` if the file was cut short.
    pub fn capacity(&self) -> Result<Capacity> {
        let attached = &self.inner.attached;
        let (geometry, size_record) = (&attached.header.geometry, attached.size_record()?);
        let in_all = |bytes| if geometry.max_capacity == 0 { geometry.file_bytes } else { bytes };
        self.believe()?;
        Ok(Capacity {
            bytes: in_all(size_record.capacity),
            max_bytes: in_all(geometry.max_capacity),
            pending: size_record.pending,
            disk_bytes: samovar_mmap::disk_bytes(&attached.reopen()?)?,
        })
    }

    /// Makes the cache larger or smaller, while others read and write. Readers never wait. Writers of a shard wait only
    /// while a few entries are moved.
    ///
    /// A larger cache takes its space from the disk first, and is as it was if there is none. A smaller one moves its
    /// entries below its new end, and evicts, by its policy, only what does not fit. Then it gives the space back.
    /// Values that are held in place ([`get_ref`](Self::get_ref)) stay there. One shard after another follows. If this
    /// process dies in the middle, each shard is whole, and the next resize, to any capacity, goes on from there. So
    /// does the next opener that has to empty the file.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("c.samovar");
    /// let cache = samovar::Cache::options().capacity(4 << 20).open(path)?;
    /// cache.set(b"k", b"v")?;
    /// let resized = cache.resize(1 << 20)?;
    /// assert_eq!((resized.from, resized.to, resized.evictions), (4 << 20, 1 << 20, 0));
    /// assert_eq!(cache.get(b"k")?.as_deref(), Some(&b"v"[..]));
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` for a capacity above the maximum, or too small for the largest value; and for a cache that was
    /// made for a number of entries. `NoSpace`, and nothing has changed; `ReadOnly`; `Busy` if another resize is under
    /// way. After `Busy` or `OwnerStopped` of a shard, `Fault` or `Io`, some shards may have followed, and the resize
    /// is [pending](Capacity::pending).
    pub fn resize(&self, capacity: u64) -> Result<Resized> {
        self.resize_with(capacity, |_, _| {})
    }

    /// The same; `each` is told how many shards have followed, and of how many.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.resize_with(512 << 10, |done, of| eprintln!("{done} of {of} parts"))?;
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`resize`](Self::resize).
    pub fn resize_with(&self, capacity: u64, each: impl FnMut(u64, u64)) -> Result<Resized> {
        let attached = &self.inner.attached;
        if !attached.is_writer() {
            return Err(read_only());
        }
        let target = SizeRecord::plan(&attached.header.geometry, capacity)?;
        attached.membership()?.resizing(|| self.resize_alone(target, each))
    }

    fn resize_alone(&self, target: SizeRecord, mut each: impl FnMut(u64, u64)) -> Result<Resized> {
        let attached = &self.inner.attached;
        let (before, shards) = (attached.size_record()?, attached.header.geometry.shards());
        let mut resized =
            Resized { from: before.capacity, to: target.capacity, evictions: 0, complete: true };
        if !before.pending && before.capacity == target.capacity {
            return Ok(resized);
        }
        let file = attached.reopen()?;
        event::resize_begun(resized.from, resized.to);
        let target = SizeRecord { epoch: before.epoch.wrapping_add(1), ..target };
        self.record(target)?;
        if let Err(error) = self.reserve(&file, &target) {
            self.record(SizeRecord { epoch: before.epoch.wrapping_add(2), ..before })?;
            return Err(error);
        }
        for number in 0..shards {
            resized.evictions += self.follow(number, target.units)?;
            resized.complete &= self.give_back(&file, number, target.units)?;
            each(number + 1, shards);
        }
        self.record(SizeRecord {
            epoch: before.epoch.wrapping_add(2),
            pending: !resized.complete,
            ..target
        })?;
        event::resize_ended(resized.to, resized.evictions, resized.complete);
        Ok(resized)
    }

    /// Writes a record down, as the write that it is.
    fn record(&self, size_record: SizeRecord) -> Result<()> {
        let shard = self.inner.attached.shard(0)?;
        let _locked = self.lock_to_write(&shard)?;
        size_record.store(self.inner.attached.view())?;
        self.believe()
    }

    /// Reserves the space of all that the shards will get. If there is too little, what was taken is given back.
    fn reserve(&self, file: &File, target: &SizeRecord) -> Result<()> {
        let (attached, geometry) = (&self.inner.attached, &self.inner.attached.header.geometry);
        for number in 0..geometry.shards() {
            let end = attached.shard(number)?.bounds().end;
            let more = extents::data(geometry, number, end.min(target.units)..target.units);
            if let Err(error) = extents::reserve(file, [more]) {
                // canary: disk full
                for number in 0..=number {
                    self.give_back(file, number, attached.shard(number)?.bounds().end)?;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Moves the end of a shard to its target, step by step; returns how many entries had to go.
    fn follow(&self, number: u64, units: u64) -> Result<u64> {
        let (walked, clock, mut evictions) = (Cell::new(0), self.clock(), 0);
        loop {
            let shard = self.inner.attached.shard(number)?;
            let locked = self.lock_to_write(&shard)?;
            let (progress, evicted) = self.write_locked(&locked, &clock, |writer| {
                let before = writer.metadata().evictions();
                let progress = writer.approach(units, &walked)?;
                Ok((progress, writer.metadata().evictions().wrapping_sub(before)))
            })?;
            evictions += evicted;
            if progress != Progress::More {
                return Ok(evictions);
            }
            let is_wanted = locked.is_wanted();
            drop(locked);
            if is_wanted {
                std::thread::sleep(COURTESY);
            }
        }
    }

    /// Gives back the space of a shard above its end, which is at `end`; false if readers hold something there.
    fn give_back(&self, file: &File, number: u64, end: u64) -> Result<bool> {
        let clock = self.clock();
        let shard = self.inner.attached.shard(number)?;
        let locked = self.lock_to_write(&shard)?;
        let is_left = self.write_locked(&locked, &clock, |writer| writer.has_left(end))?;
        drop(locked);
        if !is_left {
            return Ok(false);
        }
        let geometry = &self.inner.attached.header.geometry;
        extents::release(file, extents::data(geometry, number, end..geometry.area().end))?;
        Ok(true)
    }
}
