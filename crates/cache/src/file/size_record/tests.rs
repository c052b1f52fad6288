//! Size records planned, and the least that a cache can be.

use super::*;

fn geometry(max_capacity: u64) -> Geometry {
    Geometry::plan(Size::Capacity(64 << 20), Some(max_capacity), None, None).unwrap()
}

#[test]
fn a_cache_laid_out_for_more_is_as_large_as_one_that_is_not() {
    let (one, other) = (geometry(64 << 20), geometry(128 << 20));
    assert_eq!(SizeRecord::new(&one).bytes(&one), one.file_bytes);
    assert!(SizeRecord::new(&other).bytes(&other) <= 64 << 20 && other.file_bytes > 127 << 20);
    for capacity in [64 << 20, 100 << 20, 128 << 20] {
        let size_record = SizeRecord::plan(&other, capacity).unwrap();
        assert!(size_record.bytes(&other) <= capacity && size_record.bytes(&other) > capacity - (1 << 20));
    }
    assert_eq!(SizeRecord::plan(&other, 128 << 20).unwrap().bytes(&other), other.file_bytes);
}

#[test]
fn the_least_capacity_is_the_least() {
    let geometry = geometry(64 << 20);
    let least = least_capacity(&geometry);
    assert!(SizeRecord::plan(&geometry, least).is_ok());
    let refused = SizeRecord::plan(&geometry, least - 1).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    assert!(refused.to_string().contains(&least.to_string()), "{refused}");
}

#[test]
fn of_two_records_the_later_one_counts_when_epochs_come_round() {
    let record = |epoch| SizeRecord { epoch, ..SizeRecord::new(&geometry(64 << 20)) };
    for epoch in [0, 1, 7, u64::MAX - 1, u64::MAX] {
        let (one, other) = (record(epoch), record(epoch.wrapping_add(1)));
        assert_eq!(later(one, other).epoch, other.epoch);
        assert_eq!(later(other, one).epoch, other.epoch);
    }
}
