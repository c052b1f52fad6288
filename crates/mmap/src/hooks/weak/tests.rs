//! The litmus tests of the field: what weak memory may show, is shown by some seed; what the orderings forbid, by none.

use super::{Change, Place, WeakMemory};
use std::sync::atomic::Ordering::{self, AcqRel, Acquire, Relaxed, Release, SeqCst};

const X: Place = Place { at: 0, len: 8 };
const Y: Place = Place { at: 8, len: 8 };

/// A model, and the newest values of its two locations.
struct Litmus {
    memory: WeakMemory,
    newest: [u64; 2],
}

impl Litmus {
    fn run<T: PartialEq>(outcome: T, of: impl Fn(&mut Litmus) -> T) -> bool {
        (0..3000).any(|seed| of(&mut Litmus { memory: WeakMemory::new(seed), newest: [0; 2] }) == outcome)
    }

    fn newest(&mut self, place: Place) -> &mut u64 {
        &mut self.newest[place.at / 8]
    }

    fn load(&mut self, flow: usize, place: Place, order: Ordering) -> u64 {
        self.memory.flow = flow;
        let latest = *self.newest(place);
        self.memory.load(place, latest, order)
    }

    fn store(&mut self, flow: usize, place: Place, value: u64, order: Ordering) {
        self.memory.flow = flow;
        let old = std::mem::replace(self.newest(place), value);
        self.memory.store(place, Change { old, new: value }, order);
    }

    fn add(&mut self, flow: usize, place: Place, order: Ordering) {
        self.memory.flow = flow;
        let old = *self.newest(place);
        *self.newest(place) += 1;
        self.memory.replace(place, Change { old, new: old + 1 }, order);
    }

    fn fence(&mut self, flow: usize, order: Ordering) {
        self.memory.flow = flow;
        self.memory.fence(order);
    }
}

/// A message, and a flag that says that it is there.
fn message_passing(stored: Ordering, loaded: Ordering) -> bool {
    Litmus::run((1, 0), |litmus| {
        litmus.store(0, X, 1, Relaxed);
        litmus.store(0, Y, 1, stored);
        (litmus.load(1, Y, loaded), litmus.load(1, X, Relaxed))
    })
}

#[test]
fn a_message_is_missed_unless_release_meets_acquire() {
    assert!(message_passing(Relaxed, Relaxed));
    assert!(message_passing(Release, Relaxed));
    assert!(message_passing(Relaxed, Acquire));
    assert!(!message_passing(Release, Acquire));
}

#[test]
fn fences_pass_a_message_too() {
    let passing = |release: bool, acquire: bool| {
        Litmus::run((1, 0), |litmus| {
            litmus.store(0, X, 1, Relaxed);
            if release {
                litmus.fence(0, Release);
            }
            litmus.store(0, Y, 1, Relaxed);
            let flag = litmus.load(1, Y, Relaxed);
            if acquire {
                litmus.fence(1, Acquire);
            }
            (flag, litmus.load(1, X, Relaxed))
        })
    };
    assert!(passing(true, false) && passing(false, true) && passing(false, false));
    assert!(!passing(true, true));
}

#[test]
fn both_miss_each_other_unless_their_fences_are_full() {
    let both_miss = |order: Ordering| {
        Litmus::run((0, 0), |litmus| {
            litmus.store(0, X, 1, Relaxed);
            litmus.store(1, Y, 1, Relaxed);
            litmus.fence(0, order);
            litmus.fence(1, order);
            (litmus.load(0, Y, Relaxed), litmus.load(1, X, Relaxed))
        })
    };
    assert!(both_miss(AcqRel));
    assert!(!both_miss(SeqCst));
}

#[test]
fn nobody_goes_back_to_an_older_store() {
    assert!(!Litmus::run((1, 0), |litmus| {
        litmus.store(0, X, 1, Relaxed);
        (litmus.load(1, X, Relaxed), litmus.load(1, X, Relaxed))
    }));
    // Nor who learns from somebody who has met the newer one.
    assert!(!Litmus::run((1, 1, 0), |litmus| {
        litmus.store(0, X, 1, Relaxed);
        let first = litmus.load(1, X, Relaxed);
        litmus.store(1, Y, 1, Release);
        (first, litmus.load(2, Y, Acquire), litmus.load(2, X, Relaxed))
    }));
}

#[test]
fn an_exchange_hands_on_the_message_that_it_replaces() {
    let missed = |order: Ordering| {
        Litmus::run((2, 0), |litmus| {
            litmus.store(0, X, 1, Relaxed);
            litmus.store(0, Y, 1, order);
            litmus.add(1, Y, Relaxed);
            (litmus.load(2, Y, Acquire), litmus.load(2, X, Relaxed))
        })
    };
    assert!(missed(Relaxed));
    assert!(!missed(Release));
}

#[test]
fn an_exchange_fails_on_an_old_value_and_never_replaces_one() {
    let exchanged = |outcome| {
        Litmus::run(outcome, |litmus| {
            litmus.store(0, X, 1, Relaxed);
            litmus.memory.flow = 1;
            litmus.memory.exchange(X, 1, Change { old: 1, new: 2 }, AcqRel)
        })
    };
    assert!(exchanged(None));
    assert!(exchanged(Some(0)));
    assert!(!Litmus::run(None, |litmus| {
        litmus.store(0, X, 1, Relaxed);
        litmus.memory.flow = 1;
        litmus.memory.exchange(X, 0, Change { old: 1, new: 2 }, AcqRel)
    }));
}

#[test]
fn the_kernel_hands_on_what_was_known() {
    assert!(!Litmus::run(0, |litmus| {
        litmus.store(0, X, 1, Relaxed);
        litmus.memory.enter_kernel();
        litmus.memory.flow = 1;
        litmus.memory.enter_kernel();
        litmus.load(1, X, Relaxed)
    }));
}
