//! One word, one meaning: words that the glossary has given up do not come back.

use crate::source::{all, hold};

/// Words that stood for what has the field's own name now: beside each, that name.
const RETIRED: &[(&str, &str)] = &[
    ("ledger", "metadata"),
    ("sheet", "metadata"),
    ("amendment", "delta"),
    ("retreat", "shrink"),
    ("estate", "extents"),
    ("groundwork", "prefault bitmap"),
    ("tenancy", "namespace"),
    ("shortcut", "fast path"),
    ("runway", "append window"),
    ("brink", "end"),
    ("intent", "redo record"),
    ("seam", "hooks"),
];

/// A state that has another name now, as it is written in code.
const RETIRED_STATES: [(&str, &str); 1] = [("Pending", "Prepared")];

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

/// Is it the word, or a form of it?
fn is_form_of(word: &str, retired: &str) -> bool {
    let stem = retired.strip_suffix('e').unwrap_or(retired);
    let stem = stem.strip_suffix('y').map_or(stem.to_owned(), |stem| format!("{stem}i"));
    word == retired
        || word.strip_prefix(retired).is_some_and(|rest| ["s", "ed", "d", "ing"].contains(&rest))
        || word.strip_prefix(&stem).is_some_and(|rest| ["es", "ed", "ing"].contains(&rest))
}

fn breaks_of(line: &str) -> Vec<String> {
    let words = words(line);
    let retired = RETIRED.iter().filter(|(retired, _)| words.iter().any(|word| is_form_of(word, retired)));
    let retired = retired.map(|(retired, now)| format!("{retired} ({now})"));
    let identifiers: Vec<&str> = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let states = RETIRED_STATES.iter().filter(|(state, _)| identifiers.contains(state));
    let states = states.map(|(state, now)| format!("{state} ({now})"));
    retired.chain(states).collect()
}

#[test]
fn no_retired_word_comes_back() {
    let mut breaks = Vec::new();
    for source in all().iter().filter(|source| source.in_crate().is_some()) {
        for (at, line) in source.text.lines().enumerate() {
            let found = breaks_of(line);
            breaks.extend(found.into_iter().map(|what| format!("{}:{} {what}", source.path, at + 1)));
        }
    }
    hold("words that were given up stay away", breaks.into_iter());
}

#[test]
fn retired_words_are_known_in_every_form() {
    let forms = [
        "retreat_one()",
        "// It was retreated.",
        "struct LedgerWalk;",
        "RUNWAYS",
        "tenancies",
        "Selector::Pending(1)",
    ];
    for line in forms {
        assert!(!breaks_of(line).is_empty(), "{line}");
    }
    for line in ["seamless", "segment", "intention", "shorten", "is_pending"] {
        assert!(breaks_of(line).is_empty(), "{line}: {:?}", breaks_of(line));
    }
}
