//! Values that a forked child must make for itself: each kind is the first in its process that asks for forks to be noticed.

use crate::common::{forked, in_another_process};
use samovar_mmap::{ByteLocks, Origin, PerProcess, file_id};

/// The other process. It does nothing in a plain run.
#[test]
#[ignore = "started by the tests below as a process of its own"]
fn another_process() {
    let Ok(role) = std::env::var("SAMOVAR_TEST_ROLE") else { return };
    match role.as_str() {
        "value" => {
            let value = PerProcess::new();
            assert_eq!(value.install(1), Ok(&1));
            assert!(forked(|| value.get().is_none()
                && value.install(2) == Ok(&2)
                && value.get() == Some(&2)));
            assert_eq!(value.get(), Some(&1));
        }
        "origin" => {
            let made = Origin::here();
            assert!(made.is_here() && forked(|| !made.is_here() && Origin::here().is_here()));
            assert!(forked(|| forked(|| !made.is_here())), "nor is it a grandchild");
            assert!(made.is_here());
        }
        "locks" => {
            let file = tempfile::NamedTempFile::new().unwrap();
            let locks = ByteLocks::open(file.path(), file_id(file.as_file()).unwrap()).unwrap();
            assert!(locks.try_exclusive(1).unwrap());
            assert!(forked(|| locks.try_exclusive(1).is_err()));
            assert!(locks.try_exclusive(1).unwrap());
        }
        other => panic!("no role {other}"),
    }
    println!("as it should be");
}

#[track_caller]
fn assert_forks_are_seen(role: &str) {
    let output = in_another_process("forks::another_process", role);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("as it should be"), "{role}: {output:?}");
}

#[test]
fn a_child_does_not_have_its_parents_value() {
    assert_forks_are_seen("value");
}

#[test]
fn a_child_is_not_where_its_parent_was() {
    assert_forks_are_seen("origin");
}

#[test]
fn a_child_does_not_have_its_parents_locks() {
    assert_forks_are_seen("locks");
}
