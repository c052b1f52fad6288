//! A flush beside those who write: they go on while it waits for the disk, and what it says of the file is true.
//!
//! `SAMOVAR_SCHEDULES` is how many schedules (200), `SAMOVAR_SEED` repeats the choices. Canaries: in `scripts/canaries`.

use crate::common::turns::{Flow, take_turns_watched};
use crate::common::{Label, Rng, number, seed};
use samovar::Cache;
use samovar_mmap::hooks::{Event, flushed_range, set_thread_hook};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const LOCK_TIMEOUT: Duration = Duration::from_millis(200);
const KEYS: u64 = 12;
/// Where the clean word and the inode are.
const CLEAN: u64 = 4096;
const INODE: u64 = 4096 + 40;

#[test]
fn writers_go_on_while_the_disk_is_slow() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let open = || Cache::options().capacity(32 << 20).lock_timeout(LOCK_TIMEOUT).open(&path).unwrap();
    let (cache, flusher) = (open(), open());
    assert!(cache.shards().unwrap().len() > 1);
    for key in 0..1000u64 {
        cache.set(&key.to_le_bytes(), b"before").unwrap();
    }
    let (waits, is_waiting) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let flush = scope.spawn(move || {
            let waits = Rc::new(waits);
            set_thread_hook(Some(Box::new(move |event| {
                if event == Event::Flush {
                    waits.send(flushed_range()).unwrap();
                    may_go_on.recv().unwrap();
                }
            })));
            let flushed = flusher.flush();
            set_thread_hook(None);
            flushed
        });
        while let Ok(range) = is_waiting.recv() {
            let longest = (0..1000u64).map(|key| {
                let begun = Instant::now();
                cache
                    .set(&key.to_le_bytes(), b"meanwhile")
                    .unwrap_or_else(|error| panic!("{range:?}: {error}"));
                begun.elapsed()
            });
            assert!(longest.max().unwrap() < LOCK_TIMEOUT, "{range:?}");
            go_on.send(()).unwrap();
        }
        flush.join().unwrap().unwrap();
    });
    let stats = cache.stats().unwrap();
    assert_eq!(
        (stats.refusals, stats.sets),
        (0, 3000),
        "the disk was waited for twice: all, then the control page"
    );
}

/// A file, what was on its way to the disk when a flush began, and whether it was called clean.
struct Watch {
    path: PathBuf,
    file: std::fs::File,
    synced: Vec<u8>,
    was_clean: bool,
    times_clean: Rc<Cell<u64>>,
}

impl Watch {
    fn new(path: &Path, times_clean: &Rc<Cell<u64>>) -> Self {
        let file = std::fs::File::open(path).unwrap();
        let (path, times_clean) = (path.to_owned(), Rc::clone(times_clean));
        let mut watch = Watch { path, file, synced: Vec::new(), was_clean: false, times_clean };
        watch.was_clean = watch.is_clean();
        watch
    }

    fn is_clean(&self) -> bool {
        let mut word = [0; 8];
        self.file.read_exact_at(&mut word, CLEAN).unwrap();
        u64::from_le_bytes(word) == 1
    }

    fn at(&mut self, event: Event) {
        if event == Event::Flush && flushed_range().start == 0 {
            self.synced = std::fs::read(&self.path).unwrap();
        }
        let is_clean = self.is_clean();
        if is_clean && !self.was_clean {
            self.times_clean.set(self.times_clean.get() + 1);
            assert!(
                content(&self.path, &self.synced) == content(&self.path, &std::fs::read(&self.path).unwrap())
            );
        }
        self.was_clean = is_clean;
    }
}

/// What is stored in a file of these bytes, another file than that at the path.
fn content(path: &Path, bytes: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let copy = path.with_extension("copy");
    std::fs::write(&copy, bytes).unwrap();
    let file = std::fs::File::options().write(true).open(&copy).unwrap();
    file.write_all_at(&1u64.to_le_bytes(), CLEAN).unwrap();
    file.write_all_at(&file.metadata().unwrap().ino().to_le_bytes(), INODE).unwrap();
    let cache = Cache::options().read_only(true).open(&copy).unwrap();
    let entries = cache.iter().map(|entry| entry.map(|entry| (entry.key, entry.value)));
    entries.collect::<Result<_, _>>().unwrap()
}

/// One schedule: a flow that flushes, and two that write. No flow begins to flush before another one is done with it.
fn schedule(path: &Path, seed: u64, times_clean: &Rc<Cell<u64>>) {
    let open = || Cache::options().lock_timeout(Duration::from_secs(20)).open(path).unwrap();
    let caches = [open(), open(), open()];
    let flow = |(me, cache): (u64, Cache)| -> Flow<'_> {
        Box::new(move || {
            let mut rng = Rng::new(seed ^ (me + 1) << 48);
            for sequence in 0..5 {
                let key = rng.below(KEYS);
                match me {
                    0 => cache.flush().unwrap(),
                    _ if rng.below(3) == 0 => drop(cache.remove(&key.to_le_bytes()).unwrap()),
                    _ => {
                        cache.set(&key.to_le_bytes(), &Label { key, writer: me, sequence }.value(60)).unwrap()
                    }
                }
            }
        })
    };
    let flows = (0..).zip(caches).map(flow).collect();
    let watch = RefCell::new(Watch::new(path, times_clean));
    let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        take_turns_watched(seed, flows, Box::new(move |event| watch.borrow_mut().at(event)));
    }));
    assert!(ran.is_ok(), "SAMOVAR_SEED={seed} SAMOVAR_SCHEDULES=1: see above");
}

#[test]
fn a_file_that_is_called_clean_is_on_the_disk() {
    let (seed, times_clean) = (seed(), Rc::new(Cell::new(0)));
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let path = dir.path().join("c.samovar");
    let schedules = number("SAMOVAR_SCHEDULES", 200);
    for round in 0..schedules {
        if round % 50 == 0 {
            let _ = std::fs::remove_file(&path);
            drop(Cache::options().capacity(256 << 10).open(&path).unwrap());
        }
        schedule(&path, seed.wrapping_add(round), &times_clean);
    }
    let times = times_clean.get();
    println!("{times} times clean in {schedules} schedules");
    assert!(schedules < 100 || times > schedules / 10, "{times} times clean in {schedules} schedules");
}
