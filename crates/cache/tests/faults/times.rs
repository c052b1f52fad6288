//! Time as a test decides: random operations with times to live, while time passes, clocks are set ahead and back, and the
//! machine restarts. What is there, and what is not, is known exactly at every moment.
//!
//! The rule that the model knows: an entry is gone once its time to live has passed. Within a boot, time passes by the
//! clock since the boot. Across a restart it passes by the wall clock, unless that went back.

use proptest::prelude::*;
use samovar::{Cache, Lookup, Ttl};
use samovar_mmap::hooks::{Clock, set_thread_clock};
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

const START_MS: u64 = 1_700_000_000_000;
const BOOT_ID: u64 = 4096 + 16;
const WATERMARK: u64 = 4096 + 128;

#[derive(Clone, Debug)]
enum Op {
    Set { key: u8, ttl_ms: Option<u64> },
    Touch { key: u8, ttl_ms: u64 },
    Remove { key: u8 },
    Get { key: u8 },
    Pass { ms: u64 },
    SetWall { wall_ms: u64 },
    Reopen,
    Restart { off_ms: u64 },
}

fn op() -> impl Strategy<Value = Op> {
    let key = 0..40u8;
    prop_oneof![
        6 => (key.clone(), prop::option::weighted(0.8, 0..5000u64)).prop_map(|(key, ttl_ms)| Op::Set { key, ttl_ms }),
        2 => (key.clone(), 0..5000u64).prop_map(|(key, ttl_ms)| Op::Touch { key, ttl_ms }),
        1 => key.clone().prop_map(|key| Op::Remove { key }),
        8 => key.prop_map(|key| Op::Get { key }),
        6 => (0..900u64).prop_map(|ms| Op::Pass { ms }),
        1 => prop_oneof![0..START_MS, START_MS - 5000..START_MS + 9000, START_MS..2 * START_MS]
            .prop_map(|wall_ms| Op::SetWall { wall_ms }),
        1 => Just(Op::Reopen),
        1 => (0..3000u64).prop_map(|off_ms| Op::Restart { off_ms }),
    ]
}

/// What should be: for each key when it goes, if ever, by a time that only goes on.
struct World<'a> {
    path: &'a Path,
    cache: Option<Cache>,
    goes: HashMap<u8, Option<u64>>,
    now_ms: u64,
    clock: Clock,
    /// Values set, each another one.
    sets: u64,
}

impl<'a> World<'a> {
    fn new(path: &'a Path, wall_ms: u64) -> Self {
        let clock = Clock { wall_ms, boot_ms: 10_000 };
        let mut world = World { path, cache: None, goes: HashMap::new(), now_ms: 0, clock, sets: 0 };
        world.show(clock);
        world.open();
        world
    }

    fn show(&mut self, clock: Clock) {
        self.clock = clock;
        set_thread_clock(Some(clock));
    }

    fn open(&mut self) {
        let cache = Cache::options().capacity(256 << 10).open(self.path).unwrap();
        let attachment = cache.attachment();
        assert!(attachment.created || attachment.warm, "{attachment:?}");
        self.cache = Some(cache);
    }

    fn is_there(&self, key: u8) -> bool {
        self.goes.get(&key).is_some_and(|goes| goes.is_none_or(|goes| self.now_ms < goes))
    }

    /// The machine goes off and comes back, with what its clock on the wall then shows.
    fn restart(&mut self, off_ms: u64) {
        self.cache.take().unwrap().close().unwrap();
        let file = File::options().read(true).write(true).open(self.path).unwrap();
        let mut boot = [0];
        file.read_exact_at(&mut boot, BOOT_ID).unwrap();
        file.write_all_at(&[boot[0] ^ 0x5a], BOOT_ID).unwrap();
        // A third of the machines have no battery; a time off counts if the clock shows it.
        let wall_ms = if off_ms.is_multiple_of(3) { 0 } else { self.clock.wall_ms + off_ms };
        self.now_ms += wall_ms.saturating_sub(self.clock.wall_ms);
        self.show(Clock { wall_ms, boot_ms: 1 });
        self.open();
    }

    fn act(&mut self, op: Op) {
        let was_there = match op {
            Op::Touch { key, .. } | Op::Remove { key } | Op::Get { key } => self.is_there(key),
            _ => false,
        };
        let cache = self.cache.as_ref().unwrap();
        match op {
            Op::Set { key, ttl_ms } => {
                self.sets += 1;
                let ttl = ttl_ms.map_or(Ttl::NEVER, Ttl::millis);
                cache.set_with(&[key], &self.sets.to_le_bytes(), ttl).unwrap();
                self.goes.insert(key, ttl_ms.map(|ttl_ms| self.now_ms + ttl_ms));
            }
            Op::Touch { key, ttl_ms } => {
                assert_eq!(cache.touch(&[key], Ttl::millis(ttl_ms)).unwrap(), was_there, "touch {key}");
                if was_there {
                    self.goes.insert(key, Some(self.now_ms + ttl_ms));
                }
            }
            Op::Remove { key } => {
                assert_eq!(cache.remove(&[key]).unwrap(), was_there, "remove {key}");
                self.goes.remove(&key);
            }
            Op::Get { key } => {
                assert_eq!(cache.get(&[key]).unwrap().is_some(), was_there, "get {key}");
                assert_eq!(cache.contains(&[key]).unwrap(), was_there, "contains {key}");
            }
            Op::Pass { ms } => {
                let Clock { wall_ms, boot_ms, .. } = self.clock;
                self.now_ms += ms;
                self.show(Clock { wall_ms: wall_ms + ms, boot_ms: boot_ms + ms });
            }
            Op::SetWall { wall_ms } => self.show(Clock { wall_ms, ..self.clock }),
            Op::Reopen => {
                self.cache = None;
                self.open();
            }
            Op::Restart { off_ms } => self.restart(off_ms),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn what_is_there_is_known_at_every_moment(
        wall_ms in prop_oneof![Just(0), 0..2000u64, Just(START_MS)],
        ops in prop::collection::vec(op(), 1..300),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        let mut world = World::new(&path, wall_ms);
        for op in ops {
            world.act(op);
        }
        for key in 0..40 {
            world.act(Op::Get { key });
        }
        let report = world.cache.as_ref().unwrap().check().unwrap();
        prop_assert!(report.is_clean(), "{report}");
    }
}

/// A machine whose clock on the wall has no battery shows zero when it starts; a new file's time then begins there.
#[test]
fn a_time_that_begins_at_zero_is_kept_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let mut world = World::new(&path, 0);
    for op in [
        Op::Set { key: 0, ttl_ms: Some(1) },
        Op::Restart { off_ms: 0 },
        Op::Pass { ms: 1 },
        Op::Get { key: 0 },
        Op::Restart { off_ms: 0 },
        Op::Get { key: 0 },
    ] {
        world.act(op);
    }
}

/// The expiry of each value of a batch is checked when it is handed over, however long the receiver took for those before it.
#[test]
fn a_slow_receiver_is_handed_nothing_that_has_expired() {
    const KEYS: u8 = 100;
    for capacity in [256 << 10, 4 << 20] {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::options().capacity(capacity).open(dir.path().join("c.samovar")).unwrap();
        at(0);
        let keys: Vec<[u8; 1]> = (0..KEYS).map(|key| [key]).collect();
        for (ttl_ms, key) in (10..).step_by(10).zip(&keys) {
            cache.set_with(key, b"value", Ttl::millis(ttl_ms)).unwrap();
        }
        let mut found = Vec::new();
        // Key n lives for 10 * (n + 1) ms; the receiver takes 20 ms for each of the first half, and none for the rest.
        cache
            .get_many(&keys, |number, value| {
                found.push(value.is_some());
                at(20 * (number as u64 + 1).min(u64::from(KEYS) / 2));
            })
            .unwrap();
        set_thread_clock(None);
        let is_there = |number: u64| 10 * (number + 1) > 20 * number.min(u64::from(KEYS) / 2);
        assert_eq!(found, (0..u64::from(KEYS)).map(is_there).collect::<Vec<_>>(), "{capacity} bytes");
    }
}

/// A cache with an entry for an hour, at a time that is the first of its test.
fn with_an_hour(path: &Path) -> Cache {
    at(0);
    let cache = Cache::options().capacity(256 << 10).open(path).unwrap();
    cache.set_with(b"hour", b"v", Ttl::secs(3600)).unwrap();
    cache
}

/// So many milliseconds after the first time.
fn at(ms: u64) {
    set_thread_clock(Some(Clock { wall_ms: START_MS + ms, boot_ms: 10_000 + ms }));
}

/// What was given a second is there now, and gone in two; what was given an hour stays.
fn expires_as_asked(cache: &Cache, now_ms: u64) {
    at(now_ms);
    cache.set_with(b"second", b"v", Ttl::secs(1)).unwrap();
    assert!(cache.contains(b"second").unwrap(), "it has just been set");
    at(now_ms + 2000);
    assert!(!cache.contains(b"second").unwrap(), "its time is over");
    assert!(cache.contains(b"hour").unwrap(), "it has an hour");
}

/// A process whose clock shows another time, and who notes it, as one in another time namespace did.
#[test]
fn one_wrong_reading_of_a_clock_stops_nothing() {
    const DAY_MS: u64 = 86_400_000;
    let dir = tempfile::tempdir().unwrap();
    let cache = with_an_hour(&dir.path().join("c.samovar"));
    at(DAY_MS);
    cache.set_with(b"wrong", b"v", Ttl::secs(1)).unwrap();
    at(0);
    assert!(cache.contains(b"hour").unwrap(), "it has an hour");
    let report = cache.check().unwrap().to_string();
    assert!(report.contains("the watermark is 86400000 ms ahead"), "{report}");
    assert_eq!(cache.stats().unwrap().watermark_ahead_ms, DAY_MS);
    expires_as_asked(&cache, 0);
    assert!(cache.check().unwrap().is_clean(), "the value that was set has set it right");
    assert_eq!(cache.stats().unwrap().watermark_ahead_ms, 0);
    set_thread_clock(None);
}

#[test]
fn a_flipped_bit_in_the_watermark_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let cache = with_an_hour(&path);
    let file = File::options().read(true).write(true).open(&path).unwrap();
    for (bit, now_ms) in (0..64).zip((0u64..).step_by(3000)) {
        let mut word = [0; 8];
        file.read_exact_at(&mut word, WATERMARK).unwrap();
        let flipped = u64::from_le_bytes(word) ^ 1 << bit;
        file.write_all_at(&flipped.to_le_bytes(), WATERMARK).unwrap();
        at(now_ms);
        assert!(cache.contains(b"hour").unwrap(), "bit {bit}");
        let is_ahead = flipped > START_MS + now_ms + 1000;
        assert_eq!(cache.check().unwrap().is_clean(), !is_ahead, "bit {bit}");
        expires_as_asked(&cache, now_ms);
        assert!(cache.check().unwrap().is_clean(), "bit {bit}");
    }
    set_thread_clock(None);
}

#[test]
fn a_lease_that_nobody_else_asked_for_is_good_after_its_deadline() {
    let dir = tempfile::tempdir().unwrap();
    let at = |ms| set_thread_clock(Some(Clock { wall_ms: START_MS + ms, boot_ms: 10_000 + ms }));
    at(0);
    let cache = Cache::options().capacity(256 << 10).open(dir.path().join("c.samovar")).unwrap();
    let lease = || match cache.lookup(b"k").unwrap() {
        Lookup::MissingYours(lease) => lease,
        other => panic!("expected a lease, got {other:?}"),
    };
    let late = lease();
    at(60_000);
    assert!(late.fulfil(b"late", Ttl::NEVER).unwrap());
    cache.remove(b"k").unwrap();
    let late = lease();
    at(120_000);
    let asked = lease();
    assert!(!late.fulfil(b"late", Ttl::NEVER).unwrap(), "another one got the lease");
    assert!(asked.fulfil(b"asked", Ttl::NEVER).unwrap());
    set_thread_clock(None);
}
