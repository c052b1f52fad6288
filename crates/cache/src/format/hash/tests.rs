//! How a key's hash is cut, and what its seed changes.

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
