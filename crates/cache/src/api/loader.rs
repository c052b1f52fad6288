//! One loader at a time. A caller that finds no value for a key, or a stale one, learns whether it must load the value.
//! All other callers wait, or go on with what there is.
//!
//! Nothing is locked while a value is loaded. A [`Lease`] is a line in a table of the file, and any write of the key
//! strikes it out. See [`crate::shard::lease`].

use crate::api::handle::Cache;
use crate::api::ttl::Ttl;
use crate::error::{Error, Result};
use crate::file::clock::Clock;
use crate::file::counters::Counter;
use crate::format::entry::{Header, Terms};
use crate::format::hash::{KeyHash, NamespaceWord};
use crate::format::seal::Home;
use crate::read::reader::{Reader, Sink, Whole};
use crate::shard::lease::{Grant, Leases, Request, Ticket};
use crate::shard::log::Log;
use crate::write::item::Item;
use samovar_mmap::Origin;
use std::fmt;
use std::time::{Duration, Instant};

/// How long a waiter sleeps before it asks again whether the loader lives: at first, and at last.
const NAPS: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(20)];

/// What [`Cache::lookup`] found, and whose turn it is to load.
///
/// A caller that gets no lease has nothing to do. To wait for a value, call
/// [`get_or_insert_with`](Cache::get_or_insert_with).
#[derive(Debug)]
#[must_use = "a lease that is dropped lets others load"]
pub enum Lookup {
    /// The value.
    Fresh(Vec<u8>),
    /// The value, past its [soft limit](Ttl::stale_after); somebody is refreshing it, or nobody can just now.
    Stale(Vec<u8>),
    /// The value, past its soft limit, and it is the caller's to refresh.
    StaleYours(Vec<u8>, Lease),
    /// It is known that the key has no value: a loader found out.
    Absent,
    /// There is no value, and it is the caller's to load.
    MissingYours(Lease),
    /// There is no value, and somebody is loading it.
    MissingTaken,
}

/// What a loader found, and how long that holds.
///
/// ```
/// use samovar::{Loaded, Ttl};
///
/// let found = Loaded::value(b"Ada".to_vec(), Ttl::secs(60));
/// let none = Loaded::absent(Ttl::secs(5));
/// assert!(found != none);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    value: Option<Vec<u8>>,
    ttl: Ttl,
}

impl Loaded {
    /// The value.
    pub fn value(value: Vec<u8>, ttl: Ttl) -> Self {
        Loaded { value: Some(value), ttl }
    }

    /// There is none, which is worth remembering for this long.
    pub fn absent(ttl: Ttl) -> Self {
        Loaded { value: None, ttl }
    }
}

/// The right to load the value of a key, for one caller among all threads and processes.
///
/// It is over once the value is stored, the lease is dropped, or its process ends. It is also over once anybody writes
/// or removes the key, or clears the cache. If somebody else wants it, it is over
/// [`load_timeout`](crate::Options::load_timeout) after it was granted. A child that is forked meanwhile has a copy
/// that is void. A shard grants at most 64 leases at a time; if none is left, the lease is void from the start.
///
/// A lease keeps its cache open, and may be sent to another thread.
pub struct Lease {
    cache: Cache,
    key: Box<[u8]>,
    /// The key's hash when the load began: emptying its namespace changes it.
    hash: KeyHash,
    /// None if there was no room for a lease.
    ticket: Option<Ticket>,
    /// The epoch of the key's namespace when the load began. Emptying a namespace raises it, which voids all leases
    /// there.
    namespace: NamespaceWord,
    made: Origin,
}

impl Lease {
    /// The key whose value its holder loads.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Stores the value and returns true if the lease is still valid. Returns false and stores nothing if it was void:
    /// the key may have been written or removed after the value was read at its source.
    ///
    /// ```
    /// use samovar::{Lookup, Ttl};
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// let Lookup::MissingYours(lease) = cache.lookup(b"k")? else { unreachable!() };
    /// cache.remove(b"k")?;
    /// assert!(!lease.fulfil(b"from before the remove", Ttl::NEVER)?);
    /// assert_eq!(cache.get(b"k")?, None);
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`set_with`](Cache::set_with).
    pub fn fulfil(self, value: &[u8], ttl: Ttl) -> Result<bool> {
        self.redeem(value, ttl, Terms::default())
    }

    /// Stores that there is no value, for as long as `ttl` says; false if the lease was void. [`lookup`](Cache::lookup)
    /// and [`get_or_load`](Cache::get_or_load) tell it from a key that was never asked for. For all other calls there
    /// is no value.
    ///
    /// ```
    /// use samovar::{Lookup, Ttl};
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// let Lookup::MissingYours(lease) = cache.lookup(b"k")? else { unreachable!() };
    /// assert!(lease.fulfil_absent(Ttl::secs(60))?);
    /// assert!(matches!(cache.lookup(b"k")?, Lookup::Absent));
    /// assert_eq!(cache.get(b"k")?, None);
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`set_with`](Cache::set_with).
    pub fn fulfil_absent(self, ttl: Ttl) -> Result<bool> {
        self.redeem(&[], ttl, Terms { absent: true, ..Terms::default() })
    }

    fn redeem(self, value: &[u8], ttl: Ttl, terms: Terms) -> Result<bool> {
        let Some(ticket) = self.ticket.filter(|_| self.made.is_here()) else { return Ok(false) };
        let (cache, hash) = (&self.cache, self.hash);
        let stored = cache.refusable(|| {
            let clock = cache.clock();
            let terms = Terms { absent: terms.absent, ..ttl.terms(&clock)? };
            let fits = cache.check_value(&self.key, value, terms.extras());
            let redeemed = cache.write(hash, &clock, |writer| {
                let redeemed = Leases::of(cache.shard_of(hash)?).redeem(ticket)?
                    && writer.is_in(self.namespace)
                    && cache.hash(&self.key) == hash;
                if redeemed && fits.is_ok() {
                    writer.set(&Item { hash, key: &self.key, value, terms, version: None })?;
                } else if redeemed {
                    writer.remove(hash, &self.key)?;
                }
                Ok(redeemed)
            })?;
            fits.map(|()| redeemed)
        })?;
        if stored {
            cache.count_stored()?;
        }
        Ok(stored)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // canary: forked lease
        if let Some(ticket) = self.ticket.filter(|_| self.made.is_here()) {
            // What fails here ends with this process, or at the lease's deadline.
            let _ = self.cache.shard_of(self.hash).and_then(|shard| Leases::of(shard).release(ticket));
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("key", &self.key.escape_ascii().to_string()).finish_non_exhaustive()
    }
}

/// What one look at a key told.
enum KeyLook {
    Fresh(Vec<u8>),
    Stale(Vec<u8>, Option<Lease>),
    Absent,
    Missing(Turn),
}

/// Whose it is to load.
enum Turn {
    Ours(Lease),
    Theirs(Ticket),
}

/// What is stored for a key, whether or not a plain get would give it out.
enum Standing {
    Fresh(Vec<u8>),
    Stale(Vec<u8>),
    Absent,
    Missing,
}

/// What "there is no value" means to the caller.
#[derive(Clone, Copy, PartialEq)]
enum Absence {
    Answer,
    Miss,
}

/// The end of waiting: an answer, or a load to be done.
enum Resolved {
    Known(Option<Vec<u8>>),
    Load(Lease),
}

/// A whole entry, even if it says that there is no value.
#[derive(Default)]
struct AnyEntry(Whole);

impl Sink for AnyEntry {
    const TAKES_ABSENT: bool = true;

    fn take(&mut self, log: Log<'_>, offset: u64, header: Header) -> Result<()> {
        self.0.take(log, offset, header)
    }

    fn settle(&mut self, home: Home) {
        self.0.settle(home);
    }

    fn forget(&mut self) {
        self.0.forget();
    }
}

impl Cache {
    /// The value of `key`, and if it is missing or stale, whose turn it is to load it. It never waits for a loader.
    ///
    /// A value set with [`Ttl::stale_after`] is *stale* once its soft limit has passed. One caller is told to refresh
    /// it. All others get it as it is, until a new one is stored or its hard limit has passed as well.
    ///
    /// ```
    /// use samovar::{Lookup, Ttl};
    /// use std::time::Duration;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// # fn load() -> Vec<u8> { b"new".to_vec() }
    /// let ttl = Ttl::secs(600).stale_after(Duration::from_secs(60));
    /// let value = match cache.lookup(b"page")? {
    ///     Lookup::Fresh(value) | Lookup::Stale(value) => Some(value),
    ///     Lookup::StaleYours(value, lease) => {
    ///         // Nobody waits for the refresh, not even this caller.
    ///         std::thread::spawn(move || lease.fulfil(&load(), ttl));
    ///         Some(value)
    ///     }
    ///     Lookup::MissingYours(lease) => {
    ///         let value = load();
    ///         lease.fulfil(&value, ttl)?;
    ///         Some(value)
    ///     }
    ///     Lookup::Absent | Lookup::MissingTaken => None,
    /// };
    /// assert_eq!(value.as_deref(), Some(&b"new"[..]));
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`get`](Self::get), and, when a lease is free, as [`set_with`](Self::set_with).
    pub fn lookup(&self, key: &[u8]) -> Result<Lookup> {
        let look = self.look(key, Absence::Answer)?;
        let hit = matches!(look, KeyLook::Fresh(_) | KeyLook::Stale(..));
        self.count(if hit { Counter::Hits } else { Counter::Misses })?;
        Ok(match look {
            KeyLook::Fresh(value) => Lookup::Fresh(value),
            KeyLook::Stale(value, None) => Lookup::Stale(value),
            KeyLook::Stale(value, Some(lease)) => Lookup::StaleYours(value, lease),
            KeyLook::Absent => Lookup::Absent,
            KeyLook::Missing(Turn::Ours(lease)) => Lookup::MissingYours(lease),
            KeyLook::Missing(Turn::Theirs(_)) => Lookup::MissingTaken,
        })
    }

    /// The value of `key`; where there is none, the one that `load` makes, which is stored for `ttl`. However many threads
    /// and processes ask for the key at once, one of them loads, and the others wait for its value.
    ///
    /// Nothing is locked meanwhile. If the loader panics or dies, another caller loads. If it takes longer than
    /// [`load_timeout`](crate::Options::load_timeout), another one begins as well, and a caller that has waited that
    /// long loads for itself. A value whose key was written or removed while it was loaded is returned, but not stored.
    /// The same holds for a value that the cache refuses, and for one loaded while its shard had no lease left (it has
    /// 64). A [stale](Ttl::stale_after) value is given to everybody but the one who refreshes it. A `load` that asks
    /// for its own key waits for itself.
    ///
    /// ```
    /// use samovar::Ttl;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// let loaded = cache.get_or_insert_with(b"k", Ttl::secs(60), || b"value".to_vec())?;
    /// let cached = cache.get_or_insert_with(b"k", Ttl::secs(60), || unreachable!())?;
    /// assert_eq!(loaded, cached);
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`get`](Self::get), and, before anything is loaded, as [`set_with`](Self::set_with): `ReadOnly` for a read-only
    /// handle even if there is a value.
    pub fn get_or_insert_with(
        &self,
        key: &[u8],
        ttl: Ttl,
        load: impl FnOnce() -> Vec<u8>,
    ) -> Result<Vec<u8>> {
        self.get_or_try_insert_with(key, ttl, || Ok(load()))
    }

    /// As [`get_or_insert_with`](Self::get_or_insert_with), with a `load` that may fail: then its error is returned, nothing
    /// is stored, and the next waiting caller loads. The error may be of any type that the cache's own errors turn into.
    ///
    /// ```
    /// use samovar::{Cache, Ttl};
    /// use std::error::Error;
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar")).unwrap();
    /// fn page(cache: &Cache, path: &str) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    ///     cache.get_or_try_insert_with(path.as_bytes(), Ttl::secs(60), || Ok(std::fs::read(path)?))
    /// }
    /// assert!(page(&cache, "/no/such/page").is_err());
    /// assert!(page(&cache, file!()).is_ok() || !std::path::Path::new(file!()).exists());
    /// ```
    ///
    /// # Errors
    /// That of `load`; else as [`get_or_insert_with`](Self::get_or_insert_with).
    pub fn get_or_try_insert_with<E: From<Error>>(
        &self,
        key: &[u8],
        ttl: Ttl,
        load: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, E> {
        match self.resolve(key, Absence::Miss)? {
            Resolved::Known(value) => Ok(value.unwrap_or_default()),
            Resolved::Load(lease) => {
                let value = load()?;
                // A value that the cache refuses is a value; the refusal was counted.
                let _ = lease.fulfil(&value, ttl);
                Ok(value)
            }
        }
    }

    /// As [`get_or_try_insert_with`](Self::get_or_try_insert_with), with a `load` that may find that there is no value.
    /// It says how long either answer is good. That there is none is remembered, and told without loading again.
    ///
    /// ```
    /// use samovar::{Error, Loaded, Ttl};
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// let none = cache.get_or_load(b"user:9", || Ok::<_, Error>(Loaded::absent(Ttl::secs(10))))?;
    /// let still = cache.get_or_load::<Error>(b"user:9", || unreachable!("it is known"))?;
    /// assert_eq!((none, still), (None, None));
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`get_or_try_insert_with`](Self::get_or_try_insert_with).
    pub fn get_or_load<E: From<Error>>(
        &self,
        key: &[u8],
        load: impl FnOnce() -> Result<Loaded, E>,
    ) -> Result<Option<Vec<u8>>, E> {
        match self.resolve(key, Absence::Answer)? {
            Resolved::Known(value) => Ok(value),
            Resolved::Load(lease) => {
                let Loaded { value, ttl } = load()?;
                // As in `get_or_try_insert_with`.
                let _ = match &value {
                    Some(value) => lease.fulfil(value, ttl),
                    None => lease.fulfil_absent(ttl),
                };
                Ok(value)
            }
        }
    }

    /// Waits until there is an answer, or a load to be done.
    fn resolve(&self, key: &[u8], absence: Absence) -> Result<Resolved> {
        let resolved = self.wait_for(key, absence)?;
        let hit = matches!(resolved, Resolved::Known(Some(_)));
        self.count(if hit { Counter::Hits } else { Counter::Misses })?;
        Ok(resolved)
    }

    fn wait_for(&self, key: &[u8], absence: Absence) -> Result<Resolved> {
        let began = Instant::now();
        let [mut nap, longest] = NAPS;
        loop {
            let ticket = match self.look(key, absence)? {
                KeyLook::Fresh(value) | KeyLook::Stale(value, None) => {
                    return Ok(Resolved::Known(Some(value)));
                }
                KeyLook::Absent => return Ok(Resolved::Known(None)),
                KeyLook::Stale(_, Some(lease)) | KeyLook::Missing(Turn::Ours(lease)) => {
                    return Ok(Resolved::Load(lease));
                }
                KeyLook::Missing(Turn::Theirs(ticket)) => ticket,
            };
            let left = self.inner.load_timeout.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Ok(Resolved::Load(self.lease(key, self.hash(key), None)));
            }
            Leases::of(self.shard_of(self.hash(key))?).wait(ticket, nap.min(left))?;
            nap = (nap * 2).min(longest);
        }
    }

    /// Looks without the lock, and then with it only if a lease may be free.
    fn look(&self, key: &[u8], absence: Absence) -> Result<KeyLook> {
        self.check_writable(key)?;
        let clock = self.clock();
        let stale = match self.standing(&self.reader(key)?, &clock, absence)? {
            Standing::Fresh(value) => return Ok(KeyLook::Fresh(value)),
            Standing::Absent => return Ok(KeyLook::Absent),
            Standing::Stale(value) => Some(value),
            Standing::Missing => None,
        };
        self.believe()?;
        let hash = self.hash(key);
        let leases = Leases::of(self.shard_of(hash)?);
        match (leases.holder(hash, clock.now_ms(), |owner| self.inner.attached.is_dead(owner))?, stale) {
            (Some(_), Some(value)) => Ok(KeyLook::Stale(value, None)),
            (Some(ticket), None) => Ok(KeyLook::Missing(Turn::Theirs(ticket))),
            (None, _) => self.refusable(|| self.look_held(key, hash, absence)),
        }
    }

    /// One critical section decides what there is, and whose it is to load.
    fn look_held(&self, key: &[u8], hash: KeyHash, absence: Absence) -> Result<KeyLook> {
        let owner = self.inner.attached.owner()?;
        let leases = Leases::of(self.shard_of(hash)?);
        self.write(hash, &self.clock(), |_| {
            let clock = self.clock();
            let stale = match self.standing(&self.glimpse(key)?, &clock, absence)? {
                Standing::Fresh(value) => return Ok(KeyLook::Fresh(value)),
                Standing::Absent => return Ok(KeyLook::Absent),
                Standing::Stale(value) => Some(value),
                Standing::Missing => None,
            };
            let now_ms = clock.now_ms();
            let lock_timeout_ms = u64::try_from(self.inner.load_timeout.as_millis()).unwrap_or(u64::MAX);
            let request =
                Request { hash, owner, now_ms, deadline_ms: now_ms.saturating_add(lock_timeout_ms) };
            // canary: dead loader
            let grant = leases.grant(request, |owner| self.inner.attached.is_dead(owner))?;
            Ok(match (grant, stale) {
                (Grant::Yours(ticket), Some(value)) => {
                    KeyLook::Stale(value, Some(self.lease(key, hash, Some(ticket))))
                }
                (Grant::Taken(_) | Grant::Full, Some(value)) => KeyLook::Stale(value, None),
                (Grant::Yours(ticket), None) => {
                    KeyLook::Missing(Turn::Ours(self.lease(key, hash, Some(ticket))))
                }
                (Grant::Taken(ticket), None) => KeyLook::Missing(Turn::Theirs(ticket)),
                (Grant::Full, None) => KeyLook::Missing(Turn::Ours(self.lease(key, hash, None))),
            })
        })
    }

    fn lease(&self, key: &[u8], hash: KeyHash, ticket: Option<Ticket>) -> Lease {
        let namespace = self.present();
        Lease { cache: self.clone(), key: key.into(), hash, ticket, namespace, made: Origin::here() }
    }

    /// What is stored for the reader's key. Where seals are checked, an entry without a right one does not count.
    fn standing(&self, reader: &Reader<'_, '_>, clock: &Clock<'_>, absence: Absence) -> Result<Standing> {
        let mut found = AnyEntry::default();
        if !reader.get(|| clock.now_ms(), &mut found)? {
            return Ok(Standing::Missing);
        }
        let AnyEntry(whole) = found;
        if self.inner.verify && !whole.is_whole(reader.shard, reader.key) {
            self.count(Counter::Damaged)?;
            return Ok(Standing::Missing);
        }
        let terms = whole.preface.map(|preface| preface.terms).unwrap_or_default();
        Ok(match terms {
            Terms { absent: true, .. } if absence == Absence::Answer => Standing::Absent,
            Terms { absent: true, .. } => Standing::Missing,
            Terms { stale_ms: Some(stale_ms), .. } if stale_ms <= clock.now_ms() => {
                Standing::Stale(whole.value)
            }
            _ => Standing::Fresh(whole.value),
        })
    }
}
