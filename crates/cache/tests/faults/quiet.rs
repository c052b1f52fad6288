//! The stores of a get: for a key that is known to be hot, one count on a line of its own process, and nothing else.
//!
//! Canary, tried and found: a reader that counts on when the frequency is at its maximum.

use samovar::Cache;
use samovar_mmap::hooks::{Event, set_thread_hook};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// A million where the code is optimised.
const GETS: usize = if cfg!(debug_assertions) { 50_000 } else { 1_000_000 };

fn events_of(act: impl FnOnce()) -> HashMap<Event, usize> {
    let seen = Rc::new(RefCell::new(HashMap::new()));
    let log = Rc::clone(&seen);
    set_thread_hook(Some(Box::new(move |event| *log.borrow_mut().entry(event).or_default() += 1)));
    act();
    set_thread_hook(None);
    seen.take()
}

#[test]
fn gets_of_a_hot_key_store_nothing_shared() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = Cache::options().capacity(1 << 20).open(&path).unwrap();
    cache.set(b"hot", b"value").unwrap();
    let mut value = Vec::new();
    (0..3).for_each(|_| assert!(cache.get_into(b"hot", &mut value).unwrap()));
    let gets = |cache: &Cache| {
        let mut value = Vec::new();
        (0..GETS).for_each(|_| assert!(cache.get_into(b"hot", &mut value).unwrap()));
    };
    let mut seen = events_of(|| gets(&cache));
    assert_eq!(seen.remove(&Event::FetchAdd), Some(GETS), "one count of a hit each");
    seen.retain(|event, _| !matches!(event, Event::Load | Event::CopyOut | Event::CopyOutHalf));
    assert!(seen.is_empty(), "stores to shared lines: {seen:?}");

    let reader = Cache::options().read_only(true).open(&path).unwrap();
    let mut seen = events_of(|| gets(&reader));
    seen.retain(|event, _| !matches!(event, Event::Load | Event::CopyOut | Event::CopyOutHalf));
    assert!(seen.is_empty(), "a read-only handle stores: {seen:?}");
}
