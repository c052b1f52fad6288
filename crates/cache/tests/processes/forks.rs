//! A cache that was opened before `fork` works in the parent and in all children, idle and busy, though some of them are killed.
//!
//! `SAMOVAR_FORKS` is how many workers are killed and forked anew (60; 1,000 by hand), `SAMOVAR_SEED` repeats the choices.
//!
//! Canaries, each tried, each found: descriptors that stay open in the child, which then keeps its dead parent's lock;
//! a child that goes on as its parent's owner.

use crate::common::oracle::Oracle;
use crate::common::{FILE, ROLE, Rng, alone, hook_process, number, seed, this_program};
use fork::{Fork, fork};
use nix::sys::signal::{Signal, kill, raise};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use samovar::Cache;
use samovar_mmap::hooks::Event;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

const WORKERS: u64 = 4;
const KEYS: u64 = 200;
const LONGEST: u64 = 1500;

fn open(path: &Path) -> Cache {
    Cache::options().capacity(1 << 20).open(path).unwrap()
}

fn oracle_path(file: &Path) -> PathBuf {
    file.with_extension("oracle")
}

/// Runs `child` in a forked process, which ends with it.
fn fork_off(child: impl FnOnce()) -> Pid {
    match fork().unwrap() {
        Fork::Parent(pid) => Pid::from_raw(pid),
        Fork::Child => {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
            std::process::exit(i32::from(outcome.is_err()));
        }
    }
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The process that opens and forks, by its role. It does nothing in a plain run.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn parent() {
    let (Ok(role), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let file = PathBuf::from(file);
    match role.as_str() {
        "family" => family(&file),
        "dies holding" => die_holding(&file),
        "refork" => refork(&file),
        other => panic!("no such role: {other}"),
    }
}

/// All write and read at once, each its own keys and those of the others.
fn family(file: &Path) {
    let cache = open(file);
    cache.set(b"parent", b"before").unwrap();
    let work = |me: u64| {
        assert_eq!(cache.get(b"parent").unwrap().as_deref(), Some(&b"before"[..]));
        for round in 0..300u64 {
            cache.set(&(me * 100 + round % 20).to_le_bytes(), &[7; 100]).unwrap();
            cache.get(&((me + 1) % 8 * 100 + round % 20).to_le_bytes()).unwrap();
        }
        // A grandchild, while its own parent is at work.
        let grandchild = fork_off(|| cache.set(&(9000 + me).to_le_bytes(), b"grandchild").unwrap());
        cache.set(&(8000 + me).to_le_bytes(), b"child").unwrap();
        assert_eq!(waitpid(grandchild, None).unwrap(), WaitStatus::Exited(grandchild, 0));
    };
    let children: Vec<Pid> = (0..8).map(|me| fork_off(|| work(me))).collect();
    work(8);
    for child in children {
        assert_eq!(waitpid(child, None).unwrap(), WaitStatus::Exited(child, 0));
    }
    for me in 0..9u64 {
        let keys = (0..20).map(|key| me * 100 + key).chain([8000 + me, 9000 + me]);
        keys.for_each(|key| assert!(cache.get(&key.to_le_bytes()).unwrap().is_some(), "key {key}"));
    }
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!((cache.stats().unwrap().refusals, cache.stats().unwrap().evictions), (0, 0));
}

/// Forks a child that sits idle, then stops while it holds the writer lock, to be killed.
fn die_holding(file: &Path) {
    let cache = open(file);
    cache.set(b"parent", b"before").unwrap();
    fork_off(|| {
        wait_until("told to wake", || file.with_extension("wake").exists());
        assert_eq!(cache.get(b"parent").unwrap().as_deref(), Some(&b"before"[..]));
        cache.set(b"idle child", b"woke").unwrap();
        std::fs::write(file.with_extension("woke"), b"").unwrap();
    });
    hook_process(|event| {
        if event == Event::CopyHalf {
            raise(Signal::SIGSTOP).unwrap();
        }
    });
    cache.set(b"parent", &[1; 5000]).unwrap();
}

#[test]
fn parent_children_and_grandchildren_share_a_handle() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let output = this_program!(parent, "family", &path).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let cache = open(&path);
    assert!(cache.attachment().warm && cache.check().unwrap().is_clean());
}

#[test]
fn a_parent_killed_while_holding_a_lock_is_replaced_though_its_child_sits_idle() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = open(&path);
    let mut parent = this_program!(parent, "dies holding", &path).stdout(Stdio::null()).spawn().unwrap();
    let stat = format!("/proc/{}/stat", parent.id());
    wait_until("it stopped", || std::fs::read_to_string(&stat).unwrap().contains(") T "));
    parent.kill().unwrap();
    parent.wait().unwrap();
    let killed = Instant::now();
    cache.set(b"mine", b"value").unwrap();
    println!("taken over {:?} after the kill", killed.elapsed());
    assert!(killed.elapsed() < Duration::from_secs(1));
    assert!(cache.check().unwrap().is_clean());
    std::fs::write(path.with_extension("wake"), b"").unwrap();
    wait_until("the child woke", || path.with_extension("woke").exists());
    assert_eq!(cache.get(b"idle child").unwrap().as_deref(), Some(&b"woke"[..]));
    assert!(cache.check().unwrap().is_clean());
}

fn work(cache: &Cache, oracle: &Oracle, me: u64, seed: u64) {
    let (mut rng, mut buffer) = (Rng::new(seed), Vec::new());
    loop {
        if rng.below(2) == 0 {
            oracle.step(cache, rng.below(KEYS / WORKERS) * WORKERS + me, me).unwrap();
        } else {
            assert_eq!(oracle.examine(cache, rng.below(KEYS), &mut buffer).unwrap(), None);
        }
    }
}

/// Workers are killed and forked anew by a parent that uses the cache too, as one of them.
fn refork(file: &Path) {
    let (cache, oracle) = (open(file), Oracle::open(&oracle_path(file), LONGEST));
    let mut rng = Rng::new(number("SAMOVAR_SEED", 1));
    let mut buffer = Vec::new();
    let start = |me: u64, seed: u64| fork_off(|| work(&cache, &oracle, me, seed));
    let mut workers: Vec<Pid> = (0..WORKERS).map(|me| start(me, rng.next())).collect();
    for _ in 0..number("SAMOVAR_FORKS", 60) {
        let until = Instant::now() + Duration::from_micros(rng.below(20_000));
        while Instant::now() < until {
            assert_eq!(oracle.examine(&cache, rng.below(KEYS), &mut buffer).unwrap(), None);
        }
        let victim = rng.below(WORKERS);
        let at = usize::try_from(victim).unwrap();
        kill(workers[at], Signal::SIGKILL).unwrap();
        let status = waitpid(workers[at], None).unwrap();
        assert!(matches!(status, WaitStatus::Signaled(_, Signal::SIGKILL, _)), "worker {victim}: {status:?}");
        workers[at] = start(victim, rng.next());
    }
    for worker in workers {
        kill(worker, Signal::SIGKILL).unwrap();
        waitpid(worker, None).unwrap();
    }
}

#[test]
fn workers_are_killed_and_forked_anew() {
    let _machine = alone();
    let seed = seed();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    Oracle::create(&oracle_path(&path), KEYS);
    let mut command = this_program!(parent, "refork", &path);
    let output = command.env("SAMOVAR_SEED", seed.to_string()).output().unwrap();
    assert!(output.status.success(), "SAMOVAR_SEED={seed}: {output:?}");
    let cache = open(&path);
    assert!(cache.attachment().warm);
    let faults = Oracle::open(&oracle_path(&path), LONGEST).examine_all(&cache);
    assert!(faults.is_empty(), "SAMOVAR_SEED={seed}: {faults:#?}");
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "SAMOVAR_SEED={seed}:\n{report}");
    let stats = cache.stats().unwrap();
    println!("{stats:#?}");
    assert_eq!((stats.evictions, stats.resets, stats.refusals), (0, 0, 0), "SAMOVAR_SEED={seed}");
}
