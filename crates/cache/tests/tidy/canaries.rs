//! Guards that `scripts/canaries` takes out are named in the sources, and the names in both are the same.

use crate::source::{all, hold, root};
use std::collections::BTreeMap;

const MARKER: &str = "// canary: ";

#[test]
fn every_guard_has_its_canary() {
    let script = std::fs::read_to_string(root().join("scripts/canaries")).unwrap();
    let taken_out: Vec<&str> =
        script.split("At(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut marked: BTreeMap<String, u32> = BTreeMap::new();
    for source in all().iter().filter(|source| source.path.starts_with("crates/cache/src/")) {
        let markers = source.text.lines().filter_map(|line| line.trim_start().strip_prefix(MARKER));
        markers.for_each(|name| *marked.entry(name.to_owned()).or_default() += 1);
    }
    assert!(marked.len() > 30, "the guards are not where they were: {}", marked.len());
    let unknown = marked.keys().filter(|name| !taken_out.contains(&name.as_str()));
    let unknown = unknown.map(|name| format!("{name}: nothing takes it out"));
    let lost = taken_out.iter().filter(|name| marked.get(**name) != Some(&1));
    let lost = lost.map(|name| format!("{name}: it does not stand once in crates/cache/src"));
    hold(
        "each `// canary:` has its canary in scripts/canaries, and each of those its guard",
        unknown.chain(lost),
    );
}
