//! What holds between processes: locks, their end with their owner, waiting on a word, sharing bytes.
//!
//! The test program starts itself again as the other process: see `other_process`.

use crate::common::{is_emulated, this_program};
use samovar_mmap::{
    Access, ByteLocks, ErrorKind, NewFile, SharedMap, boot_id, file_id, open_existing, process_start,
    process_start_of, reserve, wall_ms,
};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

const ROLE: &str = "SAMOVAR_TEST_ROLE";
const FILE: &str = "SAMOVAR_TEST_FILE";
const BYTE: u64 = 1 << 62 | 5;
const LONG: Duration = Duration::from_secs(20);

struct Other {
    child: Child,
    says: BufReader<ChildStdout>,
}

impl Other {
    fn start(role: &str, file: &Path) -> Other {
        let mut child = this_program("processes::other_process")
            .env(ROLE, role)
            .env(FILE, file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        Other { child, says }
    }

    /// Waits until it says this on a line, amid what the test harness says.
    fn expect(&mut self, word: &str) {
        let mut line = String::new();
        while !line.contains(word) {
            line.clear();
            assert_ne!(self.says.read_line(&mut line).unwrap(), 0, "it ended before it said {word}");
        }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn finish(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

fn shared_file() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    reserve(file.as_file(), 4096).unwrap();
    file
}

fn locks_of(path: &Path) -> ByteLocks {
    let id = file_id(&open_existing(path, Access::ReadOnly).unwrap()).unwrap();
    ByteLocks::open(path, id).unwrap()
}

fn until_told() {
    let _ = std::io::stdin().read(&mut [0]);
}

/// The other process. It does nothing in a plain run.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn other_process() {
    let (Ok(role), Some(path)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let path = PathBuf::from(path);
    match role.as_str() {
        "hold exclusive" | "hold shared" => {
            let locks = locks_of(&path);
            let held = if role == "hold shared" { locks.try_shared(BYTE) } else { locks.try_exclusive(BYTE) }
                .unwrap();
            println!("{}", if held { "holding" } else { "refused" });
            until_told();
        }
        #[cfg(target_os = "linux")]
        "hold and close" => {
            let locks = locks_of(&path);
            assert!(locks.try_exclusive(BYTE).unwrap());
            for descriptor in 3..256 {
                // SAFETY: nobody in this process uses one after that, but for the locks, which notice.
                unsafe { libc::close(descriptor) };
            }
            assert_eq!(locks.try_exclusive(BYTE + 1).unwrap_err().kind(), ErrorKind::Io);
            // Others have the number now.
            let others: Vec<_> = (0..9).map(|_| tempfile::tempfile().unwrap()).collect();
            assert_eq!(locks.is_held_elsewhere(BYTE + 1).unwrap_err().kind(), ErrorKind::Io);
            println!("holding");
            until_told();
            drop(locks);
            println!("freed");
            until_told();
            drop(others);
        }
        "answer" => {
            let file = open_existing(&path, Access::ReadWrite).unwrap();
            let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
            let word = map.view().word32(128).unwrap();
            println!("ready");
            while word.load_acquire() == 0 {
                word.wait(0, LONG);
            }
            assert!(map.view().equals(256, b"question").unwrap());
            map.view().write_from(256, b"answered").unwrap();
            word.store_release(2);
            word.wake_all();
        }
        "make" => {
            let new = NewFile::create(&path).unwrap();
            reserve(new.file(), 4096).unwrap();
            println!("made");
            until_told();
            if new.publish().is_ok() {
                println!("first");
            }
        }
        "count" => {
            let file = open_existing(&path, Access::ReadWrite).unwrap();
            let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
            let word = map.view().word64(0).unwrap();
            for _ in 0..50_000 {
                word.fetch_add(1);
            }
        }
        "grow" => {
            let file = open_existing(&path, Access::ReadWrite).unwrap();
            println!("growing");
            for pages in 2..1 << 14 {
                reserve(&file, pages * 4096).unwrap();
            }
        }
        "describe" => println!("boot {:?} start {:?}", boot_id(), process_start()),
        other => panic!("no role {other}"),
    }
}

#[test]
fn locks_exclude_other_processes_and_end_with_them() {
    let file = shared_file();
    let locks = locks_of(file.path());
    assert!(!locks.is_held_elsewhere(BYTE).unwrap());
    let mut other = Other::start("hold exclusive", file.path());
    other.expect("holding");
    assert!(locks.is_held_elsewhere(BYTE).unwrap());
    assert!(!locks.is_held_elsewhere(BYTE + 1).unwrap());
    assert!(!locks.try_exclusive(BYTE).unwrap() && !locks.try_shared(BYTE).unwrap());
    assert!(locks.try_exclusive(BYTE + 1).unwrap(), "one byte is not another");
    let begun = Instant::now();
    assert!(!locks.exclusive(BYTE, Duration::from_millis(30)).unwrap());
    assert!(begun.elapsed() >= Duration::from_millis(30));
    other.kill();
    assert!(locks.exclusive(BYTE, LONG).unwrap(), "the kernel freed it");
    assert!(!locks.is_held_elsewhere(BYTE).unwrap(), "our own does not count");
}

#[cfg(target_os = "linux")]
#[test]
fn locks_outlive_descriptors_that_their_program_closes() {
    let file = shared_file();
    let locks = locks_of(file.path());
    let mut other = Other::start("hold and close", file.path());
    other.expect("holding");
    assert!(locks.is_held_exclusively_elsewhere(BYTE - 5..BYTE + 5).unwrap(), "it still runs");
    assert!(!locks.try_exclusive(BYTE).unwrap());
    other.kill();
    assert!(locks.exclusive(BYTE, LONG).unwrap(), "the kernel freed it");
    locks.unlock(BYTE).unwrap();
    let mut other = Other::start("hold and close", file.path());
    other.expect("holding");
    other.child.stdin.as_mut().unwrap().write_all(b".").unwrap();
    other.expect("freed");
    assert!(locks.try_exclusive(BYTE).unwrap(), "what was dropped keeps nothing");
    other.kill();
}

#[test]
fn shared_locks_are_shared_and_upgraded() {
    let file = shared_file();
    let locks = locks_of(file.path());
    let mut other = Other::start("hold shared", file.path());
    other.expect("holding");
    assert!(locks.try_shared(BYTE).unwrap());
    assert!(!locks.try_exclusive(BYTE).unwrap());
    assert!(locks.is_held_elsewhere(BYTE).unwrap());
    locks.unlock(BYTE).unwrap();
    assert!(!locks.is_held_exclusively_elsewhere(BYTE..BYTE + 1).unwrap(), "who may only read can share");
    other.finish();
    assert!(locks.exclusive(BYTE, LONG).unwrap());
    let mut late = Other::start("hold shared", file.path());
    late.expect("refused");
    late.finish();
    assert!(locks.try_shared(BYTE).unwrap(), "downgraded");
    let mut last = Other::start("hold shared", file.path());
    last.expect("holding");
    locks.unlock(BYTE).unwrap();
    locks.unlock(BYTE).unwrap();
    last.finish();
}

#[test]
fn two_lock_values_of_one_process_exclude_each_other() {
    let file = shared_file();
    let (one, other) = (locks_of(file.path()), locks_of(file.path()));
    assert!(one.try_exclusive(0).unwrap() && !other.try_shared(0).unwrap());
    drop(open_existing(file.path(), Access::ReadWrite).unwrap());
    assert!(!other.try_shared(0).unwrap(), "closing another descriptor of the file frees nothing");
    drop(one);
    assert!(other.try_shared(0).unwrap());
    let largest = i64::MAX.unsigned_abs() - 1;
    assert!(other.try_exclusive(largest).unwrap());
    assert_eq!(other.try_exclusive(largest + 1).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn locks_belong_to_the_file_that_was_meant() {
    let (meant, other) = (shared_file(), shared_file());
    let error = ByteLocks::open(other.path(), file_id(meant.as_file()).unwrap()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Replaced, "{error}");
}

#[test]
fn processes_wait_for_one_another() {
    let file = shared_file();
    let map = SharedMap::map(file.as_file(), Access::ReadWrite, 0, None).unwrap();
    let word = map.view().word32(128).unwrap();
    let begun = Instant::now();
    assert!(!word.wait(0, Duration::from_millis(20)), "nobody wakes us");
    assert!(begun.elapsed() >= Duration::from_millis(20));
    assert!(word.wait(1, LONG), "it is not 1, so there is nothing to wait for");
    let mut other = Other::start("answer", file.path());
    other.expect("ready");
    std::thread::sleep(Duration::from_millis(20));
    map.view().write_from(256, b"question").unwrap();
    word.store_release(1);
    word.wake_one();
    let begun = Instant::now();
    while word.load_acquire() != 2 {
        assert!(word.wait(1, LONG), "it was woken");
    }
    assert!(begun.elapsed() < LONG / 2, "by the other's call, not by the clock");
    assert!(map.view().equals(256, b"answered").unwrap());
    other.finish();
}

#[test]
fn a_dead_makers_file_is_swept() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("cache");
    let mut other = Other::start("make", &target);
    other.expect("made");
    drop(NewFile::create(&target).unwrap());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "the living keep theirs");
    other.kill();
    drop(NewFile::create(&target).unwrap());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// Kill -9 during growth: what was there is there, and growing goes on.
#[test]
fn a_death_amid_growth_does_no_harm() {
    let file = shared_file();
    let map = SharedMap::map(file.as_file(), Access::ReadWrite, 0, None).unwrap();
    map.view().write_from(0, &[7; 4096]).unwrap();
    for _ in 0..5 {
        let mut other = Other::start("grow", file.path());
        other.expect("growing");
        std::thread::sleep(Duration::from_millis(5));
        other.kill();
        assert!(map.view().equals(0, &[7; 4096]).unwrap());
        let len = file.as_file().metadata().unwrap().len();
        reserve(file.as_file(), len + 4096).unwrap();
        let grown = SharedMap::map(file.as_file(), Access::ReadWrite, 0, None).unwrap();
        assert!(grown.view().equals(4096, &vec![0; usize::try_from(len).unwrap()]).unwrap());
    }
}

#[test]
fn of_many_processes_one_is_first() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("cache");
    let mut others: Vec<_> = (0..4).map(|_| Other::start("make", &target)).collect();
    others.iter_mut().for_each(|other| other.expect("made"));
    others.iter_mut().for_each(|other| drop(other.child.stdin.take()));
    let mut firsts = 0;
    for mut other in others {
        let mut said = String::new();
        other.says.read_to_string(&mut said).unwrap();
        firsts += usize::from(said.contains("first"));
        other.finish();
    }
    assert_eq!(firsts, 1);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    assert_eq!(std::fs::metadata(&target).unwrap().len(), 4096);
}

#[test]
fn counts_of_many_processes_add_up() {
    let file = shared_file();
    let map = SharedMap::map(file.as_file(), Access::ReadOnly, 0, None).unwrap();
    let others: Vec<_> = (0..3).map(|_| Other::start("count", file.path())).collect();
    others.into_iter().for_each(Other::finish);
    assert_eq!(map.view().word64(0).unwrap().load(), 150_000);
}

#[test]
fn processes_agree_on_the_boot_and_on_starts() {
    let file = shared_file();
    let mut other = Other::start("describe", file.path());
    let start = process_start_of(other.child.id());
    // An emulator tells a process another start than all others.
    let start = if is_emulated() { String::new() } else { format!("{start:?}") };
    other.expect(&format!("boot {:?} start {start}", boot_id()));
    other.finish();
    assert!(process_start().is_some() && (boot_id().is_some() || cfg!(windows)));
    assert_eq!(process_start_of(u32::MAX), None);
    let now = u64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    assert!(wall_ms().abs_diff(now) < 1000);
}

/// Though its parent still holds on to it, so that the system still knows when it began.
#[test]
fn a_process_that_has_ended_has_no_start() {
    let mut child =
        this_program("processes::other_process").stdout(std::process::Stdio::null()).spawn().unwrap();
    child.wait().unwrap();
    assert_eq!(process_start_of(child.id()), None);
}
