//! A disk that takes seconds for a sync: nobody waits for it while he holds what others need.
//!
//! Canaries: in `scripts/canaries`.

use samovar::{Cache, ErrorKind};
use samovar_mmap::hooks::{Event, set_thread_hook};
use std::cell::Cell;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

const SYNC: Duration = Duration::from_secs(3);
/// What takes no longer than that did not wait for the disk.
const AT_ONCE: Duration = Duration::from_secs(1);

fn open(path: &Path) -> Cache {
    Cache::options().capacity(1 << 20).open(path).unwrap()
}

/// The first sync of this thread takes long, and says when it begins.
fn slow_first_sync(begins: Sender<()>) {
    let is_first = Cell::new(true);
    set_thread_hook(Some(Box::new(move |event| {
        if event == Event::Flush && is_first.replace(false) {
            begins.send(()).unwrap();
            std::thread::sleep(SYNC);
        }
    })));
}

#[track_caller]
fn at_once<T>(what: &str, act: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = act();
    assert!(begun.elapsed() < AT_ONCE, "{what} took {:?}", begun.elapsed());
    done
}

#[test]
fn the_last_one_out_lets_others_in_while_it_syncs() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let (begins, begun) = channel();
    let cache = open(&path);
    cache.set(b"k", b"v").unwrap();
    let closing = std::thread::spawn(move || {
        slow_first_sync(begins);
        cache.close().unwrap();
    });
    begun.recv().unwrap();
    let other = at_once("an open beside a close", || open(&path));
    assert_eq!(other.get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
    at_once("a set beside a close", || other.set(b"k", b"new").unwrap());
    let reader = at_once("a read-only open", || Cache::options().read_only(true).open(&path).unwrap());
    assert_eq!(reader.get(b"k").unwrap().as_deref(), Some(&b"new"[..]));
    closing.join().unwrap();
    other.close().unwrap();
    let cache = open(&path);
    assert!(cache.attachment().warm);
    assert_eq!(cache.get(b"k").unwrap().as_deref(), Some(&b"new"[..]));
}

/// A cache that was just flushed, and the first writer after that, who waits for the disk.
fn first_writer(path: &Path) -> std::thread::JoinHandle<()> {
    let (begins, begun) = channel();
    let cache = open(path);
    cache.set(b"k", b"v").unwrap();
    cache.flush().unwrap();
    let writing = std::thread::spawn(move || {
        slow_first_sync(begins);
        cache.set(b"k", b"new").unwrap();
        set_thread_hook(None);
        cache.close().unwrap();
    });
    begun.recv().unwrap();
    writing
}

#[test]
fn the_first_writer_after_a_flush_holds_no_shard_while_it_waits_for_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let writing = first_writer(&path);
    let other = at_once("an open", || open(&path));
    assert!(at_once("a check, which locks every shard", || other.check().unwrap()).is_clean());
    at_once("a flush, which locks every shard", || other.flush().unwrap());
    assert_eq!(other.get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
    writing.join().unwrap();
    assert_eq!(other.get(b"k").unwrap().as_deref(), Some(&b"new"[..]));
}

#[test]
fn a_writer_waits_no_longer_than_its_timeout_for_another_that_waits_for_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let writing = first_writer(&path);
    let other = Cache::options().lock_timeout(Duration::from_millis(100)).open(&path).unwrap();
    for key in [b"k", b"l"] {
        let refused = at_once("a set that is refused", || other.set(key, b"other").unwrap_err());
        assert_eq!(refused.kind(), ErrorKind::Busy, "{refused}");
    }
    at_once("two removals of one handle", || {
        std::thread::scope(|scope| {
            for thread in [(); 2].map(|()| scope.spawn(|| other.remove(b"k"))) {
                assert!(thread.join().unwrap().is_err());
            }
        });
    });
    writing.join().unwrap();
    other.set(b"k", b"other").unwrap();
    assert_eq!(other.get(b"k").unwrap().as_deref(), Some(&b"other"[..]));
}
