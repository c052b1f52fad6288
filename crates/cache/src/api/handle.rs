//! A handle on an open cache: what every operation is built on.

use crate::api::attachment::Attachment;
use crate::error::{Error, ErrorKind, Result};
use crate::file::clock::Clock;
use crate::file::counters::Local;
use crate::file::namespace::{NamespaceId, Table};
use crate::format::entry::{Extras, MAX_KEY_LEN, units_for};
use crate::format::hash::{KeyHash, NamespaceWord};
use crate::format::position::UNIT;
use crate::open::attached::Attached;
use crate::shard::lock::Waiting;
use crate::shard::view::Shard;
use samovar_mmap::TrustedMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A cache in a file, shared by every process that opens it.
///
/// Clones are handles on the same opening. Gets take no lock and never wait; writes of one shard take turns. Whatever
/// happens to a process, the next one finds every write that was acknowledged, unless it was evicted, expired, removed
/// or replaced since.
///
/// ```
/// use samovar::{Cache, Ttl};
///
/// # let dir = tempfile::tempdir().unwrap();
/// # let path = dir.path().join("sessions.samovar");
/// let cache = Cache::options().capacity(64 << 20).open(&path)?;
/// cache.set(b"user:1", b"Ada")?;
/// cache.set_with(b"token:1", b"secret", Ttl::secs(30))?;
/// assert_eq!(cache.get(b"user:1")?.as_deref(), Some(&b"Ada"[..]));
/// assert!(cache.remove(b"user:1")?);
/// assert_eq!(cache.get(b"user:1")?, None);
/// cache.close()?;
/// # Ok::<(), samovar::Error>(())
/// ```
#[derive(Clone)]
pub struct Cache {
    pub(crate) inner: Arc<Inner>,
    /// The namespace that this handle is on.
    pub(crate) namespace: NamespaceId,
}

pub(crate) struct Inner {
    pub(crate) attached: Attached,
    pub(crate) attachment: Attachment,
    pub(crate) waiting: Waiting,
    /// Gets check the seals of what they find.
    pub(crate) verify: bool,
    /// How long a load may take, and who waits for one waits.
    pub(crate) load_timeout: Duration,
    /// The promise of this handle's user, if there is one, by which it gives slices.
    pub(crate) trust: Option<TrustedMap>,
    /// What a read-only handle counts.
    pub(crate) local: Local,
}

impl Cache {
    pub(crate) fn new(inner: Inner) -> Self {
        Cache { inner: Arc::new(inner), namespace: NamespaceId::default() }
    }

    /// What opening found: a new file, a warm one, or one that had to be emptied, and why.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let path = dir.path().join("c.samovar");
    /// let cache = samovar::Cache::options().capacity(1 << 20).open(&path)?;
    /// assert!(cache.attachment().created);
    /// # Ok::<(), samovar::Error>(())
    /// ```
    pub fn attachment(&self) -> Attachment {
        self.inner.attachment.clone()
    }

    #[inline]
    pub(crate) fn hash(&self, key: &[u8]) -> KeyHash {
        let seed = self.inner.attached.header.hash_seed;
        if self.namespace == NamespaceId::default() {
            return KeyHash::of(key, seed);
        }
        KeyHash::within(self.present(), key, seed)
    }

    pub(crate) fn table(&self) -> Table<'_> {
        Table::new(self.inner.attached.view())
    }

    /// The namespace of this handle in its present epoch; once it was removed, in one that it never has.
    pub(crate) fn present(&self) -> NamespaceWord {
        let never = NamespaceWord::new(self.namespace.number, u64::MAX);
        self.table().present(self.namespace).unwrap_or(never)
    }

    #[inline]
    pub(crate) fn shard_number(&self, hash: KeyHash) -> u64 {
        hash.shard(self.inner.attached.header.geometry.shard_bits)
    }

    #[inline(always)]
    pub(crate) fn shard_of(&self, hash: KeyHash) -> Result<Shard<'_>> {
        self.inner.attached.shard(self.shard_number(hash))
    }

    #[inline]
    pub(crate) fn clock(&self) -> Clock<'_> {
        self.inner.attached.clock()
    }

    /// Are the bytes that were read since the last call those of the file?
    #[inline]
    pub(crate) fn believe(&self) -> Result<()> {
        self.inner.attached.believe()
    }

    pub(crate) fn check_writable(&self, key: &[u8]) -> Result<()> {
        if self.inner.attached.is_writer() { check_key(key) } else { Err(read_only()) }
    }

    #[inline]
    pub(crate) fn check_value(&self, key: &[u8], value: &[u8], extras: Extras) -> Result<()> {
        let (len, geometry) = (value.len() as u64, &self.inner.attached.header.geometry);
        let units = units_for(key.len() as u64, len, Extras::ALL);
        if len <= geometry.max_value_size && units <= geometry.promised_units() {
            return Ok(());
        }
        self.check_value_exactly(key, value, extras)
    }

    #[cold]
    fn check_value_exactly(&self, key: &[u8], value: &[u8], extras: Extras) -> Result<()> {
        let extras =
            if self.namespace == NamespaceId::default() { extras } else { extras.with(Extras::NAMESPACE) };
        let geometry = &self.inner.attached.header.geometry;
        let (largest, len) = (geometry.max_value_size, value.len() as u64);
        if len > largest {
            return Err(Error::new(
                ErrorKind::ValueTooLarge,
                format!(
                    "a value of {len} bytes is above this cache's largest of {largest}; see max_value_size"
                ),
            ));
        }
        let extras = extras.with(if self.inner.attached.header.sealed { Extras::SEAL } else { Extras::NONE });
        let units = units_for(key.len() as u64, len, extras);
        if units <= geometry.promised_units() {
            return Ok(());
        }
        let most = geometry.max_entry_units(self.shard_of(self.hash(key))?.bounds().aim());
        if units > most {
            let room = most * UNIT;
            return Err(Error::new(
                ErrorKind::ValueTooLarge,
                format!(
                    "the key and its value need more than the {room} bytes that a shard takes; raise the capacity"
                ),
            ));
        }
        Ok(())
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = &self.inner.attached.header;
        f.debug_struct("Cache").field("uuid", &header.uuid).field("geometry", &header.geometry).finish()
    }
}

#[inline(always)]
pub(crate) fn check_key(key: &[u8]) -> Result<()> {
    if key.len() <= MAX_KEY_LEN { Ok(()) } else { Err(too_long(key.len())) }
}

#[cold]
fn too_long(len: usize) -> Error {
    Error::new(
        ErrorKind::KeyTooLong,
        format!("a key of {len} bytes is above the limit of {MAX_KEY_LEN}; hash long keys"),
    )
}

#[cold]
pub(crate) fn read_only() -> Error {
    Error::new(ErrorKind::ReadOnly, "this handle is read-only; open the cache without read_only to write")
}
