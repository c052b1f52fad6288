//! What others see of a namespace that is emptied, or removed and made anew, in weak memory.

use super::*;
use crate::litmus::{flow, flow_after, outcomes};

#[test]
fn a_new_number_of_turns_comes_with_the_epoch() {
    let outcomes = outcomes(|file| {
        let table = Table::new(file);
        flow(0, || table.raise(1).unwrap());
        flow(1, || (table.turns().unwrap(), table.epoch(1).unwrap()))
    });
    assert!(outcomes.contains(&(0, 0)) && outcomes.contains(&(1, 1)), "{outcomes:?}");
    assert!(!outcomes.contains(&(1, 0)), "a writer would take note of a turn without its epoch");
}

#[test]
fn an_epoch_of_a_later_life_shows_that_the_one_before_has_ended() {
    let outcomes = outcomes(|file| {
        let table = Table::new(file);
        let first = flow(0, || table.create("first", 0, |_| Ok(())).unwrap());
        flow_after(0, 1, || ());
        flow(0, || table.remove(first).unwrap());
        let second = flow_after(0, 2, || table.create("second", 0, |_| Ok(())).unwrap());
        assert_eq!(first.number, second.number);
        let epoch = flow(2, || table.epoch(second.number).unwrap());
        flow(1, || table.present(first).ok().map(|word| word.epoch() < epoch))
    });
    assert_eq!(outcomes, [None, Some(true)].into(), "a handle on the first life writes into the second");
}

#[test]
fn a_namespace_in_use_has_its_whole_name() {
    let name = "a name of several words";
    let outcomes = outcomes(|file| {
        let table = Table::new(file);
        flow(0, || table.create(name, 7, |_| Ok(())).unwrap());
        flow(1, || table.record(1).unwrap().map(|record| (record.name, record.epoch, record.limit)))
    });
    assert_eq!(outcomes, [None, Some((name.to_owned(), 1, 7))].into());
}
