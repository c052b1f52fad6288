//! Values in place: a get that copies nothing, and holds the value where it lies for as long as its guard lives.

use crate::api::handle::{Cache, check_key, read_only};
use crate::error::{Error, ErrorKind, Result};
use crate::file::clock::Clock;
use crate::file::counters::Counter;
use crate::format::entry::Header;
use crate::format::ring::Span;
use crate::read::reader::{Reader, Sink};
use crate::shard::log::Log;
use crate::shard::pin::{self, Pin, Pins};
use crate::shard::view::Shard;
use samovar_mmap::{Origin, View};
use std::fmt;

/// Tries before a get gives up on a key that is rewritten faster than it can be pinned.
const RETRIES: u32 = 64;

/// A value of a cache, held in place; got by [`Cache::get_ref`].
///
/// As long as it lives, the value's bytes stay as they were when it was got, whatever becomes of the key: eviction goes
/// around them. Every other process can write the file, and a faulty one may write these bytes too. So they are only
/// copied out, unless there is a promise. The cache's opener gives one for [`as_slice`](Self::as_slice); the caller
/// gives one for a slice of [`view`](Self::view).
///
/// A guard that lives across a fork belongs to the parent: the child's copy releases nothing, and panics when it is used.
/// One that is leaked (`std::mem::forget`) holds its bytes until its process ends.
pub struct Ref<'c> {
    cache: &'c Cache,
    pins: Pins<'c>,
    pin: Pin,
    value: Option<View<'c>>,
    made: Origin,
}

/// Where an entry lies.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Spot {
    offset: u64,
    header: Header,
}

impl Spot {
    fn span(self) -> Span {
        Span::of(self.offset, self.header.units())
    }
}

/// A get that only asks where the entry lies.
#[derive(Default)]
struct Locate(Option<Spot>);

impl Sink for Locate {
    fn take(&mut self, _: Log<'_>, offset: u64, header: Header) -> Result<()> {
        self.0 = Some(Spot { offset, header });
        Ok(())
    }

    fn forget(&mut self) {
        self.0 = None;
    }
}

fn locate(reader: &Reader<'_, '_>, clock: &Clock<'_>) -> Result<Option<Spot>> {
    let mut found = Locate::default();
    reader.get(|| clock.now_ms(), &mut found)?;
    Ok(found.0)
}

impl Cache {
    /// The value of `key`, held where it lies; none if there is none. The cost does not depend on the length of the
    /// value.
    ///
    /// A part of the cache (a *shard*) has 16 pins, and at most a quarter of its bytes may be pinned at a time. Beyond
    /// that, use [`get`](Self::get). Nobody waits for a pin: writers go around it, and a value that is replaced lies
    /// elsewhere then. Only if no stretch between the pins is long enough is a write refused.
    ///
    /// It never checks the seal, even with [`verify`](crate::Options::verify), since that means to read the whole
    /// value.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set(b"k", b"first")?;
    /// let held = cache.get_ref(b"k")?.unwrap();
    /// cache.set(b"k", b"second")?;
    /// assert_eq!((held.len(), held.to_vec()?), (5, b"first".to_vec()));
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Pinned` if no pin is free; `ReadOnly` for a read-only handle, which has none; else as [`get`](Self::get).
    pub fn get_ref(&self, key: &[u8]) -> Result<Option<Ref<'_>>> {
        check_key(key)?;
        if !self.inner.attached.is_writer() {
            return Err(read_only());
        }
        let found = self.pin(key)?;
        self.count(if found.is_some() { Counter::Hits } else { Counter::Misses })?;
        Ok(found)
    }

    fn pin(&self, key: &[u8]) -> Result<Option<Ref<'_>>> {
        let clock = self.clock();
        let (glimpse, reader) = (self.glimpse(key)?, self.reader(key)?);
        let Some(mut spot) = locate(&glimpse, &clock)? else { return Ok(None) };
        let mut guard = self.claim(Pins::of(reader.shard))?;
        for _ in 0..RETRIES {
            guard.pins.hold(guard.pin, spot.span())?;
            if self.is_too_much_pinned(&reader.shard)? {
                guard.pins.refused();
                return Err(pin::refusal());
            }
            // The entry that it finds now was there when the pin was already visible.
            // canary: pinned late
            let Some(now) = locate(&reader, &clock)? else { return Ok(None) };
            if now == spot {
                self.believe()?;
                guard.value = Some(self.value_at(&reader, spot)?);
                return Ok(Some(guard));
            }
            spot = now;
        }
        Err(Error::new(ErrorKind::Busy, "the key was rewritten faster than it could be pinned; try again"))
    }

    /// Do living processes hold more of a shard in place than they may?
    fn is_too_much_pinned(&self, shard: &Shard<'_>) -> Result<bool> {
        let (pins, most) = (Pins::of(*shard), shard.geometry.max_entry_units(shard.bounds().aim()));
        if pins.units()? <= most {
            return Ok(false);
        }
        // canary: dead pins
        pins.free_dead(&|owner| self.inner.attached.is_dead(owner))?;
        Ok(pins.units()? > most)
    }

    /// A pin that holds nothing yet.
    fn claim<'c>(&'c self, pins: Pins<'c>) -> Result<Ref<'c>> {
        let owner = self.inner.attached.owner()?;
        let Some(pin) = pins.claim(owner, &|owner| self.inner.attached.is_dead(owner))? else {
            pins.refused();
            return Err(pin::refusal());
        };
        Ok(Ref { cache: self, pins, pin, value: None, made: Origin::here() })
    }

    fn value_at<'c>(&'c self, reader: &Reader<'c, '_>, spot: Spot) -> Result<View<'c>> {
        reader.shard.log.window(spot.offset, spot.header)
    }
}

impl Ref<'_> {
    /// The value's bytes as a read-only window of the map. A caller who can promise that only the cache writes the file
    /// gets a slice of them by [`View::as_slice`].
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set(b"k", b"value")?;
    /// let held = cache.get_ref(b"k")?.unwrap();
    /// assert!(held.view().equals(0, b"value").unwrap());
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Panics
    /// In a child that was forked since the value was got, as all methods do.
    pub fn view(&self) -> View<'_> {
        assert!(
            self.made.is_here(),
            "a pinned value belongs to the process that got it, not to its forked child"
        );
        self.value.expect("a guard that was handed out has its value")
    }

    /// The value's bytes as a slice, if the cache was opened by a promise ([`open_trusting`](crate::Options::open_trusting));
    /// else none.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set(b"k", b"value")?;
    /// let held = cache.get_ref(b"k")?.unwrap();
    /// // Without a copy where it can be had, with one where not.
    /// let value = held.as_slice().map_or_else(|| held.to_vec().map(Into::into), |slice| Ok(std::borrow::Cow::from(slice)))?;
    /// assert_eq!(&value[..], b"value");
    /// # Ok::<(), samovar::Error>(())
    /// ```
    pub fn as_slice(&self) -> Option<&[u8]> {
        self.cache.inner.trust.and_then(|trust| self.view().trusted_slice(trust).ok())
    }

    /// Bytes of the value.
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// Whether the value has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies the value's bytes from `offset` on to `out`, as many as there are and fit; how many those were.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set(b"k", b"value")?;
    /// let mut tail = [0; 8];
    /// assert_eq!(cache.get_ref(b"k")?.unwrap().copy_at(2, &mut tail)?, 3);
    /// assert_eq!(&tail[..3], b"lue");
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Fault` if the file was cut short.
    pub fn copy_at(&self, offset: usize, out: &mut [u8]) -> Result<usize> {
        let view = self.view();
        let len = view.len().saturating_sub(offset).min(out.len());
        view.read_into(offset.min(view.len()), &mut out[..len])?;
        self.cache.believe()?;
        Ok(len)
    }

    /// Copies the value to `out`, as much as fits; how many bytes that were.
    ///
    /// # Errors
    /// As [`copy_at`](Self::copy_at).
    pub fn copy_to(&self, out: &mut [u8]) -> Result<usize> {
        self.copy_at(0, out)
    }

    /// The value, copied.
    ///
    /// # Errors
    /// As [`copy_at`](Self::copy_at).
    pub fn to_vec(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.view().append_to(0, self.len(), &mut out)?;
        self.cache.believe()?;
        Ok(out)
    }

    /// The value in pieces of `len` bytes, each copied when it is asked for. The last one may be shorter.
    ///
    /// ```
    /// # let dir = tempfile::tempdir().unwrap();
    /// # let cache = samovar::Cache::options().capacity(1 << 20).open(dir.path().join("c.samovar"))?;
    /// cache.set(b"k", b"value")?;
    /// let pieces: Result<Vec<_>, _> = cache.get_ref(b"k")?.unwrap().chunks(2).collect();
    /// assert_eq!(pieces?, [b"va".to_vec(), b"lu".to_vec(), b"e".to_vec()]);
    /// # Ok::<(), samovar::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `len` is 0.
    pub fn chunks(&self, len: usize) -> Chunks<'_> {
        assert!(len > 0, "chunks have at least one byte");
        Chunks { value: self, at: 0, len }
    }
}

impl Drop for Ref<'_> {
    fn drop(&mut self) {
        // canary: forked pin
        if self.made.is_here() {
            // What fails here ends with this process.
            let _ = self.pins.release(self.pin);
        }
    }
}

impl fmt::Debug for Ref<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ref").field("len", &self.value.map(View::len)).finish_non_exhaustive()
    }
}

/// The pieces of a pinned value; made by [`Ref::chunks`].
#[derive(Debug)]
pub struct Chunks<'r> {
    value: &'r Ref<'r>,
    at: usize,
    len: usize,
}

impl Iterator for Chunks<'_> {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        let left = self.value.len().saturating_sub(self.at);
        let mut piece = vec![0; left.min(self.len)];
        let at = self.at;
        self.at += piece.len();
        (left > 0).then(|| self.value.copy_at(at, &mut piece).map(|_| piece))
    }
}
