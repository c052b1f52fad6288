//! The keyed hash of a key, cut into the parts that the engine uses.
//!
//! XXH3-64 with the file's secret seed: its output is specified byte for byte, so a file means the same on every
//! platform and under every later version.
//!
//! ```text
//!  63    56 55                24 23 22   16 15       0
//! | shard  |    index page      |  buckets  |   tag    |      (the page's low bits overlap the buckets': harmless)
//! ```

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Buckets in an index page; both candidate buckets of a key lie in one page, so that they share a TLB entry.
pub(crate) const BUCKETS_PER_PAGE: u64 = 64;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct KeyHash(u64);

impl KeyHash {
    pub(crate) fn of(key: &[u8], seed: u64) -> Self {
        KeyHash(xxh3_64_with_seed(key, seed))
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

    pub(crate) fn tag(self) -> u64 {
        self.0 & 0xffff
    }

    /// Bits that tell a ghost's key apart beyond its tag and bucket.
    pub(crate) fn ghost_bits(self) -> u64 {
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40
    }
}

/// The checksum of bytes that are written once, such as the file's header.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    xxh3_64_with_seed(bytes, 0x5361_6d6f_7661_7221)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_pinned_for_ever() {
        assert_eq!(KeyHash::of(b"", 0).0, 0x2d06_8005_38d3_94c2);
        assert_eq!(KeyHash::of(b"samovar", 42), KeyHash::of(b"samovar", 42));
        assert_ne!(KeyHash::of(b"samovar", 42), KeyHash::of(b"samovar", 43));
    }

    #[test]
    fn both_buckets_lie_in_one_page_and_differ() {
        for key in 0u32..10_000 {
            let hash = KeyHash::of(&key.to_le_bytes(), 1);
            for pages in [1, 3, 1000] {
                let [a, b] = hash.buckets(pages);
                assert_ne!(a, b);
                assert_eq!(a / BUCKETS_PER_PAGE, b / BUCKETS_PER_PAGE);
                assert!(a / BUCKETS_PER_PAGE < pages);
            }
            assert_eq!(hash.shard(0), 0);
            assert!(hash.shard(8) < 256);
        }
    }
}
