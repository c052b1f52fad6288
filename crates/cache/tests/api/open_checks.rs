//! Bad files and bad options: each gets an error of its own that says what was wrong, and the file stays as it was.

use samovar::{Cache, Error, ErrorKind, Options};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const CAPACITY: u64 = 1 << 20;

fn home() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    (dir, path)
}

fn options() -> Options {
    Cache::options().capacity(CAPACITY)
}

/// A cache file with one entry, closed.
fn made(path: &Path) {
    let cache = options().open(path).unwrap();
    cache.set(b"k", b"v").unwrap();
    cache.close().unwrap();
}

/// Opening fails with this kind, names the words, and leaves the file untouched.
fn refused(path: &Path, options: Options, kind: ErrorKind, words: &[&str]) -> Error {
    let before = fs::read(path).ok();
    let error = options.open(path).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    let told = error.to_string();
    for word in words {
        assert!(told.contains(word), "{told:?} does not say {word:?}");
    }
    assert!(fs::read(path).ok() == before, "the file was changed");
    error
}

/// Changes one byte of a made file and returns what opening it says.
fn with_bytes(change: impl FnOnce(&mut Vec<u8>), kind: ErrorKind, words: &[&str]) {
    let (_dir, path) = home();
    made(&path);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(&path, bytes).unwrap();
    refused(&path, options(), kind, words);
    refused(&path, Cache::options(), kind, words);
    refused(&path, Cache::options().read_only(true), kind, words);
}

#[test]
fn a_missing_file_needs_a_capacity() {
    let (_dir, path) = home();
    refused(&path, Cache::options(), ErrorKind::NotFound, &["does not exist", "capacity"]);
    refused(&path, options().create(false), ErrorKind::NotFound, &["does not exist"]);
    refused(&path, options().read_only(true), ErrorKind::NotFound, &["does not exist"]);
    assert!(!path.exists());
}

#[test]
fn a_missing_folder_is_an_error_of_its_own() {
    let (dir, _) = home();
    let path = dir.path().join("no/such/c.samovar");
    assert_eq!(options().open(path).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_directory_is_not_a_file() {
    let (dir, _) = home();
    refused(dir.path(), options(), ErrorKind::NotRegularFile, &["not a regular file"]);
}

#[test]
fn an_empty_file_is_not_a_cache() {
    let (_dir, path) = home();
    fs::write(&path, b"").unwrap();
    refused(&path, options(), ErrorKind::EmptyFile, &["is empty"]);
}

#[test]
fn a_foreign_file_is_not_a_cache() {
    let (_dir, path) = home();
    for bytes in [b"SQLite format 3\0".repeat(1000), b"short".to_vec(), vec![0; 1 << 20]] {
        fs::write(&path, bytes).unwrap();
        refused(&path, options(), ErrorKind::NotACache, &["not a Samovar cache"]);
    }
}

#[test]
fn a_file_cut_short_is_told_from_a_foreign_one() {
    for len in [100, 4096, 8192, usize::try_from(CAPACITY - 4096).unwrap()] {
        with_bytes(|bytes| bytes.truncate(len), ErrorKind::Truncated, &["cut short"]);
    }
}

#[test]
fn another_version_is_refused() {
    let (_dir, path) = home();
    made(&path);
    let known = fs::read(&path).unwrap()[8];
    for version in [known - 1, known + 1] {
        let words = [format!("version {version}"), format!("knows {known}")];
        let words = words.each_ref().map(String::as_str);
        with_bytes(|bytes| bytes[8] = version, ErrorKind::UnsupportedVersion, &words);
    }
}

#[test]
fn a_file_that_does_not_say_how_large_it_is_is_refused() {
    for damage in [&[4096 + 320][..], &[4096 + 384 + 16, 4096 + 384 + 56]] {
        let both = |bytes: &mut Vec<u8>| {
            bytes[4096 + 384 + 8] ^= 1;
            damage.iter().for_each(|at| bytes[*at] ^= 1);
        };
        with_bytes(both, ErrorKind::Corrupt, &["how large"]);
    }
}

#[test]
fn an_unknown_feature_is_refused() {
    with_bytes(|bytes| bytes[24] = 0x80, ErrorKind::UnsupportedVersion, &["feature"]);
}

#[test]
fn a_damaged_header_is_refused() {
    with_bytes(|bytes| bytes[100] ^= 1, ErrorKind::Corrupt, &["checksum"]);
}

#[test]
fn a_read_only_file_can_only_be_read() {
    let (_dir, path) = home();
    made(&path);
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    refused(&path, options(), ErrorKind::ReadOnly, &["read_only(true)"]);
    let reader = Cache::options().read_only(true).open(&path).unwrap();
    assert_eq!(reader.get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
}

#[test]
fn a_read_only_handle_refuses_to_write() {
    let (_dir, path) = home();
    made(&path);
    let reader = Cache::options().read_only(true).open(&path).unwrap();
    assert_eq!(reader.set(b"k", b"w").unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(reader.remove(b"k").unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_eq!(reader.flush().unwrap_err().kind(), ErrorKind::ReadOnly);
    assert!(reader.check().unwrap().is_clean());
    assert_eq!(reader.get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
    assert_eq!((reader.stats().unwrap().hits, reader.stats().unwrap().entries), (1, 1));
}

#[test]
fn another_capacity_is_refused_and_the_same_is_welcome() {
    let (_dir, path) = home();
    made(&path);
    refused(&path, Cache::options().capacity(2 << 20), ErrorKind::CapacityMismatch, &["1048576", "2097152"]);
    refused(&path, Cache::options().capacity_entries(100, 8, 8), ErrorKind::CapacityMismatch, &["entries"]);
    assert!(options().open(&path).unwrap().get(b"k").unwrap().is_some());
}

#[test]
fn a_capacity_below_the_minimum_is_refused() {
    let (_dir, path) = home();
    refused(&path, Cache::options().capacity(1000), ErrorKind::InvalidArgument, &["1000", "minimum"]);
    refused(&path, Cache::options().capacity_entries(3, 8, 8), ErrorKind::InvalidArgument, &["minimum"]);
    assert!(!path.exists());
}

#[test]
fn a_largest_value_that_cannot_fit_is_refused() {
    let (_dir, path) = home();
    let too_large = options().max_value_size(CAPACITY / 2);
    refused(&path, too_large, ErrorKind::InvalidArgument, &["524288", "largest"]);
}

#[test]
fn a_key_too_long_is_refused_everywhere() {
    let (_dir, path) = home();
    let cache = Cache::options().capacity(64 << 20).open(path).unwrap();
    let longest = vec![b'k'; 65_535];
    cache.set(&longest, b"v").unwrap();
    assert_eq!(cache.get(&longest).unwrap().as_deref(), Some(&b"v"[..]));
    let too_long = vec![b'k'; 65_536];
    assert_eq!(cache.set(&too_long, b"v").unwrap_err().kind(), ErrorKind::KeyTooLong);
    assert_eq!(cache.get(&too_long).unwrap_err().kind(), ErrorKind::KeyTooLong);
    assert_eq!(cache.remove(&too_long).unwrap_err().kind(), ErrorKind::KeyTooLong);
    assert_eq!(cache.stats().unwrap().refusals, 2);
}

#[test]
fn a_value_too_large_is_refused_and_the_old_one_is_gone() {
    let (_dir, path) = home();
    let cache = options().max_value_size(10_000).open(path).unwrap();
    cache.set(b"k", &[1; 10_000]).unwrap();
    let error = cache.set(b"k", &[2; 10_001]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ValueTooLarge);
    assert!(error.to_string().contains("10001") && error.to_string().contains("10000"), "{error}");
    assert_eq!(cache.get(b"k").unwrap(), None);
    assert_eq!(cache.stats().unwrap().refusals, 1);
    assert!(cache.check().unwrap().is_clean());
}

#[test]
fn values_may_be_a_mebibyte_by_default_and_far_larger_when_asked() {
    let (dir, path) = home();
    let cache = Cache::options().capacity(64 << 20).open(path).unwrap();
    cache.set(b"k", &vec![7; 1 << 20]).unwrap();
    assert_eq!(cache.get(b"k").unwrap().unwrap(), vec![7; 1 << 20]);
    assert_eq!(cache.set(b"k", &vec![7; (1 << 20) + 1]).unwrap_err().kind(), ErrorKind::ValueTooLarge);
    let large = dir.path().join("large.samovar");
    let cache = Cache::options().capacity(64 << 20).max_value_size(12 << 20).open(large).unwrap();
    for round in 0..20 {
        cache.set(b"k", &vec![round; 12 << 20]).unwrap();
        assert_eq!(cache.get(b"k").unwrap().unwrap(), vec![round; 12 << 20]);
    }
    assert!(cache.check().unwrap().is_clean());
}

#[test]
fn a_capacity_beyond_the_format_is_refused() {
    let (_dir, path) = home();
    refused(&path, Cache::options().capacity(1 << 50), ErrorKind::InvalidArgument, &["32 TiB"]);
}

#[test]
fn no_space_is_an_error_and_leaves_nothing_behind() {
    let (dir, path) = home();
    let error = Cache::options().capacity(24 << 40).open(&path).unwrap_err();
    assert!([ErrorKind::NoSpace, ErrorKind::Io].contains(&error.kind()), "{error}");
    assert!(!path.exists());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "a temporary file was left");
}

#[test]
fn a_copy_of_a_clean_file_is_warm_and_of_a_file_in_use_cold() {
    let (dir, path) = home();
    made(&path);
    let clean = dir.path().join("clean.samovar");
    fs::copy(&path, &clean).unwrap();
    let cache = Cache::options().open(&clean).unwrap();
    assert!(cache.attachment().warm && cache.get(b"k").unwrap().is_some());

    cache.set(b"k2", b"v2").unwrap();
    let torn = dir.path().join("torn.samovar");
    fs::copy(&clean, &torn).unwrap();
    let why = if samovar_mmap::boot_id().is_some() { "copy" } else { "not flushed" };
    refused(&torn, Cache::options().read_only(true), ErrorKind::Cold, &[why]);
    let cold = Cache::options().open(&torn).unwrap();
    assert!(!cold.attachment().warm);
    assert!(cold.attachment().cold_reason.unwrap().contains(why));
    assert_eq!(cold.get(b"k").unwrap(), None);
    cold.set(b"k", b"new").unwrap();
    assert!(cold.check().unwrap().is_clean());
}
