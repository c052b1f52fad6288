//! A writer works amid a read, between any two of its loads. The read is whole all the same, and its record was there
//! when it began or came meanwhile.
//!
//! The hook of the reader's thread is called at each load and in the middle of each copy; at the chosen one it writes.

use crate::common::{Bar, Form, bar, number};
use samovar_mmap::hooks::set_thread_hook;
use samovar_records::{Options, RecordFile};
use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

/// Room for so many bars: what fits a page.
const ROOM: u32 = 102;

type Write = fn(&RecordFile<Bar>);
type Read = fn(&RecordFile<Bar>) -> Vec<u32>;

const WRITES: [(&str, Write); 8] = [
    ("one update", |file| file.set(5, &bar(1000)).unwrap()),
    ("one update of another record than before", |file| file.set(6, &bar(1000)).unwrap()),
    ("two updates", |file| (1000..1002).for_each(|i| file.set(5, &bar(i)).unwrap())),
    ("updates of two records", |file| (4..7).for_each(|i| file.set(i, &bar(1000)).unwrap())),
    ("many updates", |file| (1000..1007).for_each(|i| file.set(5, &bar(i)).unwrap())),
    ("the ring comes round", |file| {
        file.truncate_front(50).unwrap();
        file.extend_from_slice(&(200..250).map(bar).collect::<Vec<_>>()).unwrap();
    }),
    ("growth after the ring came round", |file| {
        file.truncate_front(50).unwrap();
        file.extend_from_slice(&(200..400).map(bar).collect::<Vec<_>>()).unwrap();
        file.truncate_front(100).unwrap();
        file.extend_from_slice(&(400..500).map(bar).collect::<Vec<_>>()).unwrap();
    }),
    ("all goes", |file| {
        file.truncate_front(0).unwrap();
        file.extend_from_slice(&(200..200 + ROOM).map(bar).collect::<Vec<_>>()).unwrap();
    }),
];

fn one(found: Option<Bar>) -> Vec<u32> {
    found.iter().map(number).collect()
}

const READS: [(&str, Read); 9] = [
    ("get 5", |file| one(file.get(5).unwrap())),
    ("get 6", |file| one(file.get(6).unwrap())),
    ("last", |file| one(file.last().unwrap())),
    ("to_vec", |file| file.to_vec().unwrap().iter().map(number).collect()),
    ("view get 5", |file| one(file.view().unwrap().get(5).unwrap())),
    ("view get 6 twice", |file| {
        let view = file.view().unwrap();
        let _ = view.get(6).unwrap();
        one(view.get(6).unwrap())
    }),
    ("view get 5 twice", |file| {
        let view = file.view().unwrap();
        let _ = view.get(5).unwrap();
        one(view.get(5).unwrap())
    }),
    ("view column", |file| {
        let mut times = Vec::new();
        let keep = |some: &[i64]| times.extend(some.iter().map(|time| u32::try_from(*time).unwrap()));
        file.view().unwrap().for_each_column(|bar| &bar.time, keep).unwrap();
        times
    }),
    ("range", |file| file.range(3..9).unwrap().map(|bar| number(&bar.unwrap())).collect()),
];

/// Runs the read, with the write at its `at`th event. `false` if the read had fewer.
fn run(template: &Path, (reading, read): (&str, Read), write: Write, at: usize) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    std::fs::copy(template, &path).unwrap();
    let writer = Rc::new(Options::new().leave_unflushed().open_writer::<Bar>(&path).unwrap());
    let reader = RecordFile::<Bar>::open(&path).unwrap();
    let before = read(&reader);
    let (count, hooked) = (Rc::new(Cell::new(0)), Rc::clone(&writer));
    let counter = Rc::clone(&count);
    set_thread_hook(Some(Box::new(move |_| {
        if counter.replace(counter.get() + 1) == at {
            write(&hooked);
        }
    })));
    let amid = read(&reader);
    set_thread_hook(None);
    let came = count.get() > at;
    let after = read(&reader);
    // A single record is what it was or is. A walk shows nothing but what was there or is; what was dropped in front
    // before its turn may be left out.
    let known = |number: &u32| before.contains(number) || after.contains(number);
    // A view's record may be dropped after the view was made.
    let fits = match (before.len(), amid.len()) {
        (1, 1) => amid == before || amid == after,
        (1, 0) => matches!(reading.split(' ').next(), Some("view")),
        _ => amid.iter().all(known),
    };
    assert!(fits, "{reading} at {at}: {before:?} {amid:?} {after:?}");
    came
}

#[test]
fn a_write_between_any_two_loads_of_a_read_tears_nothing() {
    Form::ALL.into_iter().for_each(write_between_any_two_loads);
}

fn write_between_any_two_loads(form: Form) {
    let dir = tempfile::tempdir().unwrap();
    let template = dir.path().join("bars");
    let file = form.options().create::<Bar>(&template, 0).unwrap();
    file.reserve(ROOM as usize).unwrap();
    assert!(form != Form::Rows || file.capacity().unwrap() == ROOM as usize);
    file.extend_from_slice(&(0..ROOM).map(bar).collect::<Vec<_>>()).unwrap();
    file.set(5, &bar(900)).unwrap();
    drop(file);
    // Reads of columns, and of records with checksums, have many more events.
    let stride = if form == Form::Rows { 1 } else { 7 };
    let mut runs = 0;
    for (reading, read) in READS {
        for (writing, write) in WRITES {
            let mut at = 0;
            while run(&template, (reading, read), write, at) {
                at += stride;
            }
            assert!(at > 5, "{reading} beside {writing}: {at} events");
            runs += at / stride;
        }
    }
    println!("{runs} schedules ({form:?})");
}

/// Reads with a handle that was opened before the file grew, while at the `at`th event another thread, which shares the
/// handle, maps what the file has gained. `false` if the read had fewer events.
fn read_beside_a_thread_that_maps(template: &Path, read: Read, at: usize) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    std::fs::copy(template, &path).unwrap();
    let reader = Rc::new(RecordFile::<Bar>::open(&path).unwrap());
    let view = reader.view().unwrap();
    let writer = Options::new().leave_unflushed().open_writer::<Bar>(&path).unwrap();
    writer.extend_from_slice(&(ROOM..10 * ROOM).map(bar).collect::<Vec<_>>()).unwrap();
    let (count, shared) = (Rc::new(Cell::new(0)), Rc::clone(&reader));
    let counter = Rc::clone(&count);
    set_thread_hook(Some(Box::new(move |_| {
        if counter.replace(counter.get() + 1) == at {
            shared.last().unwrap();
        }
    })));
    let amid = read(&reader);
    set_thread_hook(None);
    assert_eq!(amid, read(&RecordFile::<Bar>::open(&path).unwrap()), "at {at}");
    assert_eq!(number(&view.get(7).unwrap().unwrap()), 7, "at {at}, by a view made before");
    count.get() > at
}

#[test]
fn threads_that_share_a_handle_of_a_file_that_grew_are_told_of_no_damage() {
    Form::ALL.into_iter().for_each(share_a_handle_of_a_file_that_grew);
}

fn share_a_handle_of_a_file_that_grew(form: Form) {
    let dir = tempfile::tempdir().unwrap();
    let template = dir.path().join("bars");
    let file = form.options().create::<Bar>(&template, 0).unwrap();
    file.extend_from_slice(&(0..ROOM).map(bar).collect::<Vec<_>>()).unwrap();
    drop(file);
    let get_new: Read = |file| one(file.get(9 * ROOM as usize).unwrap());
    for read in READS.map(|(_, read)| read).into_iter().chain([get_new]) {
        let mut at = 0;
        while read_beside_a_thread_that_maps(&template, read, at) {
            at += 1;
        }
        assert!(at > 5, "{at} events");
    }
}
