//! How a cache is opened.

use crate::api::attachment::Attachment;
use crate::api::glance::entries;
use crate::api::handle::{Cache, Inner};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{self, Opening};
use crate::file::counters::Local;
use crate::file::open_checks::{Asked, Owners};
use crate::format::entry;
use crate::format::geometry::{Geometry, Policy, Size};
use crate::format::position::UNIT;
use crate::open::attached::Attached;
use crate::open::creation;
use crate::repair::salvage::Observer;
use crate::shard::lock::Waiting;
use samovar_mmap::{Access, TrustedWriters};
use std::path::Path;
use std::time::Duration;

/// How often an opener starts over, if others create or remove the file meanwhile.
const ATTEMPTS: u32 = 16;
const DEFAULT_LOCK_TIMEOUT: Duration = Duration::from_secs(1);
const DEFAULT_TAKEOVER: Duration = Duration::from_millis(100);
const DEFAULT_LOAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How to open a cache; made by [`Cache::options`].
///
/// Capacity, the largest value and the expected entry size are fixed when the file is made. A later open gets
/// the file's own, and naming another capacity is an error.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("sessions.samovar");
/// let cache = samovar::Cache::options().capacity(16 << 20).open(&path)?;
/// let reader = samovar::Cache::options().read_only(true).open(&path)?;
/// cache.set(b"k", b"v")?;
/// assert_eq!(reader.get(b"k")?.as_deref(), Some(&b"v"[..]));
/// # Ok::<(), samovar::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until `open`"]
pub struct Options {
    size: Option<Size>,
    max_capacity: Option<u64>,
    policy: Policy,
    max_value_size: Option<u64>,
    expected_entry_size: Option<u64>,
    read_only: bool,
    create: bool,
    lock_timeout: Duration,
    owner_probe: Duration,
    load_timeout: Duration,
    fault_guard: bool,
    owners: Owners,
    prefault: bool,
    seals: Option<bool>,
    verify: bool,
    salvage: Option<Observer>,
}

impl Cache {
    /// Starts describing the cache to open.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// # Ok::<(), samovar::Error>(())
    /// ```
    pub fn options() -> Options {
        Options::new()
    }
}

impl Options {
    pub(crate) fn new() -> Self {
        Options {
            size: None,
            max_capacity: None,
            policy: Policy::S3Fifo,
            max_value_size: None,
            expected_entry_size: None,
            read_only: false,
            create: true,
            lock_timeout: DEFAULT_LOCK_TIMEOUT,
            owner_probe: DEFAULT_TAKEOVER,
            load_timeout: DEFAULT_LOAD_TIMEOUT,
            fault_guard: true,
            owners: Owners::OwnAndRoot,
            prefault: false,
            seals: None,
            verify: false,
            salvage: None,
        }
    }

    /// Bytes of the whole file, everything included; at least 256 KiB. Without a capacity, [`open`](Self::open) only
    /// attaches to a file that exists.
    pub fn capacity(mut self, bytes: u64) -> Self {
        self.size = Some(Size::Capacity(bytes));
        self
    }

    /// The most that the cache can ever be [resized](Cache::resize) to. Default: its capacity, so that it can become
    /// smaller, and as large again. Every process sets address space aside for it, and the file has this length. On the
    /// disk the file takes no more than the capacity, if the file system has holes; only the index is sized for the
    /// maximum.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("c.samovar");
    /// let cache = samovar::Cache::options().capacity(1 << 20).max_capacity(4 << 20).open(&path)?;
    /// cache.resize(3 << 20)?;
    /// # Ok::<(), samovar::Error>(())
    /// ```
    pub fn max_capacity(mut self, bytes: u64) -> Self {
        self.max_capacity = Some(bytes);
        self
    }

    /// A capacity as a number of entries, at least 16, instead of bytes. The cache has room for exactly so many entries
    /// with keys and values of these lengths, header and padding included. The space that the engine keeps free comes
    /// out of it, so never more than `entries` are held. Use it to compare miss ratios with policies that count
    /// entries.
    pub fn capacity_entries(mut self, entries: u64, key_len: usize, value_len: usize) -> Self {
        let entry_bytes = entry::units_for(key_len as u64, value_len as u64, entry::Extras::NONE) * UNIT;
        self.size = Some(Size::Entries { entries, entry_bytes });
        self
    }

    /// What a new cache evicts when there is no more room. Default: [`Policy::S3Fifo`].
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The largest value that the cache takes, in bytes. Default: 1 MiB where the capacity is at least 64 MiB, else a
    /// sixty-fourth of the capacity. A larger one makes fewer shards, and so allows fewer writers at once. More than a
    /// quarter of a shard is refused. Entries above an eighteenth of a shard may be evicted while others would still
    /// fit.
    pub fn max_value_size(mut self, bytes: u64) -> Self {
        self.max_value_size = Some(bytes);
        self
    }

    /// Bytes that a typical entry takes: its key, its value, and 12 more (8 more for a TTL, and for a seal). Default:
    /// 96, which makes the index an eighth of the file. The index is sized by it. If it is too large, slots run out
    /// before the room does; if it is too small, the index is larger than needed.
    pub fn expected_entry_size(mut self, bytes: u64) -> Self {
        self.expected_entry_size = Some(bytes);
        self
    }

    /// Whether each entry of a new file has a seal: eight bytes, a keyed checksum over the entry and its place. It
    /// tells damage from what was set. Fixed at creation. Default: false, or true if [`verify`](Self::verify) or
    /// [`salvage`](Self::salvage) is asked for.
    pub fn seals(mut self, seals: bool) -> Self {
        self.seals = Some(seals);
        self
    }

    /// Whether every get of this handle checks the seal of its value. A value that was damaged on its way to the disk
    /// and back is then a miss, counted in [`Stats::damaged`](crate::Stats::damaged). Needs a file made with
    /// [`seals`](Self::seals). Default: false.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// let cache = samovar::Cache::options().capacity(1 << 20).verify(true).open(dir.path().join("c.samovar"))?;
    /// cache.set(b"k", b"v")?;
    /// assert_eq!(cache.get(b"k")?.as_deref(), Some(&b"v"[..]));
    /// # Ok::<(), samovar::Error>(())
    /// ```
    pub fn verify(mut self, verify: bool) -> Self {
        self.verify = verify;
        self
    }

    /// Whether the first opener after a power loss or a restart salvages the file instead of emptying it. That matters
    /// only if the file was written since its last flush. Needs a file with [`seals`](Self::seals); a new one gets
    /// them. Default: false.
    ///
    /// A salvage keeps every entry that is whole, in its place, and was its key's value at some time since the last
    /// flush. Nothing comes back that was replaced, removed, cleared or had expired before that flush. Writes *after*
    /// the flush may be there or not, key by key, in no order. Of two writes, the later may be kept and the earlier
    /// lost. So a value that was replaced or removed since the last flush may come back. Use salvage where that does no
    /// harm, and flush every few minutes. [`Attachment::salvaged`] tells what was kept.
    ///
    /// It reads the whole index and every entry there, and writes all that it keeps to the disk before it returns. It
    /// holds the entries of one shard in memory at a time. Other openers of the file wait meanwhile, and give up after
    /// ten seconds. If the process dies in the middle, the file is still cold, and at most the entries that it held in
    /// memory are lost. Three files are not salvaged: a copy of a file that was in use, one whose last sync failed, and
    /// one that was being deleted.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// let path = dir.path().join("sessions.samovar");
    /// let cache = samovar::Cache::options().capacity(16 << 20).salvage(true).open(&path)?;
    /// if let Some(salvaged) = cache.attachment().salvaged {
    ///     println!("the power went out: {salvaged}");
    /// }
    /// # Ok::<(), samovar::Error>(())
    /// ```
    pub fn salvage(mut self, salvage: bool) -> Self {
        self.salvage = salvage.then(Observer::nobody);
        self
    }

    /// As [`salvage(true)`](Self::salvage), with a progress report. During a salvage `tell` is called now and then with
    /// the number of index slots looked at so far, and the number of all slots.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("sessions.samovar");
    /// let options = samovar::Cache::options().capacity(16 << 20);
    /// let cache = options.salvage_telling(|done, of| eprintln!("{done} of {of}")).open(&path)?;
    /// # Ok::<(), samovar::Error>(())
    /// ```
    pub fn salvage_telling(mut self, tell: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        self.salvage = Some(Observer::new(tell));
        self
    }

    /// Attaches with a read-only mapping: only gets, which change nothing in the file. Needs only permission to read.
    pub fn read_only(mut self, read_only: bool) -> Self {
        self.read_only = read_only;
        self
    }

    /// Whether a missing file is made, given a capacity. Default: true.
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// How long a write waits for another writer of the same shard before it is refused. Default: one second.
    pub fn lock_timeout(mut self, lock_timeout: Duration) -> Self {
        self.lock_timeout = lock_timeout;
        self
    }

    /// The time within which a waiting write takes the lock over from a process that died. Default: 100 ms. A waiting
    /// write asks every tenth of it whether the owner lives. Reads never wait.
    pub fn owner_probe(mut self, owner_probe: Duration) -> Self {
        self.owner_probe = owner_probe;
        self
    }

    /// How long callers wait for a value that another one loads, before they load it too. See
    /// [`Cache::get_or_insert_with`]. Default: ten seconds. Make it longer than what a load usually takes.
    pub fn load_timeout(mut self, load_timeout: Duration) -> Self {
        self.load_timeout = load_timeout;
        self
    }

    /// Whether opening installs the process-wide fault guard. With it, a file that is cut short is an error of kind
    /// `Fault`; without it, the process dies. Default: true, where the platform has one; say false if the program
    /// handles `SIGBUS` itself. The guard stops working if another library replaces the handler later and does not pass
    /// other faults on.
    pub fn fault_guard(mut self, fault_guard: bool) -> Self {
        self.fault_guard = fault_guard;
        self
    }

    /// Whether a file is believed that belongs to another user. Default: false. Then a file that is there has to belong to the user
    /// as whom this process acts, or to root. And the path must not be a symbolic link in a folder where anybody may make one,
    /// such as `/tmp`. What else is there is refused (`ForeignOwner`): somebody may have put it there to be believed.
    ///
    /// Say true where several users share a cache, one of whom made it, and trust each other; or in a container that sees the
    /// owner under another number. Who may write the file can give false values to all who read it. On systems other
    /// than Unix no owner is asked for.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// let path = dir.path().join("shared.samovar");
    /// let cache = samovar::Cache::options().capacity(1 << 20).trust_owner(true).open(path)?;
    /// # Ok::<(), samovar::Error>(())
    /// ```
    pub fn trust_owner(mut self, trust_owner: bool) -> Self {
        self.owners = if trust_owner { Owners::All } else { Owners::OwnAndRoot };
        self
    }

    /// Whether opening waits until the system has made all pages of the cache ready, in huge pages of 2 MiB where it
    /// has them. Pages of a new file are made ready for writes, those of another file for reads. Default: false. Then
    /// each page is made ready at its first use, while that operation waits.
    ///
    /// If the file is larger than the processor's caches, gets and sets then take some two thirds of the time. No set
    /// waits for a new page to be cleared, which on a tmpfs takes longer than writing it. Opening a new file takes half
    /// a second for a GiB on a disk. On a tmpfs it takes three, since the system makes pages huge one after another.
    /// Opening another file reads what is not in memory. Set it in the process that makes the file: the pages stay huge
    /// for all. Only Linux has both (from 6.1; on ext4 from 6.16). Elsewhere the pages are made ready, or nothing is
    /// done.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// let cache = samovar::Cache::options().capacity(1 << 20).prefault(true).open(dir.path().join("c.samovar"))?;
    /// cache.set(b"k", b"v")?;
    /// # Ok::<(), samovar::Error>(())
    /// ```
    pub fn prefault(mut self, prefault: bool) -> Self {
        self.prefault = prefault;
        self
    }

    /// Opens the cache at `path`, making it first if it does not exist and a capacity was given.
    ///
    /// # Errors
    /// `NotFound` if there is no file, and no capacity to make one; `InvalidArgument` for an impossible size; `NoSpace`
    /// if the disk is too full; `TooManyProcesses`; `Busy` if another process opens or closes it and does not finish;
    /// `Untrusted` if a read-only handle would have to reset it. Of an existing file, which stays as it is:
    /// `NotRegularFile`, `ForeignOwner`, `RemoteFilesystem`, `ReadOnly`, `EmptyFile`, `NotACache`, `UnsupportedVersion`, `Corrupt`,
    /// `Truncated`, `CapacityMismatch`.
    pub fn open(self, path: impl AsRef<Path>) -> Result<Cache> {
        self.open_telling(path.as_ref(), None)
    }

    /// [`open`](Self::open) with a promise about the file: this handle then gives values in place as slices
    /// ([`Ref::as_slice`](crate::Ref::as_slice)). The caller promises that only this library writes the file, and that
    /// nobody cuts it while a slice lives. The engine promises that no process writes the bytes of a value while it is
    /// held in place. A promise is for one opening.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("images.samovar");
    /// use samovar::{Cache, TrustedWriters};
    ///
    /// // SAFETY: the file's directory belongs to this service, whose processes write it with this library alone, and which
    /// // removes its files but never cuts them.
    /// let promise = unsafe { TrustedWriters::promise() };
    /// let cache = Cache::options().capacity(1 << 20).open_trusting(&path, promise)?;
    /// cache.set(b"k", b"value")?;
    /// let held = cache.get_ref(b"k")?.unwrap();
    /// assert_eq!(held.as_slice(), Some(&b"value"[..]));
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_trusting(self, path: impl AsRef<Path>, promise: TrustedWriters) -> Result<Cache> {
        self.open_telling(path.as_ref(), Some(promise))
    }

    fn open_telling(self, path: &Path, promise: Option<TrustedWriters>) -> Result<Cache> {
        let opened = self.open_at(path, promise);
        match &opened {
            Ok(cache) => {
                let Attachment { created, warm, entries, .. } = cache.attachment();
                event::attached(Opening { path, created, warm, entries });
            }
            Err(error) => event::turned_away(path, error),
        }
        opened
    }

    fn open_at(self, path: &Path, promise: Option<TrustedWriters>) -> Result<Cache> {
        if self.fault_guard {
            guard_faults()?;
        }
        let access = if self.read_only { Access::ReadOnly } else { Access::ReadWrite };
        let mut created = false;
        for _ in 0..ATTEMPTS {
            let asked = Asked { size: self.size, max_capacity: self.max_capacity, owners: self.owners };
            match Attached::attach(path, access, asked, self.salvage.clone()) {
                Ok(attached) => return self.handle(attached, created, promise),
                Err(error) if error.kind() == ErrorKind::Replaced => {}
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Err(error) => match self.size {
                    Some(size) if self.create && !self.read_only => created |= self.make(path, size)?,
                    _ => return Err(missing(path, error)),
                },
            }
        }
        Err(Error::new(
            ErrorKind::Busy,
            format!("{} is removed as fast as it is made; stop the program that removes it", path.display()),
        ))
    }

    /// A handle on a file that was just attached to, and made before, if it is `created`.
    fn handle(&self, attached: Attached, created: bool, promise: Option<TrustedWriters>) -> Result<Cache> {
        if self.verify && !attached.header.sealed {
            return Err(unsealed(&attached.path));
        }
        if self.prefault {
            // The pages of an old file are made ready for reads alone, so that pages nobody writes need not go to the
            // disk again.
            // canary: prefault
            attached.prefault(if created { Access::ReadWrite } else { Access::ReadOnly })?;
        }
        let shards = attached.header.geometry.shards();
        Ok(Cache::new(Inner {
            attachment: Attachment::of(&attached, created, entries(&attached)?)?,
            waiting: Waiting::new(shards, self.lock_timeout, self.owner_probe),
            verify: self.verify,
            load_timeout: self.load_timeout,
            trust: promise.map(|promise| attached.trust(promise)),
            local: Local::default(),
            attached,
        }))
    }

    /// Makes the file; false if somebody was first.
    fn make(&self, path: &Path, size: Size) -> Result<bool> {
        let geometry =
            Geometry::plan(size, self.max_capacity, self.max_value_size, self.expected_entry_size)?
                .under(self.policy);
        creation::create(path, geometry, self.seals.unwrap_or(self.verify || self.salvage.is_some()))
    }
}

/// Where the platform has no guard there is nothing to install, and nothing is promised.
fn guard_faults() -> Result<()> {
    match samovar_mmap::install_fault_guard() {
        Err(error) if error.kind() == samovar_mmap::ErrorKind::Unsupported => Ok(()),
        done => Ok(done?),
    }
}

fn unsealed(path: &Path) -> Error {
    Error::new(
        ErrorKind::InvalidArgument,
        format!(
            "{} was made without seals; open it without verify, or make another with seals",
            path.display()
        ),
    )
}

fn missing(path: &Path, source: Error) -> Error {
    Error::with_source(
        ErrorKind::NotFound,
        format!("{} does not exist; give a capacity to make it", path.display()),
        source,
    )
}
