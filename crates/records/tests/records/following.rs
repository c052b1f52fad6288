//! Followers: each record once, in order; what was lost is told; nobody waits for long; and searches by time.

use crate::common::{Bar, bar, number, process};
use samovar_records::{ErrorKind, Options, RecordFile, RecordSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const FILE: &str = "SAMOVAR_TEST_FILE";
const TIMEOUT: Duration = Duration::from_secs(20);

fn push(file: &RecordFile<Bar>, numbers: std::ops::Range<u32>) {
    file.extend_from_slice(&numbers.map(bar).collect::<Vec<_>>()).unwrap();
}

#[test]
fn a_follower_gets_each_record_once_and_is_told_what_was_lost() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    let writer = RecordFile::<Bar>::create(&path).unwrap();
    let reader = RecordFile::<Bar>::open(&path).unwrap();
    push(&writer, 0..10);
    let (mut all, mut new) = (reader.follow_from(0), reader.follow().unwrap());
    let mut bars = Vec::new();
    let taken = all.take(&mut bars).unwrap();
    assert_eq!((taken.lost, taken.first, taken.count, all.position()), (0, 0, 10, 10));
    assert_eq!(new.take(&mut Vec::new()).unwrap().count, 0);
    push(&writer, 10..13);
    assert_eq!(new.take(&mut bars).unwrap().first, 10);
    assert_eq!(bars.iter().map(number).collect::<Vec<_>>(), (0..13).collect::<Vec<_>>(), "it appends");
    // The ring goes round many times while nobody looks.
    for i in 13..5000 {
        writer.push(&bar(i)).unwrap();
        writer.truncate_front(100).unwrap();
    }
    bars.clear();
    let taken = all.take(&mut bars).unwrap();
    assert_eq!((taken.lost, taken.first, taken.count), (4900 - 10, 4900, 100));
    assert_eq!(bars.iter().map(number).collect::<Vec<_>>(), (4900..5000).collect::<Vec<_>>());
    assert_eq!(reader.ordinals().unwrap(), 4900..5000);
    let ahead = reader.follow_from(5001).take(&mut bars).unwrap_err();
    assert_eq!(ahead.kind(), ErrorKind::OutOfRange);
}

#[test]
fn followers_of_a_ring_that_turns_count_right() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    let writer = RecordFile::<Bar>::create(&path).unwrap();
    let total = 60_000;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut follower = RecordFile::<Bar>::open(&path).unwrap().follow_from(0);
                let (mut next, mut lost, mut bars) = (0, 0, Vec::new());
                while next < u64::from(total) {
                    assert!(follower.wait(TIMEOUT).unwrap(), "at {next}");
                    bars.clear();
                    let taken = follower.take(&mut bars).unwrap();
                    assert_eq!(taken.first, next + taken.lost);
                    for (bar, ordinal) in bars.iter().zip(taken.first..) {
                        assert_eq!(u64::from(number(bar)), ordinal);
                    }
                    lost += taken.lost;
                    next = taken.first + taken.count as u64;
                }
                println!("{lost} of {total} lost, and told");
            });
        }
        for i in 0..total {
            writer.push(&bar(i)).unwrap();
            if i % 50 == 0 {
                writer.truncate_front(200).unwrap();
            }
        }
    });
}

#[test]
#[ignore = "started by the tests below as a process of its own"]
fn following_process() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let mut follower = RecordFile::<Bar>::open(path).unwrap().follow().unwrap();
    println!("following");
    let mut bars = Vec::new();
    while follower.wait(TIMEOUT).unwrap() {
        bars.clear();
        let taken = follower.take(&mut bars).unwrap();
        println!("took {} from {}", taken.count, taken.first);
    }
}

/// A follower in a process of its own, its lines from where it follows on.
fn follower(path: &Path) -> (std::process::Child, impl Iterator<Item = String> + use<>) {
    let mut child = process("following::following_process").env(FILE, path).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("following")));
    (child, lines)
}

#[test]
fn a_follower_in_another_process_is_woken_and_a_dead_one_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    let writer = RecordFile::<Bar>::create(&path).unwrap();
    let (mut child, mut lines) = follower(&path);
    let mut waits = Vec::new();
    for i in 0..20 {
        std::thread::sleep(Duration::from_millis(5));
        let begun = Instant::now();
        writer.push(&bar(i)).unwrap();
        let line = lines.find(|line| line.contains("took")).unwrap();
        waits.push(begun.elapsed());
        assert!(line.contains(&format!("took 1 from {i}")), "{line}");
    }
    waits.sort_unstable();
    println!("woken, and heard of it, after {:?}, at most {:?}", waits[10], waits[19]);
    child.kill().unwrap();
    child.wait().unwrap();
    push(&writer, 20..40);
    let (mut child, mut lines) = follower(&path);
    writer.push(&bar(40)).unwrap();
    assert!(lines.any(|line| line.contains("took 1 from 40")));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_follower_of_a_table_in_a_pack_outlives_its_generation() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    let draft = set.draft("today").unwrap();
    for key in ["one", "two"] {
        draft.create::<Bar>(key, 1).unwrap();
    }
    draft.publish().unwrap();
    let mut follower = set.current().unwrap().open::<Bar>("two").unwrap().follow().unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut bars, mut seen) = (Vec::new(), 0);
            while seen < 500 {
                assert!(follower.wait(TIMEOUT).unwrap());
                seen += follower.take(&mut bars).unwrap().count;
            }
            assert!(bars.iter().map(number).eq(0..500));
            done.store(true, Ordering::Relaxed);
        });
        let writer = set.current().unwrap().open_writer::<Bar>("two").unwrap();
        (0..500).for_each(|i| writer.push(&bar(i)).unwrap());
    });
    assert!(done.load(Ordering::Relaxed));
}

#[test]
fn nobody_comes_and_the_wait_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    let writer = Options::new().leave_unflushed().create::<Bar>(&path, 1).unwrap();
    let follower = RecordFile::<Bar>::open(&path).unwrap().follow().unwrap();
    let begun = Instant::now();
    assert!(!follower.wait(Duration::from_millis(30)).unwrap());
    assert!(begun.elapsed() >= Duration::from_millis(30));
    writer.push(&bar(1)).unwrap();
    assert!(follower.wait(Duration::ZERO).unwrap());
}

#[test]
fn searches_by_time_are_those_of_a_slice() {
    let dir = tempfile::tempdir().unwrap();
    let file = RecordFile::<Bar>::create(dir.path().join("bars")).unwrap();
    let bars: Vec<Bar> = (0..300).map(|i| bar(i / 3 * 10)).collect();
    file.extend_from_slice(&bars).unwrap();
    let by_time = file.view().unwrap().sorted_by(|bar| bar.time);
    let by_close = file.view().unwrap().sorted_by(|bar| bar.close);
    for time in [-1i64, 0, 5, 10, 500, 505, 990, 991, 2000] {
        let count = bars.partition_point(|bar| bar.time <= time);
        assert_eq!(by_time.range(..=time).unwrap(), 0..count);
        assert_eq!(by_time.range(time..).unwrap(), bars.partition_point(|bar| bar.time < time)..300);
        #[expect(clippy::cast_precision_loss, reason = "it is small")]
        let close = time as f64;
        assert_eq!(by_close.range(close..=close + 20.0).unwrap().start, by_time.range(time..).unwrap().start);
        let last = by_time.last_at(&time).unwrap();
        assert_eq!(last, count.checked_sub(1).map(|index| (index, bars[index])));
    }
    let reversed = (std::ops::Bound::Included(500), std::ops::Bound::Excluded(100));
    assert_eq!(by_time.range(reversed).unwrap().len(), 0);
    let mut joined = Vec::new();
    by_time.join_as_of(&by_time, |bar, same| joined.push((*bar, *same.unwrap()))).unwrap();
    assert!(joined.iter().all(|(bar, same)| bar == same) && joined.len() == 300);
    file.truncate_front(0).unwrap();
    assert_eq!(by_time.last_at(&500).unwrap(), None, "all of them were dropped");
    assert!(file.view().unwrap().sorted_by(|bar| bar.time).last_at(&5).unwrap().is_none());
}
