//! Who uses whom: files of a crate, by what they import, and by methods of a type whose `impl` blocks lie in several files.

use crate::source::{Source, Token, closed};
use std::collections::{BTreeMap, BTreeSet};

/// One file uses another, and by which name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrow {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) by: String,
}

type Path = Vec<String>;

/// A file of a crate: where it lies in `src`, its words and signs, and the module that it is.
struct File<'s> {
    name: &'s str,
    module: Path,
    tokens: Vec<Token<'s>>,
}

/// The files of one crate.
pub(crate) struct Crate<'s> {
    files: Vec<File<'s>>,
    modules: BTreeMap<Path, usize>,
}

impl<'s> Crate<'s> {
    pub(crate) fn of(sources: &'s [Source], folder: &str) -> Self {
        let files: Vec<File<'s>> = (sources.iter())
            .filter_map(|source| Some((source, source.in_crate().filter(|(name, _)| *name == folder)?.1)))
            .map(|(source, name)| File { name, module: module_of(name), tokens: source.tokens() })
            .collect();
        let modules = files.iter().enumerate().map(|(at, file)| (file.module.clone(), at)).collect();
        Crate { files, modules }
    }

    /// All arrows between its files. The crate's root is a table of contents, from which none begins.
    pub(crate) fn arrows(&self) -> BTreeSet<Arrow> {
        let imports =
            self.files.iter().filter(|file| !file.module.is_empty()).flat_map(|file| self.imports(file));
        imports.chain(self.calls()).filter(|arrow| arrow.from != arrow.to).collect()
    }

    fn imports(&self, file: &File<'s>) -> Vec<Arrow> {
        let (exported, paths) = paths(&file.tokens);
        let paths =
            paths.into_iter().enumerate().filter(|(at, _)| !exported.contains(at)).map(|(_, path)| path);
        let named = paths.filter_map(|path| {
            let to = self.find(file, &path, 0)?;
            Some(Arrow {
                from: file.name.to_owned(),
                to: self.files[to].name.to_owned(),
                by: path.join("::"),
            })
        });
        named.collect()
    }

    /// The file in which lies what a path names.
    fn find(&self, file: &File<'s>, path: &[String], depth: u32) -> Option<usize> {
        let path = self.absolute(file, path)?;
        let len = (0..=path.len()).rev().find(|len| self.modules.contains_key(&path[..*len]))?;
        let at = self.modules[&path[..len]];
        let Some(name) = path.get(len).filter(|_| depth < 8) else { return Some(at) };
        // What a module only passes on lies elsewhere.
        let (exported, paths) = paths(&self.files[at].tokens);
        let passed_on =
            exported.into_iter().map(|index| &paths[index]).find(|path| path.last() == Some(name));
        passed_on.map_or(Some(at), |path| self.find(&self.files[at], path, depth + 1))
    }

    /// A path from the crate's root; none of what is another crate's.
    fn absolute(&self, file: &File<'s>, path: &[String]) -> Option<Path> {
        let mut base = file.module.clone();
        match path.first().map(String::as_str)? {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([base, path[1..].to_vec()].concat()),
            "super" => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                base.truncate(base.len().checked_sub(ups)?);
                Some([base, path[ups..].to_vec()].concat())
            }
            _ => {
                let inside = [base, path.to_vec()].concat();
                let is_child = self.modules.contains_key(&inside[..file.module.len() + 1]);
                is_child.then_some(inside)
            }
        }
    }

    /// Calls of methods of `self` that are defined in another file.
    fn calls(&self) -> Vec<Arrow> {
        let mut defined: BTreeMap<(Owner, &str), BTreeSet<usize>> = BTreeMap::new();
        let impls: Vec<Vec<Impl<'_>>> = self.files.iter().map(|file| impls(&file.tokens)).collect();
        for (at, of_file) in impls.iter().enumerate() {
            for of_type in of_file.iter().filter(|of_type| of_type.is_inherent) {
                for method in of_type.methods(&self.files[at].tokens) {
                    defined.entry((self.owner(at, of_type.name), method)).or_default().insert(at);
                }
            }
        }
        let mut arrows = Vec::new();
        for (at, of_type) in impls.iter().enumerate().flat_map(|(at, of)| of.iter().map(move |one| (at, one)))
        {
            let owner = self.owner(at, of_type.name);
            for method in of_type.calls(&self.files[at].tokens) {
                let homes = defined.get(&(owner.clone(), method));
                for home in
                    homes.into_iter().flatten().filter(|_| homes.is_some_and(|homes| !homes.contains(&at)))
                {
                    let [from, to] = [at, *home].map(|at| self.files[at].name.to_owned());
                    arrows.push(Arrow { from, to, by: format!("{}::{method}()", of_type.name) });
                }
            }
        }
        arrows
    }

    /// The type of this name that a file means: its own, or one that it imports.
    fn owner(&self, at: usize, name: &str) -> Owner {
        let own = |tokens: &[Token<'_>]| {
            tokens
                .windows(2)
                .any(|pair| ["struct", "enum", "union"].contains(&pair[0].text) && pair[1].text == name)
        };
        if own(&self.files[at].tokens) {
            return (at, name.to_owned());
        }
        let (_, paths) = paths(&self.files[at].tokens);
        let imported = paths.iter().find(|path| path.last().is_some_and(|last| last == name));
        let home = imported.and_then(|path| self.find(&self.files[at], path, 0));
        (home.unwrap_or(at), name.to_owned())
    }
}

/// A type, by the file that defines it.
type Owner = (usize, String);

/// `a/b.rs` is `a::b`; `a/mod.rs` is `a`; the root has no name.
fn module_of(name: &str) -> Path {
    let parts = name.trim_end_matches(".rs").split('/').map(str::to_owned);
    parts.filter(|part| !["lib", "main", "mod"].contains(&part.as_str())).collect()
}

/// Every path of a file, with the trees of its `use` lines spread out; and which of them it passes on to others.
fn paths(tokens: &[Token<'_>]) -> (BTreeSet<usize>, Vec<Path>) {
    let (mut exported, mut found) = (BTreeSet::new(), Vec::new());
    // Where modules end that are within the file.
    let mut inside = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let (text, first) = (tokens[at].text, found.len());
        inside.retain(|end| at < *end);
        if text == "use" {
            let is_public = at > 0 && matches!(tokens[at - 1].text, "pub" | ")");
            at = spread(tokens, at + 1, &[], &mut found);
            exported.extend((first..found.len()).filter(|_| is_public && inside.is_empty()));
        } else if tokens[at].is_word() && tokens.get(at + 1).is_some_and(|next| next.text == "::") {
            at = spread(tokens, at, &[], &mut found);
        } else {
            if text == "mod" && tokens.get(at + 2).is_some_and(|next| next.text == "{") {
                inside.push(closed(tokens, at + 2));
            }
            at += 1;
        }
        for path in &mut found[first..] {
            // To such a module the file itself is what is above it.
            let ups = path.iter().take_while(|part| *part == "super").count().min(inside.len());
            if ups > 0 {
                path.splice(..ups, ["self".to_owned()]);
            }
        }
    }
    (exported, found)
}

/// Reads a path or a tree of paths; where it ends.
fn spread(tokens: &[Token<'_>], from: usize, prefix: &[String], found: &mut Vec<Path>) -> usize {
    let (mut path, mut at) = (prefix.to_vec(), from);
    while let Some(token) = tokens.get(at) {
        match token.text {
            "{" => {
                let end = closed(tokens, at);
                at += 1;
                while at < end {
                    at = spread(tokens, at, &path, found).max(at + 1);
                }
                return end + 1;
            }
            "::" => at += 1,
            "*" | "self" if !path.is_empty() => {
                found.push(path);
                return at + 1;
            }
            _ if token.is_word() => {
                path.push(token.text.to_owned());
                at += 1;
                match tokens.get(at).map_or("", |next| next.text) {
                    "::" => continue,
                    "as" => at += 2,
                    _ => {}
                }
                found.push(path);
                return at;
            }
            _ => return at,
        }
    }
    at
}

/// An `impl` block.
struct Impl<'t> {
    name: &'t str,
    is_inherent: bool,
    body: (usize, usize),
}

impl<'t> Impl<'t> {
    /// The functions that it defines.
    fn methods(&self, tokens: &[Token<'t>]) -> Vec<&'t str> {
        let (mut at, mut found) = (self.body.0 + 1, Vec::new());
        while at < self.body.1 {
            match tokens[at].text {
                "fn" => found.push(tokens[at + 1].text),
                "{" => at = closed(tokens, at),
                _ => {}
            }
            at += 1;
        }
        found
    }

    /// The functions of its type that it calls.
    fn calls(&self, tokens: &[Token<'t>]) -> BTreeSet<&'t str> {
        let of = &tokens[self.body.0..self.body.1];
        let calls = of.windows(4).filter(|four| {
            let of_self = four[0].text == "self" && four[1].text == ".";
            let of_type = (four[0].text == "Self" || four[0].text == self.name) && four[1].text == "::";
            (of_self || of_type) && four[2].is_word() && matches!(four[3].text, "(" | "::")
        });
        calls.map(|four| four[2].text).collect()
    }
}

fn impls<'t>(tokens: &[Token<'t>]) -> Vec<Impl<'t>> {
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let begins = at == 0 || matches!(tokens[at - 1].text, "}" | ";" | "]" | "{" | "unsafe");
        if tokens[at].text != "impl" || !begins {
            continue;
        }
        let Some(open) = (at..tokens.len()).find(|at| tokens[*at].text == "{") else { continue };
        let (name, is_inherent) = named(&tokens[at + 1..open]);
        found.push(Impl { name, is_inherent, body: (open, closed(tokens, open)) });
    }
    found
}

/// The type of an `impl`, and whether it is of the type itself and not of a trait.
fn named<'t>(head: &[Token<'t>]) -> (&'t str, bool) {
    let (mut depth, mut name, mut is_inherent) = (0, "", true);
    for (at, token) in head.iter().enumerate() {
        match token.text {
            "<" => depth += 1,
            ">" => depth -= 1,
            "for" if depth == 0 && head.get(at + 1).is_none_or(|next| next.text != "<") => {
                (name, is_inherent) = ("", false);
            }
            "where" if depth == 0 => break,
            text if depth == 0 && token.is_word() => name = text,
            _ => {}
        }
    }
    (name, is_inherent)
}

/// Everything that a file uses, by way of others or not.
fn reached<'a>(next: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut todo: Vec<&str> = next.get(from).into_iter().flatten().copied().collect();
    while let Some(file) = todo.pop() {
        if seen.insert(file) {
            todo.extend(next.get(file).into_iter().flatten());
        }
    }
    seen
}

/// Files that use one another, by whatever way round: each lot of them, with the arrows within it.
pub(crate) fn circles(arrows: &BTreeSet<Arrow>) -> Vec<Vec<&Arrow>> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for arrow in arrows {
        next.entry(&arrow.from).or_default().insert(&arrow.to);
    }
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        next.keys().map(|file| (*file, reached(&next, file))).collect();
    let meets = |a: &str, b: &str| {
        let goes = |from: &str, to: &str| reach.get(from).is_some_and(|reached| reached.contains(to));
        goes(a, b) && goes(b, a)
    };
    let mut lots: BTreeMap<&str, Vec<&Arrow>> = BTreeMap::new();
    for arrow in arrows.iter().filter(|arrow| meets(&arrow.from, &arrow.to)) {
        let first = reach.keys().find(|file| meets(file, &arrow.from)).copied().unwrap_or(&arrow.from);
        lots.entry(first).or_default().push(arrow);
    }
    lots.into_values().collect()
}

#[test]
fn arrows_are_found_whatever_they_are_called() {
    let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let sources = [
        source("crates/x/src/lib.rs", "mod a; mod room; pub use a::A;"),
        source(
            "crates/x/src/a.rs",
            "use crate::room::{b::{B, C as D}, c}; pub struct A; impl A { fn one(&self) { self.two() } }",
        ),
        source("crates/x/src/room/mod.rs", "pub mod b; pub mod c;"),
        source(
            "crates/x/src/room/b.rs",
            "use super::c::E; use std::fmt; pub struct B; mod inner { use super::B; }",
        ),
        source("crates/x/src/room/c.rs", "use crate::A; impl<'a> A where u8: Copy { fn two(&self) {} }"),
    ];
    let arrows = Crate::of(&sources, "x").arrows();
    let told: Vec<String> =
        arrows.iter().map(|arrow| format!("{} {} {}", arrow.from, arrow.to, arrow.by)).collect();
    let wanted = [
        "a.rs room/b.rs crate::room::b::B",
        "a.rs room/b.rs crate::room::b::C",
        "a.rs room/c.rs A::two()",
        "a.rs room/c.rs crate::room::c",
        "room/b.rs room/c.rs super::c::E",
        "room/c.rs a.rs crate::A",
    ];
    assert_eq!(told, wanted);
    let circles = circles(&arrows);
    assert_eq!(circles.len(), 1);
    assert!(circles[0].len() == 6, "{circles:?}");
}
