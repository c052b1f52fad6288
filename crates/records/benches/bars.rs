//! Bars.
fn main() {}
