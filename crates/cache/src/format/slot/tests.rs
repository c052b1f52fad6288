//! Words of the index, packed and read back.

use super::*;

fn hash(key: &[u8]) -> KeyHash {
    KeyHash::of(key, 7)
}

#[test]
fn a_live_slot_gives_back_what_was_packed() {
    let at = Position::new((1 << 30) - 1, (1 << 34) - 1);
    let slot = Slot::live(hash(b"k"), Ring::Main, at, 2);
    assert!(slot.is_live() && !slot.is_ghost() && !slot.is_empty() && !slot.is_damaged());
    assert!(slot.may_hold(hash(b"k")) && !slot.may_hold(hash(b"other")));
    assert!(slot.points_to(Ring::Main, at) && !slot.points_to(Ring::Small, at));
    assert_eq!((slot.freq(), slot.bumped().freq(), slot.offset()), (2, 3, (1 << 34) - 1));
    assert!(slot.same_entry(slot.bumped()) && !slot.same_entry(Slot::EMPTY));
}

#[test]
fn a_ghost_knows_its_key_and_its_age() {
    let ghost = Slot::ghost(hash(b"k"), Ring::Main, GHOST_AGE_MODULUS + 5);
    assert!(ghost.is_ghost() && !ghost.is_live() && !ghost.is_empty());
    assert!(ghost.is_ghost_of(hash(b"k")) && !ghost.is_ghost_of(hash(b"other")));
    assert_eq!((ghost.ring(), ghost.ghost_age([0, 7])), (Ring::Main, 2));
    assert!(!ghost.may_hold(hash(b"k")));
}

#[test]
fn no_live_slot_or_ghost_is_the_empty_word() {
    for key in 0u32..10_000 {
        let h = hash(&key.to_le_bytes());
        assert!(!Slot::live(h, Ring::Small, Position::new(0, 0), 0).is_empty());
        assert!(!Slot::ghost(h, Ring::Small, 0).is_empty());
    }
}
