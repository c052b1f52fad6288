//! Tests of `replay.rs`.

use super::*;

#[test]
fn every_policy_hits_what_it_has_room_for() {
    let all = ["quick_cache", "moka", "foyer-fifo", "foyer-lru", "foyer-lfu", "foyer-s3fifo", "foyer-sieve"];
    for name in all {
        let run: Run = format!("{name}:1000").parse().unwrap();
        let Ok(mut policy) = run.policy() else { continue };
        let misses = (0..300u64).map(|access| access % 100).filter(|key| !policy(*key)).count();
        assert_eq!(misses, 100, "{name}");
        let misses = (0..100_000u64).filter(|key| !policy(*key + 1000)).count();
        assert_eq!(misses, 100_000, "{name}");
    }
    assert!("foyer".parse::<Run>().is_err());
}
