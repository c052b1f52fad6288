//! What others see of leases that follow one another in a place, in weak memory.

use super::*;
use crate::litmus::{flow, flow_after, outcomes};

#[test]
fn a_lease_is_seen_whole_or_not_at_all() {
    let outcomes = outcomes(|file| {
        let leases = Leases { head: Head::new(Area::new(file, 0)).unwrap(), annex: Area::new(file, 4096) };
        let request = |number: u32| Request {
            hash: KeyHash::of(&number.to_le_bytes(), 0),
            owner: Owner::new(number, 1),
            now_ms: 0,
            deadline_ms: u64::from(number),
        };
        let grant = |number| match leases.grant(request(number), |_| Ok(false)).unwrap() {
            Grant::Yours(ticket) => ticket,
            _ => panic!("the table is empty"),
        };
        let first = flow(0, || grant(1));
        flow(0, || leases.release(first).unwrap());
        let second = flow_after(0, 2, || grant(2));
        assert_eq!((first.place, second.place), (0, 0));
        let seen = flow(1, || leases.load(0).unwrap());
        seen.map(|lease| {
            let number = lease.ticket.number;
            let asked = request(number);
            let is_whole = (lease.ticket.deadline_ms, lease.hash, lease.owner)
                == (asked.deadline_ms, asked.hash.word(), asked.owner);
            (number, is_whole)
        })
    });
    assert_eq!(outcomes, [None, Some((1, true)), Some((2, true))].into());
}
