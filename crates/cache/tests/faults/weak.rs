//! Seeded schedules over the real code in a model of weak memory: a load may return any value that the orderings in the sources
//! still allow. What a get may find follows from what its flow knows to have happened before it began.
//!
//! `SAMOVAR_SCHEDULES` is how many (100 of each kind), `SAMOVAR_SEED` the seed of the first one: with it and
//! `SAMOVAR_SCHEDULES=1` one that failed is repeated. `scripts/orderings` weakens the orderings of the engine, one by one, and
//! says which of them these tests miss.

use crate::common::turns::{Flow, take_turns_in};
use crate::common::{Label, Rng, number, seed};
use samovar::{Cache, ErrorKind, Options};
use samovar_mmap::hooks::{self, OrderingPart, VectorClock, WeakMemory};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::Mutex;
use std::time::Duration;

const FLOWS: u64 = 3;
const OPS: usize = 12;
/// Sets before a schedule begins: some laps of the rings.
const MOST_BEFORE: u64 = 100;

/// A step of a key, and what its flow knew when it was done, or when a get showed it.
#[derive(Clone, Copy)]
struct Step {
    number: u64,
    known: VectorClock,
}

/// What happened to a key. Each is written by one flow, so that its steps have an order.
#[derive(Default)]
struct Key {
    begun: u64,
    done: Vec<Step>,
}

/// The cache was emptied: what its flow knew before and after.
struct Clear {
    before: VectorClock,
    after: VectorClock,
}

/// What happened to a cache, for who checks a get.
struct World {
    keys: Vec<Mutex<Key>>,
    clears: Mutex<Vec<Clear>>,
    value_len: usize,
    /// Every key is always there.
    keeps_all: bool,
}

impl World {
    fn new(keys: u64, value_len: usize) -> Self {
        let keys = (0..keys).map(|_| Mutex::default()).collect();
        World { keys, clears: Mutex::default(), value_len, keeps_all: false }
    }

    fn key(&self, key: u64) -> std::sync::MutexGuard<'_, Key> {
        self.keys[usize::try_from(key).unwrap()].lock().unwrap()
    }

    fn any_key(&self, rng: &mut Rng) -> u64 {
        rng.below(self.keys.len() as u64)
    }

    /// What all know when a schedule begins: the last steps alone, which have happened.
    fn begin(&self) {
        for key in &self.keys {
            let mut key = key.lock().unwrap();
            let last = key.begun;
            key.done.clear();
            key.done.push(Step { number: last, known: VectorClock::default() });
        }
        self.clears.lock().unwrap().clear();
    }

    /// The key's next value, or now and then none.
    fn step(&self, cache: &Cache, key: u64) {
        let number = {
            let mut known = self.key(key);
            known.begun += 1;
            known.begun
        };
        if self.removes(key, number) {
            cache.remove(&key.to_le_bytes()).unwrap();
        } else {
            let value = Label { key, writer: 1, sequence: number }.value(self.value_len);
            cache.set(&key.to_le_bytes(), &value).unwrap();
        }
        self.key(key).done.push(Step { number, known: hooks::known() });
    }

    fn removes(&self, key: u64, number: u64) -> bool {
        !self.keeps_all && Rng::new(key << 32 ^ number).below(5) == 0
    }

    /// The oldest step that a get may show which begins now.
    fn oldest(&self, key: u64) -> u64 {
        let known = hooks::known();
        let happened = |step: &&Step| known.includes(&step.known);
        self.key(key).done.iter().filter(happened).map(|step| step.number).max().unwrap_or(0)
    }

    /// Now and then somebody is told of what was done to a key last, as by a message.
    fn hear(&self, key: u64, rng: &mut Rng) {
        if rng.below(2) == 0 {
            let last = self.key(key).done.last().copied();
            last.iter().for_each(|step| hooks::learn(&step.known));
        }
    }

    fn get(&self, cache: &Cache, key: u64, rng: &mut Rng) {
        self.hear(key, rng);
        let (oldest, before) = (self.oldest(key), hooks::known());
        match cache.get(&key.to_le_bytes()) {
            Ok(found) => self.check_found(key, oldest, &before, found.as_deref()),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Busy, "{error}"),
        }
    }

    /// A value that is held in place while others go on.
    fn get_held(&self, cache: &Cache, key: u64, rng: &mut Rng) {
        self.hear(key, rng);
        let (oldest, before) = (self.oldest(key), hooks::known());
        let held = match cache.get_ref(&key.to_le_bytes()) {
            Ok(held) => held,
            Err(error) => {
                return assert!(matches!(error.kind(), ErrorKind::Busy | ErrorKind::Pinned), "{error}");
            }
        };
        let value = held.as_ref().map(|held| held.to_vec().unwrap());
        self.check_found(key, oldest, &before, value.as_deref());
        (0..1 + rng.below(3)).for_each(|_| self.get(cache, self.any_key(rng), rng));
        assert!(held.map(|held| held.to_vec().unwrap()) == value, "a pinned value changed");
    }

    fn check_found(&self, key: u64, oldest: u64, before: &VectorClock, found: Option<&[u8]>) {
        let Some(value) = found else {
            assert!(!self.keeps_all, "key {key} is always there, and was missed");
            return;
        };
        let label = Label::of(value).expect("a torn value");
        assert_eq!((label.key, value.len()), (key, self.value_len), "a foreign value");
        let shown = label.sequence;
        let mut known = self.key(key);
        assert!((oldest..=known.begun).contains(&shown), "key {key}: {shown} is older than {oldest}");
        let set = known.done.iter().find(|step| step.number == shown).map(|step| step.known);
        for clear in self.clears.lock().unwrap().iter().filter(|clear| before.includes(&clear.after)) {
            let is_gone = set.is_some_and(|set| clear.before.includes(&set));
            assert!(!is_gone, "key {key}: {shown} was there before the cache was emptied");
        }
        known.done.push(Step { number: shown, known: hooks::known() });
    }

    fn clear(&self, cache: &Cache) {
        let before = hooks::known();
        cache.clear().unwrap();
        self.clears.lock().unwrap().push(Clear { before, after: hooks::known() });
    }

    /// A key that this flow writes.
    fn own_key(&self, me: u64, rng: &mut Rng) -> u64 {
        rng.below(self.keys.len() as u64 / FLOWS) * FLOWS + me
    }
}

fn options() -> Options {
    Cache::options().owner_probe(Duration::from_millis(10)).lock_timeout(Duration::from_secs(20))
}

/// In memory, if there is such a place: nothing here is about disks.
fn home() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// The part of an ordering that is taken away, as [`OrderingPart`] writes it.
const WITHOUT: &str = "SAMOVAR_WITHOUT";
/// The file to which the orderings that were met are added.
const ORDERINGS: &str = "SAMOVAR_ORDERINGS";

/// The memory of one schedule.
fn memory(seed: u64) -> WeakMemory {
    let memory = WeakMemory::new(!seed);
    let Ok(without) = std::env::var(WITHOUT) else { return memory };
    memory.without(OrderingPart::parse(without.leak()).expect("no part of an ordering"))
}

/// Runs one schedule of what each flow does; the memory that it ran in.
fn schedule(seed: u64, act: impl Fn(u64, &mut Rng) + Sync) -> WeakMemory {
    let act = &act;
    let flow = |me: u64| -> Flow<'_> { Box::new(move || act(me, &mut Rng::new(seed ^ (me + 1) << 48))) };
    let flows = (0..FLOWS).map(flow).collect();
    let run = || take_turns_in(memory(seed), seed, flows);
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run))
        .unwrap_or_else(|_| panic!("SAMOVAR_SEED={seed} SAMOVAR_SCHEDULES=1: see above"))
}

/// Many schedules, each on a file of its own, whose rings have turned as far as the seed says.
fn schedules(
    options: &Options,
    world: impl Fn() -> World,
    act: impl Fn(&World, &Cache, u64, &mut Rng) + Sync,
) {
    let (first, dir, mut met) = (seed(), home(), BTreeSet::new());
    for round in 0..number("SAMOVAR_SCHEDULES", 100) {
        let (seed, path) = (first.wrapping_add(round), dir.path().join(format!("{round}.samovar")));
        let (cache, world, mut rng) = (options.clone().open(&path).unwrap(), world(), Rng::new(!seed));
        (0..world.keys.len() as u64).for_each(|key| world.step(&cache, key));
        (0..rng.below(MOST_BEFORE)).for_each(|_| world.step(&cache, world.any_key(&mut rng)));
        world.begin();
        let memory = schedule(seed, |me, rng| (0..OPS).for_each(|_| act(&world, &cache, me, rng)));
        met.extend(memory.orderings().map(|part| part.to_string()));
        let report = cache.check().unwrap();
        assert!(report.is_clean(), "SAMOVAR_SEED={seed} SAMOVAR_SCHEDULES=1:\n{report}");
        std::fs::remove_file(&path).unwrap();
    }
    if let Ok(path) = std::env::var(ORDERINGS) {
        let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
        met.iter().for_each(|part| writeln!(file, "{part}").unwrap());
    }
}

/// Sets, and gets of every kind.
fn set_or_get(world: &World, cache: &Cache, me: u64, rng: &mut Rng) {
    let key = world.any_key(rng);
    match rng.below(10) {
        0 => world.get_held(cache, key, rng),
        1..=4 => world.get(cache, key, rng),
        _ => world.step(cache, world.own_key(me, rng)),
    }
}

/// The rings turn, so that what lives moves on all the time, and nothing is ever evicted.
#[test]
fn a_key_that_is_always_there_is_found() {
    let world = || World { keeps_all: true, ..World::new(6, 40) };
    schedules(&options().capacity_entries(16, 8, 40), world, set_or_get);
}

/// More keys than there is room for, so that places and slots are used again and again.
#[test]
fn a_value_is_whole_and_of_its_key() {
    schedules(&options().capacity_entries(16, 8, 72), || World::new(36, 72), set_or_get);
}

/// The cache is emptied meanwhile.
#[test]
fn a_cache_that_was_emptied_shows_nothing_older() {
    let world = || World::new(9, 40);
    schedules(&options().capacity_entries(16, 8, 40), world, |world, cache, me, rng| match rng.below(8) {
        0 => world.clear(cache),
        _ => set_or_get(world, cache, me, rng),
    });
}
