//! The rules that a reader may rely on, held by a test: short files, one noun each; unsafe, platforms and atomics in
//! their rooms; modules that use only what lies below them; a map that names what is there.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules of the engine from the ground up: each may use only those before it.
const FLOORS: &[&str] = &[
    "error",
    "event",
    "format::position",
    "format::xxh3",
    "format::hash",
    "format::owner",
    "format::ring",
    "format::entry",
    "format::seal",
    "format::layout",
    "format::slot",
    "format::geometry",
    "format::header",
    "file::area",
    "file::clean_word",
    "file::identity",
    "file::prefault",
    "file::namespace",
    "file::horizon",
    "file::size_record",
    "file::extents",
    "file::counters",
    "file::clock",
    "file::process_slot",
    "file::untrusted",
    "file::open_checks",
    "shard::head",
    "shard::bounds",
    "shard::metadata",
    "shard::index",
    "shard::lock",
    "shard::log",
    "shard::shard",
    "shard::stretch",
    "shard::lease",
    "shard::pin",
    "policy::eviction",
    "policy::append_window",
    "read::copy",
    "repair::check",
    "repair::recover",
    "repair::salvage",
    "repair::dump",
    "write::alteration",
    "write::writer",
    "write::shortcut",
    "write::room",
    "write::drain",
    "write::tenancy",
    "write::shrink",
    "open::mapped_file",
    "open::durability",
    "open::recovery",
    "open::membership",
    "open::attached",
    "open::creation",
    "api::ttl",
    "api::glance",
    "api::attachment",
    "api::handle",
    "api::counting",
    "api::cache",
    "api::flush",
    "api::stats",
    "api::batch",
    "api::watch",
    "api::operations",
    "api::namespace",
    "api::clear",
    "api::resize",
    "api::iter",
    "api::loader",
    "api::reference",
    "api::options",
    "api::deletion",
    "lib",
];

/// Where another language, a library that asks for it, or a promise that only a user can make, makes unsafe code
/// unavoidable.
const BORDERS: &[&str] = &["crates/bench/src/peers/lmdb.rs", "crates/cache/tests/api/slices.rs"];

const LONGEST_FILE: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Every source file of the project, by its path from the root.
fn all() -> Vec<(String, String)> {
    let mut found = Vec::new();
    sources(&root().join("crates"), &mut found);
    sources(&root().join("fuzz"), &mut found);
    assert!(found.len() > 20, "the sources are not where they were");
    let name = |path: &Path| path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
    found.into_iter().map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect()
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("tests.rs") || path.contains("/benches/")
}

fn code_lines(text: &str) -> usize {
    let body = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    body.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

/// What stands before the first character that no name of a module has.
fn first_word(text: &str) -> &str {
    text.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '_').next().unwrap_or("")
}

/// Collects what breaks a rule, and fails with all of it.
fn hold(rule: &str, breaks: impl Iterator<Item = String>) {
    let breaks: Vec<String> = breaks.collect();
    assert!(breaks.is_empty(), "{rule}:\n  {}", breaks.join("\n  "));
}

#[test]
fn every_file_says_what_it_is() {
    let silent = all()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//! ") && !text.starts_with("#![doc = include_str!"));
    hold("a file begins with `//! ` and what it is", silent.map(|(path, _)| path));
}

#[test]
fn no_file_is_long() {
    let long = all().into_iter().map(|(path, text)| (path, code_lines(&text)));
    let long = long.filter(|(path, lines)| !is_test(path) && *lines > LONGEST_FILE);
    hold("a file has at most 600 lines of code", long.map(|(path, lines)| format!("{path}: {lines}")));
}

#[test]
fn sources_are_ascii_and_finished() {
    let words = ["TO", "FIX", "XX"].map(|half| {
        half.to_owned()
            + if half == "TO" {
                "DO"
            } else if half == "FIX" {
                "ME"
            } else {
                "X"
            }
    });
    let unfinished = all()
        .into_iter()
        .filter(|(_, text)| !text.is_ascii() || words.iter().any(|word| text.contains(word)));
    hold("sources are ASCII and leave nothing open", unfinished.map(|(path, _)| path));
}

#[test]
fn unsafe_lives_in_the_mapping_layer() {
    let markers = ["{", "fn", "impl", "extern"].map(|next| format!("{} {next}", "unsafe"));
    let elsewhere = all().into_iter().filter(|(path, text)| {
        !path.starts_with("crates/mmap/")
            && !BORDERS.contains(&path.as_str())
            && text.lines().any(|line| {
                !line.trim_start().starts_with("//") && markers.iter().any(|marker| line.contains(marker))
            })
    });
    hold("unsafe code is in crates/mmap", elsewhere.map(|(path, _)| path));
}

#[test]
fn platforms_are_told_apart_in_one_place() {
    let asks = |line: &str| {
        !line.trim_start().starts_with("//")
            && line.contains("cfg(")
            && ["target_os", "cfg(unix", "cfg(windows", "not(unix", "not(windows"]
                .iter()
                .any(|word| line.contains(word))
    };
    let elsewhere = all().into_iter().filter(|(path, text)| {
        !path.starts_with("crates/mmap/src/sys")
            && !is_test(path)
            && !path.contains("/examples/")
            && text.lines().any(asks)
    });
    hold("platforms are told apart in crates/mmap/src/sys", elsewhere.map(|(path, _)| path));
}

#[test]
fn modules_of_the_engine_use_only_what_lies_below() {
    let floor = |name: &str| FLOORS.iter().position(|other| *other == name);
    let mut breaks = Vec::new();
    for (path, text) in all() {
        let Some(name) = path.strip_prefix("crates/cache/src/").and_then(|file| file.strip_suffix(".rs"))
        else {
            continue;
        };
        let name = &name.replace('/', "::");
        if name.ends_with("::mod") {
            continue;
        }
        let Some(own) = floor(name) else {
            breaks.push(format!("{name} has no floor: name it in FLOORS"));
            continue;
        };
        for used in text.split("crate::").skip(1) {
            let used: Vec<&str> = used.split("::").map(first_word).collect();
            let used = match used[..] {
                [module] => module.to_owned(),
                [room, module, ..] if floor(room).is_none() => format!("{room}::{module}"),
                [module, ..] => module.to_owned(),
                [] => continue,
            };
            if floor(&used).is_some_and(|floor| floor >= own) {
                breaks.push(format!("{name} uses {used}"));
            }
        }
    }
    hold("a module uses only those before it in FLOORS", breaks.into_iter());
}

#[test]
fn the_map_names_what_is_there() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    assert!(map.lines().count() < 200, "ARCHITECTURE.md is a map, not a book: under 200 lines");
    let missing = all().into_iter().map(|(path, _)| path).filter(|path| {
        let parts: Vec<&str> = path.split('/').collect();
        let name = parts[parts.len() - 1];
        let engine = parts[1] == "cache" || parts[1] == "mmap" && parts.len() == 4;
        engine
            && parts[2] == "src"
            && !["lib.rs", "main.rs", "mod.rs"].contains(&name)
            && !map.contains(&format!("`{name}`"))
    });
    hold("ARCHITECTURE.md names every file of the engine and the mapping layer", missing);
    let gone = map
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.contains('/') && !word.contains([' ', '<', '(', ':']));
    let gone = gone.filter(|path| !root().join(path).exists()).map(str::to_owned);
    hold("what ARCHITECTURE.md names exists", gone);
}

#[test]
fn what_the_front_page_links_to_is_there() {
    let page = fs::read_to_string(root().join("README.md")).unwrap();
    let links = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let links: Vec<&str> = links.filter(|link| !link.starts_with("http")).collect();
    let tests = links.iter().filter(|link| link.contains("/tests/")).count();
    assert!(tests > 10, "the table of features links to tests");
    let gone = links.iter().filter(|link| !root().join(link.split('#').next().unwrap_or(link)).exists());
    hold("what README.md links to exists", gone.map(|link| (*link).to_owned()));
    let table = page.split("| | Samovar |").nth(1).and_then(|rest| rest.split("\n\n").next()).unwrap_or("");
    let bare =
        table.lines().filter(|row| row.split('|').nth(2).is_some_and(|cell| cell.trim().starts_with("yes")));
    hold("every yes of Samovar's is linked to a test", bare.map(str::to_owned));
}
