//! Tests of `catalogue.rs`.

use crate::roster::MEMBERS;

#[test]
fn every_peer_is_in_the_roster() {
    for name in super::names() {
        assert!(MEMBERS.iter().any(|member| member.name == name), "{name} has no settings in the roster");
    }
}
