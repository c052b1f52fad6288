//! What a dead writer of a pack has left is used again only once a flush has made that certain: the device may still say that a table
//! lies there.
//!
//! Canary, tried and found: what was found is used at once.

use crate::common::{Bar, bar, process};
use samovar_mmap::hooks::{Disk, Event, set_process_hook, set_thread_disk};
use samovar_records::{Generation, Options, RecordFile, RecordSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const PAGE: usize = 4096;
/// Where the file says in which boot it was written.
const BOOT: usize = PAGE + 24;
const ROOM: usize = 150;

fn bars(count: usize) -> Vec<Bar> {
    (0..u32::try_from(count).unwrap()).map(bar).collect()
}

fn pack(root: &Path) -> PathBuf {
    let today = root.join("generations/today");
    std::fs::read_dir(today).unwrap().next().unwrap().unwrap().path()
}

fn open(root: &Path) -> Arc<Generation> {
    Options::new().leave_unflushed().open_set(root).unwrap().current().unwrap()
}

/// Calls a function; what its first flush of the file brought to the device.
fn first_flush(path: &Path, act: impl FnOnce()) -> Vec<u8> {
    let first = Arc::new(Mutex::new(Vec::new()));
    let (flushed, path) = (Arc::clone(&first), path.to_owned());
    set_process_hook(Some(Box::new(move |event| {
        let mut flushed = flushed.lock().unwrap();
        if event == Event::Flush && flushed.is_empty() {
            *flushed = std::fs::read(&path).unwrap();
        }
    })));
    act();
    set_process_hook(None);
    let first = first.lock().unwrap();
    first.clone()
}

/// The first flush says in the file that it is written; without that nobody opens it.
fn refusing_all_but_the_first_flush(act: impl FnOnce()) {
    let flushes = AtomicUsize::new(0);
    set_process_hook(Some(Box::new(move |event| {
        if event == Event::Flush {
            set_thread_disk(if flushes.fetch_add(1, Ordering::Relaxed) > 0 {
                Disk::Refuses
            } else {
                Disk::Works
            });
        }
    })));
    act();
    set_process_hook(None);
    set_thread_disk(Disk::Works);
}

#[test]
#[ignore = "started by the test below as a process of its own, since the hook is the process's"]
fn leaving_space() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    let draft = set.draft("today").unwrap();
    for key in ["bars", "behind"] {
        draft.create::<Bar>(key, ROOM).unwrap().extend_from_slice(&bars(ROOM)).unwrap();
    }
    draft.publish().unwrap();
    let path = pack(dir.path());

    // The table moves to a larger place. The device has all of that but the last step of the flush; then the writer dies.
    let today = open(dir.path());
    let file = today.open_writer::<Bar>("bars").unwrap();
    file.push(&bar(7)).unwrap();
    let device = first_flush(&path, || today.flush().unwrap());
    drop((file, today));

    // The next writer cannot make that certain, and goes on.
    let today = open(dir.path());
    refusing_all_but_the_first_flush(|| {
        today.open_writer::<Bar>("new").unwrap().extend_from_slice(&[bar(9); ROOM - 30]).unwrap();
    });
    drop(today);

    // The power is lost. Of the table's block the device has what that first flush brought, of all else the latest.
    let mut bytes = std::fs::read(&path).unwrap();
    let block = device.windows(8).position(|key| key == b"bars\0\0\0\0").unwrap() / PAGE * PAGE;
    bytes[block..][..PAGE].copy_from_slice(&device[block..][..PAGE]);
    bytes[BOOT..BOOT + 8].copy_from_slice(&[9; 8]);
    std::fs::write(&path, bytes).unwrap();

    let found: RecordFile<Bar> = open(dir.path()).open_writer("bars").unwrap();
    assert!(found.to_vec().unwrap() == bars(ROOM), "another table lies where this one was");
    println!("as it was flushed");
}

#[test]
fn what_the_dead_have_left_waits_for_a_flush() {
    let ended = process("gaps::leaving_space").output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(said.contains("as it was flushed"), "{said}{}", String::from_utf8_lossy(&ended.stderr));
}
