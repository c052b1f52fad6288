//! Seeded schedules over the real code. Flows of control, each with an opening of its own, give way to one another at
//! their loads, stores, swaps, copies and waits. They set, get, remove, check, open and close. They do so in a roomy
//! cache, in one that evicts with every write, and in one whose lock a dead process holds with a change half done. They
//! also do so in one that nobody had open: missing, clean, left by the dead, or a copy of a file in use.
//!
//! `SAMOVAR_SCHEDULES` is how many (400 of each kind; 100,000 by hand), `SAMOVAR_SEED` repeats the choices. It is the
//! seed of one schedule: with `SAMOVAR_SCHEDULES=1` it repeats one that failed.
//!
//! The canaries are in `scripts/canaries`, which takes the guards away one by one. They are the slot's exchange, its
//! second look, the frontier, the lock, its takeover, the repair, the init byte, and the decision who is last.

use crate::common::turns::{Flow, take_turns};
use crate::common::{FILE, Label, ROLE, Rng, hook_process, number, seed, this_program};
use nix::sys::signal::{Signal, raise};
use samovar::{Cache, ErrorKind, Options};
use samovar_mmap::hooks::Event;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A step of this number, or 0, takes every key away.
const EMPTIED: usize = 1000;
const FLOWS: u64 = 3;
const OPS: usize = 8;
const KEYS: u64 = 24;
/// Schedules on one file, before a new one is made.
const PER_FILE: u64 = 50;

/// What must be true of a key, as in the oracle of the kills, in this process's memory.
#[derive(Default)]
struct Key {
    begun: AtomicUsize,
    acknowledged: AtomicUsize,
    shown: AtomicUsize,
}

struct World {
    keys: Vec<Key>,
    lossless: bool,
    /// What the cache is resized to now and then.
    sizes: &'static [u64],
}

impl World {
    fn new(lossless: bool) -> Self {
        World { keys: (0..KEYS).map(|_| Key::default()).collect(), lossless, sizes: &[] }
    }

    /// One in which every key has taken that many steps.
    fn after(steps: usize) -> Self {
        let world = World::new(true);
        for key in &world.keys {
            [&key.begun, &key.acknowledged]
                .into_iter()
                .for_each(|known| known.store(steps, Ordering::SeqCst));
        }
        world
    }

    fn removes(key: u64, step: usize) -> bool {
        step.is_multiple_of(EMPTIED) || Rng::new(key << 32 ^ step as u64).below(5) == 0
    }

    fn step(&self, cache: &Cache, key: u64) -> samovar::Result<()> {
        let known = &self.keys[usize::try_from(key).unwrap()];
        let step = known.begun.load(Ordering::SeqCst) + 1;
        known.begun.store(step, Ordering::SeqCst);
        if World::removes(key, step) {
            cache.remove(&key.to_le_bytes())?;
        } else {
            let value = Label { key, writer: 1, sequence: step as u64 }.value(40);
            cache.set(&key.to_le_bytes(), &value)?;
        }
        known.acknowledged.fetch_max(step, Ordering::SeqCst);
        Ok(())
    }

    fn examine(&self, cache: &Cache, key: u64) {
        let oldest = self.oldest(key);
        match cache.get(&key.to_le_bytes()) {
            Ok(found) => self.examine_found(key, oldest, found.as_deref()),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Busy, "{error}"),
        }
    }

    /// Examines a value that is held in place while others go on.
    fn examine_held(&self, cache: &Cache, key: u64, other: u64) {
        let oldest = self.oldest(key);
        let held = match cache.get_ref(&key.to_le_bytes()) {
            Ok(held) => held,
            Err(error) => {
                return assert!(matches!(error.kind(), ErrorKind::Busy | ErrorKind::Pinned), "{error}");
            }
        };
        let value = held.as_ref().map(|held| held.to_vec().unwrap());
        self.examine_found(key, oldest, value.as_deref());
        self.examine(cache, other);
        assert!(held.map(|held| held.to_vec().unwrap()) == value, "a pinned value changed");
    }

    /// The oldest step of the key that a get may find which begins now.
    fn oldest(&self, key: u64) -> usize {
        let known = &self.keys[usize::try_from(key).unwrap()];
        known.acknowledged.load(Ordering::SeqCst).max(known.shown.load(Ordering::SeqCst))
    }

    fn examine_found(&self, key: u64, oldest: usize, found: Option<&[u8]>) {
        let known = &self.keys[usize::try_from(key).unwrap()];
        let mut possible = oldest..=known.begun.load(Ordering::SeqCst);
        let label = found.map(|value| Label::of(value).expect("a torn value"));
        let shown = match label {
            Some(label) => {
                assert_eq!(label.key, key, "a foreign value");
                let step = usize::try_from(label.sequence).unwrap();
                possible.contains(&step).then_some(step)
            }
            None if self.lossless => possible.find(|step| World::removes(key, *step)),
            None => return,
        };
        let shown =
            shown.unwrap_or_else(|| panic!("key {key}: {label:?}, but {oldest} is the oldest possible"));
        known.shown.fetch_max(shown, Ordering::SeqCst);
    }

    /// One step of a flow.
    fn act(&self, cache: &mut Cache, path: &Path, me: u64, rng: &mut Rng) {
        match rng.below(20) {
            0 => {
                let report = cache.check().unwrap();
                assert!(report.is_clean(), "{report}");
            }
            1 => match options().open(path) {
                Ok(opened) => *cache = opened,
                // A process that is starved in the middle of opening or closing keeps others out, for a bounded time.
                Err(error) => assert_eq!(error.kind(), ErrorKind::Busy, "{error}"),
            },
            2 if !self.sizes.is_empty() => {
                let to = self.sizes[usize::try_from(rng.below(self.sizes.len() as u64)).unwrap()];
                match cache.resize(to) {
                    Ok(resized) => assert_eq!(resized.to, to),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Busy, "{error}"),
                }
            }
            2..=11 => self.step(cache, rng.below(KEYS / FLOWS) * FLOWS + me).unwrap(),
            12..=13 => self.examine_held(cache, rng.below(KEYS), rng.below(KEYS)),
            _ => self.examine(cache, rng.below(KEYS)),
        }
    }
}

fn options() -> Options {
    Cache::options().owner_probe(Duration::from_millis(10)).lock_timeout(Duration::from_secs(20))
}

/// In memory, if there is such a place: nothing here is about disks.
fn home() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Runs one schedule of what each flow does.
fn schedule(seed: u64, act: impl Fn(u64, &mut Rng) + Sync) {
    let act = &act;
    let flow = |me: u64| -> Flow<'_> { Box::new(move || act(me, &mut Rng::new(seed ^ (me + 1) << 48))) };
    let flows = (0..FLOWS).map(flow).collect();
    let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| take_turns(seed, flows)));
    assert!(ran.is_ok(), "SAMOVAR_SEED={seed} SAMOVAR_SCHEDULES=1: see above");
}

/// A schedule of openings that are there when it begins, each a flow's own.
fn schedule_opened(path: &Path, world: &World, seed: u64) {
    let open = |_| std::sync::Mutex::new(Some(options().open(path).unwrap()));
    let openings: Vec<_> = (0..FLOWS).map(open).collect();
    schedule(seed, |me, rng| {
        let mut cache = openings[usize::try_from(me).unwrap()].lock().unwrap().take().unwrap();
        (0..OPS).for_each(|_| world.act(&mut cache, path, me, rng));
    });
}

fn expect_clean(cache: &Cache, seed: u64) {
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "SAMOVAR_SEED={seed}:\n{report}");
    assert_eq!(cache.stats().unwrap().refusals, 0, "SAMOVAR_SEED={seed}");
}

fn schedules(lossless: bool, create: impl Fn() -> Options) {
    schedules_resizing(lossless, &[], create);
}

/// The same, with a cache that is the first of these sizes, and becomes any of them now and then.
fn schedules_resizing(lossless: bool, sizes: &'static [u64], create: impl Fn() -> Options) {
    let (seed, many) = (seed(), number("SAMOVAR_SCHEDULES", 400));
    for first in (0..many).step_by(usize::try_from(PER_FILE).unwrap()) {
        let dir = home();
        let path = dir.path().join("c.samovar");
        let cache = create().open(&path).unwrap();
        if let Some(first) = sizes.first() {
            cache.resize(*first).unwrap();
        }
        let world = World { sizes, ..World::new(lossless) };
        for at in first..many.min(first + PER_FILE) {
            let seed = seed.wrapping_add(at);
            schedule_opened(&path, &world, seed);
            expect_clean(&cache, seed);
            (0..KEYS).for_each(|key| world.examine(&cache, key));
        }
        assert!(!lossless || cache.stats().unwrap().evictions == 0);
    }
}

#[test]
fn a_roomy_cache_under_schedules() {
    schedules(true, || options().capacity(256 << 10));
}

/// Rings of a few kilobytes, which go round soon, and a resize among what is read and written.
#[test]
fn a_resized_cache_under_schedules() {
    const SIZES: &[u64] = &[124 << 10, 128 << 10, 132 << 10, 140 << 10];
    schedules_resizing(true, SIZES, || options().capacity(256 << 10).max_value_size(64));
}

/// The same, with rings that do not hold everything.
#[test]
fn a_cache_that_is_resized_and_evicts_under_schedules() {
    const SIZES: &[u64] = &[124 << 10, 128 << 10, 132 << 10];
    schedules_resizing(false, SIZES, || options().capacity(256 << 10).max_value_size(1200));
}

#[test]
fn a_cache_that_evicts_under_schedules() {
    schedules(false, || options().capacity_entries(16, 8, 40));
}

/// The number of the event at which the corpse dies.
const DIE_AT: &str = "SAMOVAR_DIE_AT";
/// Every key has taken so many steps before.
const STEPS: usize = 3;

/// Dies at some store of its last step, holding the lock. It does nothing in a plain run.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn corpse() {
    let (Ok(_), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let cache = options().open(Path::new(&file)).unwrap();
    let world = World::new(true);
    for _ in 0..STEPS {
        (0..KEYS).for_each(|key| world.step(&cache, key).unwrap());
    }
    let (stores, die_at) = (AtomicUsize::new(0), usize::try_from(number(DIE_AT, 0)).unwrap());
    hook_process(move |event| {
        let is_store = !matches!(event, Event::Load | Event::CopyOut | Event::CopyOutHalf);
        if is_store && stores.fetch_add(1, Ordering::Relaxed) == die_at {
            raise(Signal::SIGKILL).unwrap();
        }
    });
    cache.set(b"corpse", &[1; 400]).unwrap();
}

/// Where the first process slot says whose it is.
const FIRST_LIFE: usize = 8192 + 8;

/// What processes leave that died in a set, each at another of its stores; all of one file. The first process slot was
/// another one's, who gave it up.
fn corpses(path: &Path) -> Vec<Vec<u8>> {
    let _first = options().capacity(256 << 10).open(path).unwrap();
    let pristine = std::fs::read(path).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    let mut left = Vec::new();
    loop {
        file.write_all_at(&pristine, 0).unwrap();
        let mut corpse = this_program!(corpse, "corpse", path);
        if corpse.env(DIE_AT, left.len().to_string()).output().unwrap().status.success() {
            return left;
        }
        let mut bytes = std::fs::read(path).unwrap();
        bytes[FIRST_LIFE..][..8].fill(0);
        left.push(bytes);
    }
}

/// Each schedule begins with the lock in the hand of a dead process, and its change half done.
#[test]
fn a_takeover_under_schedules() {
    let seed = seed();
    let dir = home();
    let corpses = corpses(&dir.path().join("corpse.samovar"));
    assert!(corpses.len() > 10, "a set has more than {} stores", corpses.len());
    let path = dir.path().join("c.samovar");
    Found::Unclean.bring_about(&path, &corpses[0]);
    // Attached all the time, so that nobody is a first opener.
    let bystander = options().open(&path).unwrap();
    let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    let mut identity = [0; 32];
    file.read_exact_at(&mut identity, IDENTITY).unwrap();
    for round in 0..number("SAMOVAR_SCHEDULES", 400) {
        let seed = seed.wrapping_add(round);
        let corpse = usize::try_from(Rng::new(seed).below(corpses.len() as u64)).unwrap();
        file.write_all_at(&corpses[corpse], 0).unwrap();
        file.write_all_at(&identity, IDENTITY).unwrap();
        let world = World::after(STEPS);
        schedule_opened(&path, &world, seed);
        expect_clean(&bystander, seed);
        let set = bystander.get(b"corpse").unwrap();
        assert!(set.is_none_or(|value| value == [1; 400]), "SAMOVAR_SEED={seed}");
        (0..KEYS).for_each(|key| world.examine(&bystander, key));
    }
}

/// What a file is when a schedule of openings begins.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Found {
    Missing,
    Clean,
    /// The dead had it open, one with the lock in its hand.
    Unclean,
    /// A copy of that.
    Cold,
}

/// The control page's clean word, and its inode.
const CLEAN: u64 = 4096;
const INODE: u64 = 4096 + 40;
/// Boot, device and inode.
const IDENTITY: u64 = 4096 + 16;

impl Found {
    /// Brings the file about, of these bytes; how many steps its keys have taken.
    fn bring_about(self, path: &Path, image: &[u8]) -> usize {
        if self == Found::Missing {
            let _ = std::fs::remove_file(path);
            return 0;
        }
        std::fs::write(path, image).unwrap();
        let inode = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap());
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.write_all_at(&(inode ^ u64::from(self == Found::Cold)).to_le_bytes(), INODE).unwrap();
        file.write_all_at(&u64::from(self == Found::Clean).to_le_bytes(), CLEAN).unwrap();
        if self == Found::Cold { EMPTIED } else { STEPS }
    }
}

/// Opens, to write or only to read; none if that cannot be yet.
fn open_somehow(path: &Path, found: Found, read_only: bool) -> Option<Cache> {
    let opened = options().capacity(256 << 10).read_only(read_only).open(path);
    let may_be = match opened.as_ref().err().map(samovar::Error::kind) {
        None => true,
        Some(ErrorKind::NotFound) => read_only && found == Found::Missing,
        Some(ErrorKind::Cold) => read_only && found == Found::Cold,
        Some(kind) => kind == ErrorKind::Busy,
    };
    assert!(may_be, "{found:?}, read only {read_only}: {:?}", opened.err());
    opened.ok()
}

/// Opens and closes a few times, and does a little in between; how often it could have written.
fn open_and_close(path: &Path, world: &World, found: Found, (me, rng): (u64, &mut Rng)) -> usize {
    let mut written = 0;
    for _ in 0..1 + rng.below(3) {
        let read_only = rng.below(4) == 0;
        let Some(cache) = open_somehow(path, found, read_only) else { continue };
        for _ in 0..rng.below(4) {
            match rng.below(6) {
                0 if !read_only => cache.flush().unwrap(),
                1 | 2 if !read_only => world.step(&cache, rng.below(KEYS / FLOWS) * FLOWS + me).unwrap(),
                _ => world.examine(&cache, rng.below(KEYS)),
            }
        }
        cache.close().unwrap();
        written += usize::from(!read_only);
    }
    written
}

/// The last one out has left the file clean, with all that was acknowledged in it.
fn expect_closed(path: &Path, world: &World, context: &str) {
    let mut clean = [0; 8];
    std::fs::File::open(path).unwrap().read_exact_at(&mut clean, CLEAN).unwrap();
    assert!(clean == 1u64.to_le_bytes(), "{context}: the last one out left it unclean");
    let cache = options().open(path).unwrap();
    assert!(cache.attachment().warm, "{context}: {:?}", cache.attachment());
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "{context}:\n{report}");
    (0..KEYS).for_each(|key| world.examine(&cache, key));
}

/// Nobody has the file open when a schedule begins, and nobody when it ends: then it is clean.
#[test]
fn an_attach_under_schedules() {
    let seed = seed();
    let dir = home();
    let corpses = corpses(&dir.path().join("corpse.samovar"));
    let path = dir.path().join("c.samovar");
    for round in 0..number("SAMOVAR_SCHEDULES", 400) {
        let seed = seed.wrapping_add(round);
        let found = [Found::Missing, Found::Clean, Found::Unclean, Found::Cold][(seed % 4) as usize];
        let corpse = usize::try_from(Rng::new(seed).below(corpses.len() as u64)).unwrap();
        let world = World::after(found.bring_about(&path, &corpses[corpse]));
        let written = AtomicUsize::new(0);
        schedule(seed, |me, rng| {
            written.fetch_add(open_and_close(&path, &world, found, (me, rng)), Ordering::SeqCst);
        });
        if written.load(Ordering::SeqCst) > 0 {
            expect_closed(&path, &world, &format!("SAMOVAR_SEED={seed} {found:?}"));
        }
    }
}
