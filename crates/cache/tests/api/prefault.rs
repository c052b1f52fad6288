//! A cache that is opened with all its memory made.
//!
//! Canary: in `scripts/canaries`.

use samovar::{Cache, Options};
use samovar_mmap::{Access, Pages, Residency, SharedMap, open_existing};
use std::path::Path;

const CAPACITY: u64 = 8 << 20;

fn options() -> Options {
    Cache::options().capacity(CAPACITY).prefault(true)
}

/// In memory, if there is such a place: a disk's file system may bring in more than what is touched.
fn home() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Which pages of the file are in memory.
fn residency(path: &Path) -> Residency {
    let map =
        SharedMap::map(&open_existing(path, Access::ReadOnly).unwrap(), Access::ReadOnly, 0, None).unwrap();
    let len = map.view().len();
    map.residency(0, len).unwrap()
}

#[test]
fn all_of_a_new_file_is_in_memory() {
    let dir = home();
    let path = dir.path().join("c.samovar");
    let cache = options().open(&path).unwrap();
    let found = residency(&path);
    assert_eq!(found.resident_pages(), found.pages.len());
    cache.set(b"k", b"v").unwrap();
    cache.close().unwrap();
    let again = options().open(&path).unwrap();
    assert_eq!(again.get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
    assert_eq!(options().read_only(true).open(&path).unwrap().get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
}

#[test]
fn what_the_cache_may_become_stays_a_hole() {
    let dir = home();
    let path = dir.path().join("c.samovar");
    let cache = options().max_capacity(4 * CAPACITY).expected_entry_size(1000).open(&path).unwrap();
    cache.set(b"k", b"v").unwrap();
    let bytes = samovar_mmap::disk_bytes(&open_existing(&path, Access::ReadOnly).unwrap()).unwrap();
    assert!(bytes < 2 * CAPACITY, "{bytes} bytes on the disk");
    assert!(cache.check().unwrap().is_clean());
}
