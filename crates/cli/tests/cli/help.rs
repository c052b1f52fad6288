//! Help, version, and what is no usage at all.

use crate::harness::{DONE, USAGE, samovar};

#[rustfmt::skip]
const COMMANDS: &[&str] = &[
    "create", "set", "get", "contains", "del", "load",
    "add", "replace", "append", "prepend", "incr", "decr", "touch",
    "keys", "clear", "ns", "stat", "top", "check", "dump", "flush", "resize", "salvage", "replay", "demo",
    "records",
];

#[test]
fn help_names_every_command_and_every_exit_status() {
    let help = samovar(&["--help"]).ends(DONE).out();
    for command in COMMANDS {
        assert!(help.contains(&format!("\n  {command} ")), "{command} is missing: {help}");
    }
    for status in ["\n  0  ", "\n  1  ", "\n  2  ", "\n  3  ", "\n  4  "] {
        assert!(help.contains(status), "{status:?} is missing: {help}");
    }
}

#[test]
fn every_command_explains_itself() {
    for command in COMMANDS {
        let help = samovar(&[command, "--help"]).ends(DONE).out();
        assert!(help.contains("Usage: samovar") && help.contains(command), "{help}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let version = samovar(&["--version"]).ends(DONE).out();
    assert_eq!(version.trim(), concat!("samovar ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn what_is_no_usage_is_an_error() {
    for arguments in [&[][..], &["brew"], &["get"], &["stat", "f", "--jason"], &["create", "f"]] {
        let answer = samovar(arguments).ends(USAGE);
        assert!(answer.bytes().is_empty() && answer.err().contains("Usage"), "{}", answer.err());
    }
}
