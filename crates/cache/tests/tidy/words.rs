//! One word, one meaning: words that the glossary has given up do not come back, in code or in prose.

use crate::source::{Source, all, closed, hold, pages};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Words that stood for what has the field's own name now: beside each, that name.
const RETIRED: &[(&str, &str)] = &[
    ("queue", "ring"),
    ("ledger", "metadata"),
    ("sheet", "metadata"),
    ("amendment", "delta"),
    ("drain", "reclaim"),
    ("sweep", "evict a batch, clean up"),
    ("fate", "verdict"),
    ("judge", "verdict, decide, check"),
    ("retreat", "shrink"),
    ("estate", "extents"),
    ("groundwork", "prefault bitmap"),
    ("anchor", "flush horizon"),
    ("patience", "timeout"),
    ("haul", "candidates"),
    ("tenancy", "namespace"),
    ("shortcut", "fast path"),
    ("runway", "append window"),
    ("brink", "end"),
    ("gate", "open check"),
    ("seat", "process slot"),
    ("tally", "counter"),
    ("intent", "redo record"),
    ("stamp", "version"),
    ("seam", "hooks"),
    ("robbed", "taken over"),
];

/// States that have other names now, as they are written in code.
const RETIRED_STATES: [(&str, &str); 2] = [("Holds", "Committed"), ("Pending", "Prepared")];

/// What a reader has to read twice.
const PHRASES: [&str; 3] = ["whoever", "of which", "is to be"];

/// Names that libraries gave to things of theirs.
const FOREIGN: [&str; 3] = [".drain(", "queue!", "{cursor, execute, queue}"];

/// Where these words stand: in the rule itself.
const ELSEWHERE: [&str; 1] = ["crates/cache/tests/tidy/words.rs"];

/// The words of identifiers and prose alike, in lower case: `LogWalk`, `log_walk` and `log walk` are two.
fn words(line: &str) -> Vec<String> {
    let (mut found, mut word) = (Vec::new(), String::new());
    let mut was_lower = false;
    for next in line.chars().chain([' ']) {
        if !next.is_ascii_alphabetic() || next.is_ascii_uppercase() && was_lower {
            found.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
        }
        was_lower = next.is_ascii_lowercase();
        if next.is_ascii_alphabetic() {
            word.push(next.to_ascii_lowercase());
        }
    }
    found
}

/// Every form of every retired word, and the word that it is a form of with its successor.
static FORMS: LazyLock<BTreeMap<String, (&str, &str)>> = LazyLock::new(|| {
    let mut forms = BTreeMap::new();
    for &(retired, now) in RETIRED {
        let stem = retired.strip_suffix('e').unwrap_or(retired);
        let stem = stem.strip_suffix('y').map_or(stem.to_owned(), |stem| format!("{stem}i"));
        let of_word = ["", "s", "ed", "d", "ing"].map(|ending| format!("{retired}{ending}"));
        let of_stem = ["es", "ed", "ing"].map(|ending| format!("{stem}{ending}"));
        forms.extend(of_word.into_iter().chain(of_stem).map(|form| (form, (retired, now))));
    }
    forms
});

/// What a line breaks. A phrase may go on in the `next` one.
fn breaks_of(line: &str, next: &str) -> Vec<String> {
    let line = FOREIGN.iter().fold(line.to_owned(), |line, name| line.replace(name, " "));
    let own = words(&line);
    let retired = own.iter().filter_map(|word| FORMS.get(word));
    let retired = retired.map(|(retired, now)| format!("{retired} ({now})"));
    let identifiers: Vec<&str> = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let states = RETIRED_STATES.iter().filter(|(state, _)| identifiers.contains(state));
    let states = states.map(|(state, now)| format!("{state} ({now})"));
    let following = words(next);
    let phrases = PHRASES.iter().filter(|phrase| {
        let more = phrase.split(' ').count() - 1;
        let text: Vec<&str> = own.iter().chain(following.iter().take(more)).map(String::as_str).collect();
        format!(" {} ", text.join(" ")).contains(&format!(" {phrase} "))
    });
    retired.chain(states).chain(phrases.map(|phrase| (*phrase).to_owned())).collect()
}

/// The lines of a text that break the rule.
fn breaks_in(path: &str, text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().chain([""]).collect();
    let broken = lines.windows(2).enumerate().flat_map(|(at, pair)| {
        breaks_of(pair[0], pair[1]).into_iter().map(move |what| format!("{path}:{} {what}", at + 1))
    });
    broken.collect()
}

#[test]
fn no_retired_word_comes_back() {
    let sources = all().into_iter().chain(pages());
    let sources = sources.filter(|source| !ELSEWHERE.iter().any(|path| source.path.starts_with(path)));
    hold(
        "words that were given up stay away",
        sources.flat_map(|source| breaks_in(&source.path, &source.text)),
    );
}

/// Crates whose types share no name: in the benchmark each command has its `Found` and its `Row`.
const ONE_NAME_EACH: [&str; 3] = ["cache", "cli", "mmap"];

/// The types that a source declares: a `type` within an `impl` or a `trait` is none.
fn types(source: &Source) -> Vec<String> {
    let tokens = source.tokens();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        match tokens[at].text {
            "impl" | "trait" => {
                found.extend(tokens.get(at + 1).filter(|_| tokens[at].text == "trait").map(|name| name.text));
                let open = tokens[at..].iter().position(|token| ["{", ";"].contains(&token.text));
                at = open.map_or(tokens.len(), |open| closed(&tokens, at + open));
            }
            "struct" | "enum" | "union" | "type" => {
                found.extend(tokens.get(at + 1).filter(|name| name.is_word()).map(|name| name.text));
                at += 1;
            }
            _ => at += 1,
        }
    }
    found.into_iter().map(str::to_owned).collect()
}

#[test]
fn a_name_is_one_type() {
    let mut seen: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut breaks = Vec::new();
    for source in all() {
        let Some((folder, file)) = source.in_crate() else { continue };
        // One name for every platform and processor is the point there.
        if !ONE_NAME_EACH.contains(&folder) || file.starts_with("sys/") || file.starts_with("machine/") {
            continue;
        }
        for name in types(&source) {
            if let Some(other) = seen.insert((folder.to_owned(), name.clone()), source.path.clone())
                && other != source.path
            {
                breaks.push(format!("{name}: {other} and {}", source.path));
            }
        }
    }
    assert!(seen.len() > 200, "the types are not where they were");
    hold("one name is one type within a crate", breaks.into_iter());
}

#[test]
fn types_are_those_of_no_impl() {
    let text =
        "pub struct A; enum B { C } impl D for A { type E = A; } trait F { type G; } pub(crate) type H = A;";
    let source = Source { path: String::new(), text: text.to_owned() };
    assert_eq!(types(&source), ["A", "B", "F", "H"]);
}

#[test]
fn retired_words_are_known_in_every_form() {
    for line in [
        "fn drain_one()",
        "// It was drained.",
        "struct LedgerWalk;",
        "RUNWAYS",
        "judging by",
        "tallies",
        "Selector::Pending(1)",
        "// that is to be",
    ] {
        assert!(!breaks_of(line, "").is_empty(), "{line}");
    }
    assert_eq!(breaks_of("/// the size that it is", "/// to be"), ["is to be"]);
    for line in
        ["timestamps", "segment", "aggregate", "intention", "a frigate", "is_pending", "keys.drain(..)"]
    {
        assert!(breaks_of(line, "").is_empty(), "{line}: {:?}", breaks_of(line, ""));
    }
}
