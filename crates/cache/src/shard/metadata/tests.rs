//! What others see of a copy of the metadata that is committed, in weak memory.

use super::*;
use crate::file::area::Area;
use crate::litmus::{flow, outcomes};

#[test]
fn a_committed_copy_is_seen_whole() {
    let next = Metadata { payload: 1, evictions: 2, resets: 3, version: 4, ..Metadata::EMPTY };
    let outcomes = outcomes(|file| {
        let head = Head::new(Area::new(file, 0)).unwrap();
        flow(0, || next.commit(head));
        flow(1, || {
            let copy = Selector::load(head).committed();
            (copy, Metadata::read(head, copy) == if copy == 1 { next } else { Metadata::EMPTY })
        })
    });
    assert_eq!(outcomes, [(0, true), (1, true)].into());
}
