//! Packs that grow, lose tables, are copied and flushed, while their neighbours stay what they are.

use crate::common::{Bar, bar, number};
use samovar_records::{ErrorKind, Generation, Options, RecordFile, RecordSet, schema};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use zerocopy::{FromBytes, Immutable, IntoBytes};

#[derive(Clone, Copy, Debug, PartialEq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Tick {
    time: i64,
    price: f64,
}
schema!(Tick { time, price });

fn pack(root: &Path, generation: &str) -> PathBuf {
    let folder = root.join("generations").join(generation);
    let mut files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.find(|path| path.extension().is_some_and(|ending| ending == "pack")).unwrap()
}

fn len(root: &Path, generation: &str) -> u64 {
    std::fs::metadata(pack(root, generation)).unwrap().len()
}

fn numbers(file: &RecordFile<Bar>) -> Vec<u32> {
    file.to_vec().unwrap().iter().map(number).collect()
}

fn table(number: u32) -> String {
    format!("daily/{number:04}")
}

/// Pushes so many bars to each of so many tables, in turn.
fn grow(generation: &Generation, tables: u32, bars: u32, every: impl Fn(u32)) {
    let writers: Vec<_> = (0..tables).map(|t| generation.open_writer::<Bar>(&table(t)).unwrap()).collect();
    for b in 0..bars {
        writers.iter().zip(0..).for_each(|(writer, t)| writer.push(&bar(t * 1000 + b)).unwrap());
        every(b);
    }
}

fn check(generation: &Generation, tables: u32, bars: u32) {
    for t in 0..tables {
        let expected: Vec<u32> = (0..bars).map(|b| t * 1000 + b).collect();
        assert_eq!(numbers(&generation.open(&table(t)).unwrap()), expected, "table {t}");
    }
}

#[test]
fn a_pack_grown_from_nothing_uses_what_its_tables_left() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    let draft = set.draft("today").unwrap();
    draft.create::<Bar>("first", 1).unwrap().push(&bar(1)).unwrap();
    draft.publish().unwrap();
    let today = set.current().unwrap();
    let (tables, bars) = (40, 250);
    grow(&today, tables, bars, |b| {
        if b % 20 == 0 {
            today.flush().unwrap();
        }
    });
    check(&today, tables, bars);
    let data = u64::from(tables * bars) * size_of::<Bar>() as u64;
    let used = len(dir.path(), "today");
    // A table has room for up to twice its bars, and the file a half more than it uses.
    assert!(used < data * 5 / 2, "{used} bytes for {data} bytes of bars");
    // Made again, it has no room to spare.
    let draft = set.draft("tomorrow").unwrap();
    draft.copy_from(&today).unwrap();
    draft.publish().unwrap();
    let tomorrow = set.current().unwrap();
    check(&tomorrow, tables, bars);
    assert_eq!(tomorrow.keys().unwrap(), today.keys().unwrap());
    let used = len(dir.path(), "tomorrow");
    assert!(used < data * 5 / 4, "{used} bytes for {data} bytes of bars");
}

#[test]
fn a_removed_table_is_gone_and_its_space_is_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    let draft = set.draft("today").unwrap();
    for t in 0..3 {
        let bars: Vec<Bar> = (0..1000).map(|b| bar(t * 1000 + b)).collect();
        draft.create::<Bar>(&table(t), 1000).unwrap().extend_from_slice(&bars).unwrap();
    }
    draft.create::<Tick>("ticks", 1).unwrap();
    draft.publish().unwrap();
    let today = set.current().unwrap();
    let before = len(dir.path(), "today");
    let reader = today.open::<Bar>(&table(1)).unwrap();
    let writer = today.open_writer::<Bar>(&table(1)).unwrap();
    for round in 0..20 {
        assert!(today.remove::<Bar>(&table(1)).unwrap());
        assert!(!today.remove::<Bar>(&table(1)).unwrap(), "it is gone");
        assert_eq!(today.keys_of::<Bar>().unwrap(), [table(0), table(2)]);
        assert_eq!(today.open::<Bar>(&table(1)).unwrap_err().kind(), ErrorKind::NotFound);
        today.flush().unwrap();
        let new = today.open_writer::<Bar>(&table(1)).unwrap();
        new.extend_from_slice(&vec![bar(round); 900]).unwrap();
        assert_eq!(numbers(&today.open(&table(1)).unwrap()), vec![round; 900]);
    }
    assert!(reader.is_empty().unwrap());
    assert_eq!(writer.push(&bar(1)).unwrap_err().kind(), ErrorKind::NotFound, "it would write another table");
    assert!(len(dir.path(), "today") <= before * 3, "{} after {before}", len(dir.path(), "today"));
    assert_eq!(numbers(&today.open(&table(2)).unwrap()), (2000..3000).collect::<Vec<_>>());
    assert_eq!((today.keys_of::<Tick>().unwrap().len(), today.keys().unwrap().len()), (1, 4));
}

#[test]
fn what_a_dead_writer_left_is_used_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    let draft = set.draft("today").unwrap();
    draft.create::<Bar>("first", 1).unwrap().push(&bar(1)).unwrap();
    draft.publish().unwrap();
    let mut lens = Vec::new();
    for round in 0..8 {
        let set = Options::new().leave_unflushed().open_set(dir.path()).unwrap();
        let today = set.current().unwrap();
        let churned = today.open_writer::<Bar>("churned").unwrap();
        churned.extend_from_slice(&(0..3000).map(bar).collect::<Vec<_>>()).unwrap();
        today.flush().unwrap();
        today.remove::<Bar>("churned").unwrap();
        if round % 2 == 0 {
            today.flush().unwrap();
        }
        lens.push(len(dir.path(), "today"));
    }
    assert!(lens[7] <= lens[1] * 2, "{lens:?}");
    assert_eq!(numbers(&set.current().unwrap().open("first").unwrap()), [1]);
}

#[test]
fn a_copy_of_what_is_written_has_no_torn_record() {
    let dir = tempfile::tempdir().unwrap();
    let file = RecordFile::<Bar>::create(dir.path().join("bars")).unwrap();
    file.extend_from_slice(&(0..5000).map(bar).collect::<Vec<_>>()).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while !done.load(Ordering::Relaxed) {
                number += 1;
                file.update_last(&bar(number)).unwrap();
                file.set(usize::try_from(number % 5000 * 7919 % 5000).unwrap(), &bar(number)).unwrap();
                if number % 16 == 0 {
                    file.push(&bar(number)).unwrap();
                    file.truncate_front(5000).unwrap();
                }
            }
        });
        let reader = RecordFile::<Bar>::open(dir.path().join("bars")).unwrap();
        for round in 0..10 {
            std::thread::sleep(Duration::from_millis(2));
            let path = dir.path().join(format!("copy{round}"));
            match reader.backup(&path) {
                Err(error) => assert_eq!(error.kind(), ErrorKind::Busy),
                Ok(()) => {
                    let copy = RecordFile::<Bar>::open(&path).unwrap();
                    assert!(numbers(&copy).len() >= 5000);
                    assert_eq!(copy.info().unwrap().durable, copy.len().unwrap() as u64);
                }
            }
        }
        assert_eq!(reader.backup(dir.path().join("bars")).unwrap_err().kind(), ErrorKind::AlreadyExists);
        done.store(true, Ordering::Relaxed);
    });
}
