//! Namespaces as users see them: a handle each, with every operation of a cache, and statistics of their own.

use crate::api::handle::{Cache, read_only};
use crate::error::{Error, ErrorKind, Result};
use crate::file::namespace::{MAX_NAME_LEN, NAMESPACE_COUNTERS, Record, Table};
use crate::format::position::UNIT;
use std::fmt;
use std::ops::Deref;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A part of a cache with keys of its own, which can be limited, counted and emptied by itself.
///
/// It is a handle, as cheap to clone as a [`Cache`], with every operation of one. `get`, `set`, `incr`, `iter` and the
/// rest work on the keys of this namespace. [`flush`](Cache::flush), [`check`](Cache::check) and [`Cache::stats`] work
/// on the whole file, on any handle. A handle whose namespace was removed finds nothing, and its writes are errors of
/// kind `NoNamespace`.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// let cache = samovar::Cache::options().capacity(16 << 20).open(dir.path().join("c.samovar"))?;
/// let sessions = cache.create_namespace("sessions", None)?;
/// sessions.set(b"7", b"Ada")?;
/// assert_eq!(sessions.get(b"7")?.as_deref(), Some(&b"Ada"[..]));
/// assert_eq!(cache.get(b"7")?, None);
/// sessions.clear()?;
/// assert_eq!(sessions.get(b"7")?, None);
/// # Ok::<(), samovar::Error>(())
/// ```
#[derive(Clone)]
pub struct Namespace {
    cache: Cache,
    name: String,
}

/// What a namespace has done and holds, over all processes; as [`Stats`](crate::Stats) for a whole cache.
///
/// ```
/// # let dir = tempfile::tempdir().unwrap();
/// # let cache = samovar::Cache::options().capacity(16 << 20).open(dir.path().join("c.samovar"))?;
/// let pages = cache.create_namespace("pages", Some(1 << 20))?;
/// pages.set(b"/", b"<h1>Tea</h1>")?;
/// pages.get(b"/")?;
/// let stats = pages.stats()?;
/// assert_eq!((&stats.name[..], stats.entries, stats.sets, stats.hits), ("pages", 1, 1, 1));
/// # Ok::<(), samovar::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamespaceStats {
    /// Its name.
    pub name: String,
    /// Bytes that its entries may take; none if only the cache limits it.
    pub limit: Option<u64>,
    /// When it was made.
    pub created: SystemTime,
    /// Times that its number was emptied, by this name or an earlier one.
    pub epoch: u64,
    /// Entries held now.
    pub entries: u64,
    /// Bytes that they take, headers and padding included. The limit holds for this number.
    pub bytes: u64,
    /// Bytes of their keys and values.
    pub live_bytes: u64,
    /// Gets that found a value.
    pub hits: u64,
    /// Gets that found none.
    pub misses: u64,
    /// Values stored.
    pub sets: u64,
    /// Keys removed that were there.
    pub removes: u64,
    /// Entries that had to go to make room, or to stay within the limit.
    pub evictions: u64,
}

impl Cache {
    /// The namespace of this name, made if there is none. If there is one, its limit becomes `limit`.
    ///
    /// A limit is in bytes, headers and padding included. It is cut into equal shares, one for each part of the cache
    /// (a *shard*, some 8 MiB). It holds in each shard at any time: a set first evicts entries of the same namespace
    /// there, those not read lately before others. Only an entry that is larger than a share is stored all the same,
    /// and then is the only one in its shard. A set that evicts this way searches the shard's index, which takes longer
    /// the fewer entries the namespace has. After a limit was lowered, the entries above it go with the next sets, or
    /// when their ring's tail reaches them.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(16 << 20).open(dir.path().join("c.samovar"))?;
    /// let small = cache.create_namespace("small", Some(4096))?;
    /// for number in 0u32..1000 {
    ///     small.set(&number.to_le_bytes(), &[7; 100])?;
    /// }
    /// assert!(small.stats()?.bytes <= 4096);
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// `InvalidArgument` for a name that is empty or longer than 39 bytes, or a limit of 0; `TooManyNamespaces` if there are 64;
    /// `ReadOnly`; `Busy`, `OwnerStopped`, `Fault` as for [`set_with`](Self::set_with).
    pub fn create_namespace(&self, name: &str, limit: Option<u64>) -> Result<Namespace> {
        check_name(name)?;
        if limit == Some(0) {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                "a limit of 0 bytes holds nothing; name more, or none",
            ));
        }
        let limit = limit.unwrap_or(0);
        let namespace = self.change_table(|table| match find(table, name)? {
            Some(known) => {
                if known.limit != limit {
                    table.set_limit(known.namespace.number, limit)?;
                }
                Ok(known.namespace)
            }
            None => table.create(name, limit, |number| self.reset_counters(number)),
        })?;
        let cache = Cache { namespace, ..self.clone() };
        Ok(Namespace { cache, name: name.to_owned() })
    }

    /// The namespace of this name.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(16 << 20).open(dir.path().join("c.samovar"))?;
    /// assert_eq!(cache.namespace("pages").unwrap_err().kind(), samovar::ErrorKind::NoNamespace);
    /// cache.create_namespace("pages", None)?;
    /// assert_eq!(cache.namespace("pages")?.name(), "pages");
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NoNamespace` if there is none; `Fault` if the file was cut short.
    pub fn namespace(&self, name: &str) -> Result<Namespace> {
        let found = find(self.table(), name)?;
        self.believe()?;
        let Some(record) = found else { return Err(unknown(name)) };
        let cache = Cache { namespace: record.namespace, ..self.clone() };
        Ok(Namespace { cache, name: record.name })
    }

    /// All namespaces, and what they hold.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(16 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.create_namespace("pages", None)?;
    /// let names: Vec<_> = cache.namespaces()?.into_iter().map(|stats| stats.name).collect();
    /// assert_eq!(names, ["pages"]);
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Fault` if the file was cut short.
    pub fn namespaces(&self) -> Result<Vec<NamespaceStats>> {
        let records = self.table().records()?;
        let stats = records.into_iter().map(|record| self.stats_of(record)).collect::<Result<_>>()?;
        self.believe()?;
        Ok(stats)
    }

    /// Empties a namespace and forgets its name; false if there was none. Handles on it find nothing from then on.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(16 << 20).open(dir.path().join("c.samovar"))?;
    /// let pages = cache.create_namespace("pages", None)?;
    /// assert!(cache.remove_namespace("pages")? && !cache.remove_namespace("pages")?);
    /// assert_eq!(pages.set(b"k", b"v").unwrap_err().kind(), samovar::ErrorKind::NoNamespace);
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`create_namespace`](Self::create_namespace).
    pub fn remove_namespace(&self, name: &str) -> Result<bool> {
        self.change_table(|table| {
            let Some(record) = find(table, name)? else { return Ok(false) };
            table.remove(record.namespace).map(|()| true)
        })
    }

    /// Does something to the table. Its lock is that of shard 0, so that a flush also waits for changes of the table.
    fn change_table<T>(&self, act: impl FnOnce(Table<'_>) -> Result<T>) -> Result<T> {
        self.refusable(|| {
            if !self.inner.attached.is_writer() {
                return Err(read_only());
            }
            let shard = self.inner.attached.shard(0)?;
            let _locked = self.lock_to_write(&shard)?;
            let done = act(self.table())?;
            self.believe()?;
            Ok(done)
        })
    }

    /// Empties the namespace of this handle.
    pub(crate) fn clear_namespace(&self) -> Result<()> {
        self.change_table(|table| {
            table.present(self.namespace)?;
            table.raise(self.namespace.number)
        })
    }

    fn reset_counters(&self, number: u64) -> Result<()> {
        self.numbers()
            .try_for_each(|shard| self.inner.attached.shard(shard)?.accounts().reset_counters(number))
    }

    fn numbers(&self) -> std::ops::Range<u64> {
        0..self.inner.attached.header.geometry.shards()
    }

    fn stats_of(&self, record: Record) -> Result<NamespaceStats> {
        let (number, mut units, mut entries, mut live_bytes) = (record.namespace.number, 0u64, 0u64, 0u64);
        let mut sums = [0u64; NAMESPACE_COUNTERS];
        for shard in self.numbers() {
            let accounts = self.inner.attached.shard(shard)?.accounts();
            let account = accounts.load(number)?;
            if account.epoch == record.epoch {
                units = units.saturating_add(account.units());
                entries = entries.saturating_add(account.entries());
                live_bytes = live_bytes.saturating_add(account.payload);
            }
            for (sum, more) in sums.iter_mut().zip(accounts.counters(number)?) {
                *sum = sum.saturating_add(more);
            }
        }
        let [hits, misses, sets, removes, evictions] = sums;
        Ok(NamespaceStats {
            name: record.name,
            limit: (record.limit != 0).then_some(record.limit),
            created: UNIX_EPOCH + Duration::from_millis(record.created_ms),
            epoch: record.epoch,
            entries,
            bytes: units.saturating_mul(UNIT),
            live_bytes,
            hits,
            misses,
            sets,
            removes,
            evictions,
        })
    }
}

impl Namespace {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Forgets everything in this namespace at once, however much that is. A get that begins after this returned, in
    /// any process, finds nothing that was set before. The bytes count as free, and are overwritten by and by.
    ///
    /// # Errors
    /// `NoNamespace` if it was removed; else as [`Cache::create_namespace`].
    pub fn clear(&self) -> Result<()> {
        self.cache.clear_namespace()
    }

    /// What this namespace has done and holds.
    ///
    /// # Errors
    /// `NoNamespace` if it was removed; `Fault` if the file was cut short.
    pub fn stats(&self) -> Result<NamespaceStats> {
        let record = self.cache.table().record(self.cache.namespace.number)?;
        let record = record.filter(|record| record.namespace == self.cache.namespace);
        let stats = self.cache.stats_of(record.ok_or_else(|| unknown(&self.name))?)?;
        self.cache.believe()?;
        Ok(stats)
    }
}

impl Deref for Namespace {
    type Target = Cache;

    fn deref(&self) -> &Cache {
        &self.cache
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Namespace").field("name", &self.name).field("cache", &self.cache).finish()
    }
}

fn find(table: Table<'_>, name: &str) -> Result<Option<Record>> {
    Ok(table.records()?.into_iter().find(|record| record.name == name))
}

fn check_name(name: &str) -> Result<()> {
    if (1..=MAX_NAME_LEN).contains(&name.len()) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidArgument,
        format!("a namespace's name has 1 to {MAX_NAME_LEN} bytes, not {}; choose another", name.len()),
    ))
}

#[cold]
fn unknown(name: &str) -> Error {
    Error::new(ErrorKind::NoNamespace, format!("the cache has no namespace {name:?}; create it first"))
}
