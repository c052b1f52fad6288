//! The bytes of a shard's two rings, by units from the start of its data area. They are only ever accessed as bytes.

use crate::error::Result;
use crate::file::area::Area;
use crate::format::entry::{self, Extras, Header, KeyValue, MAX_PREFACE, Mark, Preface};
use crate::format::hash::{KeyHash, NamespaceWord};
use crate::format::layout::bytes_of;
use samovar_mmap::View;

/// Keys up to these lengths are hashed without an allocation, from a buffer that is cleared first: so a short key takes
/// a short one.
const SHORT_KEY: usize = 32;
const LONGER_KEY: usize = 256;

/// Values from this length on, in files from that length on, are written past the processor's caches.
const STREAMED: usize = 16 << 10;
const OUT_OF_CACHES: usize = 128 << 20;

/// The data area of one shard.
#[derive(Clone, Copy)]
pub(crate) struct Log<'a>(Area<'a>);

impl<'a> Log<'a> {
    #[inline(always)]
    pub(crate) fn new(area: Area<'a>) -> Self {
        Log(area)
    }

    #[inline(always)]
    fn word(self, at: usize) -> Result<u64> {
        let mut bytes = [0; 8];
        self.0.read_short(at, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Asks for the first two cache lines of what stands at an offset.
    #[inline]
    pub(crate) fn prefetch(self, offset: u64) {
        self.0.prefetch(bytes_of(offset));
        self.0.prefetch(bytes_of(offset).wrapping_add(64));
    }

    /// Asks for the cache line behind that of an offset.
    #[inline(always)]
    pub(crate) fn prefetch_behind(self, offset: u64) {
        self.0.prefetch(bytes_of(offset).wrapping_add(64));
    }

    /// What stands at an offset.
    #[inline(always)]
    pub(crate) fn mark(self, offset: u64) -> Result<Mark> {
        Ok(Mark::parse(self.word(bytes_of(offset))?))
    }

    #[inline]
    pub(crate) fn put_mark(self, offset: u64, word: u64) -> Result<()> {
        self.0.write_short(bytes_of(offset), &word.to_le_bytes())
    }

    /// When the entry dies, in wall milliseconds; never, if it has no expiry.
    #[inline]
    pub(crate) fn expiry_ms(self, offset: u64, header: Header) -> Result<u64> {
        header.expiry_at().map_or(Ok(u64::MAX), |at| self.word(bytes_of(offset).wrapping_add(at)))
    }

    /// The namespace that the entry is of, and in which epoch.
    #[inline]
    pub(crate) fn namespace(self, offset: u64, header: Header) -> Result<NamespaceWord> {
        let word = header.namespace_at().map_or(Ok(0), |at| self.word(bytes_of(offset).wrapping_add(at)))?;
        Ok(NamespaceWord::from_word(word))
    }

    /// What stands before the entry's key.
    pub(crate) fn preface(self, offset: u64, header: Header) -> Result<Preface> {
        let mut bytes = [0; MAX_PREFACE];
        self.0.read_into(bytes_of(offset), &mut bytes[..header.key_at()])?;
        Ok(Preface::decode(header, &bytes))
    }

    /// Does the entry have this key? Its header was read from there, and its lengths are not yet trusted.
    #[inline(always)]
    pub(crate) fn has_key(self, offset: u64, header: Header, key: &[u8]) -> Result<bool> {
        if header.key_len() != key.len() {
            return Ok(false);
        }
        self.0.equals(bytes_of(offset).wrapping_add(header.key_at()), key)
    }

    /// Appends the entry's key to `out`.
    pub(crate) fn append_key(self, offset: u64, header: Header, out: &mut Vec<u8>) -> Result<()> {
        let len = header.key_len();
        self.0.append_to(bytes_of(offset).wrapping_add(header.key_at()), len, out)
    }

    /// The entry's value, where it lies.
    pub(crate) fn window(self, offset: u64, header: Header) -> Result<View<'a>> {
        self.0.window(bytes_of(offset).wrapping_add(header.value_at()), header.value_len())
    }

    /// Appends the entry's value to `out`.
    #[inline(always)]
    pub(crate) fn append_value(self, offset: u64, header: Header, out: &mut Vec<u8>) -> Result<()> {
        let len = header.value_len();
        self.0.append_to(bytes_of(offset).wrapping_add(header.value_at()), len, out)
    }

    /// The hash of the entry's key.
    pub(crate) fn hash(self, offset: u64, header: Header, seed: u64) -> Result<KeyHash> {
        let len = header.key_len();
        if len <= SHORT_KEY {
            return self.hash_into(&mut [0; SHORT_KEY][..len], offset, header, seed);
        }
        if len <= LONGER_KEY {
            return self.hash_into(&mut [0; LONGER_KEY][..len], offset, header, seed);
        }
        self.hash_into(&mut vec![0; len], offset, header, seed)
    }

    /// The same in less time for a short key of no namespace. It does not report a fault; the map does. If no slot has
    /// this hash, call [`hash`](Self::hash) to be sure.
    #[inline(always)]
    pub(crate) fn likely_hash(self, offset: u64, header: Header, seed: u64) -> Result<KeyHash> {
        let len = header.key_len();
        if len <= SHORT_KEY && !header.extras().has(Extras::NAMESPACE) {
            // The bytes behind the key are read with it, and not used.
            let mut key = [0; SHORT_KEY];
            if self.0.read_short(bytes_of(offset).wrapping_add(header.key_at()), &mut key).is_ok() {
                return Ok(KeyHash::of(&key[..len], seed));
            }
        }
        self.hash(offset, header, seed)
    }

    /// The same, by way of a buffer of the key's length.
    fn hash_into(self, key: &mut [u8], offset: u64, header: Header, seed: u64) -> Result<KeyHash> {
        self.0.read_into(bytes_of(offset).wrapping_add(header.key_at()), key)?;
        if header.extras().has(Extras::NAMESPACE) {
            return Ok(KeyHash::within(self.namespace(offset, header)?, key, seed));
        }
        Ok(KeyHash::of(key, seed))
    }

    /// Writes a whole entry of no extras.
    #[inline(always)]
    pub(crate) fn put_plain(
        self,
        offset: u64,
        header: Header,
        version: u32,
        content: KeyValue<'_>,
    ) -> Result<()> {
        let at = bytes_of(offset);
        self.0.write_short(at, &entry::plain_preface(header, version))?;
        let KeyValue { key, value } = content;
        self.0.write_from(at.wrapping_add(entry::PLAIN_PREFACE), key)?;
        self.put_value(at.wrapping_add(entry::PLAIN_PREFACE + key.len()), value)
    }

    /// Writes a whole entry.
    pub(crate) fn put_entry(
        self,
        offset: u64,
        header: Header,
        preface: &Preface,
        content: KeyValue<'_>,
    ) -> Result<()> {
        self.put_preface(offset, header, preface)?;
        let KeyValue { key, value } = content;
        self.0.write_from(bytes_of(offset).wrapping_add(header.key_at()), key)?;
        self.put_value(bytes_of(offset).wrapping_add(header.value_at()), value)
    }

    /// A large value in a large cache goes past the processor's caches, where it would be gone before somebody reads it.
    #[inline(always)]
    fn put_value(self, at: usize, value: &[u8]) -> Result<()> {
        if value.len() >= STREAMED && self.0.file_len() >= OUT_OF_CACHES {
            return self.0.stream_from(at, value);
        }
        self.0.write_from(at, value)
    }

    /// Writes what stands before an entry's key.
    pub(crate) fn put_preface(self, offset: u64, header: Header, preface: &Preface) -> Result<()> {
        let (bytes, len) = preface.encode(header);
        self.0.write_from(bytes_of(offset), &bytes[..len])
    }

    /// Copies a whole entry to a place where nothing lives.
    pub(crate) fn copy_entry(self, from: u64, to: u64, units: u64) -> Result<()> {
        self.0.copy_within(bytes_of(from), bytes_of(units), bytes_of(to))
    }
}
