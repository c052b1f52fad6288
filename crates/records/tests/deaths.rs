//! A writer that dies before any of its stores, or amid a copy, leaves the file as it was before the operation or as it
//! is after it; readers see that at once, and the next writer goes on from there.
//!
//! The events of a script are counted first; then a process of its own runs the script once for each of them and ends
//! there: by leaving at once, or by waiting to be killed.

mod common;

use common::{Bar, bar, process};
use samovar_mmap::seam::{Event, set_process_hook, set_thread_hook};
use samovar_records::RecordFile;
use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Child;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};

const FILE: &str = "SAMOVAR_TEST_FILE";
const STORE: &str = "SAMOVAR_TEST_STORE";
const HOW: &str = "SAMOVAR_TEST_HOW";
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

fn prepare(path: &Path) -> Vec<Bar> {
    let file = RecordFile::<Bar>::create_with_capacity(path, BEGIN as usize).unwrap();
    let model: Vec<Bar> = (0..BEGIN).map(bar).collect();
    file.extend_from_slice(&model).unwrap();
    model
}

fn is_store(event: Event) -> bool {
    matches!(event, Event::Store | Event::FetchAdd | Event::CompareExchange | Event::CopyIn | Event::CopyHalf)
}

/// The states between the steps, and how many stores each step, and the opening before them, makes.
fn dry_run(path: &Path) -> (Vec<Vec<Bar>>, Vec<usize>) {
    let mut model = prepare(path);
    let (mut states, mut stores) = (vec![model.clone()], Vec::new());
    let count = Rc::new(Cell::new(0));
    let counter = Rc::clone(&count);
    set_thread_hook(Some(Box::new(move |event| counter.set(counter.get() + usize::from(is_store(event))))));
    let file = RecordFile::<Bar>::open_writer(path).unwrap();
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
    let mut model = RecordFile::<Bar>::open(&path).unwrap().to_vec().unwrap();
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
    let file = RecordFile::<Bar>::open_writer(path).unwrap();
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

fn die_everywhere(how: &str, every: usize) {
    let dir = tempfile::tempdir().unwrap();
    let (states, stores) = dry_run(&dir.path().join("dry"));
    let total: usize = stores.iter().sum();
    let mut deaths = 0;
    for store in (0..total).step_by(every) {
        let path = dir.path().join(format!("at{store}"));
        prepare(&path);
        let mut command = process("dying_writer");
        command.env(FILE, &path).env(STORE, store.to_string()).env(HOW, how);
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
        judge(&path, &states[step..step + 2], store);
        std::fs::remove_file(&path).unwrap();
        deaths += 1;
    }
    println!("{deaths} deaths ({how}) at {total} stores");
}

/// The file is in one of the two states, for readers, for the next writer, and for readers again.
fn judge(path: &Path, states: &[Vec<Bar>], store: usize) {
    let reader = RecordFile::<Bar>::open(path).unwrap();
    let seen = reader.to_vec().unwrap();
    assert!(states.contains(&seen), "store {store}: neither before nor after");
    for (index, expected) in seen.iter().enumerate() {
        assert_eq!(reader.get(index).unwrap(), Some(*expected), "store {store}");
    }
    let writer = RecordFile::<Bar>::open_writer(path).unwrap();
    assert_eq!(writer.to_vec().unwrap(), seen, "store {store}: the next writer changed it");
    let mut model = seen;
    push(&writer, &mut model, 7000..7300);
    set(&writer, &mut model, 5, 8000);
    assert_eq!(reader.to_vec().unwrap(), model, "store {store}");
    drop(writer);
    assert_eq!(RecordFile::<Bar>::open(path).unwrap().to_vec().unwrap(), model, "store {store}");
}

#[test]
fn a_writer_that_leaves_at_any_store_leaves_old_or_new() {
    die_everywhere("leave", 1);
}

#[test]
fn a_writer_that_is_killed_at_any_store_leaves_old_or_new() {
    die_everywhere("kill", 1);
}
