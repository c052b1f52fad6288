//! ns, clear, keys, and --namespace on everything that has a key.

use crate::harness::{ABSENT, DONE, Place, USAGE, assert_clean, samovar};

#[test]
fn a_namespace_has_keys_of_its_own() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "leaf", "oolong"]).ends(DONE);
    samovar(&["set", &cache, "leaf", "x", "--namespace", "green"]).ends(USAGE).says(&["green", "ns create"]);
    samovar(&["ns", "create", &cache, "green"]).ends(DONE);
    samovar(&["get", &cache, "leaf", "--namespace", "green"]).ends(ABSENT);
    samovar(&["set", &cache, "leaf", "sencha", "--namespace", "green"]).ends(DONE);
    samovar(&["add", &cache, "count", "1", "--namespace", "green"]).ends(DONE);
    assert_eq!(samovar(&["incr", &cache, "count", "--namespace", "green"]).ends(DONE).out().trim(), "2");
    samovar(&["contains", &cache, "count"]).ends(ABSENT);
    samovar(&["append", &cache, "leaf", "!", "--namespace", "green"]).ends(DONE);
    assert_eq!(samovar(&["get", &cache, "leaf", "--namespace", "green"]).ends(DONE).bytes(), b"sencha!");
    assert_eq!(samovar(&["get", &cache, "leaf"]).ends(DONE).bytes(), b"oolong");
    let made = ["load", &cache, "made", "--namespace", "green", "--", "echo", "-n", "tea"];
    assert_eq!(samovar(&made).ends(DONE).bytes(), b"tea");
    assert_eq!(samovar(&["keys", &cache]).ends(DONE).out(), "leaf\n");
    assert_eq!(samovar(&["keys", &cache, "--namespace", "green"]).ends(DONE).out().lines().count(), 3);
    samovar(&["del", &cache, "leaf", "--namespace", "green"]).ends(DONE);
    samovar(&["clear", &cache, "--namespace", "green"]).ends(DONE);
    samovar(&["contains", &cache, "count", "--namespace", "green"]).ends(ABSENT);
    samovar(&["contains", &cache, "leaf"]).ends(DONE);
    assert_clean(&cache);
}

#[test]
fn namespaces_are_listed_limited_emptied_and_removed() {
    let place = Place::new();
    let cache = place.cache("c");
    assert_eq!(samovar(&["ns", "list", &cache]).ends(DONE).out(), "");
    samovar(&["ns", "create", &cache, "pages", "--limit", "64KiB"]).ends(DONE);
    for key in 0..20 {
        samovar(&["set", &cache, &key.to_string(), "v", "--namespace", "pages"]).ends(DONE);
    }
    let list = samovar(&["ns", "list", &cache, "--json"]).ends(DONE).json();
    assert_eq!((&list[0]["name"], &list[0]["entries"]), (&"pages".into(), &20.into()), "{list}");
    assert_eq!((&list[0]["limit"], &list[0]["sets"]), (&(64 << 10).into(), &20.into()), "{list}");
    let stat = samovar(&["stat", &cache, "--json"]).ends(DONE).json();
    assert_eq!(stat["namespaces"], list);
    assert!(samovar(&["stat", &cache]).ends(DONE).out().contains("namespace       pages"));
    let told = samovar(&["ns", "list", &cache]).ends(DONE).out();
    assert!(told.contains("20 entries") && told.contains("64.00 KiB"), "{told}");
    samovar(&["ns", "create", &cache, "pages", "--limit", "nothing"]).ends(USAGE);
    samovar(&["ns", "clear", &cache, "pages"]).ends(DONE);
    assert_eq!(samovar(&["ns", "list", &cache, "--json"]).ends(DONE).json()[0]["entries"], 0);
    samovar(&["ns", "remove", &cache, "pages"]).ends(DONE);
    samovar(&["ns", "remove", &cache, "pages"]).ends(ABSENT);
    samovar(&["ns", "clear", &cache, "pages"]).ends(USAGE).says(&["pages"]);
    samovar(&["ns", "create", &cache, &"x".repeat(40)]).ends(USAGE).says(&["39 bytes"]);
    assert_clean(&cache);
}

#[test]
fn a_cache_is_emptied_and_its_keys_are_listed() {
    let place = Place::new();
    let cache = place.cache("c");
    samovar(&["set", &cache, "a b", "value", "--ttl", "1h"]).ends(DONE);
    samovar(&["set", &cache, "\u{e9}", "v"]).ends(DONE);
    let told = samovar(&["keys", &cache, "--json"]).ends(DONE).out();
    let mut keys: Vec<serde_json::Value> =
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    keys.sort_by_key(|line| line["value_bytes"].as_u64());
    assert_eq!((&keys[0]["key"], &keys[0]["ttl_ms"]), (&"\u{e9}".into(), &serde_json::Value::Null), "{told}");
    assert_eq!((&keys[1]["key"], &keys[1]["value_bytes"]), (&"a b".into(), &5.into()), "{told}");
    assert!(keys[1]["ttl_ms"].as_u64().is_some_and(|left_ms| (1..=3_600_000).contains(&left_ms)), "{told}");
    samovar(&["clear", &cache]).ends(DONE);
    assert_eq!(samovar(&["keys", &cache]).ends(DONE).out(), "");
    let stat = samovar(&["stat", &cache, "--json"]).ends(DONE).json();
    assert_eq!((&stat["entries"], &stat["clears"]), (&0.into(), &1.into()), "{stat}");
    assert_clean(&cache);
}
