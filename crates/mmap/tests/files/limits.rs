//! Limits of a process: each is an error that names it, kills nobody, and leaves nothing behind.

use crate::common::{forked, in_another_process, is_emulated};
use samovar_mmap::{Access, ErrorKind, GrowingMap, Memory, NewFile, SharedMap, reserve};
use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

/// Sets a limit of this process, which is the test's own. The type of what is limited differs between libraries.
macro_rules! set_limit {
    ($resource:expr, $limit:expr) => {{
        // SAFETY: a C struct of integers, for which zeroes are a value.
        let mut limits: libc::rlimit = unsafe { std::mem::zeroed() };
        // SAFETY: there is room for the answer.
        assert_eq!(unsafe { libc::getrlimit($resource, &raw mut limits) }, 0);
        limits.rlim_cur = $limit;
        // SAFETY: as the macro says.
        assert_eq!(unsafe { libc::setrlimit($resource, &raw const limits) }, 0);
    }};
}

fn is_empty(dir: &tempfile::TempDir) -> bool {
    fs::read_dir(dir.path()).unwrap().count() == 0
}

fn a_file_may_not_grow() {
    let dir = tempfile::tempdir().unwrap();
    let new = NewFile::create(&dir.path().join("new")).unwrap();
    set_limit!(libc::RLIMIT_FSIZE, 1 << 20);
    reserve(new.file(), 1 << 20).unwrap();
    let error = reserve(new.file(), (1 << 20) + 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
    assert!(error.to_string().contains("ulimit -f") && error.to_string().contains("1048576"), "{error}");
    assert_eq!(new.file().metadata().unwrap().len(), 1 << 20);
    drop(new);
    assert!(is_empty(&dir));
    assert_eq!(samovar_mmap::memory_file(2 << 20).unwrap_err().kind(), ErrorKind::NoSpace);
}

fn no_file_may_be_opened() {
    let dir = tempfile::tempdir().unwrap();
    let next = fs::File::open("/dev/null").unwrap().as_raw_fd();
    // One for the new file, none for a second look at it; then none at all.
    for spare in [1, 0] {
        set_limit!(libc::RLIMIT_NOFILE, libc::rlim_t::try_from(next + spare).unwrap());
        let error = NewFile::create(&dir.path().join("new")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooManyFiles, "{error}");
        assert!(error.to_string().contains("ulimit -n"), "{error}");
        let error = samovar_mmap::open_existing("/".as_ref(), Access::ReadOnly).map(|file| {
            let error = samovar_mmap::open_existing("/".as_ref(), Access::ReadOnly).unwrap_err();
            drop(file);
            error
        });
        assert_eq!(error.unwrap_or_else(|error| error).kind(), ErrorKind::TooManyFiles);
        set_limit!(libc::RLIMIT_NOFILE, 1000);
        assert!(is_empty(&dir), "{:?}", fs::read_dir(dir.path()).unwrap().next());
    }
}

fn there_are_no_addresses() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(4 << 30).unwrap();
    set_limit!(libc::RLIMIT_AS, 1 << 30);
    let errors = [
        Memory::new(4 << 30).unwrap_err(),
        SharedMap::map(&file, Access::ReadOnly, 0, None).unwrap_err(),
        GrowingMap::map(&file, Access::ReadOnly, 4 << 30).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::NoMemory, "{error}");
        let said = error.to_string();
        assert!(["address space", "ulimit -v", "1048576"].iter().all(|word| said.contains(word)), "{said}");
        assert!(!said.contains("free some space"), "{said}");
        assert!(said.contains("vm.max_map_count"), "{said}");
    }
}

extern "C" fn nothing(_signal: libc::c_int) {}

/// A profiler's signals, a thousand a second.
fn signals_come_without_end() {
    let dir = tempfile::tempdir_in("/dev/shm").unwrap();
    let file = fs::File::create_new(dir.path().join("large")).unwrap();
    // A child has one thread, to which they all come.
    assert!(forked(|| {
        // SAFETY: a C struct of integers and pointers, for which zeroes are a value.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = nothing as *const () as usize;
        // SAFETY: the handler takes one argument, as a handler without SA_SIGINFO does.
        assert_eq!(unsafe { libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut()) }, 0);
        let often = libc::timeval { tv_sec: 0, tv_usec: 1000 };
        let timer = libc::itimerval { it_interval: often, it_value: often };
        // SAFETY: a timer of this process, which is the test's own.
        assert_eq!(unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) }, 0);
        reserve(&file, 512 << 20).unwrap();
        file.metadata().unwrap().len() == 512 << 20
    }));
}

/// The other process. It does nothing in a plain run.
#[test]
#[ignore = "started by the tests below as a process of its own"]
fn another_process() {
    let Ok(role) = std::env::var("SAMOVAR_TEST_ROLE") else { return };
    match role.as_str() {
        "size" => a_file_may_not_grow(),
        "descriptors" => no_file_may_be_opened(),
        "addresses" => there_are_no_addresses(),
        "signals" => signals_come_without_end(),
        other => panic!("no role {other}"),
    }
    println!("as it should be");
}

#[track_caller]
fn assert_limit_is_an_error(role: &str) {
    let output = in_another_process("limits::another_process", role);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("as it should be"), "{role}: {output:?}");
}

/// Beyond it the system would end the process.
#[test]
fn the_limit_on_a_files_size_is_an_error() {
    assert_limit_is_an_error("size");
}

#[test]
fn the_limit_on_open_files_is_an_error() {
    assert_limit_is_an_error("descriptors");
}

#[test]
#[cfg(target_pointer_width = "64")]
fn the_limit_on_addresses_is_an_error() {
    if is_emulated() {
        return println!("SKIPPED: the emulator needs more");
    }
    assert_limit_is_an_error("addresses");
}

#[test]
fn signals_do_not_keep_space_from_being_reserved() {
    if is_emulated() || !std::path::Path::new("/dev/shm").is_dir() {
        return println!("SKIPPED: no file system in memory");
    }
    let mut child = crate::common::this_program("limits::another_process")
        .env("SAMOVAR_TEST_ROLE", "signals")
        .stdout(std::process::Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(60) {
            // Its own child too: it is the leader of a group.
            // SAFETY: sends a signal to a group that is the test's own.
            unsafe { libc::kill(-child.id().cast_signed(), libc::SIGKILL) };
            child.wait().unwrap();
            panic!("it did not come to an end");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(child.wait().unwrap().success());
}
