//! The sources of the project, as the other rules read them: files, and their words and signs without comments and strings.

use std::fs;
use std::path::{Path, PathBuf};

/// Where the project lies.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A source file, by its path from the root.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// A test, or something to measure with: the rules about how code is cut do not hold there.
    pub(crate) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("tests.rs") || self.path.contains("/benches/")
    }

    /// The crate's folder, and the file's path in its `src`; none of other files.
    pub(crate) fn in_crate(&self) -> Option<(&str, &str)> {
        let (folder, file) = self.path.strip_prefix("crates/")?.split_once("/src/")?;
        (!self.is_test()).then_some((folder, file))
    }

    pub(crate) fn tokens(&self) -> Vec<Token<'_>> {
        tokens(&self.text)
    }
}

/// A path from the root.
fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
}

/// Every source file of the project.
pub(crate) fn all() -> Vec<Source> {
    let mut found = Vec::new();
    collect(&root().join("crates"), &mut found);
    collect(&root().join("fuzz"), &mut found);
    assert!(found.len() > 20, "the sources are not where they were");
    let mut all: Vec<Source> = (found.into_iter())
        .map(|path| Source { path: name(&path), text: fs::read_to_string(&path).unwrap() })
        .collect();
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Every page of the project, its prose alone: what stands in code spans and blocks is checked where it is code.
pub(crate) fn pages() -> Vec<Source> {
    let folders = ["", "docs", "crates/bench", "crates/cli", "crates/mmap", "crates/records"];
    let files = folders.iter().flat_map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let files = files.map(|entry| entry.unwrap().path());
    let mut pages: Vec<Source> = (files.filter(|path| path.extension().is_some_and(|ending| ending == "md")))
        .map(|path| Source { path: name(&path), text: prose(&fs::read_to_string(&path).unwrap()) })
        .collect();
    assert!(pages.len() > 8, "the pages are not where they were");
    pages.sort_by(|a, b| a.path.cmp(&b.path));
    pages
}

/// A page without its code: as many lines, each with its prose.
fn prose(page: &str) -> String {
    let (mut found, mut is_code, mut in_block) = (String::new(), false, false);
    for line in page.split_inclusive('\n') {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            found.push('\n');
            continue;
        }
        for next in line.chars() {
            is_code ^= next == '`' && !in_block;
            let is_prose = !is_code && !in_block && next != '`';
            found.push(if is_prose || next == '\n' { next } else { ' ' });
        }
    }
    found
}

/// Collects what breaks a rule, and fails with all of it.
#[track_caller]
pub(crate) fn hold(rule: &str, breaks: impl Iterator<Item = String>) {
    let breaks: Vec<String> = breaks.collect();
    assert!(breaks.is_empty(), "{rule}:\n  {}", breaks.join("\n  "));
}

/// A word or a sign of a source, and the line that it is on, from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'t> {
    pub(crate) text: &'t str,
    pub(crate) line: usize,
}

impl Token<'_> {
    pub(crate) fn is_word(&self) -> bool {
        self.text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
    }
}

/// Words, numbers and signs. A comment is nothing, a string or a character one sign, whatever is in it.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    while at < text.len() {
        let rest = &text[at..];
        let len = length(rest);
        let token = &rest[..len];
        let is_nothing =
            token.starts_with(char::is_whitespace) || token.starts_with("//") || token.starts_with("/*");
        if !is_nothing {
            let quoted = token.len() > 1 && token.ends_with(['"', '\'', '#']);
            found.push(Token { text: if quoted { "\"" } else { token }, line });
        }
        line += token.matches('\n').count();
        at += len;
    }
    found
}

/// The length of what a text begins with.
fn length(text: &str) -> usize {
    let while_all = |is: fn(char) -> bool| text.find(|c| !is(c)).unwrap_or(text.len());
    let to = |end: &str, from: usize| text[from..].find(end).map_or(text.len(), |at| from + at + end.len());
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match text.as_bytes() {
        [b'/', b'/', ..] => text.find('\n').unwrap_or(text.len()),
        [b'/', b'*', ..] => to("*/", 2),
        [b'r', b'#', b'"', ..] => to("\"#", 3),
        [b'b', b'r', b'"', ..] => to("\"", 3),
        [b'r', b'"', ..] => to("\"", 2),
        [b'b', b'"', ..] => quoted(text, 2, b'"'),
        [b'"', ..] => quoted(text, 1, b'"'),
        [b'b', b'\'', ..] => quoted(text, 2, b'\''),
        [b'\'', b'\\', ..] | [b'\'', _, b'\'', ..] => quoted(text, 1, b'\''),
        [b'\'', ..] => 1 + text[1..].find(|c| !is_word(c)).unwrap_or(text.len() - 1),
        [b':', b':', ..] | [b'-' | b'=', b'>', ..] => 2,
        [first, ..] if first.is_ascii_alphanumeric() || *first == b'_' => {
            while_all(|c| c.is_ascii_alphanumeric() || c == '_')
        }
        [first, ..] if first.is_ascii_whitespace() => while_all(char::is_whitespace),
        _ => text.chars().next().map_or(1, char::len_utf8),
    }
}

/// The length of what is quoted, from its first byte inside on.
fn quoted(text: &str, from: usize, quote: u8) -> usize {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}

/// Where the bracket that is at `open` is closed.
pub(crate) fn closed(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    tokens.len() - 1
}

#[test]
fn prose_is_what_is_not_code() {
    assert_eq!(prose("a `b`\n```\nc\n```\nd `e\nf` g\n"), "a    \n\n \n\nd   \n   g\n");
}

#[test]
fn sources_are_cut_into_words_and_signs() {
    let cut = |text| tokens(text).iter().map(|token| token.text).collect::<Vec<_>>().join(" ");
    assert_eq!(
        cut("a::b(&'a self, 'x', \"fn }\\\"\") // c\n-> r#\"}\"#"),
        "a :: b ( & 'a self , \" , \" ) -> \""
    );
    assert_eq!(cut("/* { */ match x { '\\'' => b'}', _ => 0x7f }"), "match x { \" => \" , _ => 0x7f }");
    assert_eq!(tokens("a\n\n\"\n\" b").last().map(|token| token.line), Some(4));
}
