//! Die at every store. A real process kills itself before each of its stores, swaps, copies and flushes, and in the
//! middle of each copy. `SIGKILL` leaves nothing of it running. It does so while it attaches, sets, overwrites,
//! removes, evicts, clears, compacts, publishes frontiers, flushes, takes over, repairs, resets and detaches. The file
//! that it leaves must open warm, `check` clean, and hold every acknowledged write.
//!
//! Canaries, each tried, each found by these tests: the selector's `Prepared` left out of `Transaction`; the slot
//! exchanged before the bytes are copied; `recover::finish_or_undo` that does not plug. Also the frontier published
//! before the metadata is committed, and a dead owner that is never found dead.
//!
//! `SAMOVAR_SEED` repeats a run; `SAMOVAR_DIE_STRIDE=1` makes the nested deaths exhaustive too.

use crate::common::{FILE, Label, ROLE, Rng, hook_process, number, seed, this_program};
use nix::sys::signal::{Signal, raise};
use samovar::{Cache, Ref, Swap, Ttl};
use samovar_mmap::hooks::Event;
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const DIE_AT: &str = "SAMOVAR_DIE_AT";
const SEED: &str = "SAMOVAR_DIE_SEED";

/// One step of a scenario.
#[derive(Clone, Copy, Debug)]
enum Op {
    Open,
    Set {
        key: u64,
        sequence: u64,
        len: usize,
    },
    Expiring {
        key: u64,
        sequence: u64,
        len: usize,
    },
    Remove {
        key: u64,
    },
    Append {
        key: u64,
        len: usize,
    },
    Replace {
        key: u64,
        sequence: u64,
        len: usize,
    },
    SetMany {
        key: u64,
        sequence: u64,
        len: usize,
    },
    Touch {
        key: u64,
    },
    Hold {
        key: u64,
    },
    Load {
        key: u64,
        sequence: u64,
        len: usize,
    },
    Get {
        key: u64,
    },
    Clear,
    /// Empties the namespace.
    Empty,
    /// Removes the namespace.
    Drop,
    Flush,
    Wish {
        percent: u64,
    },
    Resize {
        capacity: u64,
    },
    Close,
}

/// What is done to a cache: first safely, by the test itself, then by a process that dies.
struct Scenario {
    name: &'static str,
    size: Size,
    prepare: Vec<Op>,
    act: Vec<Op>,
    /// What is done to the file in between.
    spoil: Spoil,
    /// Fewer stores than this would mean that the scenario does not do what it is named for.
    least_stores: usize,
    /// As few times must the boundary between the rings have moved.
    least_moves: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Spoil {
    Nothing,
    /// It is made to look like a copy, so that it must be emptied.
    Copied,
    /// It is made to look like one of an earlier boot, so that it is salvaged.
    Restarted,
}

#[derive(Clone, Copy, PartialEq)]
enum Size {
    /// At least twice the data: nothing may be evicted.
    Roomy,
    /// As roomy, for few and large values.
    Large,
    /// Forty entries.
    Tight,
    /// So many that entries go several at a time.
    Batched,
    /// As roomy, sealed, and salvaged if it is cold.
    Sealed,
    /// As roomy, whatever it is resized to.
    Movable,
}

impl Size {
    fn evicts(self) -> bool {
        matches!(self, Size::Tight | Size::Batched)
    }
}

/// Who else is there while the process dies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Company {
    /// Nobody: the next to open the file is its first opener.
    None,
    /// The test has it open all the time, and takes the dead one's lock over.
    Attached,
    /// As that, and it holds some values in place.
    Pinning,
}

/// Entries that go with one change, at most.
const BATCH: usize = 16;
const SMALLER: u64 = 144 << 10;
const LARGER: u64 = 320 << 10;

type Model = BTreeMap<u64, Vec<u8>>;

/// Keys from here on are in the namespace; their bytes are those of keys outside.
const SPACED: u64 = 1 << 40;
const SPACE: &str = "tea";

/// The handle through which a key is written.
fn on(cache: &Cache, key: u64, size: Size) -> Cache {
    let limit = (size == Size::Tight).then_some(2_000);
    if key < SPACED { cache.clone() } else { Cache::clone(&cache.create_namespace(SPACE, limit).unwrap()) }
}

fn get(cache: &Cache, key: u64) -> samovar::Result<Option<Vec<u8>>> {
    if key < SPACED {
        return cache.get(&key_bytes(key));
    }
    match cache.namespace(SPACE) {
        Err(error) if error.kind() == samovar::ErrorKind::NoNamespace => Ok(None),
        space => space?.get(&key_bytes(key)),
    }
}

fn key_bytes(key: u64) -> Vec<u8> {
    let key = key % SPACED;
    let mut bytes = key.to_le_bytes().to_vec();
    bytes.resize(8 + usize::try_from(key % 3).unwrap() * 5, 0x6b);
    bytes
}

fn value_bytes(key: u64, sequence: u64, len: usize) -> Vec<u8> {
    Label { key, writer: 0, sequence }.value(len)
}

fn open(path: &Path, size: Size) -> Cache {
    let options = match size {
        Size::Roomy => Cache::options().capacity(256 << 10),
        Size::Sealed => Cache::options().capacity(256 << 10).salvage(true),
        Size::Large => Cache::options().capacity(320 << 10).max_value_size(32 << 10),
        Size::Tight => Cache::options().capacity_entries(40, 18, 64),
        Size::Batched => Cache::options().capacity_entries(6_000, 18, 64),
        Size::Movable if path.exists() => Cache::options(),
        Size::Movable => Cache::options().capacity(256 << 10).max_capacity(LARGER).expected_entry_size(1000),
    };
    // So long that a test hangs which waits for the dead to load.
    let options = options.load_timeout(Duration::from_secs(3600));
    options.open(path).unwrap_or_else(|error| panic!("it does not open: {error}"))
}

/// Does the step, and returns the handle that is open after it.
fn perform(op: Op, cache: Option<Cache>, path: &Path, size: Size) -> Option<Cache> {
    let Some(cache) = cache else { return Some(open(path, size)) };
    match op {
        Op::Open => {}
        Op::Set { key, sequence, len } => {
            on(&cache, key, size).set(&key_bytes(key), &value_bytes(key, sequence, len)).unwrap();
        }
        Op::Expiring { key, sequence, len } => {
            let hour = Ttl::secs(3600);
            cache.set_with(&key_bytes(key), &value_bytes(key, sequence, len), hour).unwrap();
        }
        Op::Remove { key } => drop(on(&cache, key, size).remove(&key_bytes(key)).unwrap()),
        Op::Append { key, len } => drop(cache.append(&key_bytes(key), &vec![0x61; len]).unwrap()),
        Op::Replace { key, sequence, len } => {
            let value = value_bytes(key, sequence, len);
            let (_, version) = cache.get_with_version(&key_bytes(key)).unwrap().unwrap();
            let swap = cache.compare_and_set(&key_bytes(key), version, &value, Ttl::NEVER).unwrap();
            assert_eq!(swap, Swap::Stored);
        }
        Op::SetMany { key, sequence, len } => {
            let item = (key_bytes(key), value_bytes(key, sequence, len));
            cache.set_many(&[item], Ttl::NEVER).unwrap();
        }
        Op::Touch { key } => assert!(cache.touch(&key_bytes(key), Ttl::secs(3600)).unwrap()),
        Op::Load { key, sequence, len } => {
            let load = || value_bytes(key, sequence, len);
            on(&cache, key, size).get_or_insert_with(&key_bytes(key), Ttl::NEVER, load).unwrap();
        }
        Op::Hold { key } => {
            // Half of them are held until the process dies.
            match cache.get_ref(&key_bytes(key)).unwrap() {
                Some(held) if key % 2 == 0 => std::mem::forget(held),
                _ => {}
            }
        }
        Op::Get { key } => drop(get(&cache, key).unwrap()),
        Op::Empty => cache.namespace(SPACE).unwrap().clear().unwrap(),
        Op::Drop => assert!(cache.remove_namespace(SPACE).unwrap()),
        Op::Clear => cache.clear().unwrap(),
        Op::Flush => cache.flush().unwrap(),
        Op::Wish { percent } => cache.wish_small_percent(percent).unwrap(),
        Op::Resize { capacity } => assert_eq!(cache.resize(capacity).unwrap().to, capacity),
        Op::Close => {
            cache.close().unwrap();
            return None;
        }
    }
    Some(cache)
}

/// What the step does to the keys, if it happens.
fn apply(model: &mut Model, op: Op) {
    match op {
        Op::Append { key, len } => {
            model.get_mut(&key).unwrap().extend(vec![0x61; len]);
        }
        Op::Set { key, sequence, len }
        | Op::Expiring { key, sequence, len }
        | Op::Replace { key, sequence, len }
        | Op::SetMany { key, sequence, len } => {
            model.insert(key, value_bytes(key, sequence, len));
        }
        Op::Load { key, sequence, len } => {
            model.entry(key).or_insert_with(|| value_bytes(key, sequence, len));
        }
        Op::Remove { key } => drop(model.remove(&key)),
        Op::Clear => model.clear(),
        Op::Empty | Op::Drop => model.retain(|key, _| *key < SPACED),
        Op::Open
        | Op::Get { .. }
        | Op::Hold { .. }
        | Op::Touch { .. }
        | Op::Flush
        | Op::Wish { .. }
        | Op::Resize { .. }
        | Op::Close => {}
    }
}

fn is_store(event: Event) -> bool {
    !matches!(event, Event::Load | Event::CopyOut | Event::CopyOutHalf)
}

fn die_now() {
    raise(Signal::SIGKILL).unwrap();
    unreachable!("nobody lives on after that");
}

/// The process that dies. It says on its standard output which steps it has finished, and at the end how many stores
/// there were.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn dying_process() {
    let (Ok(role), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let scenario = scenarios(number(SEED, 0)).into_iter().find(|one| one.name == role).unwrap();
    let (path, die_at) = (Path::new(&file), usize::try_from(number(DIE_AT, u64::MAX)).unwrap());
    static STORES: AtomicUsize = AtomicUsize::new(0);
    hook_process(move |event| {
        if is_store(event) && STORES.fetch_add(1, Ordering::Relaxed) == die_at {
            die_now();
        }
    });
    let (mut cache, mut bounds, mut moves) = (None, Vec::new(), 0);
    for op in scenario.act {
        cache = perform(op, cache, path, scenario.size);
        if let Some(cache) = &cache {
            let now = cache.small_percents().unwrap();
            moves += usize::from(!bounds.is_empty() && bounds != now);
            bounds = now;
        }
        writeln!(std::io::stdout(), "\ndone").unwrap();
    }
    writeln!(std::io::stdout(), "\nmoves {moves}").unwrap();
    writeln!(std::io::stdout(), "\nstores {}", STORES.load(Ordering::Relaxed)).unwrap();
}

/// What became of a process that was to die.
struct Outcome {
    steps_done: usize,
    died: bool,
    stores: usize,
    /// Times that the boundary between the rings moved.
    moves: usize,
}

fn run(scenario: &Scenario, path: &Path, die_at: usize, seed: u64) -> Outcome {
    let mut command = this_program!(dying_process, scenario.name, path);
    command.env(DIE_AT, die_at.to_string()).env(SEED, seed.to_string());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let died = output.status.signal() == Some(Signal::SIGKILL as i32);
    let context = || format!("{} at {die_at}: {output:?}", scenario.name);
    assert!(died || output.status.success(), "{}", context());
    let told = |what: &str| said.lines().find_map(|line| line.strip_prefix(what)?.trim().parse().ok());
    let (stores, moves) = (told("stores"), told("moves"));
    assert!(died || stores.is_some(), "{}", context());
    Outcome {
        steps_done: said.lines().filter(|line| *line == "done").count(),
        died,
        stores: stores.unwrap_or(0),
        moves: moves.unwrap_or(0),
    }
}

/// One file, and what must be in it.
struct Trial<'a> {
    scenario: &'a Scenario,
    path: &'a Path,
    model: Model,
    company: Option<Cache>,
    /// Steps that may have happened or not: their process died in them.
    in_flight: Vec<Op>,
    seed: u64,
    what: String,
}

impl<'a> Trial<'a> {
    fn prepare(scenario: &'a Scenario, path: &'a Path, company: Company, seed: u64) -> Self {
        let mut model = Model::new();
        let mut cache = None;
        for op in &scenario.prepare {
            cache = perform(*op, cache, path, scenario.size);
            apply(&mut model, *op);
        }
        let company = cache.filter(|_| company != Company::None);
        match scenario.spoil {
            Spoil::Nothing => {}
            Spoil::Copied => {
                dirty_copy(path);
                model.clear();
            }
            Spoil::Restarted => restart(path),
        }
        Trial { scenario, path, model, company, in_flight: Vec::new(), seed, what: String::new() }
    }

    /// Lets a process act until it dies.
    fn die(&mut self, die_at: usize) -> Outcome {
        let outcome = run(self.scenario, self.path, die_at, self.seed);
        for op in &self.scenario.act[..outcome.steps_done] {
            apply(&mut self.model, *op);
        }
        let next = self.scenario.act.get(outcome.steps_done);
        self.in_flight.extend(next.filter(|_| outcome.died));
        outcome
    }

    /// A read-only handle can tell that everything adds up, without a repair; but for a shard that is half emptied.
    fn expect_clean_before_repair(&self) {
        let cache = Cache::options().read_only(true).open(self.path).unwrap();
        match cache.check() {
            Ok(report) => assert!(report.is_clean(), "{}: before a repair: {report}", self.what),
            Err(error) => assert_eq!(error.kind(), samovar::ErrorKind::Busy, "{}: {error}", self.what),
        }
    }

    /// Examines what the dead have left.
    fn examine(&mut self) {
        self.what = format!(
            "SAMOVAR_SEED={} {}, {:?} in flight, company {}",
            self.seed,
            self.scenario.name,
            self.in_flight,
            self.company.is_some()
        );
        let cache = match self.company.take() {
            Some(cache) => cache,
            None => self.reopen(),
        };
        self.expect_clean_before_repair();
        // Readers do not wait for a repair, and what they saw before it stays true after it.
        let before = self.read(&cache);
        self.expect_clean(&cache);
        let after = self.read(&cache);
        self.expect_accounts(&cache, &after);
        // Of a clear the next writer does what is left to do.
        let cleared = self.in_flight.iter().any(|op| matches!(op, Op::Clear));
        let kept = after.iter().all(|(key, value)| before.get(key) == Some(value));
        // Of entries that were to go together, the next writer lets go of the rest.
        let batched = self.scenario.size.evicts() && before.len() <= after.len() + BATCH;
        let same = before == after || kept && (cleared || batched);
        assert!(same, "{}: a repair changed what is read", self.what);
        assert!(!cleared || after.is_empty() || after == before, "{}: emptied by half", self.what);
        if cleared && after.is_empty() {
            self.model.clear();
        }
        let emptied = self.in_flight.iter().any(|op| matches!(op, Op::Empty | Op::Drop));
        if emptied && !after.keys().any(|key| *key >= SPACED) {
            apply(&mut self.model, Op::Empty);
        }
        self.go_on(&cache);
        drop(cache);
        let cache = self.reopen();
        self.expect_clean(&cache);
        let found = self.read(&cache);
        self.expect_accounts(&cache, &found);
    }

    /// The namespace counts what it holds, and that is within its limit.
    fn expect_accounts(&self, cache: &Cache, found: &Model) {
        if let Ok(space) = cache.namespace(SPACE) {
            let (held, counted) =
                (space.stats().unwrap(), found.keys().filter(|key| **key >= SPACED).count());
            assert_eq!(held.entries, counted as u64, "{}: {held:?}", self.what);
            assert!(held.limit.is_none_or(|limit| held.bytes <= limit), "{}: {held:?}", self.what);
        }
    }

    fn reopen(&self) -> Cache {
        let cache = open(self.path, self.scenario.size);
        let attachment = cache.attachment();
        let may_be_new = attachment.created && self.scenario.prepare.is_empty();
        let fine = attachment.warm || may_be_new || self.scenario.spoil != Spoil::Nothing;
        assert!(fine, "{}: not warm, {attachment:?}", self.what);
        cache
    }

    fn expect_clean(&self, cache: &Cache) {
        let report = cache.check().unwrap_or_else(|error| panic!("{}: {error}", self.what));
        assert!(report.is_clean(), "{}:\n{report}", self.what);
        let stats = cache.stats().unwrap();
        assert_eq!(stats.entries, report.entries, "{}: entries", self.what);
        assert_eq!(stats.refusals, 0, "{}: refusals", self.what);
        if !self.scenario.size.evicts() {
            let spoilt = self.scenario.spoil != Spoil::Nothing;
            assert_eq!((stats.evictions, stats.resets > 0), (0, spoilt), "{}", self.what);
        }
    }

    /// Reads every key, and says what it found.
    fn read(&self, cache: &Cache) -> Model {
        let possible = self.in_flight.iter().map(|op| {
            let mut model = self.model.clone();
            apply(&mut model, *op);
            model
        });
        let possible: Vec<Model> = possible.chain([self.model.clone()]).collect();
        let keys = self.scenario.prepare.iter().chain(&self.scenario.act).filter_map(key_of);
        let mut found = Model::new();
        for key in keys {
            let value = get(cache, key).unwrap_or_else(|error| panic!("{}: {error}", self.what));
            let right = possible.iter().any(|model| model.get(&key) == value.as_ref());
            // What was in the memory of a process that died while it salvaged is gone.
            let may_be_gone = self.scenario.size.evicts() || self.scenario.size == Size::Sealed;
            let evicted = value.is_none() && may_be_gone;
            assert!(right || evicted, "{}: key {key} is {value:?}", self.what);
            value.into_iter().for_each(|value| drop(found.insert(key, value)));
        }
        found
    }

    /// What a dead resizer left half done is finished by the next one, wherever that is to end.
    fn finish_resize(&self, cache: &Cache, capacity: u64) {
        let other = SMALLER + LARGER - capacity;
        let to = if self.seed.is_multiple_of(2) { capacity } else { other };
        let resized = cache.resize(to).unwrap();
        let left = cache.capacity().unwrap();
        assert_eq!((left.bytes, left.pending), (to, !resized.complete), "{}", self.what);
        self.expect_clean(cache);
        self.read(cache);
        if resized.complete {
            let used = cache.stats().unwrap().file_bytes;
            assert!(left.disk_bytes <= used + 65_536, "{}: {left:?} for {used}", self.what);
        }
    }

    /// The file takes writes as if nothing had been, of the key that was in flight first.
    fn go_on(&mut self, cache: &Cache) {
        for op in self.in_flight.clone() {
            if let Op::Resize { capacity } = op {
                self.finish_resize(cache, capacity);
            }
        }
        let keys: Vec<u64> = self.in_flight.drain(..).filter_map(|op| key_of(&op)).collect();
        // Who died while loading keeps nobody waiting.
        for key in keys.iter().copied().chain([1000]) {
            let op = Op::Load { key, sequence: 1 << 40, len: 64 };
            apply(&mut self.model, op);
            perform(op, Some(cache.clone()), self.path, self.scenario.size);
        }
        for key in keys.into_iter().chain(0..3) {
            let op = Op::Set { key, sequence: 1 << 40, len: 64 };
            apply(&mut self.model, op);
            perform(op, Some(cache.clone()), self.path, self.scenario.size);
        }
        self.expect_clean(cache);
        self.read(cache);
    }
}

fn key_of(op: &Op) -> Option<u64> {
    match *op {
        Op::Set { key, .. }
        | Op::Expiring { key, .. }
        | Op::Remove { key }
        | Op::Append { key, .. }
        | Op::Replace { key, .. }
        | Op::SetMany { key, .. }
        | Op::Load { key, .. }
        | Op::Touch { key }
        | Op::Hold { key }
        | Op::Get { key } => Some(key),
        Op::Open
        | Op::Clear
        | Op::Empty
        | Op::Drop
        | Op::Flush
        | Op::Wish { .. }
        | Op::Resize { .. }
        | Op::Close => None,
    }
}

/// Makes the file what a backup made of a cache in use would be: another inode than its control page says, and not clean.
fn dirty_copy(path: &Path) {
    use std::os::unix::fs::FileExt;
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&0u64.to_le_bytes(), 4096).unwrap();
    file.write_all_at(&u64::MAX.to_le_bytes(), 4096 + 40).unwrap();
}

/// Makes the file one that was not flushed before the machine was restarted.
fn restart(path: &Path) {
    use std::os::unix::fs::FileExt;
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&0u64.to_le_bytes(), 4096).unwrap();
    file.write_all_at(&[0xee; 16], 4096 + 16).unwrap();
}

fn sets(keys: impl Iterator<Item = u64>, sequence: u64, len: usize) -> impl Iterator<Item = Op> {
    keys.map(move |key| Op::Set { key, sequence, len })
}

fn between_open_and_close(ops: impl IntoIterator<Item = Op>) -> Vec<Op> {
    std::iter::once(Op::Open).chain(ops).chain([Op::Close]).collect()
}

/// Of a key that is missing, of one that is there, and of one that was removed.
fn loads() -> Vec<Op> {
    vec![
        Op::Load { key: 100, sequence: 2, len: 200 },
        Op::Load { key: 3, sequence: 2, len: 200 },
        Op::Remove { key: 3 },
        Op::Load { key: 3, sequence: 3, len: 300 },
    ]
}

/// Each is held, half of them for good, and what is set then goes around it.
fn holds() -> Vec<Op> {
    let hold = |key| [Op::Hold { key }, Op::Set { key: key + 200, sequence: 2, len: 64 }];
    (140..146).flat_map(hold).collect()
}

/// A namespace that is written to, emptied, removed, and emptied with everything else; before that, it is filled.
fn spaced() -> (Vec<Op>, Vec<Op>) {
    let mut before: Vec<Op> = sets(0..20, 1, 100).chain(sets(SPACED..SPACED + 20, 1, 90)).collect();
    before.insert(0, Op::Open);
    let act = [
        Op::Set { key: SPACED + 30, sequence: 2, len: 200 },
        Op::Set { key: SPACED + 3, sequence: 2, len: 400 },
        Op::Remove { key: SPACED + 4 },
        Op::Empty,
        Op::Set { key: 5, sequence: 3, len: 50 },
        Op::Drop,
        Op::Set { key: SPACED + 6, sequence: 4, len: 70 },
        Op::Clear,
        Op::Set { key: SPACED + 7, sequence: 5, len: 70 },
    ];
    (before, act.to_vec())
}

/// A namespace that is at its limit, in a cache that is full.
fn limited() -> (Vec<Op>, Vec<Op>) {
    let mut before: Vec<Op> = sets(0..30, 1, 64).chain(sets(SPACED..SPACED + 40, 1, 60)).collect();
    before.insert(0, Op::Open);
    let mut act: Vec<Op> = sets(SPACED + 40..SPACED + 43, 2, 60).collect();
    act.extend([Op::Get { key: SPACED + 41 }, Op::Get { key: SPACED + 42 }]);
    act.extend(sets(SPACED + 42..SPACED + 44, 3, 88).chain(sets(30..34, 2, 64)));
    act.extend([Op::Empty, Op::Set { key: SPACED, sequence: 4, len: 60 }]);
    act.extend(sets(34..37, 2, 64));
    (before, act)
}

/// Several in a row, so that most take the fast path.
fn overwriting() -> Vec<Op> {
    let expiring = Op::Expiring { key: 7, sequence: 2, len: 50 };
    sets(2..6, 2, 60).chain([expiring]).chain(sets(3..5, 3, 110)).collect()
}

/// New keys in a full cache of small entries. The middle one walks, as every sixteenth write does: two to six go at a time.
fn batches() -> Vec<Op> {
    sets(30_000..30_012, 1, 8).collect()
}

fn clearing() -> Vec<Op> {
    let begin = [Op::Get { key: 3 }, Op::Clear, Op::Get { key: 3 }];
    let end = [Op::Clear, Op::Clear, Op::Set { key: 7, sequence: 3, len: 40 }];
    begin.into_iter().chain(sets(10..16, 2, 90)).chain(end).collect()
}

/// A cache that becomes smaller, and one that becomes larger.
fn resizing(seed: u64) -> [Scenario; 2] {
    let mut rng = Rng::new(seed);
    // Few and large, so that the rings have gone round, and most lies where the cache is to end.
    let mut moved: Vec<Op> = std::iter::once(Op::Open).chain(sets(0..16, 1, 1100)).collect();
    moved.extend((0..200usize).map(|at| Op::Set {
        key: rng.below(16),
        sequence: at as u64 + 2,
        len: 1100 + at,
    }));
    [("shrink", SMALLER, 300), ("grow", LARGER, 60)].map(|(name, capacity, least_stores)| Scenario {
        name,
        size: Size::Movable,
        prepare: moved.clone(),
        act: between_open_and_close([
            Op::Resize { capacity },
            Op::Set { key: 3, sequence: 900, len: 800 },
            Op::Get { key: 5 },
        ]),
        spoil: Spoil::Nothing,
        least_stores,
        least_moves: 0,
    })
}

fn scenarios(seed: u64) -> Vec<Scenario> {
    usual(seed).into_iter().chain(resizing(seed)).collect()
}

fn usual(seed: u64) -> Vec<Scenario> {
    let mut rng = Rng::new(seed);
    let opened = |ops: Vec<Op>| -> Vec<Op> { std::iter::once(Op::Open).chain(ops).collect() };
    let few = opened(sets(0..20, 1, 100).collect());
    let writes = [
        Op::Set { key: 100, sequence: 2, len: 200 },
        Op::Set { key: 3, sequence: 2, len: 400 },
        Op::Expiring { key: 4, sequence: 2, len: 50 },
        Op::Remove { key: 5 },
        Op::Remove { key: 500 },
        Op::Flush,
        Op::Set { key: 6, sequence: 3, len: 30 },
    ];
    let alterations = [
        Op::Append { key: 3, len: 90 },
        Op::Replace { key: 4, sequence: 2, len: 300 },
        Op::Touch { key: 5 },
        Op::SetMany { key: 6, sequence: 2, len: 70 },
    ];
    // Overwritten at random until the rings have gone round a few times: then every write compacts.
    let churn: Vec<Op> = (0..700usize)
        .map(|at| Op::Set { key: rng.below(60), sequence: at as u64 + 2, len: 1000 + at % 700 })
        .collect();
    let churned = opened(sets(0..60, 1, 1300).chain(churn).collect());
    let compact: Vec<Op> =
        (0..12).map(|at| Op::Set { key: rng.below(60), sequence: 5000 + at, len: 1500 }).collect();
    let full = opened(sets(0..150, 1, 64).collect());
    // Read often enough to be promoted, overwritten in place, new, and back from the dead.
    let mut evicting: Vec<Op> = sets(200..203, 2, 64).collect();
    evicting.extend([Op::Get { key: 202 }, Op::Get { key: 202 }, Op::Get { key: 202 }]);
    evicting.extend(sets(203..210, 2, 64).chain(sets(140..143, 3, 64)));
    // So large that each pushes the tail and the frontier on, and often begins a lap.
    let mut large = |sequence: u64| Op::Set {
        key: rng.below(10),
        sequence,
        len: 4_000 + usize::try_from(rng.below(5_000)).unwrap(),
    };
    let pushed = opened((0..60).map(&mut large).collect());
    let push = (100..114).map(&mut large).collect();
    let scenario = |name, size, prepare: &Vec<Op>, act, least_stores| Scenario {
        name,
        size,
        prepare: prepare.clone(),
        act: between_open_and_close(act),
        spoil: Spoil::Nothing,
        least_stores,
        least_moves: 0,
    };
    // Ghosts that come back make the main ring go round, then new keys the small ring.
    let wide = full.iter().copied().chain([Op::Wish { percent: 40 }]).chain(sets(95..96, 2, 64)).collect();
    let narrow = sets(96..99, 3, 64).chain([Op::Wish { percent: 3 }]).chain(sets(300..304, 2, 64)).collect();
    let reset = [Op::Set { key: 1, sequence: 9, len: 70 }];
    vec![
        scenario("write", Size::Roomy, &few, writes.to_vec(), 150),
        scenario("overwrite", Size::Roomy, &few, overwriting(), 150),
        scenario("seal", Size::Sealed, &few, overwriting(), 150),
        scenario("alter", Size::Roomy, &few, alterations.to_vec(), 100),
        scenario("load", Size::Roomy, &few, loads(), 100),
        scenario("compact", Size::Roomy, &churned, compact, 400),
        scenario("frontier", Size::Large, &pushed, push, 400),
        scenario("space", Size::Roomy, &spaced().0, spaced().1, 250),
        scenario("share", Size::Tight, &limited().0, limited().1, 300),
        scenario("clear", Size::Roomy, &few, clearing(), 150),
        scenario("evict", Size::Tight, &full, evicting, 500),
        scenario("hold", Size::Tight, &full, holds(), 100),
        scenario("batch", Size::Batched, &opened(sets(10_000..27_400, 1, 8).collect()), batches(), 300),
        Scenario { least_moves: 2, ..scenario("boundary", Size::Tight, &wide, narrow, 150) },
        Scenario { spoil: Spoil::Copied, ..scenario("reset", Size::Roomy, &few, reset.to_vec(), 50) },
        Scenario { spoil: Spoil::Restarted, ..scenario("salvage", Size::Sealed, &few, reset.to_vec(), 150) },
        scenario("create", Size::Roomy, &Vec::new(), reset.to_vec(), 50),
    ]
}

/// Some of the first and of the last keys that are there.
fn hold(cache: &Cache) -> Vec<(Ref<'_>, Vec<u8>)> {
    let there: Vec<u64> = (0..500).filter(|key| cache.contains(&key_bytes(*key)).unwrap()).collect();
    let some = there.iter().step_by(3).take(4).chain(there.iter().rev().take(2));
    let values = some.filter_map(|key| cache.get_ref(&key_bytes(*key)).ok().flatten());
    values
        .map(|value| {
            let expected = value.to_vec().unwrap();
            (value, expected)
        })
        .collect()
}

/// One trial, from a new file to the examination of what is left.
fn try_one(scenario: &Scenario, company: Company, die_at: usize, seed: u64) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let mut trial = Trial::prepare(scenario, &path, company, seed);
    let pinner = (company == Company::Pinning).then(|| open(&path, scenario.size));
    let held: Vec<_> = pinner.iter().flat_map(hold).collect();
    let outcome = trial.die(die_at);
    trial.examine();
    for (value, expected) in held {
        assert!(value.to_vec().unwrap() == expected, "{}: a pinned value changed", trial.what);
    }
    outcome
}

/// How many stores there are, as a rule. Each file hashes its keys by a seed of its own. In one of a thousand a few
/// entries share buckets, and much less happens.
fn usual_stores(scenario: &Scenario, company: Company, seed: u64) -> usize {
    let lived = [(); 3].map(|()| try_one(scenario, company, usize::MAX, seed));
    let usual = lived.iter().max_by_key(|outcome| outcome.stores).unwrap();
    assert!(usual.stores >= scenario.least_stores, "only {} stores", usual.stores);
    assert!(usual.moves >= scenario.least_moves, "only {} moves", usual.moves);
    usual.stores
}

fn at_every_store(name: &str, companies: &[Company]) {
    let seed = seed();
    let scenarios = scenarios(seed);
    let scenario = scenarios.iter().find(|one| one.name == name).unwrap();
    for company in companies {
        let stores = usual_stores(scenario, *company, seed);
        let died = (0..stores).filter(|die_at| try_one(scenario, *company, *die_at, seed).died).count();
        println!("{name}, company {company:?}: died at {died} of {stores} stores");
        assert!(died * 10 >= stores * 9, "{died} died at {stores} stores");
    }
}

#[test]
fn a_set_an_overwrite_a_remove_a_flush_an_attach_and_a_detach() {
    at_every_store("write", &[Company::None, Company::Attached]);
}

#[test]
fn overwrites() {
    at_every_store("overwrite", &[Company::None, Company::Attached]);
}

#[test]
fn sealed_overwrites() {
    at_every_store("seal", &[Company::None, Company::Attached]);
}

#[test]
fn an_append_a_compare_and_set_a_touch_and_a_batch() {
    at_every_store("alter", &[Company::None, Company::Attached]);
}

#[test]
fn a_load() {
    at_every_store("load", &[Company::None, Company::Attached]);
}

#[test]
fn a_compaction() {
    at_every_store("compact", &[Company::None, Company::Attached]);
}

#[test]
fn a_frontier() {
    at_every_store("frontier", &[Company::None, Company::Attached]);
}

#[test]
fn an_eviction_and_a_promotion() {
    at_every_store("evict", &[Company::None, Company::Attached, Company::Pinning]);
}

#[test]
fn evictions_several_at_a_time() {
    at_every_store("batch", &[Company::None, Company::Attached]);
}

#[test]
fn a_value_held_in_place() {
    at_every_store("hold", &[Company::None, Company::Attached]);
}

#[test]
fn a_namespace_made_filled_emptied_and_removed() {
    at_every_store("space", &[Company::None, Company::Attached]);
}

#[test]
fn a_namespace_at_its_limit() {
    at_every_store("share", &[Company::Attached]);
}

#[test]
fn a_clear() {
    at_every_store("clear", &[Company::None, Company::Attached]);
}

#[test]
fn a_boundary_that_moves() {
    at_every_store("boundary", &[Company::None, Company::Attached]);
}

#[test]
fn a_cache_that_shrinks() {
    at_every_store("shrink", &[Company::None, Company::Attached, Company::Pinning]);
}

#[test]
fn a_cache_that_grows() {
    at_every_store("grow", &[Company::None, Company::Attached]);
}

#[test]
fn a_cold_reset() {
    at_every_store("reset", &[Company::None]);
}

#[test]
fn a_salvage() {
    at_every_store("salvage", &[Company::None]);
}

#[test]
fn a_creation() {
    at_every_store("create", &[Company::None]);
}

/// A second process dies at every store of taking over from the first, which died somewhere; a third one examines.
#[test]
fn a_takeover_and_its_repair() {
    let seed = seed();
    let stride = usize::try_from(number("SAMOVAR_DIE_STRIDE", 89)).unwrap();
    let scenarios = scenarios(seed);
    let mut deaths = 0;
    for (name, company) in [
        ("write", Company::Attached),
        ("overwrite", Company::None),
        ("evict", Company::Attached),
        ("compact", Company::None),
        ("boundary", Company::None),
        ("shrink", Company::Attached),
    ] {
        let scenario = scenarios.iter().find(|one| one.name == name).unwrap();
        let mut first = usize::try_from(Rng::new(seed).below(stride as u64)).unwrap();
        while let Some(more) = die_after_death(scenario, company, first, stride, seed) {
            deaths += more;
            first += stride;
        }
    }
    println!("{deaths} deaths after deaths");
}

/// The first dies at this store, the second at each of its own, `stride / 4` apart; how often that was. None if the first
/// does not have so many stores.
fn die_after_death(
    scenario: &Scenario,
    company: Company,
    first: usize,
    stride: usize,
    seed: u64,
) -> Option<usize> {
    let step = (stride / 4).max(1);
    let mut second = first % step;
    for deaths in 0.. {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        let mut trial = Trial::prepare(scenario, &path, company, seed);
        if !trial.die(first).died {
            return None;
        }
        let outcome = trial.die(second);
        trial.examine();
        if !outcome.died {
            return Some(deaths);
        }
        second += step;
    }
    None
}
