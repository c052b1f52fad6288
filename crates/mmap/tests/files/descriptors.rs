//! Descriptors below three belong to standard input, output and errors, even where a program has closed those.

use crate::common::{forked, in_another_process};
use samovar_mmap::{Access, ByteLocks, NewFile, file_id, open_existing};
use std::os::fd::AsRawFd;

/// Does anything lie where standard input, output and errors were?
fn are_vacant() -> bool {
    // SAFETY: asks for flags.
    (0..3).all(|descriptor| unsafe { libc::fcntl(descriptor, libc::F_GETFD) } == -1)
}

/// The other process. It does nothing in a plain run.
#[test]
#[ignore = "started by the test below as a process of its own"]
fn another_process() {
    if std::env::var("SAMOVAR_TEST_ROLE").is_err() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let there = tempfile::NamedTempFile::new_in(dir.path()).unwrap();
    let id = file_id(there.as_file()).unwrap();
    assert!(forked(|| {
        for descriptor in 0..3 {
            // SAFETY: nobody in this child uses it.
            unsafe { libc::close(descriptor) };
        }
        let opened = open_existing(there.path(), Access::ReadWrite).unwrap();
        let locks = ByteLocks::open(there.path(), id).unwrap();
        let new = NewFile::create(&dir.path().join("new")).unwrap();
        let high = opened.as_raw_fd() > 2 && new.file().as_raw_fd() > 2 && are_vacant();
        eprintln!("nobody hears this");
        high && locks.try_exclusive(1).unwrap() && opened.metadata().unwrap().len() == 0 && are_vacant()
    }));
    #[cfg(target_os = "linux")]
    assert!(forked(|| {
        // SAFETY: nobody in this child uses it.
        unsafe { libc::close(0) };
        samovar_mmap::memory_file(1).unwrap().as_raw_fd() > 2
    }));
    println!("as it should be");
}

#[test]
fn no_file_takes_the_place_of_a_closed_standard_stream() {
    let output = in_another_process("descriptors::another_process", "close them");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("as it should be"), "{output:?}");
}
