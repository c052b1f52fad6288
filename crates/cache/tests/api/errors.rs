//! Errors tell their kind and a remedy; what the system said is their source, and told once.

use samovar::{Cache, Error, ErrorKind};
use std::error::Error as _;
use std::fs::File;
use std::path::PathBuf;
use tempfile::TempDir;

fn home() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    (dir, path)
}

/// What is told by an error, and by each of its sources.
fn chain(error: &Error) -> Vec<String> {
    let mut told = vec![error.to_string()];
    let mut source = error.source();
    while let Some(error) = source {
        told.push(error.to_string());
        source = error.source();
    }
    told
}

#[test]
fn no_error_tells_what_its_source_tells() {
    let (dir, path) = home();
    let missing = Cache::options().open(&path).unwrap_err();
    let elsewhere = Cache::options().capacity(1 << 20).open(dir.path().join("no/such/folder")).unwrap_err();
    let folder = Cache::options().open(dir.path()).unwrap_err();
    for error in [missing, elsewhere, folder] {
        let told = chain(&error);
        for (at, line) in told.iter().enumerate() {
            assert!(told[..at].iter().all(|above| !above.contains(line)), "{line:?} is told twice: {told:?}");
        }
    }
}

#[test]
#[cfg(unix)]
fn the_statistics_of_a_file_that_was_cut_short_are_an_error() {
    let (_dir, path) = home();
    let cache = Cache::options().capacity(1 << 20).open(&path).unwrap();
    cache.set(b"k", b"v").unwrap();
    assert_eq!(cache.stats().unwrap().entries, 1);
    File::options().write(true).open(&path).unwrap().set_len(8192).unwrap();
    assert_eq!(cache.stats().unwrap_err().kind(), ErrorKind::Fault);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_no_space_wherever_it_is_met() {
    let (_dir, path) = home();
    drop(Cache::options().capacity(1 << 20).open(&path).unwrap());
    let mut full = File::options().write(true).open("/dev/full").unwrap();
    let error = samovar::dump(&path, samovar::Depth::Heads, &mut full).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSpace, "{error:?}");
}
