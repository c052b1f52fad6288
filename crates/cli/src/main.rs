//! The samovar command: create, inspect and replay caches that are files.
fn main() {}
