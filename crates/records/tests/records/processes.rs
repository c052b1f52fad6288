//! Several processes: nothing is ever torn, a killed writer leaves nothing to clean up, a second one is told the first.

use crate::common::{Bar, bar, number, process};
use samovar_records::{ErrorKind, RecordFile};
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

const FILE: &str = "SAMOVAR_TEST_FILE";

fn file_of_the_parent() -> Option<std::path::PathBuf> {
    std::env::var_os(FILE).map(Into::into)
}

/// Starts one of the processes below and waits until it says that it writes.
fn start(test: &str, path: &std::path::Path) -> Child {
    let mut child = process(test).env(FILE, path).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("writing")), "it never wrote");
    child
}

#[test]
#[ignore = "started by other tests as a process of its own"]
fn writer_of_the_last_record() {
    let Some(path) = file_of_the_parent() else { return };
    let file = RecordFile::<Bar>::open_writer(path).unwrap();
    println!("writing");
    for i in 1.. {
        file.update_last(&bar(i)).unwrap();
    }
}

#[test]
#[ignore = "started by other tests as a process of its own"]
fn writer_of_a_ring() {
    let Some(path) = file_of_the_parent() else { return };
    let file = RecordFile::<Bar>::open_writer(path).unwrap();
    println!("writing");
    for i in 1.. {
        file.push(&bar(i)).unwrap();
        file.set(0, &bar(i)).unwrap();
        file.truncate_front(90).unwrap();
    }
}

#[test]
#[ignore = "started by another test as a process of its own"]
#[cfg(target_os = "linux")]
fn writer_that_closes_what_is_open() {
    let Some(path) = file_of_the_parent() else { return };
    let file = RecordFile::<Bar>::open_writer(path).unwrap();
    (3..256).for_each(|descriptor| {
        let _ = nix::unistd::close(descriptor);
    });
    println!("writing");
    for i in 1.. {
        file.push(&bar(i)).unwrap();
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
#[cfg(unix)]
fn a_file_of_another_user_is_not_written_unless_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    drop(RecordFile::<Bar>::create(&path).unwrap());
    if let Err(error) = std::os::unix::fs::chown(&path, Some(65534), Some(65534)) {
        println!("SKIPPED: only root can give a file away: {error}");
        return;
    }
    assert_eq!(RecordFile::<Bar>::open_writer(&path).map(drop).unwrap_err().kind(), ErrorKind::ForeignOwner);
    let trusting = samovar_records::Options::new().trust_owner();
    trusting.open_writer::<Bar>(&path).unwrap().push(&bar(0)).unwrap();
    assert_eq!(RecordFile::<Bar>::open(&path).unwrap().len().unwrap(), 1, "who only reads need not ask");
}

/// As a daemon does, to be rid of what it inherited.
#[test]
#[cfg(target_os = "linux")]
fn a_writer_that_closes_every_descriptor_stays_the_only_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    drop(RecordFile::<Bar>::create(&path).unwrap());
    let mut child = start("processes::writer_that_closes_what_is_open", &path);
    let second = RecordFile::<Bar>::open_writer(&path).map(drop);
    assert_eq!(second.unwrap_err().kind(), ErrorKind::Locked, "two write");
    child.kill().unwrap();
    child.wait().unwrap();
    RecordFile::<Bar>::open_writer(&path).unwrap().push(&bar(0)).unwrap();
}

/// What a reader does who is told that it lost every race: the writers here never pause, and the system may hold up a
/// reader for long.
fn patiently<T>(read: impl Fn() -> samovar_records::Result<T>) -> T {
    for _ in 0..1000 {
        match read() {
            Err(error) if error.kind() == ErrorKind::Busy => std::thread::yield_now(),
            found => return found.unwrap(),
        }
    }
    panic!("busy a thousand times");
}

#[test]
fn no_record_is_ever_torn_while_another_process_rewrites_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    let mut begin: Vec<Bar> = (0..200).map(bar).collect();
    begin.push(bar(0));
    RecordFile::<Bar>::create(&path).unwrap().extend_from_slice(&begin).unwrap();
    let mut child = start("processes::writer_of_the_last_record", &path);
    let reader = RecordFile::<Bar>::open(&path).unwrap();
    let (mut reads, mut changes, mut newest) = (0u64, 0u64, 0);
    let begun = Instant::now();
    let updates_before = reader.info().unwrap().updates;
    while begun.elapsed() < Duration::from_secs(2) {
        for _ in 0..500 {
            let seen = number(&patiently(|| reader.last()).unwrap());
            assert!(seen >= newest, "{seen} after {newest}");
            changes += u64::from(seen > newest);
            newest = seen;
            reads += 1;
        }
        let view = reader.view().unwrap();
        for _ in 0..100 {
            let seen = number(&patiently(|| view.get(200)).unwrap());
            assert!(seen >= newest, "{seen} after {newest}, by a view");
            newest = seen;
            assert_eq!(number(&patiently(|| view.get(100)).unwrap()), 100);
        }
        assert_eq!(number(&patiently(|| reader.get(100)).unwrap()), 100);
        let all = patiently(|| reader.to_vec());
        assert_eq!(all[..200], begin[..200]);
        newest = newest.max(number(&all[200]));
    }
    let updates = reader.info().unwrap().updates - updates_before;
    let seconds = begun.elapsed().as_secs_f64();
    child.kill().unwrap();
    child.wait().unwrap();
    println!("{reads} reads, {changes} of them of a new value, beside {updates} updates in {seconds:.2} s");
    assert!(updates > 0 && changes > 1, "the two ran side by side");
    let writer = RecordFile::<Bar>::open_writer(&path).unwrap();
    assert!(number(&writer.last().unwrap().unwrap()) >= newest);
    assert_eq!(writer.to_vec().unwrap()[..200], begin[..200]);
}

#[test]
fn a_ring_is_read_whole_while_another_process_turns_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    RecordFile::<Bar>::create(&path).unwrap().push(&bar(0)).unwrap();
    let mut child = start("processes::writer_of_a_ring", &path);
    let reader = RecordFile::<Bar>::open(&path).unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(1) {
        let all: Vec<u32> = patiently(|| reader.to_vec()).iter().map(number).collect();
        assert!(all.len() <= 91 && !all.is_empty(), "{}", all.len());
        let view = reader.view().unwrap();
        for index in [0, 40, 89] {
            for found in
                [patiently(|| reader.get(index)), patiently(|| view.get(index))].into_iter().flatten()
            {
                number(&found);
            }
        }
        let times = patiently(|| {
            let mut times = Vec::new();
            view.for_each_column(|bar| &bar.time, |some| times.extend_from_slice(some))?;
            Ok(times)
        });
        // The writer also rewrites the oldest record, with the time of the newest. If records were dropped while the
        // column was read, one of those stands in the middle.
        let in_order = |pair: &[i64]| pair[0] < pair[1] || pair[0] == pair[1] + 89;
        assert!(times.len() <= 91 && times.windows(2).skip(1).all(in_order), "{times:?}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(reader.info().unwrap().pushed > 91, "the ring turned");
}

#[test]
fn a_second_writer_is_told_the_process_and_inherits_when_it_dies() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    RecordFile::<Bar>::create(&path).unwrap().push(&bar(0)).unwrap();
    let mut child = start("processes::writer_of_the_last_record", &path);
    let error = RecordFile::<Bar>::open_writer(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.to_string().contains(&format!("process {}", child.id())), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    let writer = RecordFile::<Bar>::open_writer(&path).unwrap();
    writer.push(&bar(5)).unwrap();
    assert_eq!(writer.info().unwrap().writers, 3);
}

#[test]
fn a_killed_writer_leaves_whole_records() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..30 {
        let path = dir.path().join(format!("bars{round}"));
        RecordFile::<Bar>::create(&path).unwrap().push(&bar(0)).unwrap();
        let mut child = start("processes::writer_of_a_ring", &path);
        std::thread::sleep(Duration::from_micros(round * 331));
        child.kill().unwrap();
        child.wait().unwrap();
        let before: Vec<u32> =
            RecordFile::<Bar>::open(&path).unwrap().to_vec().unwrap().iter().map(number).collect();
        let writer = RecordFile::<Bar>::open_writer(&path).unwrap();
        let after: Vec<u32> = writer.to_vec().unwrap().iter().map(number).collect();
        assert_eq!(before, after, "taking over changes nothing that readers saw");
        writer.push(&bar(1)).unwrap();
    }
}
