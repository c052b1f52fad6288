//! A cache that is deleted while it is in use. Every handle on it learns of it, and a new one takes its path. A
//! deletion that does not get to its end leaves a file that opens.

use samovar::{Cache, ErrorKind};
use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The clean word, and what it says of a deleted file.
const CLEAN: u64 = 4096;
const REMOVED: u64 = 3;

fn home() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    (dir, path)
}

fn open(path: &Path) -> Cache {
    Cache::options().capacity(1 << 20).open(path).unwrap()
}

fn expect_replaced<T: std::fmt::Debug>(done: samovar::Result<T>) {
    let error = done.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Replaced, "{error}");
    assert!(error.to_string().contains("deleted"), "{error}");
}

#[test]
#[cfg_attr(windows, ignore = "there the name stays until the last handle is gone")]
fn every_handle_on_a_deleted_cache_learns_of_it() {
    let (_dir, path) = home();
    let (cache, other) = (open(&path), open(&path));
    cache.set(b"k", b"v").unwrap();
    let reader = Cache::options().read_only(true).open(&path).unwrap();
    Cache::delete(&path).unwrap();
    assert!(!path.exists());
    for handle in [&cache, &other, &reader] {
        expect_replaced(handle.get(b"k"));
        expect_replaced(handle.get(b"never set"));
        expect_replaced(handle.get_many(&[b"k"], |_, _| ()));
    }
    for handle in [&cache, &other] {
        expect_replaced(handle.set(b"k", b"v"));
        expect_replaced(handle.remove(b"k"));
        expect_replaced(handle.flush());
    }
    let new = Cache::options().capacity(2 << 20).open(&path).unwrap();
    assert!(new.attachment().created);
    new.set(b"k", b"new").unwrap();
    expect_replaced(cache.set(b"k", b"late"));
    drop(cache);
    drop(other);
    assert_eq!(new.get(b"k").unwrap().as_deref(), Some(&b"new"[..]));
    assert!(new.check().unwrap().is_clean());
    drop(new);
    let again = Cache::options().open(&path).unwrap();
    assert_eq!(again.get(b"k").unwrap().as_deref(), Some(&b"new"[..]));
}

#[test]
fn a_flushed_cache_is_deleted_as_any_other() {
    let (_dir, path) = home();
    let cache = open(&path);
    cache.set(b"k", b"v").unwrap();
    cache.flush().unwrap();
    Cache::delete(&path).unwrap();
    expect_replaced(cache.set(b"k", b"v"));
    expect_replaced(cache.get(b"k"));
}

#[test]
fn what_is_no_cache_is_left_alone() {
    let (_dir, path) = home();
    assert_eq!(Cache::delete(&path).unwrap_err().kind(), ErrorKind::NotFound);
    fs::write(&path, b"SQLite format 3\0".repeat(400)).unwrap();
    assert_eq!(Cache::delete(&path).unwrap_err().kind(), ErrorKind::NotACache);
    assert!(path.exists());
}

#[test]
fn a_deletion_that_does_not_end_leaves_a_file_that_opens() {
    let (_dir, path) = home();
    open(&path).set(b"k", b"v").unwrap();
    let mut file = OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(CLEAN)).unwrap();
    file.write_all(&REMOVED.to_le_bytes()).unwrap();
    drop(file);
    let read = Cache::options().read_only(true).open(&path).unwrap_err();
    assert_eq!(read.kind(), ErrorKind::Cold, "{read}");
    let cache = open(&path);
    assert!(cache.attachment().cold_reason.unwrap().contains("delete"));
    assert_eq!(cache.get(b"k").unwrap(), None);
    cache.set(b"k", b"new").unwrap();
    drop(cache);
    assert_eq!(open(&path).get(b"k").unwrap().as_deref(), Some(&b"new"[..]));
}
