//! Help, version, and what is no usage at all.

use crate::harness::{DONE, USAGE, samovar};

#[rustfmt::skip]
const COMMANDS: &[&str] = &[
    "create", "delete", "set", "get", "contains", "del", "load",
    "add", "replace", "append", "prepend", "incr", "decr", "touch",
    "keys", "clear", "ns", "stat", "top", "check", "dump", "flush", "resize", "salvage", "replay", "demo",
    "records", "completions", "man",
];

/// Every command, those of commands included, and its help on a line as long as it takes.
pub(crate) fn commands() -> Vec<(String, String)> {
    let mut found = vec![(String::new(), help(""))];
    let mut next = 0;
    while let Some((command, text)) = found.get(next).cloned() {
        let listed = text.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
        let listed = listed.take_while(|line| line.starts_with("  "));
        // A line that goes on with a description begins further to the right.
        let names =
            listed.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
        for name in names.filter(|name| *name != "help") {
            let command = format!("{command} {name}").trim().to_owned();
            let text = help(&command);
            found.push((command, text));
        }
        next += 1;
    }
    found
}

fn help(command: &str) -> String {
    let words: Vec<&str> = command.split(' ').filter(|word| !word.is_empty()).chain(["--help"]).collect();
    samovar(&words).ends(DONE).out()
}

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
    let all = commands();
    for command in COMMANDS {
        assert!(all.iter().any(|(name, _)| name == command), "{command} is missing");
    }
    assert!(all.len() > COMMANDS.len() + 8, "the commands of ns and records are commands too");
    for (command, help) in all {
        assert!(help.contains(&format!("Usage: samovar {command}").trim_end().to_owned()), "{help}");
        assert!(help.contains("Example"), "{command} has no example: {help}");
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
