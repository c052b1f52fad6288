//! Sets: generations appear whole, a switch is one call, readers keep what they had, keys stay in their folder.

use crate::common::{Bar, bar, number, process};
use samovar_records::{ErrorKind, RecordSet, schema};
use std::io::{BufRead, BufReader};
use std::path::Path;
use zerocopy::{FromBytes, Immutable, IntoBytes};

const FILE: &str = "SAMOVAR_TEST_FILE";

fn publish(set: &RecordSet, name: &str, first: u32) {
    let draft = set.draft(name).unwrap();
    for (key, offset) in [("daily/600600", 0), ("daily/600601", 1), ("minute/5/600600", 2)] {
        draft.create::<Bar>(key, 10).unwrap().push(&bar(first + offset)).unwrap();
    }
    draft.publish().unwrap();
}

fn value(set: &RecordSet, key: &str) -> u32 {
    number(&set.current().unwrap().open::<Bar>(key).unwrap().last().unwrap().unwrap())
}

#[test]
fn a_switch_is_one_call_and_readers_keep_what_they_had() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path().join("set")).unwrap();
    assert_eq!(set.current().unwrap_err().kind(), ErrorKind::NotFound);
    publish(&set, "2026-01-05", 10);
    let held = set.current().unwrap();
    let file = held.open::<Bar>("daily/600600").unwrap();
    publish(&set, "2026-01-06", 20);
    assert_eq!(value(&set, "daily/600601"), 21);
    assert_eq!(number(&file.last().unwrap().unwrap()), 10);
    assert_eq!(number(&held.open::<Bar>("daily/600601").unwrap().last().unwrap().unwrap()), 11);
    let other = RecordSet::open(dir.path().join("set")).unwrap();
    other.switch_to("2026-01-05").unwrap();
    assert_eq!(value(&set, "minute/5/600600"), 12);
    assert_eq!(set.generations().unwrap(), ["2026-01-05", "2026-01-06"]);
    assert_eq!(held.keys().unwrap(), ["daily/600600", "daily/600601", "minute/5/600600"]);
    assert_eq!(set.switch_to("2026-01-07").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(set.remove("2026-01-05").unwrap_err().kind(), ErrorKind::InvalidArgument);
    set.switch_to("2026-01-06").unwrap();
    set.remove("2026-01-05").unwrap();
    assert_eq!(number(&file.last().unwrap().unwrap()), 10, "an open file outlives its name");
}

#[test]
fn a_generation_is_appended_to_while_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    publish(&set, "today", 1);
    let held = set.current().unwrap();
    let reader = held.open::<Bar>("daily/600600").unwrap();
    let writer = held.open_writer::<Bar>("daily/600600").unwrap();
    writer.push(&bar(2)).unwrap();
    assert_eq!(reader.len().unwrap(), 2);
}

#[test]
fn many_tables_are_found_while_some_are_made_and_some_grow() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    let draft = set.draft("today").unwrap();
    let key = |number: u32| format!("daily/{number:06}");
    for number in 0..2000 {
        draft.create::<Bar>(&key(number), 3).unwrap().push(&bar(number)).unwrap();
    }
    draft.publish().unwrap();
    let (readers, writers) = (set.current().unwrap(), RecordSet::open(dir.path()).unwrap());
    let writers = writers.current().unwrap();
    let held = readers.open::<Bar>(&key(700)).unwrap();
    let view = held.view().unwrap();
    let grown = writers.open_writer::<Bar>(&key(700)).unwrap();
    (0..1000).for_each(|i| grown.push(&bar(i)).unwrap());
    grown.set(0, &bar(77)).unwrap();
    assert_eq!(
        (view.len(), number(&view.get(0).unwrap().unwrap())),
        (1, 77),
        "it moved, and is seen where it is"
    );
    assert_eq!(held.len().unwrap(), 1001);
    for number in 2000..4000 {
        writers.open_writer::<Bar>(&key(number)).unwrap().push(&bar(number)).unwrap();
    }
    for expected in (0..4000).filter(|number| *number != 700) {
        let table = readers.open::<Bar>(&key(expected)).unwrap();
        assert_eq!(table.to_vec().unwrap(), [bar(expected)]);
    }
    assert_eq!(readers.keys().unwrap().len(), 4000);
    assert_eq!(readers.open::<Bar>(&key(4000)).unwrap_err().kind(), ErrorKind::NotFound);
}

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Tick {
    time: i64,
    price: f64,
}
schema!(Tick { time, price });

#[test]
fn a_key_has_one_type_and_the_tables_of_a_type_one_writing_process() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    let draft = set.draft("today").unwrap();
    draft.create::<Bar>("bars", 1).unwrap().push(&bar(1)).unwrap();
    draft.create::<Tick>("ticks", 1).unwrap().push(&Tick { time: 1, price: 2.0 }).unwrap();
    assert_eq!(draft.create::<Bar>("bars", 1).unwrap_err().kind(), ErrorKind::AlreadyExists);
    draft.publish().unwrap();
    let today = set.current().unwrap();
    assert_eq!(today.keys().unwrap(), ["bars", "ticks"]);
    assert_eq!(today.open::<Tick>("bars").unwrap_err().kind(), ErrorKind::WrongSize);
    assert_eq!(today.open_writer::<Bar>("ticks").unwrap_err().kind(), ErrorKind::WrongSize);
    let (one, same) = (today.open_writer::<Bar>("bars").unwrap(), today.open_writer::<Bar>("bars").unwrap());
    one.push(&bar(2)).unwrap();
    same.push(&bar(3)).unwrap();
    assert_eq!(one.len().unwrap(), 3, "those of one generation share the table");
    let other = RecordSet::open(dir.path()).unwrap().current().unwrap();
    let error = other.open_writer::<Bar>("bars").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert!(error.to_string().contains("another handle of this process"), "{error}");
    let free = other.open_writer::<Tick>("ticks").unwrap();
    free.push(&Tick { time: 2, price: 1.0 }).unwrap();
    drop((one, same));
    other.open_writer::<Bar>("bars").unwrap().push(&bar(4)).unwrap();
    let path =
        std::fs::read_dir(dir.path().join("generations/today")).unwrap().next().unwrap().unwrap().path();
    assert_eq!(samovar_records::RawFile::open(path).unwrap_err().kind(), ErrorKind::NotRecords);
}

#[test]
fn a_table_that_is_still_written_is_published_too() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    let draft = set.draft("today").unwrap();
    let table = draft.create::<Bar>("bars", 1).unwrap();
    table.push(&bar(1)).unwrap();
    draft.publish().unwrap();
    table.push(&bar(2)).unwrap();
    assert_eq!(set.current().unwrap().open::<Bar>("bars").unwrap().to_vec().unwrap(), [bar(1), bar(2)]);
}

#[test]
fn no_key_and_no_name_leaves_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    publish(&set, "today", 1);
    let current = set.current().unwrap();
    for key in ["", "/etc", "a//b", "../today/daily/600600", "daily/..", "daily/.", "tab\t", "nul\0"] {
        assert_eq!(current.open::<Bar>(key).unwrap_err().kind(), ErrorKind::InvalidArgument, "{key:?}");
    }
    let table = current.open_writer::<Bar>("^GSPC/EUR:USD 5% (adj.)").unwrap();
    table.push(&bar(5)).unwrap();
    assert_eq!(value(&set, "^GSPC/EUR:USD 5% (adj.)"), 5);
    assert_eq!(set.generation("../x").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(set.draft("today").unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(current.open::<Bar>("daily/none").unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_draft_that_is_dropped_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    set.draft("today").unwrap().create::<Bar>("daily/1", 1).unwrap().push(&bar(1)).unwrap();
    assert_eq!(std::fs::read_dir(dir.path().join("generations")).unwrap().count(), 0);
    publish(&set, "today", 1);
}

#[test]
#[ignore = "started by the test below as a process of its own"]
fn drafting_process() {
    let Some(root) = std::env::var_os(FILE) else { return };
    let set = RecordSet::open(root).unwrap();
    let draft = set.draft("today").unwrap();
    draft.create::<Bar>("daily/1", 1).unwrap().push(&bar(1)).unwrap();
    println!("drafting");
    loop {
        std::thread::park();
    }
}

fn drafts(root: &Path) -> usize {
    std::fs::read_dir(root.join("generations")).unwrap().count()
}

#[test]
fn what_a_killed_maker_left_is_swept_and_what_a_living_one_makes_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    let mut child = process("set::drafting_process").env(FILE, dir.path()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("drafting")));
    drop(set.draft("other").unwrap());
    assert_eq!(drafts(dir.path()), 1, "the living one's stays");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(set.generations().unwrap().is_empty());
    drop(set.draft("other").unwrap());
    assert_eq!(drafts(dir.path()), 0, "the dead one's went");
}
