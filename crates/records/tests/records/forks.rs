//! A fork of the writer: the child has its parent's handles and does not write with them; the parent's right stays.

use crate::common::{Bar, bar, process};
use fork::{Fork, fork};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use samovar_records::{ErrorKind, RecordFile, RecordSet};
use std::path::Path;
use std::process::Command;

const FILE: &str = "SAMOVAR_TEST_FILE";

/// What the child does with what it has from its parent; its exit status says how far it came.
fn child(path: &Path, writer: &RecordFile<Bar>, table: &RecordFile<Bar>) -> i32 {
    for (at, inherited) in (1..).zip([writer, table]) {
        let attempts = [
            inherited.push(&bar(9)),
            inherited.update_last(&bar(9)),
            inherited.truncate_front(0),
            inherited.reserve(1_000_000),
            inherited.flush(),
        ];
        if attempts.iter().any(|done| !matches!(done, Err(error) if error.kind() == ErrorKind::Inherited)) {
            return at;
        }
        if inherited.last().unwrap() != Some(bar(1)) {
            return 10 + at;
        }
    }
    match RecordFile::<Bar>::open_writer(path) {
        Err(error) if error.kind() == ErrorKind::Locked => 0,
        _ => 20,
    }
}

#[test]
#[ignore = "started by the test below as a process of its own, of one thread"]
fn forking_writer() {
    let Some(root) = std::env::var_os(FILE) else { return };
    let root = Path::new(&root);
    let path = root.join("bars");
    let writer = RecordFile::<Bar>::open_or_create(&path).unwrap();
    writer.push(&bar(1)).unwrap();
    let set = RecordSet::open_or_create(root.join("set")).unwrap();
    let draft = set.draft("today").unwrap();
    draft.create::<Bar>("bars", 1).unwrap().push(&bar(1)).unwrap();
    draft.publish().unwrap();
    let table = set.current().unwrap().open_writer::<Bar>("bars").unwrap();
    match fork().unwrap() {
        Fork::Child => {
            let status = child(&path, &writer, &table);
            // Dropped in the child, they leave the parent's locks alone.
            drop((writer, table));
            std::process::exit(status);
        }
        Fork::Parent(pid) => {
            let ended = waitpid(Pid::from_raw(pid), None).unwrap();
            assert!(
                matches!(ended, WaitStatus::Exited(_, 0)),
                "the child wrote, or could not read: {ended:?}"
            );
        }
    }
    assert_eq!(
        RecordFile::<Bar>::open_writer(&path).unwrap_err().kind(),
        ErrorKind::Locked,
        "it lost its lock"
    );
    writer.push(&bar(2)).unwrap();
    table.push(&bar(2)).unwrap();
    assert_eq!((writer.len().unwrap(), table.len().unwrap()), (2, 2));
    println!("forked");
}

#[test]
fn a_forked_child_does_not_write_and_takes_nothing_from_its_parent() {
    let dir = tempfile::tempdir().unwrap();
    let mut command: Command = process("forks::forking_writer");
    let ended = command.env(FILE, dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(said.contains("forked"), "{said}{}", String::from_utf8_lossy(&ended.stderr));
}

/// Does anything lie where standard input, output and errors were?
#[cfg(target_os = "linux")]
fn are_vacant() -> bool {
    (0..3).all(|descriptor| std::fs::symlink_metadata(format!("/proc/self/fd/{descriptor}")).is_err())
}

/// Whether all that is open stays off the numbers of the standard streams, which are closed.
#[cfg(target_os = "linux")]
fn works_off_the_standard_streams(root: &Path) -> bool {
    let mut vacant = are_vacant();
    let file = RecordFile::<Bar>::open_or_create(root.join("bars")).unwrap();
    file.push(&bar(1)).unwrap();
    vacant &= are_vacant();
    let set = RecordSet::open_or_create(root.join("set")).unwrap();
    let draft = set.draft("today").unwrap();
    vacant &= are_vacant();
    let table = draft.create::<Bar>("bars", 1).unwrap();
    table.push(&bar(1)).unwrap();
    vacant &= are_vacant();
    drop(table);
    draft.publish().unwrap();
    let today = set.current().unwrap();
    let table = today.open_writer::<Bar>("bars").unwrap();
    let follower = today.open::<Bar>("bars").unwrap().follow_from(0);
    assert!(follower.wait(std::time::Duration::ZERO).unwrap());
    table.push(&bar(2)).unwrap();
    vacant & are_vacant()
}

#[test]
#[ignore = "started by the test below as a process of its own"]
#[cfg(target_os = "linux")]
fn closing_the_standard_streams() {
    let Some(root) = std::env::var_os(FILE) else { return };
    match fork().unwrap() {
        Fork::Child => {
            (0..3).for_each(|descriptor| nix::unistd::close(descriptor).unwrap());
            std::process::exit(if works_off_the_standard_streams(Path::new(&root)) { 0 } else { 7 });
        }
        Fork::Parent(pid) => {
            let ended = waitpid(Pid::from_raw(pid), None).unwrap();
            assert!(matches!(ended, WaitStatus::Exited(_, 0)), "something took their place: {ended:?}");
        }
    }
    println!("stayed off them");
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_takes_the_place_of_a_closed_standard_stream() {
    let dir = tempfile::tempdir().unwrap();
    let ended = process("forks::closing_the_standard_streams").env(FILE, dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(said.contains("stayed off them"), "{said}{}", String::from_utf8_lossy(&ended.stderr));
}
