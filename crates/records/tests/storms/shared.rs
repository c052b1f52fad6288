//! Threads that share one reading handle, while the file grows under them: no read fails, none is wrong.
//!
//! `SAMOVAR_READS` is how many reads (1,000,000). Each file is grown twelve times over; then comes the next one.

use crate::common::{Bar, Form, bar, number};
use samovar_records::RecordFile;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const THREADS: usize = 4;
const GROWTHS: u32 = 12;

fn reads_asked() -> usize {
    std::env::var("SAMOVAR_READS").map_or(1_000_000, |text| text.parse().unwrap())
}

/// Reads in every way, until told to stop; how many reads those were.
fn read(file: &RecordFile<Bar>, done: &AtomicBool) -> usize {
    let (mut reads, mut newest, mut state) = (0, 0, 7usize);
    while !done.load(Ordering::Relaxed) {
        let len = file.len().unwrap();
        for _ in 0..100 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let index = (state >> 33) % len;
            assert_eq!(number(&file.get(index).unwrap().unwrap()) as usize, index);
        }
        let last = number(&file.last().unwrap().unwrap());
        assert!(last >= newest, "{last} after {newest}");
        newest = last;
        let view = file.view().unwrap();
        for index in [0, view.len() / 2, view.len() - 1] {
            assert_eq!(number(&view.get(index).unwrap().unwrap()) as usize, index);
        }
        let from = len.saturating_sub(20);
        let some: Vec<Bar> = file.range(from..len).unwrap().map(Result::unwrap).collect();
        assert!(some.iter().zip(from..).all(|(bar, index)| number(bar) as usize == index));
        reads += 104 + some.len();
    }
    reads
}

fn grow_while_it_is_read(form: Form, reads: &AtomicUsize) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    let writer = form.options().leave_unflushed().open_or_create::<Bar>(&path).unwrap();
    writer.push(&bar(0)).unwrap();
    let reader = RecordFile::<Bar>::open(&path).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| reads.fetch_add(read(&reader, &done), Ordering::Relaxed));
        }
        let mut next = 1;
        for _ in 0..GROWTHS {
            let room = writer.capacity().unwrap();
            while writer.capacity().unwrap() == room {
                let some: Vec<Bar> = (next..next + 50).map(bar).collect();
                writer.extend_from_slice(&some).unwrap();
                next += 50;
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn threads_that_share_a_handle_read_a_file_that_grows() {
    let (reads, asked) = (AtomicUsize::new(0), reads_asked());
    let mut files = 0;
    while reads.load(Ordering::Relaxed) < asked {
        grow_while_it_is_read(Form::ALL[files % Form::ALL.len()], &reads);
        files += 1;
    }
    println!(
        "{} reads by {THREADS} threads of {files} files, each grown {GROWTHS} times: none wrong",
        reads.into_inner()
    );
}
