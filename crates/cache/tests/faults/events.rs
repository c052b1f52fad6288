//! What a subscriber of the `tracing` crate hears: attaching, refused opens, takeovers, repairs, resets, flushes, leaving; and of
//! gets and sets that meet nobody: nothing.
//!
//! Canary, tried and found: without the event in `lock::acquire_slow` the takeover is not heard.

use crate::common::{FILE, ROLE, hook_process, this_program};
use nix::sys::signal::{Signal, raise};
use samovar::{Cache, ErrorKind};
use samovar_mmap::hooks::Event;
use std::fmt;
use std::path::Path;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

/// Keeps each event as one line: its message, then its fields.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<String>>>);

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.fields.push_str(&format!(" {name}={value:?}")),
        }
    }
}

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "samovar"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        self.0.lock().unwrap().push(line.message + &line.fields);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// What is heard while something is done.
fn heard<T>(act: impl FnOnce() -> T) -> (T, Vec<String>) {
    let ear = Ear::default();
    let done = tracing::subscriber::with_default(ear.clone(), act);
    let lines = ear.0.lock().unwrap().clone();
    (done, lines)
}

#[track_caller]
fn expect(lines: &[String], wanted: &[&str]) {
    let all =
        lines.len() == wanted.len() && lines.iter().zip(wanted).all(|(line, words)| line.contains(words));
    assert!(all, "{lines:#?}\nare not\n{wanted:#?}");
}

fn open(path: &Path) -> Cache {
    Cache::options().capacity(1 << 20).lock_timeout(Duration::from_millis(200)).open(path).unwrap()
}

#[test]
fn opening_flushing_and_leaving_are_told_and_work_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let (cache, lines) = heard(|| open(&path));
    expect(&lines, &["found warm", "created=true warm=false entries=0"]);
    assert!(lines[1].starts_with("attached") && lines[1].contains("c.samovar"), "{lines:?}");
    let ((), lines) = heard(|| {
        for number in 0..20_000u32 {
            cache.set(&number.to_le_bytes(), &[1; 200]).unwrap();
            cache.get(&number.to_le_bytes()).unwrap();
            cache.remove(b"none").unwrap();
        }
    });
    expect(&lines, &[]);
    let ((), lines) = heard(|| {
        cache.flush().unwrap();
        cache.close().unwrap();
    });
    expect(&lines, &["flushed", "detached last=true"]);
}

#[test]
fn a_refused_open_is_told_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("text");
    std::fs::write(&path, [b'x'; 10_000]).unwrap();
    let (error, lines) = heard(|| Cache::options().open(&path).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::NotACache);
    expect(&lines, &["kind=NotACache"]);
    assert!(lines[0].starts_with("refused to open"), "{lines:?}");
}

#[test]
fn a_copy_of_a_file_in_use_is_found_cold_and_emptied() {
    let dir = tempfile::tempdir().unwrap();
    let (path, copy) = (dir.path().join("c"), dir.path().join("copy"));
    let cache = open(&path);
    cache.set(b"k", b"v").unwrap();
    std::fs::copy(&path, &copy).unwrap();
    let (_cache, lines) = heard(|| open(&copy));
    let because = "found cold because=\"it is a copy of a cache that was in use";
    expect(&lines, &["emptied a shard entries=1 resets=1", because, "warm=false entries=0"]);
}

#[test]
fn a_salvage_is_told() {
    use std::os::unix::fs::{FileExt, MetadataExt};
    let dir = tempfile::tempdir().unwrap();
    let (path, lost) = (dir.path().join("c"), dir.path().join("lost"));
    let options = || Cache::options().capacity(1 << 20).salvage(true);
    let cache = options().open(&path).unwrap();
    cache.set(b"k", b"v").unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    // Of another boot, with nobody attached.
    bytes[4096 + 16..4096 + 32].fill(0xee);
    bytes[8192..8192 + 16].fill(0);
    std::fs::write(&lost, bytes).unwrap();
    let inode = std::fs::metadata(&lost).unwrap().ino().to_le_bytes();
    std::fs::File::options().write(true).open(&lost).unwrap().write_all_at(&inode, 4096 + 40).unwrap();
    let (_cache, lines) = heard(|| options().open(&lost).unwrap());
    let because = "found cold because=\"the machine was restarted";
    let told = ["emptied a shard", because, "salvaged kept=1 dropped=0", "warm=false entries=1"];
    expect(&lines, &told);
}

#[test]
fn a_resize_is_told_when_it_begins_and_when_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(&dir.path().join("c.samovar"));
    cache.set(b"k", b"v").unwrap();
    let (_, lines) = heard(|| cache.resize(512 << 10).unwrap());
    expect(&lines, &["from=1048576 to=524288", "to=524288 evictions=0 complete=true"]);
    assert!(lines[0].starts_with("resizing") && lines[1].starts_with("resized"), "{lines:?}");
    let (_, lines) = heard(|| cache.resize(512 << 10).unwrap());
    expect(&lines, &[]);
}

/// Dies, or stops, in the middle of its second set. It does nothing in a plain run.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn owner() {
    let (Ok(role), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let cache = open(Path::new(&file));
    cache.set(b"first", b"value").unwrap();
    let signal = if role == "stops" { Signal::SIGSTOP } else { Signal::SIGKILL };
    hook_process(move |event| {
        if event == Event::CopyHalf {
            raise(signal).unwrap();
        }
    });
    cache.set(b"second", b"value").unwrap();
}

#[test]
fn a_takeover_and_its_repair_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = open(&path);
    this_program!(owner, "dies", &path).status().unwrap();
    let ((), lines) = heard(|| cache.set(b"mine", b"value").unwrap());
    let takeover = "took a shard over from a dead process shard=0 process=1";
    expect(&lines, &[takeover, "repaired a change that was left half done how=\"undone\" index_slot="]);
    let ((), lines) = heard(|| cache.set(b"mine", b"value").unwrap());
    expect(&lines, &[]);
}

struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn an_owner_that_does_not_get_on_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = open(&path);
    let owner = Stopped(this_program!(owner, "stops", &path).spawn().unwrap());
    while cache.shards().unwrap()[0].writer != Some(owner.0.id()) || !cache.shards().unwrap()[0].pending {
        std::thread::sleep(Duration::from_millis(1));
    }
    // The holder may be on its way to where it stops, still: then the shard is busy at first.
    let stopped = || match cache.set(b"mine", b"value") {
        Ok(()) => false,
        Err(error) => error.kind() == ErrorKind::OwnerStopped,
    };
    let ((), lines) = heard(|| while !stopped() {});
    expect(&lines, &["a living process holds a shard and does not get on shard=0 process=1"]);
    assert_eq!(cache.stats().unwrap().owner_stopped, 1);
}
