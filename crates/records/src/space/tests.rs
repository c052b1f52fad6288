//! Space that is given, left and taken back.

use super::*;

fn extent(begin: u64, end: u64) -> Extent {
    Extent { begin, len: end - begin }
}

#[test]
fn what_is_left_is_given_out_after_a_flush_only() {
    let mut space = Space::default();
    space.leave(Left { block: 256, epoch: 3, extent: extent(1024, 2048) });
    space.flushed(512, 4);
    space.flushed(256, 3);
    assert_eq!(space.give(64, 64), None);
    space.flushed(256, 4);
    assert_eq!(space.give(1024, 64), Some(1024));
    assert_eq!(space.give(64, 64), None);
}

#[test]
fn the_smallest_that_fits_is_cut() {
    let mut space = Space::default();
    let needed = vec![extent(2500, 4000), extent(0, 1000), extent(2000, 3000)];
    gaps(needed, 10_000).into_iter().for_each(|gap| space.take_back(gap));
    assert_eq!(space.give(500, 64), Some(1024));
    assert_eq!(space.give(500, 64), Some(4032));
    assert_eq!(space.give(100_000, 64), None);
    assert_eq!(space.give(440, 64), Some(1536));
    let rest: u64 = space.free.iter().map(|extent| extent.len).sum();
    assert!(rest >= 10_000 - 4032 - 500 - 64, "{rest} bytes are left");
}
