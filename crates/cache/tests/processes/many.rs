//! Many processes: all of them open the file at once, each opens it beside all the others, and none of the dead keeps a place.
//!
//! `SAMOVAR_OPENERS` is how many (200; 2,000 by hand).

use crate::common::{FILE, ROLE, alone, number, this_program};
use fork::{Fork, fork};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use samovar::{Cache, ErrorKind};
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Where the process table is, and how long a slot.
const PROCESSES: u64 = 8192;
const SLOT: u64 = 16;
const SLOTS: u64 = 4096;

fn open(path: &Path) -> samovar::Result<Cache> {
    Cache::options().capacity(4 << 20).lock_timeout(Duration::from_secs(60)).open(path)
}

/// Forked children that open the cache when they are told to, say so, and close it when they are told to.
struct Openers {
    children: Vec<Pid>,
    /// Closed, it tells all of them to go on.
    begin: Option<PipeWriter>,
    end: Option<PipeWriter>,
    says: PipeReader,
}

impl Openers {
    /// To be made in a process with one thread.
    fn fork(count: u64, path: &Path) -> Self {
        let ((begun, begin), (ended, end), (says, say)) = (pipe().unwrap(), pipe().unwrap(), pipe().unwrap());
        let mut children = Vec::new();
        for at in 0..count {
            match fork().unwrap() {
                Fork::Child => {
                    drop((begin, end, says));
                    std::panic::set_hook(Box::new(|why| println!("{why}")));
                    let outcome = std::panic::catch_unwind(|| live(at, path, [begun, ended], say));
                    std::process::exit(i32::from(outcome.is_err()));
                }
                Fork::Parent(pid) => children.push(Pid::from_raw(pid)),
            }
        }
        Openers { children, begin: Some(begin), end: Some(end), says }
    }

    /// Lets all open at once, and waits until they have.
    fn open(&mut self) {
        drop(self.begin.take());
        let mut said = vec![0; self.children.len()];
        self.says.read_exact(&mut said).unwrap();
        let refused = said.iter().filter(|said| **said != b'o').count();
        assert_eq!(refused, 0, "of {} openers at once so many were refused", said.len());
    }

    /// Lets all close at once, and waits until they have.
    fn close(&mut self) {
        drop(self.end.take());
        let failed = self
            .children
            .drain(..)
            .filter(|pid| !matches!(waitpid(*pid, None), Ok(WaitStatus::Exited(_, 0))));
        assert_eq!(failed.count(), 0, "so many could not set, get or close");
    }
}

fn live(at: u64, path: &Path, [mut begun, mut ended]: [PipeReader; 2], mut say: PipeWriter) {
    begun.read_to_end(&mut Vec::new()).unwrap();
    let cache = match open(path) {
        Ok(cache) => cache,
        Err(error) => {
            println!("opener {at}: {error}");
            say.write_all(b"r").unwrap();
            return;
        }
    };
    cache.set(&at.to_le_bytes(), b"there").unwrap();
    say.write_all(b"o").unwrap();
    drop(say);
    ended.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(cache.get(&at.to_le_bytes()).unwrap().as_deref(), Some(&b"there"[..]));
    cache.close().unwrap();
}

/// The least that an open and a close took, of many.
fn quickest(path: &Path) -> Duration {
    let once = || {
        let begun = Instant::now();
        open(path).unwrap().close().unwrap();
        begun.elapsed()
    };
    (0..200).map(|_| once()).min().unwrap()
}

/// Has many processes about it. It does nothing in a plain run.
#[test]
#[ignore = "started by the tests below as a process of its own"]
fn parent_of_many() {
    let (Ok(role), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let (path, count) = (Path::new(&file), number("SAMOVAR_OPENERS", 200));
    let mut openers = Openers::fork(count, path);
    if role == "at once" {
        let begun = Instant::now();
        openers.open();
        println!("{count} opened within {:?}", begun.elapsed());
        openers.close();
        println!("\nas it should be");
        return;
    }
    let cache = open(path).unwrap();
    let before = quickest(path);
    openers.open();
    let beside = quickest(path);
    openers.close();
    println!("\n{before:?} alone, {beside:?} beside {count}");
    assert!(beside < 3 * before, "{beside:?} beside {count} is more than thrice {before:?}");
    assert!(cache.check().unwrap().is_clean());
    println!("as it should be");
}

#[track_caller]
fn is_as_it_should_be(role: &str) {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let output = this_program!(parent_of_many, role, &dir.path().join("c.samovar")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(said.contains("as it should be"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn of_many_openers_at_once_none_is_refused() {
    is_as_it_should_be("at once");
}

#[test]
fn an_open_beside_many_takes_little_longer() {
    is_as_it_should_be("one after another");
}

#[test]
fn slots_of_the_dead_are_had_again_when_no_other_is_free() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = open(&path).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    for slot in 1..SLOTS {
        // Its incarnation stays; a process that no system has; a life.
        file.write_all_at(&[&[0xff, 0xff, 0xff, 0x7f], &[7u8; 8][..]].concat(), PROCESSES + slot * SLOT + 4)
            .unwrap();
    }
    let begun = Instant::now();
    let other = open(&path).unwrap();
    println!("opened in {:?}", begun.elapsed());
    other.set(b"k", b"v").unwrap();
    assert_eq!(cache.get(b"k").unwrap().as_deref(), Some(&b"v"[..]));
    assert_eq!(cache.processes().unwrap().len(), 2, "all of the dead are gone at once");
}

#[test]
fn what_joiners_believe_was_opened_in_this_boot() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = open(&path).unwrap();
    cache.set(b"k", b"v").unwrap();
    let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    let mut boot = [0; 1];
    file.read_exact_at(&mut boot, 4096 + 16).unwrap();
    file.write_all_at(&[boot[0] ^ 0x5a], 4096 + 16).unwrap();
    for read_only in [false, true] {
        let refused = Cache::options().read_only(read_only).open(&path).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Cold, "{refused}");
    }
    drop(cache);
}
