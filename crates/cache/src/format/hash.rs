//! The keyed hash of a key, cut into the parts that the engine uses.
//!
//! XXH3-64 with the file's secret seed. Its output is specified byte for byte, so a file means the same on every
//! platform and in every later version.
//!
//! ```text
//!  63    56 55                24 23 22   16 15       0
//! | shard  |    index page      |  buckets  |   tag    |      (the page's low bits overlap the buckets': harmless)
//! ```

use crate::format::xxh3::xxh3;

/// Buckets in an index page; both candidate buckets of a key lie in one page, so that they share a TLB entry.
pub(crate) const BUCKETS_PER_PAGE: u64 = 64;

/// The hash, and the namespace that the key is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct KeyHash(u64, NamespaceWord);

/// A namespace in one of its epochs, as its entries name it: `epoch << 16 | number`, and 0 for the default namespace,
/// whose entries name none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct NamespaceWord(u64);

const NUMBER_BITS: u32 = 16;
/// Tag bits that name the namespace, so that its entries can be searched for; no two namespaces share them.
const TAG_NAMESPACE: u64 = 63;

impl NamespaceWord {
    pub(crate) const DEFAULT: NamespaceWord = NamespaceWord(0);

    pub(crate) fn new(number: u64, epoch: u64) -> Self {
        NamespaceWord(epoch << NUMBER_BITS | number)
    }

    pub(crate) fn from_word(word: u64) -> Self {
        NamespaceWord(word)
    }

    pub(crate) fn word(self) -> u64 {
        self.0
    }

    #[inline]
    pub(crate) fn is_default(self) -> bool {
        self.0 == 0
    }

    /// Which namespace; from 1.
    pub(crate) fn number(self) -> u64 {
        self.0 & ((1 << NUMBER_BITS) - 1)
    }

    pub(crate) fn epoch(self) -> u64 {
        self.0 >> NUMBER_BITS
    }

    /// The bits of the tags of its keys that say so.
    fn tag(self) -> u64 {
        self.number().wrapping_sub(1) & TAG_NAMESPACE
    }
}

impl KeyHash {
    #[inline]
    pub(crate) fn of(key: &[u8], seed: u64) -> Self {
        KeyHash(xxh3(key, seed), NamespaceWord::DEFAULT)
    }

    /// Of a key in a namespace: another one than that of the same key elsewhere.
    pub(crate) fn within(namespace: NamespaceWord, key: &[u8], seed: u64) -> Self {
        let salt = namespace.number().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        KeyHash(xxh3(key, seed ^ salt), namespace)
    }

    /// The namespace, as it was when the key was hashed.
    #[inline]
    pub(crate) fn namespace(self) -> NamespaceWord {
        self.1
    }

    /// All of it.
    pub(crate) fn word(self) -> u64 {
        self.0
    }

    /// One of `1 << bits` shards.
    pub(crate) fn shard(self, bits: u32) -> u64 {
        (self.0 >> 1) >> (63 - bits)
    }

    /// The two candidate buckets among `pages` pages; never the same one.
    #[inline]
    pub(crate) fn buckets(self, pages: u64) -> [u64; 2] {
        let page = ((self.0 << 8 >> 32) * pages) >> 32;
        let first = self.0 >> 16 & (BUCKETS_PER_PAGE - 1);
        let step = (self.0 >> 22 & (BUCKETS_PER_PAGE - 1)).max(1);
        [page * BUCKETS_PER_PAGE + first, page * BUCKETS_PER_PAGE + (first ^ step)]
    }

    #[inline]
    pub(crate) fn tag(self) -> u64 {
        let tag = self.0 & 0xffff;
        if self.1.is_default() { tag } else { tag & !TAG_NAMESPACE | self.1.tag() }
    }

    /// May a key with this tag be of this namespace?
    pub(crate) fn tag_is_of(tag: u64, namespace: NamespaceWord) -> bool {
        tag & TAG_NAMESPACE == namespace.tag()
    }

    /// Bits that tell a ghost's key apart beyond its tag and bucket.
    pub(crate) fn ghost_bits(self) -> u64 {
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
    }
}

/// The checksum of bytes that are written once, such as the file's header.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    xxh3(bytes, 0x5361_6d6f_7661_7221)
}

#[cfg(test)]
mod tests;
