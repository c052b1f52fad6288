//! A pinned stretch in one word.

use super::*;

#[test]
fn a_stretch_is_one_word() {
    let span = Span::of((1 << 34) - 1, (1 << 30) - 1);
    assert_eq!(from_word(to_word(span)), Some(span));
    assert_eq!(from_word(7), None);
}

#[cfg(feature = "inject")]
mod in_weak_memory {
    use super::*;
    use crate::format::layout::FRONTIERS;
    use crate::litmus::{flow, flow_after, outcomes};
    use std::collections::BTreeSet;

    const READER: usize = 0;
    const WRITER: usize = 1;
    const OTHER: usize = 2;

    /// A shard's pins, and the frontier of a ring.
    struct Race<'a> {
        pins: Pins<'a>,
        frontier: Word64<'a>,
    }

    impl Race<'_> {
        fn claim(&self) -> Pin {
            flow(READER, || self.pins.claim(Owner::new(1, 1), &|_| Ok(false)).unwrap().unwrap())
        }

        fn hold(&self, pin: Pin) {
            flow(READER, || self.pins.hold(pin, Span::of(3, 2)).unwrap());
        }

        /// Does the reader see that the frontier has moved?
        fn is_frontier_seen(&self) -> bool {
            flow(READER, || self.frontier.load() == 9)
        }

        /// The writer looks for pins in its way; whether it meets one.
        fn look(&self) -> bool {
            let obstacle = || self.pins.obstacle(Span::of(0, 9), &|_| Ok(false)).unwrap();
            flow(WRITER, || self.pins.any() && obstacle().is_some())
        }

        /// The writer moves the frontier, and looks.
        fn reclaim(&self) -> bool {
            flow(WRITER, || {
                self.frontier.store_release(9);
                samovar_mmap::fence_full();
            });
            self.look()
        }
    }

    /// What the two see of each other: the writer the pin, the reader the frontier.
    fn seen(race: impl Fn(Race<'_>) -> (bool, bool)) -> BTreeSet<(bool, bool)> {
        outcomes(|file| {
            let head = Head::new(Area::new(file, 0)).unwrap();
            let pins = Pins { head, annex: Area::new(file, 4096) };
            race(Race { pins, frontier: head.word64(FRONTIERS) })
        })
    }

    /// The word says that there may be pins, since there was one, as all know.
    fn after_another(race: &Race<'_>) {
        flow(OTHER, || {
            let pin = race.pins.claim(Owner::new(2, 1), &|_| Ok(false)).unwrap().unwrap();
            race.pins.hold(pin, Span::of(20, 1)).unwrap();
            race.pins.release(pin).unwrap();
        });
        [READER, WRITER].into_iter().for_each(|to| flow_after(OTHER, to, || ()));
    }

    #[test]
    fn a_pin_that_comes_first_is_seen() {
        let first = |race: Race<'_>| {
            race.hold(race.claim());
            (race.reclaim(), race.is_frontier_seen())
        };
        assert_eq!(seen(first), [(true, false), (true, true)].into());
        let another_was_first = |race: Race<'_>| {
            after_another(&race);
            first(race)
        };
        assert_eq!(seen(another_was_first), [(true, false), (true, true)].into());
    }

    #[test]
    fn a_frontier_that_comes_first_is_seen() {
        let second = |race: Race<'_>| {
            let is_pin_seen = race.reclaim();
            race.hold(race.claim());
            (is_pin_seen, race.is_frontier_seen())
        };
        assert_eq!(seen(second), [(false, true)].into());
        let another_was_first = |race: Race<'_>| {
            after_another(&race);
            second(race)
        };
        assert_eq!(seen(another_was_first), [(false, true)].into());
    }

    #[test]
    fn a_pin_that_is_claimed_while_a_writer_finds_none_is_seen() {
        let outcomes = seen(|race| {
            after_another(&race);
            let pin = race.claim();
            race.look();
            race.hold(pin);
            (race.reclaim(), race.is_frontier_seen())
        });
        assert_eq!(outcomes, [(true, false), (true, true)].into());
    }
}
