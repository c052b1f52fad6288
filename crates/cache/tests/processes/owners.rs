//! Owners of a writer lock that are stopped, lose their byte locks, die while others wait, or panic.
//!
//! Canaries, each tried, each found. Without the veto in `membership` the daemon's lock is stolen, by a waiter and by a
//! first opener. Without the plugging in `recover::finish_or_undo` a panic leaves damage.

use crate::common::{FILE, ROLE, alone, hook_process, this_program};
use nix::sys::signal::{Signal, kill, raise};
use nix::unistd::Pid;
use samovar::{Cache, ErrorKind, ProcessState};
use samovar_mmap::hooks::{Event, Locks, set_thread_hook, set_thread_locks};
use std::cell::Cell;
use std::io::{BufRead, BufReader, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LOCK_TIMEOUT: Duration = Duration::from_secs(3);

fn open(path: &Path) -> Cache {
    Cache::options().capacity(1 << 20).lock_timeout(LOCK_TIMEOUT).open(path).unwrap()
}

/// An owner that stops itself in the middle of copying the value of its second set. It does nothing in a plain run.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn owner() {
    let (Ok(role), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    if role == "without locks" {
        set_thread_locks(Locks::EndWithDescriptors);
    }
    let cache = open(Path::new(&file));
    cache.set(b"first", &[1; 5000]).unwrap();
    if role != "owner" {
        close_descriptors();
    }
    let copies = std::sync::atomic::AtomicUsize::new(0);
    hook_process(move |event| {
        // The header, the key, then the value.
        if event != Event::CopyHalf || copies.fetch_add(1, std::sync::atomic::Ordering::Relaxed) != 2 {
            return;
        }
        if role.contains("namespace") {
            // The first process of a namespace cannot be stopped by its own.
            println!("\nit waits");
            std::io::stdin().read_line(&mut String::new()).unwrap();
        } else {
            raise(Signal::SIGSTOP).unwrap();
        }
    });
    cache.set(b"second", &[2; 5000]).unwrap();
    println!("\nit went on");
    std::thread::sleep(Duration::from_secs(60));
}

/// What a daemon does that wants to be rid of all that it inherited: the cache's own descriptors go as well.
fn close_descriptors() {
    for descriptor in 3..1024 {
        let _ = nix::unistd::close(descriptor);
    }
}

struct Owner {
    child: Child,
    says: BufReader<std::process::ChildStdout>,
}

impl Owner {
    /// Starts one and waits until it has stopped itself.
    fn stopped(role: &str, path: &Path) -> Self {
        let mut command: Command = this_program!(owner, role, path);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        let stat = format!("/proc/{}/stat", child.id());
        let deadline = Instant::now() + Duration::from_secs(60);
        while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
            assert!(Instant::now() < deadline, "it never stopped");
            std::thread::sleep(Duration::from_millis(1));
        }
        Owner { child, says }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Starts one that lost its descriptors, in a PID namespace of its own, and waits until it holds its shard. None if
    /// this user may not do that.
    fn in_another_namespace(path: &Path) -> Option<Self> {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--kill-child"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        if !Command::new("unshare")
            .args(["--pid", "--fork", "true"])
            .status()
            .is_ok_and(|ended| ended.success())
        {
            return None;
        }
        let owner: Command = this_program!(owner, "namespace", path);
        command.arg(owner.get_program()).args(owner.get_args());
        command.envs(owner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut child = command.spawn().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        let mut owner = Owner { child, says };
        owner.wait_for("it waits");
        Some(owner)
    }

    fn wait_for(&mut self, words: &str) {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            assert_ne!(self.says.read_line(&mut line).unwrap(), 0, "it ended before it said: {words}");
        }
    }

    /// Lets it go on, and waits until its set is done.
    fn go_on(&mut self) {
        match self.child.stdin.take() {
            Some(mut tell) => tell.write_all(b"\n").unwrap(),
            None => self.signal(Signal::SIGCONT),
        }
        self.wait_for("it went on");
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn expect_second(cache: &Cache, owner: &mut Owner) {
    assert_eq!(cache.get(b"second").unwrap(), None, "its set was not done");
    owner.go_on();
    assert_eq!(cache.get(b"second").unwrap().as_deref(), Some(&[2; 5000][..]));
    cache.set(b"mine", b"value").unwrap();
    assert_eq!(cache.get(b"first").unwrap().as_deref(), Some(&[1; 5000][..]));
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "{report}");
}

/// What a read-only handle sees of the owner, beside who else is there.
#[track_caller]
fn expect_sight(watcher: &Cache, owner: &Owner, state: ProcessState) {
    let shards = watcher.shards().unwrap();
    assert!(shards[0].pending && shards[0].writer == Some(owner.child.id()), "{shards:?}");
    let seen: Vec<_> = watcher.processes().unwrap().into_iter().map(|seen| (seen.pid, seen.state)).collect();
    assert!(seen.contains(&(owner.child.id(), state)), "{seen:?}");
    assert!(seen.contains(&(std::process::id(), ProcessState::Attached)), "{seen:?}");
}

#[test]
fn a_watcher_sees_who_holds_a_shard_and_what_became_of_it() {
    let _machine = alone();
    let lasting = if cfg!(target_os = "linux") { ProcessState::Attached } else { ProcessState::WithoutLocks };
    for (role, state) in [
        ("owner", ProcessState::Attached),
        ("daemon", lasting),
        ("without locks", ProcessState::WithoutLocks),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        let cache = open(&path);
        let watcher = Cache::options().read_only(true).open(&path).unwrap();
        let mut owner = Owner::stopped(role, &path);
        expect_sight(&watcher, &owner, state);
        owner.child.kill().unwrap();
        owner.child.wait().unwrap();
        expect_sight(&watcher, &owner, ProcessState::Dead);
        cache.set(b"mine", b"value").unwrap();
        let shard = watcher.shards().unwrap()[0];
        assert!(!shard.pending && shard.writer.is_none(), "{shard:?}");
        assert_eq!((shard.entries, shard.live_bytes), (2, 5005 + 9), "{shard:?}");
        let mine = watcher.processes().unwrap().into_iter().find(|seen| seen.pid == std::process::id());
        assert!(mine.unwrap().age_ms.unwrap() < 3_600_000);
        drop(cache);
        assert_eq!(watcher.processes().unwrap().len(), 1, "only the dead one never left");
    }
}

#[test]
fn a_stopped_owner_is_not_taken_over_and_others_fail_fast_until_it_goes_on() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = open(&path);
    let mut owner = Owner::stopped("owner", &path);
    for _ in 0..2 {
        let begun = Instant::now();
        let refused = cache.set(b"mine", b"value").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::OwnerStopped, "{refused}");
        println!("refused after {:?}", begun.elapsed());
    }
    let begun = Instant::now();
    for _ in 0..10 {
        assert_eq!(cache.remove(b"first").unwrap_err().kind(), ErrorKind::OwnerStopped);
        assert!(cache.get(b"first").unwrap().is_some(), "reads go on");
    }
    assert!(begun.elapsed() < 10 * LOCK_TIMEOUT, "each waited its whole lock_timeout again");
    let stats = cache.stats().unwrap();
    assert_eq!((stats.refusals, stats.owner_stopped), (12, 12));
    expect_second(&cache, &mut owner);
}

#[test]
fn a_stopped_owner_that_is_killed_is_replaced_by_one_who_waits() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = open(&path);
    let owner = Owner::stopped("owner", &path);
    let waiting = cache.clone();
    let waiter = std::thread::spawn(move || {
        waiting.set(b"mine", b"value").unwrap();
        Instant::now()
    });
    std::thread::sleep(Duration::from_millis(50));
    let killed = Instant::now();
    owner.signal(Signal::SIGKILL);
    let took = waiter.join().unwrap().saturating_duration_since(killed);
    println!("taken over {took:?} after the kill");
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(cache.get(b"second").unwrap(), None, "its set was not done");
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(cache.stats().unwrap().refusals, 0);
}

#[test]
fn a_daemon_that_closed_every_descriptor_is_not_taken_over() {
    let _machine = alone();
    for role in ["daemon", "without locks"] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        let cache = open(&path);
        let mut daemon = Owner::stopped(role, &path);
        let refused = cache.set(b"mine", b"value").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::OwnerStopped, "{role}: a waiter stole the lock: {refused}");
        // Now nobody but the daemon has it open. Where locks end with descriptors it has none to show for it, and yet its place
        // is not free for others who come.
        drop(cache);
        let (cache, _another) = (open(&path), open(&path));
        assert!(cache.attachment().warm, "{:?}", cache.attachment());
        let refused = cache.set(b"mine", b"value").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::OwnerStopped, "{role}: a first opener stole it: {refused}");
        expect_second(&cache, &mut daemon);
    }
}

/// Nobody here could tell by its number that it runs.
#[test]
#[cfg(target_os = "linux")]
fn a_daemon_in_another_pid_namespace_keeps_its_shard() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = open(&path);
    let Some(mut daemon) = Owner::in_another_namespace(&path) else {
        println!("SKIPPED: not root, so that there is no other PID namespace");
        return;
    };
    let refused = cache.set(b"mine", b"value").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::OwnerStopped, "a waiter stole the lock: {refused}");
    drop(cache);
    let cache = open(&path);
    let refused = cache.set(b"mine", b"value").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::OwnerStopped, "a first opener stole the lock: {refused}");
    expect_second(&cache, &mut daemon);
}

/// Lets the thread panic before its `nth` store or copy; false if it has fewer. (Not before an exchange: one of them is the
/// release of the lock itself, in which nothing can panic.)
fn set_panicking(cache: &Cache, key: &[u8], value: &[u8], nth: u32) -> bool {
    let left = Cell::new(nth);
    set_thread_hook(Some(Box::new(move |event| {
        if matches!(event, Event::Store | Event::CopyIn | Event::CopyHalf) {
            left.set(left.get().wrapping_sub(1));
            if left.get() == 0 {
                std::panic::resume_unwind(Box::new("as planned"));
            }
        }
    })));
    let outcome = catch_unwind(AssertUnwindSafe(|| cache.set(key, value)));
    set_thread_hook(None);
    outcome.is_err()
}

#[test]
fn a_thread_that_panics_in_a_set_leaves_nothing_to_repair_by_hand() {
    let _machine = alone();
    let dir = tempfile::tempdir().unwrap();
    let cache = open(&dir.path().join("c.samovar"));
    cache.set(b"key", &[0; 300]).unwrap();
    cache.set(b"other", b"stays").unwrap();
    let (mut nth, mut held) = (1, 0u8);
    loop {
        let value = u8::try_from(nth % 200).unwrap();
        let panicked = set_panicking(&cache, b"key", &[value; 300], nth);
        let found = cache.get(b"key").unwrap().unwrap();
        assert!(found == [value; 300] || panicked && found == [held; 300], "store {nth}: {found:?}");
        held = found[0];
        let report = cache.check().unwrap();
        assert!(report.is_clean(), "store {nth}:\n{report}");
        assert_eq!(cache.get(b"other").unwrap().as_deref(), Some(&b"stays"[..]));
        cache.set(b"next", &[value; 100]).unwrap();
        if !panicked {
            break;
        }
        nth += 1;
    }
    assert!(nth > 20, "a set has more stores than {nth}");
}
