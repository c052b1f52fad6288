//! What can be seen of a cache in use: its shards one by one, and the processes that have it open. Nothing here takes a
//! lock or writes, so that a read-only handle may ask as often as it likes.

use crate::api::glance::glance_noting;
use crate::api::handle::Cache;
use crate::error::Result;
use crate::file::process_slot::ProcessSlot;
use crate::format::owner::Owner;
use crate::format::position::UNIT;
use crate::format::ring::RINGS;
use crate::open::membership::Occupant;
use crate::shard::lease::Leases;
use crate::shard::lock;
use crate::shard::metadata::Selector;
use crate::shard::pin::Pins;

/// One shard of a cache, as it was at a moment: a whole small cache with a writer lock of its own.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
/// cache.set(b"k", b"value")?;
/// let shards = cache.shards()?;
/// assert_eq!(shards.iter().map(|shard| shard.entries).sum::<u64>(), 1);
/// assert_eq!(shards[0].live_bytes, 6);
/// assert!(shards[0].used_bytes <= shards[0].data_bytes);
/// # Ok::<(), samovar::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShardStats {
    /// Which shard, counted from 0.
    pub number: u64,
    /// Entries held now, expired ones that nobody has met included.
    pub entries: u64,
    /// Bytes of keys and values held now.
    pub live_bytes: u64,
    /// Bytes that the entries take, headers and padding included.
    pub used_bytes: u64,
    /// Bytes that entries can take. What is not used is kept free for writers, or bears what was replaced or removed.
    pub data_bytes: u64,
    /// Entries that had to go to make room, since the file was made.
    pub evictions: u64,
    /// Times that the shard was emptied because its bytes made no sense.
    pub resets: u64,
    /// Keys whose values are being loaded just now, or were when their loaders died.
    pub leases: u64,
    /// Values that are held in place just now; see [`Cache::get_ref`].
    pub pins: u64,
    /// The process number of the writer that held the shard's lock; none if it was free.
    pub writer: Option<u32>,
    /// A change was on its way: of the writer's, or left by one that died, for the next writer to finish or undo.
    pub pending: bool,
}

/// A process that has a cache open for writing, or had when it died.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
/// let processes = cache.processes()?;
/// assert!(processes.iter().all(|process| process.pid == std::process::id()));
/// # Ok::<(), samovar::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Process {
    /// Its place in the process table of the file, counted from 0.
    pub slot: u32,
    /// Its own process number. Inside a container that may differ from the number outside.
    pub pid: u32,
    /// What is known of its life.
    pub state: ProcessState,
    /// For how many milliseconds the process has been running; none if the system does not say.
    pub age_ms: Option<u64>,
}

/// What is known of the life of a [`Process`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProcessState {
    /// It lives, and has its locks.
    Attached,
    /// It lives but has lost its locks, as a daemon does that closes every descriptor. Nobody takes its slot or its
    /// locks over.
    WithoutLocks,
    /// It died without giving its place up. What it left half done is repaired by the next writer that meets it.
    Dead,
}

impl Cache {
    /// What each shard holds, and who writes there. Each is looked at for itself while others write: the list is not one
    /// moment.
    ///
    /// # Errors
    /// `Fault` if the file was cut short.
    pub fn shards(&self) -> Result<Vec<ShardStats>> {
        let shards = (0..self.inner.attached.header.geometry.shards()).map(|number| self.watch(number));
        let shards = shards.collect::<Result<_>>()?;
        self.believe()?;
        Ok(shards)
    }

    fn watch(&self, number: u64) -> Result<ShardStats> {
        let shard = self.inner.attached.shard(number)?;
        let metadata = glance_noting(shard)?;
        let live_units = RINGS.map(|ring| metadata.ring(ring).live);
        let writer = match lock::holder(shard.head) {
            Some(owner) => self.pid_of(owner)?,
            None => None,
        };
        Ok(ShardStats {
            number,
            entries: metadata.entries(),
            live_bytes: metadata.payload,
            used_bytes: live_units[0].saturating_add(live_units[1]).saturating_mul(UNIT),
            data_bytes: shard.bounds().end.saturating_mul(UNIT),
            evictions: metadata.evictions,
            resets: metadata.resets,
            leases: Leases::of(shard).count()?,
            pins: Pins::of(shard).held(&|owner| self.inner.attached.is_dead(owner))?,
            writer,
            pending: matches!(Selector::load(shard.head), Selector::Prepared(_)),
        })
    }

    /// The process that a lock word names; none if it names no slot.
    fn pid_of(&self, owner: Owner) -> Result<Option<u32>> {
        ProcessSlot::of(self.inner.attached.view(), owner).map(ProcessSlot::pid).transpose()
    }

    /// The processes that have the cache open for writing, this one included. Those that died with it open are listed
    /// too, until their places are taken. Read-only handles are not listed.
    ///
    /// # Errors
    /// `Io` if the system does not tell who holds which lock; `Fault` if the file was cut short.
    pub fn processes(&self) -> Result<Vec<Process>> {
        let occupants = self.inner.attached.membership()?.occupants(self.inner.attached.view())?;
        self.believe()?;
        Ok(occupants.into_iter().map(Process::of).collect())
    }
}

impl Process {
    fn of(occupant: Occupant) -> Self {
        let Occupant { slot, pid, has_locks, runs } = occupant;
        let state = match (has_locks, runs) {
            (true, _) => ProcessState::Attached,
            (false, true) => ProcessState::WithoutLocks,
            (false, false) => ProcessState::Dead,
        };
        let age_ms = if runs { samovar_mmap::process_age_ms(pid) } else { None };
        Process { slot, pid, state, age_ms }
    }
}
