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
