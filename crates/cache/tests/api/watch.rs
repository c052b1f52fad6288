//! What can be seen of a cache in use: the sums over its shards, and refusals by their reasons.

use samovar::{Cache, ErrorKind, Ttl};

#[test]
fn shards_add_up_to_the_whole() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::options().capacity(16 << 20).max_value_size(4096).open(dir.path().join("c")).unwrap();
    for number in 0..110_000u32 {
        cache.set(&number.to_le_bytes(), &[7; 150]).unwrap();
    }
    let (shards, stats) = (cache.shards().unwrap(), cache.stats().unwrap());
    assert!(shards.len() > 1 && stats.evictions > 0, "{shards:?}");
    assert!(shards.iter().map(|shard| shard.number).eq(0..shards.len() as u64));
    let sum = |of: fn(&samovar::ShardStats) -> u64| shards.iter().map(of).sum::<u64>();
    assert_eq!(sum(|shard| shard.entries), stats.entries);
    assert_eq!(sum(|shard| shard.live_bytes), stats.live_bytes);
    assert_eq!(sum(|shard| shard.data_bytes), stats.data_bytes);
    assert_eq!(sum(|shard| shard.evictions), stats.evictions);
    for shard in &shards {
        assert!(shard.live_bytes < shard.used_bytes && shard.used_bytes <= shard.data_bytes, "{shard:?}");
        assert!(shard.writer.is_none() && !shard.pending, "{shard:?}");
        assert_eq!((shard.pins, shard.leases), (0, 0), "{shard:?}");
    }
    let key = 109_999u32.to_le_bytes();
    let held = cache.get_ref(&key).unwrap().unwrap();
    cache
        .get_or_insert_with(b"loaded", Ttl::NEVER, || {
            let shards = cache.shards().unwrap();
            assert_eq!(shards.iter().map(|shard| shard.pins).sum::<u64>(), 1, "{shards:?}");
            assert_eq!(shards.iter().map(|shard| shard.leases).sum::<u64>(), 1, "{shards:?}");
            b"value".to_vec()
        })
        .unwrap();
    drop(held);
    assert!(cache.shards().unwrap().iter().all(|shard| shard.pins == 0 && shard.leases == 0));
}

#[test]
fn refusals_are_counted_by_reason() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c");
    let cache = Cache::options().capacity(1 << 20).max_value_size(1000).open(&path).unwrap();
    assert_eq!(cache.set(b"k", &[0; 1001]).unwrap_err().kind(), ErrorKind::ValueTooLarge);
    assert_eq!(cache.add(&[0; 70_000], b"v", Ttl::NEVER).unwrap_err().kind(), ErrorKind::KeyTooLong);
    cache.set(b"k", b"tea").unwrap();
    assert_eq!(cache.incr(b"k", 1).unwrap_err().kind(), ErrorKind::NotANumber);
    let reader = Cache::options().read_only(true).open(&path).unwrap();
    assert_eq!(reader.set(b"k", b"v").unwrap_err().kind(), ErrorKind::ReadOnly);
    let stats = reader.stats().unwrap();
    assert_eq!((stats.refusals, stats.refused_too_large, stats.owner_stopped), (3, 2, 0));
    assert_eq!((stats.refused_busy, stats.refused_by_system), (0, 0));
}
