//! A writer may die before any of its stores, or amid a copy. It leaves the file as it was before the operation, or as
//! it is after it. Readers see that at once, and the next writer goes on from there.
//!
//! The events of a script are counted first. Then a process of its own runs the script once for each event, and ends
//! there: it leaves at once, or waits to be killed.

use crate::common::{Bar, Form, bar, process};
use samovar_mmap::hooks::{Event, set_process_hook, set_thread_hook};
use samovar_records::{Generation, RecordFile, RecordSet};
use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Child;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

const FILE: &str = "SAMOVAR_TEST_FILE";
const STORE: &str = "SAMOVAR_TEST_STORE";
const HOW: &str = "SAMOVAR_TEST_HOW";
const WHERE: &str = "SAMOVAR_TEST_WHERE";
/// Bars in the file before the script: a few less than it has room for.
const BEGIN: u32 = 200;
const KEEP: usize = 40;

type Step = fn(&RecordFile<Bar>, &mut Vec<Bar>);

/// What the writer does, on the file and on a vector.
const SCRIPT: [Step; 14] = [
    |file, model| push(file, model, 1..2),
    |file, model| push(file, model, 2..9),
    |file, model| set(file, model, 3, 1000),
    |file, model| set(file, model, 3, 1001),
    |file, model| set(file, model, 207, 1002),
    |file, model| keep_last(file, model),
    |file, model| push(file, model, 10..10 + 100),
    |file, model| push(file, model, 200..200 + 50),
    |file, model| set(file, model, 170, 1003),
    // The ring comes round; then it grows, which moves what has wrapped.
    |file, model| push(file, model, 300..300 + 100),
    |file, model| set(file, model, 250, 1004),
    |file, model| push(file, model, 600..600 + 300),
    |file, model| set(file, model, 280, 1005),
    |file, model| push(file, model, 500..500 + 1),
];

fn push(file: &RecordFile<Bar>, model: &mut Vec<Bar>, numbers: std::ops::Range<u32>) {
    let bars: Vec<Bar> = numbers.map(bar).collect();
    model.extend(&bars);
    file.extend_from_slice(&bars).unwrap();
}

fn set(file: &RecordFile<Bar>, model: &mut [Bar], index: usize, number: u32) {
    model[index] = bar(number);
    file.set(index, &bar(number)).unwrap();
}

fn keep_last(file: &RecordFile<Bar>, model: &mut Vec<Bar>) {
    model.drain(..model.len() - KEEP);
    file.truncate_front(KEEP).unwrap();
}

/// Where the table lies.
#[derive(Clone, Copy, Debug)]
enum Place {
    File,
    Pack,
    /// A file with checksums.
    Checksums,
    /// A file whose columns lie apart, with checksums.
    Columns,
}

impl Place {
    fn of_the_parent() -> Self {
        let told = std::env::var(WHERE).unwrap();
        let all = [Place::File, Place::Pack, Place::Checksums, Place::Columns];
        all.into_iter().find(|place| format!("{place:?}") == told).unwrap()
    }

    /// How its file is made.
    fn form(self) -> Form {
        match self {
            Place::File | Place::Pack => Form::Rows,
            Place::Checksums => Form::Checksums,
            Place::Columns => Form::ColumnsWithChecksums,
        }
    }

    /// Of how many stores there is a death at one: columns make many.
    fn stride(self) -> usize {
        match self {
            Place::File | Place::Pack => 1,
            Place::Checksums => 5,
            Place::Columns => 13,
        }
    }

    /// A table that was flushed, so that changes in place have something to keep.
    fn prepare(self, path: &Path) -> Vec<Bar> {
        let model: Vec<Bar> = (0..BEGIN).map(bar).collect();
        match self {
            Place::File | Place::Checksums | Place::Columns => {
                let file = self.form().options().create::<Bar>(path, BEGIN as usize).unwrap();
                file.extend_from_slice(&model).unwrap();
                file.flush().unwrap();
            }
            Place::Pack => {
                let set = RecordSet::open_or_create(path).unwrap();
                let draft = set.draft("today").unwrap();
                for key in ["before", "bars", "behind"] {
                    draft.create::<Bar>(key, BEGIN as usize).unwrap().extend_from_slice(&model).unwrap();
                }
                draft.publish().unwrap();
            }
        }
        model
    }

    fn open(self, path: &Path) -> RecordFile<Bar> {
        match self {
            Place::File | Place::Checksums | Place::Columns => RecordFile::open(path).unwrap(),
            Place::Pack => today(path).open("bars").unwrap(),
        }
    }

    fn open_writer(self, path: &Path) -> RecordFile<Bar> {
        match self {
            Place::File | Place::Checksums | Place::Columns => RecordFile::open_writer(path).unwrap(),
            Place::Pack => today(path).open_writer("bars").unwrap(),
        }
    }
}

fn today(path: &Path) -> Generation {
    RecordSet::open(path).unwrap().generation("today").unwrap()
}

fn is_store(event: Event) -> bool {
    matches!(event, Event::Store | Event::FetchAdd | Event::CompareExchange | Event::CopyIn | Event::CopyHalf)
}

/// The states between the steps, and how many stores each step, and the opening before them, makes.
fn dry_run(place: Place, path: &Path) -> (Vec<Vec<Bar>>, Vec<usize>) {
    let mut model = place.prepare(path);
    let (mut states, mut stores) = (vec![model.clone()], Vec::new());
    let count = Rc::new(Cell::new(0));
    let counter = Rc::clone(&count);
    set_thread_hook(Some(Box::new(move |event| counter.set(counter.get() + usize::from(is_store(event))))));
    let file = place.open_writer(path);
    states.push(model.clone());
    stores.push(count.take());
    for step in SCRIPT {
        step(&file, &mut model);
        states.push(model.clone());
        stores.push(count.take());
    }
    set_thread_hook(None);
    assert_eq!(file.to_vec().unwrap(), model);
    (states, stores)
}

#[test]
#[ignore = "started by other tests as a process of its own"]
fn dying_writer() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let last: usize = std::env::var(STORE).unwrap().parse().unwrap();
    let waits = std::env::var(HOW).unwrap() == "kill";
    let (place, path) = (Place::of_the_parent(), Path::new(&path));
    let mut model = place.open(path).to_vec().unwrap();
    let count = AtomicUsize::new(0);
    set_process_hook(Some(Box::new(move |event| {
        if !is_store(event) || count.fetch_add(1, Ordering::Relaxed) != last {
            return;
        }
        if !waits {
            std::process::exit(7);
        }
        println!("here");
        loop {
            std::thread::park();
        }
    })));
    let file = place.open_writer(path);
    for step in SCRIPT {
        step(&file, &mut model);
    }
    unreachable!("it was to die before");
}

fn wait_and_kill(child: &mut Child) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("here")), "it never came there");
    child.kill().unwrap();
    child.wait().unwrap();
}

fn die_everywhere(place: Place, how: &str) {
    let dir = tempfile::tempdir().unwrap();
    let (states, stores) = dry_run(place, &dir.path().join("dry"));
    let total: usize = stores.iter().sum();
    let mut deaths = 0;
    for store in (0..total).step_by(place.stride()) {
        let path = dir.path().join(format!("at{store}"));
        place.prepare(&path);
        let mut command = process("deaths::dying_writer");
        command.env(FILE, &path).env(STORE, store.to_string()).env(HOW, how);
        command.env(WHERE, format!("{place:?}"));
        if how == "kill" {
            wait_and_kill(&mut command.spawn().unwrap());
        } else {
            let left = command.output().unwrap();
            let said = String::from_utf8_lossy(&left.stderr);
            assert_eq!(left.status.code(), Some(7), "store {store}: {:?}, {said}", left.status);
        }
        let step = stores
            .iter()
            .scan(0, |sum, n| {
                *sum += n;
                Some(*sum)
            })
            .position(|sum| store < sum)
            .unwrap();
        compare(place, &path, &states[step..step + 2], store);
        match place {
            Place::Pack => std::fs::remove_dir_all(&path).unwrap(),
            _ => std::fs::remove_file(&path).unwrap(),
        }
        deaths += 1;
    }
    println!("{deaths} deaths ({how}, {place:?}) at {total} stores");
}

/// The file is in one of the two states, for readers, for the next writer, and for readers again.
fn compare(place: Place, path: &Path, states: &[Vec<Bar>], store: usize) {
    let reader = place.open(path);
    let seen = reader.to_vec().unwrap();
    assert!(states.contains(&seen), "store {store}: neither before nor after");
    let view = reader.view().unwrap();
    for (index, expected) in seen.iter().enumerate() {
        assert_eq!(reader.get(index).unwrap(), Some(*expected), "store {store}");
        assert_eq!(view.get(index).unwrap(), Some(*expected), "store {store}, by a view");
    }
    let writer = place.open_writer(path);
    assert_eq!(writer.to_vec().unwrap(), seen, "store {store}: the next writer changed it");
    let mut model = seen;
    push(&writer, &mut model, 7000..7300);
    set(&writer, &mut model, 5, 8000);
    assert_eq!(reader.to_vec().unwrap(), model, "store {store}");
    drop(writer);
    assert_eq!(place.open(path).to_vec().unwrap(), model, "store {store}");
    if let Place::Pack = place {
        let begin: Vec<Bar> = (0..BEGIN).map(bar).collect();
        for key in ["before", "behind"] {
            let other = today(path).open::<Bar>(key).unwrap();
            assert_eq!(other.to_vec().unwrap(), begin, "store {store}: a neighbour was written");
        }
    }
}

#[test]
fn a_writer_that_leaves_at_any_store_leaves_old_or_new() {
    die_everywhere(Place::File, "leave");
}

#[test]
fn a_writer_that_is_killed_at_any_store_leaves_old_or_new() {
    die_everywhere(Place::File, "kill");
}

#[test]
fn a_writer_in_a_pack_that_leaves_at_any_store_leaves_old_or_new() {
    die_everywhere(Place::Pack, "leave");
}

#[test]
fn a_writer_of_records_with_checksums_that_dies_leaves_old_or_new() {
    die_everywhere(Place::Checksums, "leave");
}

#[test]
fn a_writer_of_columns_that_lie_apart_that_dies_leaves_old_or_new() {
    die_everywhere(Place::Columns, "leave");
}

const NEW: [&str; 3] = ["new/1", "new/2", "new/3"];

#[test]
#[ignore = "started by the test below as a process of its own"]
fn dying_maker_of_tables() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let last: usize = std::env::var(STORE).unwrap().parse().unwrap();
    let today = today(Path::new(&path));
    let count = AtomicUsize::new(0);
    set_process_hook(Some(Box::new(move |event| {
        if is_store(event) && count.fetch_add(1, Ordering::Relaxed) == last {
            std::process::exit(7);
        }
    })));
    for (number, key) in (0..).zip(NEW) {
        today.open_writer::<Bar>(key).unwrap().push(&bar(number)).unwrap();
    }
}

#[test]
fn a_table_is_made_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let mut made = [0; 4];
    for store in 0.. {
        let path = dir.path().join(format!("at{store}"));
        Place::Pack.prepare(&path);
        let mut command = process("deaths::dying_maker_of_tables");
        let ended = command.env(FILE, &path).env(STORE, store.to_string()).output().unwrap();
        let today = today(&path);
        let keys = today.keys().unwrap();
        let there: Vec<&str> = NEW.into_iter().filter(|key| keys.iter().any(|other| other == key)).collect();
        assert!(NEW.starts_with(&there) && keys.len() == there.len() + 3, "store {store}: {keys:?}");
        made[there.len()] += 1;
        for (number, key) in (0..).zip(NEW) {
            let before = today.open::<Bar>(key).map(|table| table.to_vec().unwrap()).unwrap_or_default();
            assert!(before.is_empty() || before == [bar(number)], "store {store}");
            let table = today.open_writer::<Bar>(key).unwrap();
            table.push(&bar(900)).unwrap();
            assert_eq!(table.len().unwrap(), before.len() + 1, "store {store}");
        }
        assert_eq!(today.open::<Bar>("bars").unwrap().len().unwrap(), BEGIN as usize, "store {store}");
        std::fs::remove_dir_all(&path).unwrap();
        if ended.status.success() {
            break;
        }
        assert_eq!(ended.status.code(), Some(7), "store {store}");
    }
    assert!(made.iter().all(|times| *times > 0), "{made:?}");
}
