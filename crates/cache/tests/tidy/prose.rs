//! Sentences are short: a reader whose English is plain must not read one twice.

use crate::source::{Source, all, hold, pages};

/// The most words of a sentence. Most have fewer than 25.
const MOST_WORDS: usize = 30;

/// Pages that a program writes.
const ELSEWHERE: [&str; 2] = ["docs/COMPARE.md", "docs/miss-ratios.md"];

/// A paragraph of prose, and the line that it begins in, from 1.
#[derive(Debug, PartialEq)]
struct Paragraph {
    line: usize,
    text: String,
}

/// The prose of a line, and what marks it as such: a comment's slashes, or nothing on a page.
fn marked(line: &str, is_page: bool) -> Option<(&str, &str)> {
    let line = line.trim_start();
    if is_page {
        return Some(("", line));
    }
    let marker = ["//!", "///", "//"].into_iter().find(|marker| line.starts_with(marker))?;
    Some((marker, &line[marker.len()..]))
}

/// Does a line begin something of its own: an item of a list?
fn is_item(text: &str) -> bool {
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit());
    text.starts_with("* ") || text.starts_with("- ") || number.len() < text.len() && number.starts_with(". ")
}

/// The paragraphs of comments, or of a page. Code, tables and headings are none.
fn paragraphs(text: &str, is_page: bool) -> Vec<Paragraph> {
    let mut found: Vec<Paragraph> = Vec::new();
    // The marker of the paragraph that goes on, or none after something else.
    let (mut open, mut in_code) = (None, None);
    for (at, line) in text.lines().enumerate() {
        let Some((marker, text)) = marked(line, is_page) else {
            (open, in_code) = (None, None);
            continue;
        };
        let is_drawing = open.is_none() && text.starts_with("     ");
        let text = text.trim();
        if text.starts_with("```") {
            (open, in_code) = (None, if in_code.is_some() { None } else { Some(marker) });
            continue;
        }
        let is_none = text.is_empty() || text.starts_with(['#', '|']) || text.starts_with("canary:");
        if in_code == Some(marker) || is_none || is_drawing {
            open = None;
            continue;
        }
        if open == Some(marker) && !is_item(text) {
            let paragraph = found.last_mut().expect("one is open");
            paragraph.text.push(' ');
            paragraph.text.push_str(text);
        } else {
            found.push(Paragraph { line: at + 1, text: text.to_owned() });
            open = Some(marker);
        }
    }
    found
}

/// The sentences of a paragraph, each as its words. Code in quotes is one word. A bar between groups of a list ends one.
fn sentences(paragraph: &str) -> Vec<Vec<&str>> {
    let (mut found, mut sentence) = (Vec::new(), Vec::new());
    let mut in_code = false;
    for word in paragraph.split_whitespace() {
        let was_in_code = in_code;
        in_code ^= word.matches('`').count() % 2 == 1;
        if !was_in_code && word.contains(|c: char| c.is_alphanumeric()) {
            sentence.push(word);
        }
        let end = word.trim_end_matches([')', '*', '"', '\'', ']']);
        if !in_code && (end.ends_with(['.', ';', '!', '?']) || word == "|") {
            found.push(std::mem::take(&mut sentence));
        }
    }
    found.push(sentence);
    found
}

fn breaks_in(path: &str, text: &str, is_page: bool) -> Vec<String> {
    let mut breaks = Vec::new();
    for paragraph in paragraphs(text, is_page) {
        for sentence in sentences(&paragraph.text).into_iter().filter(|words| words.len() > MOST_WORDS) {
            breaks.push(format!(
                "{path}:{} {} words: {}",
                paragraph.line,
                sentence.len(),
                sentence.join(" ")
            ));
        }
    }
    breaks
}

#[test]
fn sentences_are_short() {
    let is_ours = |source: &Source| !ELSEWHERE.iter().any(|path| source.path.starts_with(path));
    let of_code = all().into_iter().filter(is_ours);
    let of_code = of_code.flat_map(|source| breaks_in(&source.path, &source.text, false));
    let of_pages = pages().into_iter().filter(is_ours);
    let of_pages = of_pages.flat_map(|page| breaks_in(&page.path, &page.text, true));
    hold("a sentence has at most thirty words", of_code.chain(of_pages));
}

#[test]
fn paragraphs_are_prose_alone() {
    let text = "/// One\n/// two.\n///\n/// ```\n/// code\n/// ```\n/// * item\n/// * `a b` c; d\n// e\ncode(); \n//! f";
    let found: Vec<(usize, String)> =
        paragraphs(text, false).into_iter().map(|paragraph| (paragraph.line, paragraph.text)).collect();
    let expected = [(1, "One two."), (7, "* item"), (8, "* `a b` c; d"), (9, "e"), (11, "f")];
    assert_eq!(found, expected.map(|(line, text)| (line, text.to_owned())));
    let lengths = |text| sentences(text).iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(lengths("* `a b` c; d (e f.) G - h"), [2, 3, 2]);
    assert_eq!(paragraphs("# A\na\n| b | c |\n1. d\ne", true).len(), 2);
}

#[test]
fn a_long_sentence_is_found() {
    let long = format!("// {}\n// end.\n", "word ".repeat(MOST_WORDS));
    assert_eq!(breaks_in("a.rs", &long, false).len(), 1);
    let short = format!("// {}\n// end.\n", "word ".repeat(MOST_WORDS - 1));
    assert_eq!(breaks_in("a.rs", &short, false).len(), 0);
}
