//! The rooms of this crate: no file uses itself by way of others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules of the crate, and those that each names.
type Arrows = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_file_uses_itself_by_way_of_others() {
    let arrows = arrows(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(arrows.len() > 20 && arrows["commands::demo"].contains("commands::demo::stage"), "{arrows:?}");
    let circle: Vec<&String> =
        arrows.keys().filter(|module| reached(&arrows, module).contains(*module)).collect();
    assert!(circle.is_empty(), "these use one another in a circle: {circle:?}");
}

/// Everything that a module uses, by way of others or not.
fn reached<'a>(arrows: &'a Arrows, module: &str) -> BTreeSet<&'a String> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&String> = arrows[module].iter().collect();
    while let Some(module) = next.pop() {
        if found.insert(module) {
            next.extend(&arrows[module]);
        }
    }
    found
}

fn arrows(src: &Path) -> Arrows {
    let files = files(src);
    let modules: BTreeMap<String, String> = files
        .iter()
        .map(|file| (module(src, file), fs::read_to_string(file).expect("a source file")))
        .collect();
    let named = |module: &String, text: &String| {
        let paths = paths(text).into_iter().map(|path| absolute(module, &path));
        // A path names the longest module that it begins with; a module's own items are no arrow.
        let found = paths.filter_map(|path| longest(&modules, &path)).filter(|used| used != module);
        (module.clone(), found.collect())
    };
    modules.iter().map(|(module, text)| named(module, text)).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let sources = |path: PathBuf| match path.extension() {
        _ if path.is_dir() => files(&path),
        // The tests of a file belong to it.
        Some(ending) if ending == "rs" && !path.ends_with("tests.rs") => vec![path],
        _ => Vec::new(),
    };
    entries.flat_map(sources).collect()
}

/// `src/commands/top/mod.rs` as `commands::top`; the root has no name.
fn module(src: &Path, file: &Path) -> String {
    let path = file.strip_prefix(src).expect("a file of src").with_extension("");
    let parts: Vec<_> = path.iter().filter_map(|part| part.to_str()).filter(|part| *part != "mod").collect();
    parts.join("::").replace("main", "")
}

/// Every path that the text names, with the trees of its `use` lines spread out, and the modules that it declares.
fn paths(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.starts_with("//")).collect();
    let code = code.join(" ");
    let mut found: Vec<String> = code.split("mod ").skip(1).filter_map(declared).collect();
    for statement in code.split(" use ").skip(1).chain(code.strip_prefix("use ")) {
        spread("", statement.split(';').next().unwrap_or_default(), &mut found);
    }
    for root in ["crate::", "super::"] {
        found.extend(code.split(root).skip(1).map(|rest| format!("{root}{}", head(rest))));
    }
    found
}

fn declared(rest: &str) -> Option<String> {
    let name = head(rest);
    rest[name.len()..].starts_with(';').then(|| format!("self::{name}"))
}

/// The path at the beginning of a text.
fn head(text: &str) -> &str {
    let end = text.find(|char: char| !char.is_ascii_alphanumeric() && char != '_' && char != ':');
    &text[..end.unwrap_or(text.len())]
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d` and `a::c::e`.
fn spread(front: &str, tree: &str, found: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, branches)) = tree.strip_suffix('}').and_then(|tree| tree.split_once('{')) else {
        return found.push(format!("{front}{tree}"));
    };
    let front = format!("{front}{head}");
    let (mut depth, mut start) = (0, 0);
    for (at, char) in branches.char_indices().chain([(branches.len(), ',')]) {
        match char {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                spread(&front, &branches[start..at], found);
                start = at + 1;
            }
            _ => {}
        }
    }
}

/// A path from the root of the crate. One without a beginning that says where it starts may be a module beneath.
fn absolute(module: &str, path: &str) -> String {
    let mut parts: Vec<&str> = module.split("::").filter(|part| !part.is_empty()).collect();
    let mut rest = path;
    if let Some(path) = rest.strip_prefix("crate::") {
        return path.to_owned();
    }
    while let Some(path) = rest.strip_prefix("super::") {
        parts.pop();
        rest = path;
    }
    parts.extend(rest.strip_prefix("self::").unwrap_or(rest).split("::"));
    parts.join("::")
}

fn longest(modules: &BTreeMap<String, String>, path: &str) -> Option<String> {
    let mut path = path;
    loop {
        if modules.contains_key(path) {
            return Some(path.to_owned());
        }
        path = path.rsplit_once("::")?.0;
    }
}
