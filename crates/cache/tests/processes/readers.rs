//! Programs that may only read the file can lock bytes of it together with others, as a backup does that locks all of it. Such
//! locks decide nothing, and an error names them where they are in the way.

use crate::common::{FILE, ROLE, alone, hook_process, this_program};
use samovar::{Cache, ErrorKind};
use samovar_mmap::hooks::Event;
use samovar_mmap::{Access, ByteLocks, file_id, open_existing};
use std::path::Path;
use std::time::{Duration, Instant};

const LOCKS: u64 = 1 << 62;
const INIT: u64 = LOCKS;
const PROCESSES: u64 = LOCKS + 4096;

fn open(path: &Path) -> samovar::Result<Cache> {
    Cache::options().capacity(256 << 10).open(path)
}

/// The locks of somebody who shares, which are those of a file opened for reading.
fn sharing(path: &Path, bytes: impl Iterator<Item = u64>) -> ByteLocks {
    let id = file_id(&open_existing(path, Access::ReadOnly).unwrap()).unwrap();
    let locks = ByteLocks::open(path, id).unwrap();
    bytes.for_each(|byte| assert!(locks.try_shared(byte).unwrap(), "{byte:#x}"));
    locks
}

#[test]
fn a_reader_that_locks_the_init_byte_is_named() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    drop(open(&path).unwrap());
    let locks = sharing(&path, [INIT].into_iter());
    let refused = open(&path).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Busy);
    assert!(refused.to_string().contains("reads the cache file"), "{refused}");
    assert!(Cache::options().read_only(true).open(&path).is_ok(), "readers share it");
    drop(locks);
    open(&path).unwrap();
}

#[test]
fn a_reader_that_locks_all_process_slots_is_named() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = open(&path).unwrap();
    let locks = sharing(&path, (1..4096).map(|slot| PROCESSES + slot));
    let refused = open(&path).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Busy);
    assert!(refused.to_string().contains("reads the cache file"), "{refused}");
    cache.set(b"k", b"v").unwrap();
    drop(locks);
    open(&path).unwrap();
}

/// A process that ends amid a set, without giving anything back. It does nothing in a plain run.
#[test]
#[ignore = "started by the test below as a process of its own"]
fn owner_that_ends() {
    let (Ok(_), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let cache = open(Path::new(&file)).unwrap();
    cache.set(b"first", &[1; 1000]).unwrap();
    hook_process(|event| {
        if event == Event::CopyHalf {
            std::process::abort();
        }
    });
    let _ = cache.set(b"second", &[2; 1000]);
}

#[test]
fn a_reader_cannot_keep_the_dead_alive() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = open(&path).unwrap();
    let _locks = sharing(&path, (1..4096).map(|slot| PROCESSES + slot));
    drop(_locks);
    let ended = this_program!(owner_that_ends, "owner", &path).output().unwrap();
    assert_eq!(ended.status.code(), None, "it was to be aborted: {ended:?}");
    let _locks = sharing(&path, (1..4096).map(|slot| PROCESSES + slot));
    let begun = Instant::now();
    cache.set(b"mine", b"value").unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(cache.get(b"second").unwrap(), None);
    assert!(cache.check().unwrap().is_clean());
}

#[test]
fn a_reader_cannot_have_a_cold_file_taken_for_one_in_use() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = open(&path).unwrap();
    cache.set(b"k", b"v").unwrap();
    std::fs::copy(&path, dir.path().join("copy")).unwrap();
    drop(cache);
    let path = dir.path().join("copy");
    // All but the init byte and the slot that an opener takes first.
    let others = [1, 2, 3].into_iter().map(|byte| LOCKS + byte).chain((1..4096).map(|slot| PROCESSES + slot));
    let _locks = sharing(&path, others);
    let refused = Cache::options().read_only(true).open(&path).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Cold, "{refused}");
    let cache = open(&path).unwrap();
    assert!(cache.attachment().cold_reason.is_some(), "it was believed: {:?}", cache.attachment());
    assert_eq!(cache.get(b"k").unwrap(), None);
}
