//! A file cut short under a running cache is an error in it, never a dead process, and never a wrong value.
#![cfg(unix)]

use samovar::{Cache, ErrorKind};
use std::fs::OpenOptions;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_file_cut_short_is_an_error_of_every_operation() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = Cache::options().capacity(16 << 20).open(&path).unwrap();
    for key in 0u32..10_000 {
        cache.set(&key.to_le_bytes(), &[7; 500]).unwrap();
    }
    let len = OpenOptions::new().write(true).open(&path).unwrap();
    len.set_len(100_000).unwrap();
    let mut faults = 0;
    for key in 0u32..10_000 {
        match cache.get(&key.to_le_bytes()) {
            Ok(found) => assert!(found.is_none_or(|value| value == [7; 500])),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Fault, "{error}");
                faults += 1;
            }
        }
    }
    assert!(faults > 9_000, "only {faults} of 10,000 gets saw the fault");
    assert_eq!(cache.set(b"k", b"v").unwrap_err().kind(), ErrorKind::Fault);
    assert_eq!(cache.remove(b"k").unwrap_err().kind(), ErrorKind::Fault);
    assert_eq!(cache.check().unwrap_err().kind(), ErrorKind::Fault);
    drop(cache);
    assert_eq!(Cache::options().open(&path).unwrap_err().kind(), ErrorKind::Truncated);
}

/// What a key's value must be.
fn value_of(key: u32) -> Vec<u8> {
    key.to_le_bytes().repeat(1 + (key % 500) as usize)
}

/// Opens, works until the file is cut, and opens again; how many gets were right, and how many operations failed.
fn work_until(path: &std::path::Path, done: &AtomicBool, writes: bool) -> (u64, u64) {
    let (mut right, mut failed) = (0, 0);
    while !done.load(Ordering::Relaxed) {
        let Ok(cache) = Cache::options().open(path) else {
            failed += 1;
            continue;
        };
        for key in (0u32..).map(|round| round.wrapping_mul(2_654_435_761) % 2000) {
            let result = if writes {
                cache.set(&key.to_le_bytes(), &value_of(key)).map(|()| None)
            } else {
                cache.get(&key.to_le_bytes())
            };
            match result {
                Ok(found) => {
                    assert!(found.is_none_or(|found| found == value_of(key)), "a wrong value of {key}")
                }
                Err(_) => {
                    failed += 1;
                    break;
                }
            }
            right += 1;
            if done.load(Ordering::Relaxed) {
                break;
            }
        }
    }
    (right, failed)
}

/// Readers and writers while the file is cut and grown again: each answer is right or an error, and the process lives.
/// `SAMOVAR_STORM_ROUNDS` makes it longer.
#[test]
fn a_storm_of_cuts_ends_no_process_and_tells_no_lie() {
    let rounds =
        std::env::var("SAMOVAR_STORM_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(150);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let whole = Cache::options().capacity(4 << 20).open(&path).unwrap().stats().file_bytes;
    let (done, path) = (&AtomicBool::new(false), &path);
    let (right, failed) = std::thread::scope(|scope| {
        let workers: Vec<_> = [true, true, false, false]
            .map(|writes| scope.spawn(move || work_until(path, done, writes)))
            .into();
        let file = OpenOptions::new().write(true).open(path).unwrap();
        for _ in 0..rounds {
            std::thread::sleep(std::time::Duration::from_millis(2));
            // The header and the control page stay; all else comes back as zeroes.
            file.set_len(8192).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(1));
            file.set_len(whole).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    });
    println!("{right} operations were right, {failed} were errors");
    assert!(right > rounds && failed > rounds / 2, "{right} right, {failed} errors: no storm");
}
