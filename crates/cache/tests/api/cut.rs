//! A file cut short under a running cache is an error in it, never a dead process, and never a wrong value.

use crate::common::{Rng, number, seed};
use samovar::{Cache, ErrorKind, Options};
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

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

/// What the workers have met so far.
#[derive(Debug, Default)]
struct Met {
    right: AtomicUsize,
    /// For each worker.
    failed: [AtomicUsize; 4],
    done: AtomicBool,
}

impl Met {
    /// Waits until one more is counted than there were.
    fn one_more(&self, counter: &AtomicUsize, what: &str) {
        let (before, deadline) = (counter.load(Ordering::Relaxed), Instant::now() + Duration::from_secs(30));
        while counter.load(Ordering::Relaxed) == before {
            assert!(Instant::now() < deadline, "no operation {what} for half a minute");
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }
}

/// Ends the work also if the test fails.
struct Done<'a>(&'a Met);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.done.store(true, Ordering::Relaxed);
    }
}

/// How the file is made and opened, and what is waited for before it grows again.
#[derive(Clone, Copy, PartialEq)]
enum Storm {
    /// Everybody has noticed: nobody works any more on what was there.
    Noticed,
    /// One has: others go on as if nothing had been. A lock that comes back as zeroes is free, so that two writers may write over one
    /// another, which only seals tell.
    Sealed,
}

impl Storm {
    fn options(self) -> Options {
        Cache::options().verify(self == Storm::Sealed)
    }

    fn wait_until_noticed(self, met: &Met) {
        let of = if self == Storm::Noticed { &met.failed[..] } else { &met.failed[..1] };
        of.iter().for_each(|failed| met.one_more(failed, "failed"));
    }

    /// Opens, works until the file is cut, and opens again. The first two workers write, the others read.
    fn work(self, path: &Path, met: &Met, worker: usize) {
        while !met.is_done() {
            let Ok(cache) = self.options().open(path) else {
                met.failed[worker].fetch_add(1, Ordering::Relaxed);
                continue;
            };
            for key in (0u32..).map(|round| round.wrapping_mul(2_654_435_761) % 2000) {
                let result = if worker < 2 {
                    cache.set(&key.to_le_bytes(), &value_of(key)).map(|()| None)
                } else {
                    cache.get(&key.to_le_bytes())
                };
                let Ok(found) = result else {
                    met.failed[worker].fetch_add(1, Ordering::Relaxed);
                    break;
                };
                assert!(found.is_none_or(|found| found == value_of(key)), "a wrong value of {key}");
                met.right.fetch_add(1, Ordering::Relaxed);
                if met.is_done() {
                    break;
                }
            }
        }
    }

    /// Readers and writers while the file is cut and grown again: each answer is right or an error, and the process lives.
    /// `SAMOVAR_STORM_ROUNDS` makes it longer.
    fn rage(self) {
        let (rounds, mut rng) = (number("SAMOVAR_STORM_ROUNDS", 150), Rng::new(seed()));
        let dir = tempfile::tempdir().unwrap();
        let path = &dir.path().join("c.samovar");
        let made = Cache::options().capacity(4 << 20).seals(self == Storm::Sealed);
        let whole = made.open(path).unwrap().stats().unwrap().file_bytes;
        let met = &Met::default();
        std::thread::scope(|scope| {
            let _done = Done(met);
            for worker in 0..met.failed.len() {
                scope.spawn(move || self.work(path, met, worker));
            }
            let file = OpenOptions::new().write(true).open(path).unwrap();
            for _ in 0..rounds {
                // At any point of what the others do then.
                met.one_more(&met.right, "was right");
                std::thread::sleep(Duration::from_micros(rng.below(2000)));
                // The header and the control page stay; all else comes back as zeroes.
                file.set_len(8192).unwrap();
                self.wait_until_noticed(met);
                file.set_len(whole).unwrap();
            }
        });
        println!("{met:?}");
    }
}

#[test]
fn a_storm_of_cuts_ends_no_process_and_tells_no_lie() {
    Storm::Noticed.rage();
}

#[test]
fn a_storm_of_cuts_that_some_do_not_notice_is_told_by_seals() {
    Storm::Sealed.rage();
}
