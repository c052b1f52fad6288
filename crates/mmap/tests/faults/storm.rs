//! A file that is cut and regrown again and again while it is used.

use crate::common::rounds;
use crate::guarded::{COPIES_LEAVE_NO_TRACE, PAGE, file_of};
use samovar_mmap::{Access, ErrorKind, SharedMap, install_fault_guard};
use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

struct Counts {
    right: AtomicUsize,
    errors: AtomicUsize,
    stop: AtomicBool,
}

impl Counts {
    fn count(&self, outcome: Result<(), samovar_mmap::Error>) {
        match outcome {
            Ok(()) => &self.right,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Fault, "{error}");
                &self.errors
            }
        }
        .fetch_add(1, Ordering::Relaxed);
    }
}

/// One page at a time: pages hold sevens, or zeroes since the file was cut and regrown. A map that a copy poisoned is
/// mapped anew.
fn copy_in_the_storm(file: &File, counts: &Counts, seed: usize) {
    let anew = || SharedMap::map_beyond_end(file, Access::ReadWrite, 0, 16 * PAGE).unwrap();
    let mut map = anew();
    let mut out = vec![0; PAGE];
    let mut page = seed;
    while !counts.stop.load(Ordering::Relaxed) {
        page = (page + 1) % 16;
        let poisoned = map.is_poisoned();
        assert_ne!((poisoned, COPIES_LEAVE_NO_TRACE), (true, true));
        if poisoned {
            map = anew();
        }
        let view = map.view();
        let outcome = match page % 4 {
            0 => view.write_from(page * PAGE, &[7; PAGE]),
            _ => view.read_into(page * PAGE, &mut out).inspect(|()| {
                assert!(out.iter().all(|byte| *byte == 7 || *byte == 0));
            }),
        };
        counts.count(outcome);
    }
}

/// Words at the ends of pages. A poisoned map is one error, and is mapped anew.
fn swap_in_the_storm(file: &File, counts: &Counts) {
    while !counts.stop.load(Ordering::Relaxed) {
        let Ok(map) = SharedMap::map(file, Access::ReadWrite, 0, Some(16 * PAGE)) else {
            counts.errors.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        let view = map.view();
        let mut page = 0;
        while !counts.stop.load(Ordering::Relaxed) {
            page = (page + 1) % 16;
            let word = view.word64(page * PAGE + 128).unwrap();
            let seen = [word.load_acquire(), view.load_line(page * PAGE + 128).unwrap()[0]];
            word.store_release(0x0707_0707_0707_0707);
            if map.is_poisoned() {
                counts.errors.fetch_add(1, Ordering::Relaxed);
                break;
            }
            assert!(seen.iter().all(|value| [0, 0x0707_0707_0707_0707].contains(value)), "{seen:x?}");
            counts.right.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Threads copying and threads using words while the file is cut and regrown: every access is right
/// or an error. `SAMOVAR_STORM_ROUNDS=2000` for the long run.
fn storm(threads: usize, rounds: usize) {
    let file = file_of(16);
    install_fault_guard().unwrap();
    let zero = || AtomicUsize::new(0);
    let counts = Counts { right: zero(), errors: zero(), stop: AtomicBool::new(false) };
    std::thread::scope(|scope| {
        for seed in 0..threads {
            let (file, counts) = (&file, &counts);
            scope.spawn(move || copy_in_the_storm(file, counts, seed));
            scope.spawn(move || swap_in_the_storm(file, counts));
        }
        let seen = |count: &AtomicUsize| count.load(Ordering::Relaxed) > 0;
        let mut round = 0;
        while round < rounds || !seen(&counts.right) || !seen(&counts.errors) {
            round += 1;
            file.set_len([0, 3 * PAGE, 5 * PAGE + 77][round % 3] as u64).unwrap();
            std::thread::yield_now();
            file.set_len(16 * PAGE as u64).unwrap();
            std::thread::yield_now();
        }
        counts.stop.store(true, Ordering::Relaxed);
    });
    let (right, errors) = (counts.right.into_inner(), counts.errors.into_inner());
    println!("{threads} + {threads} threads, {rounds} rounds: {right} right, {errors} errors, alive");
}

#[test]
fn a_storm_of_truncations_with_one_thread() {
    storm(1, rounds("SAMOVAR_STORM_ROUNDS", 100));
}

#[test]
fn a_storm_of_truncations_with_four_threads() {
    storm(4, rounds("SAMOVAR_STORM_ROUNDS", 200));
}

#[test]
fn a_storm_of_truncations_with_sixteen_threads() {
    storm(16, rounds("SAMOVAR_STORM_ROUNDS", 50));
}
