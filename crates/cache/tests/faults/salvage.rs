//! Salvage after power loss: at a random store, of every page some version since the last flush is what the disk has. A
//! kept entry was stored for exactly that key, is whole, and was not replaced, removed, cleared or expired before the
//! last flush. An entry that was flushed and left alone since is kept, if there is room for it. The power fails again,
//! during the salvage and after it. Between two losses the file may also be emptied instead of salvaged, and used.
//!
//! `SAMOVAR_LOSSES` is how many stories of losses (40; 1,000 in CI), `SAMOVAR_SEED` repeats the choices. Canaries: in
//! `scripts/canaries`.

use crate::common::disk::{Disk, restart};
use crate::common::{Label, Rng, number, seed};
use samovar::{Cache, Salvaged, Ttl};
use samovar_mmap::hooks::{Clock, set_thread_clock, set_thread_hook};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

const CAPACITY: u64 = 256 << 10;
const NAMES: [&str; 2] = ["tea", "sugar"];
/// Where the two copies of the shard's metadata are, and which of their words are the tails.
const COPIES: [u64; 2] = [86_016 + 256, 86_016 + 384];
const TAILS: [u64; 2] = [1, 5];
const SELECTOR: u64 = 86_016 + 128;
const WATERMARK: u64 = 4096 + 128;
const START_MS: u64 = 1_700_000_000_000;

/// Which namespace, 0 for none, and which key.
type Key = (usize, u64);

/// A value, and when it dies.
type Value = (Vec<u8>, Option<u64>);

/// What may be found, and what must be.
#[derive(Default)]
struct Model {
    current: BTreeMap<Key, Value>,
    /// Everything that was a key's value at the last flush, or later.
    allowed: BTreeMap<Key, Vec<Value>>,
    /// Keys that something was done to since the last flush.
    touched: BTreeSet<Key>,
    flushed: BTreeMap<Key, Value>,
}

impl Model {
    fn set(&mut self, key: Key, value: Value) {
        self.allowed.entry(key).or_default().push(value.clone());
        self.current.insert(key, value);
        self.touched.insert(key);
    }

    /// The latest value of the key does not live for ever.
    fn expires(&mut self, key: Key, at_ms: u64) {
        let of_key = self.allowed.get_mut(&key).into_iter().flat_map(|allowed| allowed.last_mut());
        of_key.chain(self.current.get_mut(&key)).for_each(|value| value.1 = Some(at_ms));
    }

    fn remove(&mut self, is_gone: impl Fn(&Key) -> bool) {
        self.touched.extend(self.current.keys().chain(self.flushed.keys()).filter(|key| is_gone(key)));
        self.current.retain(|key, _| !is_gone(key));
    }

    /// Everything is on the disk.
    fn flush(&mut self, now_ms: u64) {
        self.current.retain(|_, (_, expiry)| expiry.is_none_or(|expiry| expiry > now_ms));
        self.flushed = self.current.clone();
        self.touched.clear();
        self.allowed = self.current.iter().map(|(key, value)| (*key, vec![value.clone()])).collect();
    }
}

/// A file, its history, and the clock of its machine.
struct Story {
    path: PathBuf,
    rng: Rng,
    model: Model,
    /// Since this boot, and what the clock on the wall is ahead of it.
    boot_ms: u64,
    wall_ahead_ms: u64,
    sequence: u64,
    keys: u64,
    longest: u64,
    /// Of the second namespace.
    limit: Option<u64>,
    /// In this life: what a smaller cache has room for is not known here.
    resized: bool,
    what: String,
}

/// What was kept, over many losses.
#[derive(Default)]
struct Counts {
    salvages: u64,
    interrupted: u64,
    kept: u64,
    dropped: u64,
    /// Keys that had to be kept, since they were flushed and nothing was done to them.
    due: u64,
}

/// Makes a file, or opens one, however large it is by then.
fn options(path: &Path) -> samovar::Options {
    let made = Cache::options().capacity(CAPACITY).seals(true);
    if path.exists() { Cache::options() } else { made }
}

impl Story {
    fn new(path: &Path, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        // Few keys, many, and more than there is room for.
        let (keys, longest) = [(30, 600), (80, 1200), (300, 900)][usize::try_from(rng.below(3)).unwrap()];
        let limit = (rng.below(3) == 0).then(|| 3000 + rng.below(20_000));
        let model = Model::default();
        let what = format!("SAMOVAR_SEED={seed}");
        let (path, boot_ms, wall_ahead_ms) = (path.to_owned(), 1000, START_MS);
        Story {
            path,
            rng,
            model,
            boot_ms,
            wall_ahead_ms,
            sequence: 0,
            keys,
            longest,
            limit,
            resized: false,
            what,
        }
    }

    /// Lets time go by.
    fn pass(&mut self, ms: u64) {
        self.boot_ms += ms;
        set_thread_clock(Some(Clock { wall_ms: self.boot_ms + self.wall_ahead_ms, boot_ms: self.boot_ms }));
    }

    /// The machine starts again; now and then with a clock that was set back.
    fn boot(&mut self) {
        let off_ms = self.rng.below(2000);
        let set_back = self.rng.below(3) == 0;
        self.wall_ahead_ms =
            if set_back { START_MS - 5000 } else { self.wall_ahead_ms + self.boot_ms + off_ms };
        self.boot_ms = 0;
        self.pass(10);
    }

    /// The latest time that somebody noted in the file.
    fn noted_ms(&self) -> u64 {
        word(&self.path, WATERMARK)
    }

    fn name(&self, key: u64) -> Vec<u8> {
        let mut name = key.to_le_bytes().to_vec();
        name.resize(8 + usize::try_from(key % 5).unwrap() * 3, b'k');
        name
    }

    fn handle(&self, cache: &Cache, space: usize) -> Cache {
        match space {
            0 => cache.clone(),
            1 => Cache::clone(&cache.create_namespace(NAMES[0], None).unwrap()),
            _ => Cache::clone(&cache.create_namespace(NAMES[1], self.limit).unwrap()),
        }
    }

    fn write(&mut self, cache: &Cache) {
        let key = (usize::try_from(self.rng.below(3)).unwrap(), self.rng.below(self.keys));
        let len = usize::try_from(self.rng.below(self.longest)).unwrap();
        self.sequence += 1;
        let label = Label { key: key.1, writer: key.0 as u64, sequence: self.sequence };
        let ttl_ms = if self.rng.below(4) == 0 { Some(1 + self.rng.below(3000)) } else { None };
        let value = label.value(len);
        self.model.set(key, (value.clone(), None));
        let ttl = ttl_ms.map_or(Ttl::NEVER, Ttl::millis);
        self.handle(cache, key.0).set_with(&self.name(key.1), &value, ttl).unwrap();
        if let Some(ttl_ms) = ttl_ms {
            self.model.expires(key, self.noted_ms() + ttl_ms);
        }
    }

    /// One thing that is done to the cache.
    fn step(&mut self, cache: &Cache, disk: &Disk) {
        let ms = self.rng.below(20);
        self.pass(ms);
        let key = (usize::try_from(self.rng.below(3)).unwrap(), self.rng.below(self.keys));
        match self.rng.below(60) {
            0..=2 => {
                cache.flush().unwrap();
                if !disk.is_lost() {
                    self.model.flush(self.noted_ms());
                }
            }
            3 => {
                self.model.remove(|(of, _)| *of == 1);
                self.handle(cache, 1);
                cache.namespace(NAMES[0]).unwrap().clear().unwrap();
            }
            4 => {
                self.model.remove(|(of, _)| *of == 2);
                cache.remove_namespace(NAMES[1]).unwrap();
            }
            5 if self.rng.below(4) == 0 => {
                self.model.remove(|_| true);
                cache.clear().unwrap();
            }
            // What is there then is there still, as long as nobody loses power.
            5 => {
                self.resized |= cache.resize(CAPACITY - self.rng.below(CAPACITY / 4)).is_ok();
            }
            6..=15 => {
                self.model.remove(|one| *one == key);
                self.handle(cache, key.0).remove(&self.name(key.1)).unwrap();
            }
            16..=20 => {
                for _ in 0..3 {
                    drop(self.handle(cache, key.0).get(&self.name(key.1)).unwrap());
                }
            }
            _ => self.write(cache),
        }
    }

    /// Everything that is there was its key's value at the last flush or later.
    fn examine(&mut self, cache: &Cache) -> BTreeMap<Key, Value> {
        let report = cache.check().unwrap();
        assert!(report.is_clean(), "{}:\n{report}", self.what);
        let mut found = BTreeMap::new();
        for space in 0..=NAMES.len() {
            let handle = match space {
                0 => cache.clone(),
                _ => match cache.namespace(NAMES[space - 1]) {
                    Ok(handle) => Cache::clone(&handle),
                    Err(_) => continue,
                },
            };
            for key in 0..self.keys {
                let Some(value) = handle.get(&self.name(key)).unwrap() else { continue };
                let of_key = self.model.allowed.get(&(space, key));
                let known = of_key.and_then(|allowed| allowed.iter().find(|(one, _)| *one == value));
                let Some(known) = known else {
                    let sequence = value.get(16..24);
                    panic!(
                        "{}: ({space}, {key}) has a value of before the last flush, {sequence:?}, not of {of_key:?}\n{:?}",
                        self.what,
                        cache.attachment()
                    )
                };
                found.insert((space, key), known.clone());
            }
        }
        assert_eq!(cache.stats().unwrap().entries, report.entries, "{}", self.what);
        for space in cache.namespaces().unwrap() {
            let within = space.limit.is_none_or(|limit| space.bytes <= limit);
            assert!(within, "{}: {space:?}", self.what);
        }
        found
    }

    /// Opens what the disk has as one who does not salvage, or as one who does; none if the power fails meanwhile.
    fn reopen(&mut self, disk: &Disk, salvage: bool, unmoved: bool, counts: &mut Counts) -> Option<Cache> {
        let cache = options(&self.path)
            .salvage(salvage)
            .open(&self.path)
            .unwrap_or_else(|error| panic!("{}: {error}", self.what));
        if disk.is_lost() {
            return None;
        }
        let attachment = cache.attachment();
        let found = self.examine(&cache);
        if attachment.warm {
            // The tests of power loss look at that. What a reader sees expire, while nobody writes, a clock that is set back
            // may bring back: that is no flush.
            assert_eq!(attachment.salvaged, None, "{}", self.what);
            (self.model.flushed, self.model.current) = (found.clone(), found);
            self.model.touched.clear();
            return Some(cache);
        } else if salvage {
            let salvaged = attachment.salvaged.unwrap();
            (counts.salvages, counts.kept) = (counts.salvages + 1, counts.kept + salvaged.kept);
            counts.dropped += salvaged.dropped();
            assert!(salvaged.kept >= found.len() as u64, "{}: {salvaged:?}", self.what);
            if unmoved {
                self.expect_what_was_flushed(&found, &salvaged, counts);
            }
        } else {
            assert!(found.is_empty(), "{}: cold, and not empty", self.what);
            self.model.remove(|_| true);
            return Some(cache);
        }
        // A salvage is a flush of what it kept.
        self.model.current = found;
        self.model.flush(self.noted_ms());
        Some(cache)
    }

    fn expect_what_was_flushed(
        &self,
        found: &BTreeMap<Key, Value>,
        salvaged: &Salvaged,
        counts: &mut Counts,
    ) {
        // What a limit has evicted is not known here.
        let limited = |(space, _): &Key| *space == 2 && self.limit.is_some();
        let mut without_room = salvaged.no_room;
        for (key, value) in self.model.flushed.iter().filter(|(key, _)| !limited(key)) {
            if !self.model.touched.contains(key) && value.1.is_none() {
                let kept = found.get(key) == Some(value);
                let excused = kept || without_room > 0;
                assert!(excused, "{}: {key:?} was flushed, and is gone; {salvaged:?}", self.what);
                without_room -= u64::from(!kept);
                counts.due += u64::from(kept);
            }
        }
    }

    /// From the first store to the last loss.
    fn run(mut self, counts: &mut Counts) {
        self.pass(0);
        let cache = options(&self.path).open(&self.path).unwrap();
        // Half of the files are full, or have gone round, when it begins.
        for _ in 0..[0, 0, 300, 900][usize::try_from(self.rng.below(4)).unwrap()] {
            self.write(&cache);
        }
        cache.close().unwrap();
        self.model.flush(self.noted_ms());
        let lives = 2 + self.rng.below(3);
        let (mut salvage, mut unmoved) = (true, false);
        for life in 0..lives {
            let (seed, last) = (self.rng.next(), life + 1 == lives);
            // Often in the middle of a salvage.
            let stores = if life > 0 && self.rng.below(3) == 0 { 400 } else { 2500 };
            let disk = Disk::under(&self.path, seed, if last { u64::MAX } else { stores });
            let Some(cache) = self.reopen(&disk, salvage, unmoved, counts) else {
                counts.interrupted += 1;
                restart(&self.path, disk.into_bytes());
                self.boot();
                unmoved = false;
                continue;
            };
            if last {
                set_thread_hook(None);
                self.go_on(cache);
                return;
            }
            let tails = tails(&self.path);
            while !disk.is_lost() {
                self.step(&cache, &disk);
            }
            unmoved = tails == tails_now(&self.path) && !std::mem::take(&mut self.resized);
            drop(cache);
            restart(&self.path, disk.into_bytes());
            self.boot();
            salvage = last || self.rng.below(5) > 0;
        }
    }

    /// The file is as good as any, and stays so.
    fn go_on(&self, cache: Cache) {
        cache.set(b"after", b"the loss").unwrap();
        assert!(cache.check().unwrap().is_clean(), "{}", self.what);
        let entries = cache.stats().unwrap().entries;
        cache.close().unwrap();
        let cache = options(&self.path).open(&self.path).unwrap();
        assert!(cache.attachment().warm, "{}", self.what);
        assert_eq!(cache.attachment().entries, entries, "{}", self.what);
        assert_eq!(cache.get(b"after").unwrap().as_deref(), Some(&b"the loss"[..]), "{}", self.what);
    }
}

fn word(path: &Path, at: u64) -> u64 {
    let mut word = [0; 8];
    File::open(path).unwrap().read_exact_at(&mut word, at).unwrap();
    u64::from_le_bytes(word)
}

/// The tails of both rings, by the copy that is committed.
fn tails(path: &Path) -> [u64; 2] {
    let copy = COPIES[usize::try_from(word(path, SELECTOR) & 1).unwrap()];
    TAILS.map(|tail| word(path, copy + tail * 8))
}

/// The same, or none of both if a change was pending.
fn tails_now(path: &Path) -> [u64; 2] {
    if word(path, SELECTOR) & 2 == 0 { tails(path) } else { [u64::MAX; 2] }
}

#[test]
fn what_a_salvage_keeps_was_not_replaced_removed_cleared_or_expired_before_the_last_flush() {
    let (seed, losses) = (seed(), number("SAMOVAR_LOSSES", 40));
    let dir = tempfile::tempdir().unwrap();
    let mut counts = Counts::default();
    for loss in 0..losses {
        let path = dir.path().join("c.samovar");
        Story::new(&path, seed.wrapping_add(loss)).run(&mut counts);
        std::fs::remove_file(&path).unwrap();
    }
    set_thread_clock(None);
    println!(
        "{losses} stories: {} salvages kept {} entries and dropped {}, {} were interrupted, {} entries had to be kept",
        counts.salvages, counts.kept, counts.dropped, counts.interrupted, counts.due
    );
    assert!(counts.kept > 0 && counts.dropped > 0 && counts.interrupted > 0 && counts.due > 0);
}
