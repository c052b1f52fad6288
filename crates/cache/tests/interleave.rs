//! Seeded schedules over the real code: threads, each with an opening of its own, hand a baton over at their loads, stores,
//! swaps and copies; only who has it goes on. They set, get, remove, check, open and close, in a roomy cache, in one that
//! evicts with every write, and in one whose lock a dead process holds with a change half done.
//!
//! A thread that sleeps in the kernel with the baton loses it after a moment. `SAMOVAR_SCHEDULES` is how many
//! (60 of each kind; 100,000 by hand), `SAMOVAR_SEED` repeats the choices.
//!
//! Canaries, each tried, each found: a lock that is taken, or taken over, by two at once; no second look in `Reader::look` (at
//! the slot and the frontier together: while schedules are shorter than a thousand laps, either does for both).
#![cfg(unix)]

mod common;

use common::{FILE, ROLE, Rng, Stamp, number, seed, this_program};
use nix::sys::signal::{Signal, raise};
use samovar::{Cache, ErrorKind, Options};
use samovar_mmap::seam::{Event, set_process_hook, set_thread_hook};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

const THREADS: usize = 3;
const OPS: usize = 8;
const KEYS: u64 = 24;
/// How long a thread may sleep in the kernel before another goes on.
const NAP: Duration = Duration::from_micros(300);

/// Who may go on.
struct Baton {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    turn: usize,
    here: [bool; THREADS],
    ticks: u64,
    /// The baton changes hands once in so many events.
    seldom: u64,
    /// This one, if there is one of this number, seldom gets it back.
    starved: usize,
    rng: Rng,
}

impl State {
    fn pass_on(&mut self) {
        let here: Vec<usize> = (0..THREADS).filter(|thread| self.here[*thread]).collect();
        while let Some(last) = here.len().checked_sub(1) {
            self.turn = here[usize::try_from(self.rng.below(last as u64 + 1)).unwrap()];
            if self.turn != self.starved || last == 0 || self.rng.below(60) == 0 {
                break;
            }
        }
    }
}

impl Baton {
    fn new(seed: u64) -> Arc<Self> {
        let mut rng = Rng::new(seed);
        let seldom = 1 + rng.below(12);
        let starved = usize::try_from(rng.below(THREADS as u64 + 1)).unwrap();
        let state = Mutex::new(State { turn: 0, here: [true; THREADS], ticks: 0, seldom, starved, rng });
        Arc::new(Baton { state, changed: Condvar::new() })
    }

    fn hit(&self, me: usize) {
        let mut state = self.state.lock().unwrap();
        state.ticks += 1;
        let seldom = state.seldom;
        if state.turn == me && state.rng.below(seldom) == 0 {
            state.pass_on();
            self.changed.notify_all();
        }
        self.wait(state, me);
    }

    fn wait(&self, mut state: MutexGuard<'_, State>, me: usize) {
        while state.turn != me {
            let ticks = state.ticks;
            let (next, waited) = self.changed.wait_timeout(state, NAP).unwrap();
            state = next;
            if waited.timed_out() && state.ticks == ticks {
                state.turn = me;
            }
        }
    }

    fn leave(&self, me: usize) {
        let mut state = self.state.lock().unwrap();
        state.here[me] = false;
        state.pass_on();
        self.changed.notify_all();
    }
}

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
}

impl World {
    fn new(lossless: bool) -> Self {
        World { keys: (0..KEYS).map(|_| Key::default()).collect(), lossless }
    }

    fn removes(key: u64, step: usize) -> bool {
        step == 0 || Rng::new(key << 32 ^ step as u64).below(5) == 0
    }

    fn step(&self, cache: &Cache, key: u64) -> samovar::Result<()> {
        let known = &self.keys[usize::try_from(key).unwrap()];
        let step = known.begun.load(Ordering::SeqCst) + 1;
        known.begun.store(step, Ordering::SeqCst);
        if World::removes(key, step) {
            cache.remove(&key.to_le_bytes())?;
        } else {
            let value = Stamp { key, writer: 1, sequence: step as u64 }.value(40);
            cache.set(&key.to_le_bytes(), &value)?;
        }
        known.acknowledged.fetch_max(step, Ordering::SeqCst);
        Ok(())
    }

    fn judge(&self, cache: &Cache, key: u64) {
        let known = &self.keys[usize::try_from(key).unwrap()];
        let oldest = known.acknowledged.load(Ordering::SeqCst).max(known.shown.load(Ordering::SeqCst));
        let found = match cache.get(&key.to_le_bytes()) {
            Ok(found) => found,
            Err(error) => return assert_eq!(error.kind(), ErrorKind::Busy, "{error}"),
        };
        let mut possible = oldest..=known.begun.load(Ordering::SeqCst);
        let stamp = found.as_deref().map(|value| Stamp::of(value).expect("a torn value"));
        let shown = match stamp {
            Some(stamp) => {
                assert_eq!(stamp.key, key, "a foreign value");
                let step = usize::try_from(stamp.sequence).unwrap();
                possible.contains(&step).then_some(step)
            }
            None if self.lossless => possible.find(|step| World::removes(key, *step)),
            None => return,
        };
        let shown =
            shown.unwrap_or_else(|| panic!("key {key}: {stamp:?}, but {oldest} is the oldest possible"));
        known.shown.fetch_max(shown, Ordering::SeqCst);
    }

    /// What one thread does while it has the baton.
    fn act(&self, cache: &mut Cache, path: &Path, me: usize, rng: &mut Rng) {
        match rng.below(20) {
            0 => {
                let report = cache.check().unwrap();
                assert!(report.is_clean(), "{report}");
            }
            1 => match options().open(path) {
                Ok(opened) => *cache = opened,
                // Whoever is starved in the middle of opening or closing keeps others out, for a bounded time.
                Err(error) => assert_eq!(error.kind(), ErrorKind::Busy, "{error}"),
            },
            2..=11 => self.step(cache, rng.below(KEYS / 3) * 3 + me as u64).unwrap(),
            _ => self.judge(cache, rng.below(KEYS)),
        }
    }
}

fn options() -> Options {
    Cache::options().takeover_within(Duration::from_millis(10)).patience(Duration::from_secs(20))
}

/// Runs one schedule; every thread has its own opening.
fn schedule(path: &Path, world: &World, seed: u64) {
    let baton = Baton::new(seed);
    let openings: Vec<Cache> = (0..THREADS).map(|_| options().open(path).unwrap()).collect();
    std::thread::scope(|scope| {
        for (me, mut cache) in openings.into_iter().enumerate() {
            let baton = Arc::clone(&baton);
            scope.spawn(move || {
                let hook = Arc::clone(&baton);
                baton.wait(baton.state.lock().unwrap(), me);
                set_thread_hook(Some(Box::new(move |_| hook.hit(me))));
                let mut rng = Rng::new(seed ^ (me as u64 + 1) << 48);
                let acted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    (0..OPS).for_each(|_| world.act(&mut cache, path, me, &mut rng));
                    drop(cache);
                }));
                set_thread_hook(None);
                baton.leave(me);
                assert!(acted.is_ok(), "SAMOVAR_SEED={seed}: see above");
            });
        }
    });
}

fn expect_clean(cache: &Cache, seed: u64) {
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "SAMOVAR_SEED={seed}:\n{report}");
    assert_eq!(cache.stats().refusals, 0, "SAMOVAR_SEED={seed}");
}

fn schedules(lossless: bool, create: impl Fn() -> Options) {
    let seed = seed();
    for round in 0..number("SAMOVAR_SCHEDULES", 60).div_ceil(50) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        let cache = create().open(&path).unwrap();
        let world = World::new(lossless);
        for at in 0..50 {
            let seed = seed.wrapping_add(round * 50 + at);
            schedule(&path, &world, seed);
            expect_clean(&cache, seed);
            (0..KEYS).for_each(|key| world.judge(&cache, key));
        }
        assert!(!lossless || cache.stats().evictions == 0);
    }
}

#[test]
fn a_roomy_cache_under_schedules() {
    schedules(true, || options().capacity(256 << 10));
}

#[test]
fn a_cache_that_evicts_under_schedules() {
    schedules(false, || options().capacity_entries(16, 8, 40));
}

/// Dies in the middle of copying the value of its last set, holding the lock. It does nothing in a plain run.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn corpse() {
    let (Ok(_), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let cache = options().open(Path::new(&file)).unwrap();
    let world = World::new(true);
    for _ in 0..3 {
        (0..KEYS).for_each(|key| world.step(&cache, key).unwrap());
    }
    let copies = AtomicUsize::new(0);
    set_process_hook(Some(Box::new(move |event| {
        if event == Event::CopyHalf && copies.fetch_add(1, Ordering::Relaxed) == 2 {
            raise(Signal::SIGKILL).unwrap();
        }
    })));
    cache.set(b"corpse", &[1; 400]).unwrap();
}

/// Each schedule begins with the lock in the hand of a dead process, and its change half done.
#[test]
fn a_takeover_under_schedules() {
    let seed = seed();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    // Attached all the time, so that nobody is a first opener.
    let bystander = options().capacity(256 << 10).open(&path).unwrap();
    assert!(!this_program("corpse", "corpse", &path).output().unwrap().status.success());
    let image = std::fs::read(&path).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    for round in 0..number("SAMOVAR_SCHEDULES", 60) {
        let seed = seed.wrapping_add(round);
        file.write_all_at(&image, 0).unwrap();
        let world = World::new(true);
        for key in &world.keys {
            [&key.begun, &key.acknowledged].into_iter().for_each(|steps| steps.store(3, Ordering::SeqCst));
        }
        schedule(&path, &world, seed);
        assert_eq!(bystander.get(b"corpse").unwrap(), None, "SAMOVAR_SEED={seed}: its set was not done");
        expect_clean(&bystander, seed);
        (0..KEYS).for_each(|key| world.judge(&bystander, key));
    }
}
