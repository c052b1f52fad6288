//! What a file is: what it says first, how long it and its functions are, and what is only in a few of them.

use crate::source::{Source, Token, all, closed, hold};

/// Where another language, a library that asks for it, or a promise that only a user can make, makes unsafe code
/// unavoidable.
const BORDERS: [&str; 3] = [
    "crates/bench/src/peers/lmdb.rs",
    "crates/cache/tests/api/slices.rs",
    "crates/records/tests/arrow/main.rs",
];

const LONGEST_FILE: usize = 600;
/// Nine files in ten are no longer.
const LONG_FILE: usize = 400;
const LONGEST_FUNCTION: usize = 70;
/// Nine functions in ten are no longer.
const LONG_FUNCTION: usize = 25;
/// Besides `self`.
const MOST_PARAMETERS: usize = 4;

fn is_code(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with("//")
}

fn code_lines(text: &str) -> usize {
    text.lines().filter(|line| is_code(line)).count()
}

/// The sources that are read to understand the project: no tests.
fn read() -> Vec<Source> {
    all().into_iter().filter(|source| source.in_crate().is_some()).collect()
}

struct Function<'t> {
    name: &'t str,
    line: usize,
    /// From the word `fn` to the end of its body.
    code_lines: usize,
    parameters: usize,
}

fn functions(source: &Source) -> Vec<Function<'_>> {
    let (tokens, lines) = (source.tokens(), source.text.lines().collect::<Vec<_>>());
    let is_named = |at: &usize| tokens[*at].text == "fn" && tokens.get(at + 1).is_some_and(Token::is_word);
    let named = (0..tokens.len()).filter(is_named);
    named.map(|at| function(&tokens, at, &lines)).collect()
}

fn function<'t>(tokens: &[Token<'t>], at: usize, lines: &[&str]) -> Function<'t> {
    let (name, line) = (tokens[at + 1].text, tokens[at].line);
    let (mut open, mut depth) = (at + 2, 0);
    // Past the generics, where an arrow or a comparison closes nothing.
    while tokens[open].text != "(" || depth > 0 {
        depth += match tokens[open].text {
            "<" => 1,
            ">" => -1,
            _ => 0,
        };
        open += 1;
    }
    let close = closed(tokens, open);
    let end = (close..tokens.len()).find(|at| matches!(tokens[*at].text, "{" | ";"));
    let last = match end {
        Some(end) if tokens[end].text == "{" => tokens[closed(tokens, end)].line,
        _ => line,
    };
    let code_lines = lines[line - 1..last].iter().filter(|line| is_code(line)).count();
    Function { name, line, code_lines, parameters: parameters(&tokens[open + 1..close]) }
}

/// How many parameters, without `self`.
fn parameters(tokens: &[Token<'_>]) -> usize {
    let (mut depth, mut parts, mut is_empty) = (0, Vec::new(), true);
    let mut of_self = false;
    for token in tokens {
        match token.text {
            "(" | "[" | "{" | "<" => depth += 1,
            ")" | "]" | "}" | ">" => depth -= 1,
            "," if depth == 0 => {
                parts.push(of_self);
                (is_empty, of_self) = (true, false);
                continue;
            }
            "self" if depth == 0 => of_self = true,
            _ => {}
        }
        is_empty = false;
    }
    if !is_empty {
        parts.push(of_self);
    }
    parts.iter().filter(|of_self| !**of_self).count()
}

/// The length that nine in ten do not exceed.
fn ninth_decile(mut lengths: Vec<usize>) -> usize {
    lengths.sort_unstable();
    lengths[(lengths.len() * 9 / 10).min(lengths.len() - 1)]
}

#[test]
fn every_file_says_what_it_is() {
    let is_silent = |source: &Source| {
        !source.text.starts_with("//! ") && !source.text.starts_with("#![doc = include_str!")
    };
    hold(
        "a file begins with `//! ` and what it is",
        all().into_iter().filter(is_silent).map(|source| source.path),
    );
}

#[test]
fn no_file_is_long() {
    let lengths: Vec<(String, usize)> =
        read().into_iter().map(|source| (source.path, code_lines(&source.text))).collect();
    let long = lengths.iter().filter(|(_, lines)| *lines > LONGEST_FILE);
    hold("a file has at most 600 lines of code", long.map(|(path, lines)| format!("{path}: {lines}")));
    let usual = ninth_decile(lengths.into_iter().map(|(_, lines)| lines).collect());
    assert!(
        usual <= LONG_FILE,
        "nine files in ten have at most {usual} lines of code: make that {LONG_FILE}"
    );
}

#[test]
fn no_function_is_long_or_takes_much() {
    let (mut lengths, mut breaks) = (Vec::new(), Vec::new());
    for source in &read() {
        for found in functions(source) {
            let place = format!("{}:{} {}", source.path, found.line, found.name);
            lengths.push(found.code_lines);
            if found.code_lines > LONGEST_FUNCTION {
                breaks.push(format!("{place}: {} lines", found.code_lines));
            }
            if found.parameters > MOST_PARAMETERS {
                breaks.push(format!("{place}: {} parameters", found.parameters));
            }
        }
    }
    assert!(lengths.len() > 1000, "the functions are not where they were: {}", lengths.len());
    let usual = ninth_decile(lengths);
    println!("nine functions in ten have at most {usual} lines");
    hold("a function has at most 70 lines and 4 parameters", breaks.into_iter());
    assert!(
        usual <= LONG_FUNCTION,
        "nine functions in ten have at most {usual} lines: make that {LONG_FUNCTION}"
    );
}

#[test]
fn functions_are_measured_as_they_are() {
    let text = "impl A {\n fn one<F: Fn(u8) -> u8>(&self, a: Vec<(u8, u8)>,\n b: [u8; 2],) -> u8 {\n\n // why\n 1\n }\n}\nfn two();\n";
    let source = Source { path: String::new(), text: text.to_owned() };
    let found: Vec<_> =
        functions(&source).iter().map(|one| (one.name, one.line, one.code_lines, one.parameters)).collect();
    assert_eq!(found, [("one", 2, 4, 2), ("two", 9, 1, 0)]);
}

#[test]
fn sources_are_ascii_and_finished() {
    let words = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"]].map(|halves| halves.concat());
    let is_unfinished =
        |source: &Source| !source.text.is_ascii() || words.iter().any(|word| source.text.contains(word));
    hold(
        "sources are ASCII and leave nothing open",
        all().into_iter().filter(is_unfinished).map(|source| source.path),
    );
}

#[test]
fn unsafe_lives_in_the_mapping_layer() {
    let is_unsafe = |source: &Source| {
        let tokens = source.tokens();
        let next = |at: usize| tokens.get(at + 1).map_or("", |token| token.text);
        (0..tokens.len()).any(|at| {
            tokens[at].text == "unsafe" && ["{", "fn", "impl", "extern", "trait"].contains(&next(at))
        })
    };
    let is_elsewhere = |source: &Source| {
        !source.path.starts_with("crates/mmap/") && !BORDERS.contains(&source.path.as_str())
    };
    let elsewhere = all().into_iter().filter(|source| is_elsewhere(source) && is_unsafe(source));
    hold("unsafe code is in crates/mmap", elsewhere.map(|source| source.path));
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
    let elsewhere = read()
        .into_iter()
        .filter(|source| !source.path.starts_with("crates/mmap/src/sys") && source.text.lines().any(asks));
    hold("platforms are told apart in crates/mmap/src/sys", elsewhere.map(|source| source.path));
}
