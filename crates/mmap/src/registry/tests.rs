//! Ranges come and go by the hundred while others look.

use super::*;

fn at(address: usize) -> *mut u8 {
    ptr::without_provenance_mut(address)
}

fn access_of(i: usize) -> Access {
    if i.is_multiple_of(2) { Access::ReadWrite } else { Access::ReadOnly }
}

#[test]
fn ranges_are_found_while_they_are_registered() {
    let base = 1 << 28;
    let many: Vec<_> =
        (0..SLOTS * 3).map(|i| Registration::new(at(base + i * 100), 50, access_of(i))).collect();
    for (i, registration) in many.iter().enumerate() {
        let start = base + i * 100;
        assert!(find(start - 1).is_none() && find(start + 50).is_none());
        assert_eq!(find(start).unwrap().is_writable(), i % 2 == 0);
        find(start + 49).unwrap().poison(start + 49, FaultKind::NoSpace);
        find(start).unwrap().poison(start, FaultKind::Missing);
        let fault = registration.fault().unwrap();
        assert_eq!((fault.offset, fault.kind), (49, FaultKind::NoSpace), "the first one stays");
    }
    drop(many);
    assert!((0..SLOTS * 3).all(|i| find(base + i * 100).is_none()));
}

#[test]
fn a_slot_used_again_is_not_poisoned() {
    let base = 1 << 29;
    for _ in 0..3 {
        let one = Registration::new(at(base), 10, Access::ReadWrite);
        assert!(!one.is_poisoned());
        find(base + 5).unwrap().poison(base + 5, FaultKind::Missing);
        assert!(one.is_poisoned());
    }
}

#[test]
fn looking_amid_changes_finds_only_what_is_there() {
    let (mine, other) = (3 << 28, 7 << 27);
    let kept = Registration::new(at(mine), 100, Access::ReadWrite);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let stop = &stop;
            scope.spawn(move || {
                let mut i = 0;
                while !stop.load(Ordering::Relaxed) {
                    i = (i + 1) % 7;
                    drop(Registration::new(at(other + thread * 10_000 + i * 100), 100, Access::ReadOnly));
                }
            });
        }
        for _ in 0..if cfg!(miri) { 50 } else { 20_000 } {
            assert!(find(mine + 50).is_some_and(Slot::is_writable));
            assert!(find(other - 1).is_none() && find(other + 20_000).is_none());
        }
        stop.store(true, Ordering::Relaxed);
    });
    drop(kept);
}

/// Amid a look, the range goes, and its slot is used for a shorter one that begins at the same place.
#[test]
fn a_slot_used_again_at_the_same_start_is_another() {
    let base = 3 << 27;
    let mut range = Some(Registration::new(at(base), 200, Access::ReadWrite));
    let slot = range.as_ref().unwrap().0;
    assert!(slot.covers(base + 150));
    let found = slot.covers_while(base + 150, || {
        drop(range.take());
        let shorter = Registration::new(at(base), 100, Access::ReadWrite);
        assert!(ptr::eq(shorter.0, slot), "it was free again");
        range = Some(shorter);
    });
    assert!(!found, "the range that covered it is gone");
    assert!(slot.covers(base + 50) && !slot.covers(base + 150));
}
