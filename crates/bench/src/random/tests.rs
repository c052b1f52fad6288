//! Tests of `random.rs`.

use super::*;

#[test]
fn a_shuffle_keeps_every_item_and_a_seed_repeats_itself() {
    let shuffled = |seed| {
        let mut items: Vec<u32> = (0..1000).collect();
        Random::new(seed).shuffle(&mut items);
        items
    };
    assert_eq!(shuffled(1), shuffled(1));
    assert_ne!(shuffled(1), shuffled(2));
    let mut sorted = shuffled(1);
    sorted.sort_unstable();
    assert_eq!(sorted, (0..1000).collect::<Vec<u32>>());
}
