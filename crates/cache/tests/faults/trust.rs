//! Trust in clocks, disks and files. Time only goes on, whatever is done to the clocks. A file whose sync failed is not
//! trusted. A file remembers why it was emptied.
//!
//! Canaries: in `scripts/canaries`.

use samovar::{Cache, ErrorKind, Ttl};
use samovar_mmap::hooks::{Clock, Disk, set_thread_clock, set_thread_disk};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const YEAR_MS: u64 = 365 * 24 * 3600 * 1000;
const NOW_MS: u64 = 56 * YEAR_MS;
/// Where the boot id and the inode are.
const BOOT_ID: u64 = 4096 + 16;
const INODE: u64 = 4096 + 40;

fn home() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    (dir, path)
}

fn open(path: &Path) -> Cache {
    Cache::options().capacity(256 << 10).open(path).unwrap()
}

/// The clocks of this thread from now on.
fn clocks(wall_ms: u64, boot_ms: u64) {
    set_thread_clock(Some(Clock { wall_ms, boot_ms }));
}

/// Lets the file's memory be of another boot.
fn restart(path: &Path) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut boot = [0; 1];
    file.read_exact_at(&mut boot, BOOT_ID).unwrap();
    file.write_all_at(&[boot[0] ^ 0x5a], BOOT_ID).unwrap();
}

/// Three keys, that live for one, ten and a hundred seconds.
fn set_three(cache: &Cache) {
    for (key, seconds) in [(1u8, 1), (2, 10), (3, 100)] {
        cache.set_with(&[key], b"v", Ttl::secs(seconds)).unwrap();
    }
}

/// Which of the three are there.
fn there(cache: &Cache) -> Vec<u8> {
    (1..=3).filter(|key| cache.get(&[*key]).unwrap().is_some()).collect()
}

#[test]
fn a_clock_that_is_set_changes_nothing() {
    let (_dir, path) = home();
    clocks(NOW_MS, 5_000);
    let cache = open(&path);
    set_three(&cache);
    for wall_ms in [NOW_MS - YEAR_MS, NOW_MS + YEAR_MS, 0] {
        clocks(wall_ms, 5_999);
        assert_eq!(there(&cache), [1, 2, 3], "the clock says {wall_ms}");
        assert_eq!(there(&open(&path)), [1, 2, 3], "for another opening, and the clock says {wall_ms}");
        let reader = Cache::options().read_only(true).open(&path).unwrap();
        assert_eq!(there(&reader), [1, 2, 3], "for a reader, and the clock says {wall_ms}");
    }
    clocks(0, 6_000);
    assert_eq!(there(&cache), [2, 3]);
    clocks(NOW_MS - 100, 15_000);
    assert_eq!(there(&open(&path)), [3]);
    assert!(cache.check().unwrap().is_clean());
}

#[test]
fn a_restart_with_a_clock_set_back_revives_nothing() {
    let (_dir, path) = home();
    clocks(NOW_MS, 5_000);
    let cache = open(&path);
    set_three(&cache);
    clocks(NOW_MS + 20_000, 25_000);
    assert_eq!(there(&cache), [3]);
    drop(cache);
    // A machine without a battery, which learns the time later.
    restart(&path);
    clocks(7_000, 7_000);
    let reader = Cache::options().read_only(true).open(&path).unwrap();
    assert_eq!(there(&reader), [3]);
    let cache = open(&path);
    assert!(cache.attachment().warm);
    assert_eq!(there(&cache), [3]);
    clocks(NOW_MS + 30_000, 17_000);
    assert_eq!(there(&cache), [3], "30 seconds of its 100 have passed");
    clocks(NOW_MS + 30_000, 87_000);
    assert_eq!(there(&cache), [0u8; 0], "and now all of them");
}

#[test]
fn a_restart_counts_the_time_that_the_machine_was_off() {
    let (_dir, path) = home();
    clocks(NOW_MS, 5_000);
    set_three(&open(&path));
    restart(&path);
    clocks(NOW_MS + 50_000, 1);
    assert_eq!(there(&open(&path)), [3]);
}

#[test]
fn a_clock_that_was_years_ahead_does_no_lasting_harm() {
    let (_dir, path) = home();
    clocks(NOW_MS + 14 * YEAR_MS, 5_000);
    let cache = open(&path);
    set_three(&cache);
    // It is put right: what was set keeps its time, and so does what is set now.
    clocks(NOW_MS, 6_000);
    assert_eq!(there(&cache), [2, 3]);
    set_three(&cache);
    clocks(NOW_MS + 10_000, 16_000);
    assert_eq!(there(&cache), [3]);
    drop(cache);
    for boot in 1..4 {
        restart(&path);
        clocks(NOW_MS + 10_000 + boot * YEAR_MS, 1_000);
        let cache = open(&path);
        assert_eq!(there(&cache), [0u8; 0], "it was off for a year");
        set_three(&cache);
        assert_eq!(there(&cache), [1, 2, 3]);
        clocks(NOW_MS + 20_000 + boot * YEAR_MS, 11_000);
        assert_eq!(there(&cache), [3]);
    }
}

#[test]
fn a_file_that_a_sync_failed_of_is_emptied_by_its_next_first_opener() {
    let (_dir, path) = home();
    let cache = open(&path);
    cache.set(b"k", b"v").unwrap();
    set_thread_disk(Disk::Refuses);
    assert_eq!(cache.flush().unwrap_err().kind(), ErrorKind::Io);
    set_thread_disk(Disk::Works);
    // What the disk lost is unknown: that it takes the rest now proves nothing to any process.
    assert_eq!(cache.flush().unwrap_err().kind(), ErrorKind::Io);
    let other = open(&path);
    assert_eq!(other.flush().unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(other.get(b"k").unwrap().as_deref(), Some(&b"v"[..]), "a joiner decides nothing");
    drop(cache);
    drop(other);
    let read = Cache::options().read_only(true).open(&path).unwrap_err();
    assert_eq!(read.kind(), ErrorKind::Cold);
    let cache = open(&path);
    assert!(cache.attachment().cold_reason.unwrap().contains("disk"), "{:?}", open(&path).attachment());
    assert_eq!(cache.get(b"k").unwrap(), None);
    cache.set(b"k", b"new").unwrap();
    cache.close().unwrap();
    let cache = open(&path);
    assert!(cache.attachment().warm);
    assert_eq!(cache.get(b"k").unwrap().as_deref(), Some(&b"new"[..]));
}

#[test]
fn a_file_remembers_why_it_was_emptied() {
    let (_dir, path) = home();
    clocks(NOW_MS, 4_000);
    let cache = open(&path);
    assert_eq!(cache.attachment().last_emptied, None);
    cache.set(b"k", b"v").unwrap();
    let bytes = std::fs::read(&path).unwrap();
    drop(cache);
    std::fs::write(&path, bytes).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[0xff; 8], INODE).unwrap();
    clocks(NOW_MS, 5_000);
    drop(open(&path));
    clocks(NOW_MS + 1_000, 6_000);
    let attachment = Cache::options().read_only(true).open(&path).unwrap().attachment();
    assert!(attachment.warm);
    let emptied = attachment.last_emptied.unwrap();
    assert!(emptied.why.contains("copy"), "{emptied}");
    assert!(emptied.at_ms.abs_diff(NOW_MS) < 60_000, "{emptied:?}");
}
