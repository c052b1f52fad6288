//! `samovar stat --prometheus`: a text that Prometheus can read, with the numbers that `stat --json` tells.

use crate::harness::{ABSENT, DONE, Place, USAGE, samovar};
use std::collections::{BTreeMap, BTreeSet};

/// What a reader of the format makes of a text.
#[derive(Default)]
struct Scrape {
    /// Each metric's type.
    kinds: BTreeMap<String, String>,
    /// Name and labels, and the value.
    samples: BTreeMap<(String, BTreeMap<String, String>), u64>,
}

impl Scrape {
    /// Reads a text as strictly as `promtool check metrics`. Help and type come once and first; names and labels have
    /// the right characters. No sample comes twice, and no metric in two places. A line feed is at the end.
    fn read(text: &str) -> Scrape {
        assert!(text.ends_with('\n'));
        let (mut scrape, mut helped, mut metric) = (Scrape::default(), BTreeSet::new(), String::new());
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').expect("a help text");
                assert!(helped.insert(name.to_owned()) && words.ends_with('.'), "{line}");
                metric = name.to_owned();
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a type");
                assert!(name == metric && is_name(name), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                assert!(kind == "counter" || kind == "gauge", "{line}");
                assert!(scrape.kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}");
            } else {
                scrape.read_sample(line, &metric);
            }
        }
        assert!(scrape.kinds.keys().eq(helped.iter()));
        scrape
    }

    fn read_sample(&mut self, line: &str, metric: &str) {
        let (name, rest) = line.split_once('{').expect("labels");
        assert!(name == metric && self.kinds.contains_key(name), "{line}");
        let (mut labels, mut rest) = (BTreeMap::new(), rest);
        let value = loop {
            let (label, after) = rest.split_once("=\"").expect("a label");
            let (value, after) = unquote(after);
            assert!(is_name(label) && labels.insert(label.to_owned(), value).is_none(), "{line}");
            match after.strip_prefix(',') {
                Some(more) => rest = more,
                None => break after.strip_prefix("} ").expect("the end of the labels"),
            }
        };
        let value = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
        assert!(self.samples.insert((name.to_owned(), labels), value).is_none(), "{line}");
    }

    fn value(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let labels = labels.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect();
        self.samples[&(name.to_owned(), labels)]
    }
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The text up to the closing quote, and what follows it.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.push(match chars.next().expect("an escaped character").1 {
                'n' => '\n',
                same @ ('\\' | '"') => same,
                other => panic!("\\{other} is no escape"),
            }),
            other => value.push(other),
        }
    }
    panic!("no closing quote: {text}");
}

#[test]
fn the_text_is_well_formed_and_tells_what_stat_tells() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE);
    samovar(&["get", &cache, "leaf", "--count"]).ends(DONE);
    samovar(&["get", &cache, "root", "--count"]).ends(ABSENT);
    samovar(&["incr", &cache, "leaf"]).ends(USAGE);
    let large = place.write("large", &vec![0; 7 << 20]);
    samovar(&["set", &cache, "large", "--value-file", &large]).ends(USAGE);
    let scrape = Scrape::read(&samovar(&["stat", &cache, "--prometheus"]).ends(DONE).out());
    let file = ("file", cache.as_str());
    assert_eq!(scrape.value("samovar_gets_total", &[file, ("result", "hit")]), 1);
    assert_eq!(scrape.value("samovar_gets_total", &[file, ("result", "miss")]), 1);
    assert_eq!(scrape.value("samovar_refusals_total", &[file, ("reason", "too_large")]), 1);
    assert_eq!(scrape.value("samovar_refusals_total", &[file, ("reason", "other")]), 1);
    let stat = samovar(&["stat", &cache, "--json"]).ends(DONE).json();
    let refusals: u64 =
        scrape.samples.iter().filter(|((name, _), _)| name == "samovar_refusals_total").map(|(_, n)| n).sum();
    assert_eq!(stat["refusals"], refusals);
    for (name, value) in &scrape.samples {
        let field = name.0.trim_start_matches("samovar_").trim_end_matches("_total");
        if name.1.len() == 1 {
            assert_eq!(stat[field], *value, "{field}");
        }
    }
}

#[test]
fn a_namespace_has_its_numbers_under_its_name() {
    let place = Place::new();
    let cache = place.cache("c");
    let name = "a \"quoted\\name\"\nof two lines";
    assert!(!samovar(&["stat", &cache, "--prometheus"]).ends(DONE).out().contains("namespace"));
    samovar(&["ns", "create", &cache, name, "--limit", "64KiB"]).ends(DONE);
    samovar(&["ns", "create", &cache, "tea"]).ends(DONE);
    for _ in 0..2 {
        samovar(&["set", &cache, "leaf", "oolong", "--namespace", name]).ends(DONE);
    }
    samovar(&["get", &cache, "leaf", "--count", "--namespace", name]).ends(DONE);
    samovar(&["get", &cache, "leaf", "--count", "--namespace", "tea"]).ends(ABSENT);
    samovar(&["set", &cache, "root", "v", "--namespace", "tea"]).ends(DONE);
    samovar(&["del", &cache, "root", "--namespace", "tea"]).ends(DONE);
    let scrape = Scrape::read(&samovar(&["stat", &cache, "--prometheus"]).ends(DONE).out());
    let list = samovar(&["ns", "list", &cache, "--json"]).ends(DONE).json();
    for space in list.as_array().expect("a list") {
        let label = space["name"].as_str().expect("a name");
        let labels = [("file", cache.as_str()), ("namespace", label)];
        let fields = ["entries", "bytes", "live_bytes", "sets_total", "removes_total", "evictions_total"];
        for field in fields {
            let told = scrape.value(&format!("samovar_namespace_{field}"), &labels);
            assert_eq!(space[field.trim_end_matches("_total")], told, "{label}: {field}");
        }
        for (result, field) in [("hit", "hits"), ("miss", "misses")] {
            let labels = [labels[0], labels[1], ("result", result)];
            assert_eq!(space[field], scrape.value("samovar_namespace_gets_total", &labels), "{label}");
        }
    }
    assert_eq!((&list[0]["sets"], &list[0]["hits"], &list[1]["removes"]), (&2.into(), &1.into(), &1.into()));
    let limited = [("file", cache.as_str()), ("namespace", name)];
    assert_eq!(scrape.value("samovar_namespace_limit_bytes", &limited), 64 << 10);
    let limits = scrape.samples.keys().filter(|(metric, _)| metric == "samovar_namespace_limit_bytes");
    assert_eq!(limits.count(), 1, "the other has none");
}

/// Every number that `stat --json` tells is a metric too.
#[test]
fn no_number_is_left_out() {
    let place = Place::new();
    let cache = place.cache("c");
    let text = samovar(&["stat", &cache, "--prometheus"]).ends(DONE).out();
    let stat = samovar(&["stat", &cache, "--json"]).ends(DONE).json();
    let labels =
        ["hits", "misses", "refused_too_large", "refused_busy", "refused_by_system", "owner_stopped"];
    for (field, _) in stat.as_object().expect("an object").iter().filter(|(_, value)| value.is_u64()) {
        let told = [format!("\nsamovar_{field}{{"), format!("\nsamovar_{field}_total{{")];
        let is_label = labels.contains(&field.as_str());
        assert!(is_label || told.iter().any(|line| text.contains(line)), "{field} is missing: {text}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_may_have_any_name() {
    let place = Place::new();
    let cache = place.cache("a \"quoted\\name\"\nof two lines");
    let scrape = Scrape::read(&samovar(&["stat", &cache, "--prometheus"]).ends(DONE).out());
    assert_eq!(scrape.value("samovar_entries", &[("file", &cache)]), 0);
}

#[test]
fn two_formats_at_once_are_none() {
    let place = Place::new();
    samovar(&["stat", &place.cache("c"), "--prometheus", "--json"]).ends(USAGE);
}
