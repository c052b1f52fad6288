//! Tests of `roster.rs`.

use super::*;

#[test]
fn the_lock_file_has_the_versions_named_here() {
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
    let lock = std::fs::read_to_string(lock).unwrap();
    let locked = MEMBERS.iter().filter_map(|member| member.package).filter(|(name, _)| *name != "server");
    for (name, version) in locked {
        let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        assert!(lock.contains(&entry), "{name} {version} is not what is locked");
    }
}
