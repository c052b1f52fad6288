//! A soak: six processes use every operation on one file, and one of them is killed now and then. Every value is whole,
//! of its key, and not older than any that was read before it. Counters lose no acknowledged step, and entries that fit
//! are kept.
//!
//! `SAMOVAR_SOAK_SECONDS` is how long (10; ten minutes by hand), `SAMOVAR_SEED` repeats the choices.

use crate::common::oracle::Oracle;
use crate::common::{FILE, Label, ROLE, Rng, alone, number, seed, this_program};
use samovar::{Cache, Error, ErrorKind, Lookup, Namespace, Swap, Ttl};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

const WORKERS: u64 = 6;
const WORKER: &str = "SAMOVAR_WORKER";
const KEYS: u64 = 300;
/// Counters, one a worker, follow the keys in the oracle.
const LONGEST: u64 = 1500;
/// What all entries take lies below half of it.
const SMALLEST: u64 = 1 << 20;
const HOUR: Ttl = Ttl::secs(3600);

fn open(file: &Path) -> Cache {
    let made = Cache::options().capacity(SMALLEST).max_capacity(4 * SMALLEST).max_value_size(8 << 10);
    // Its size changes all the time.
    let options = if file.exists() { Cache::options() } else { made.expected_entry_size(700).seals(true) };
    options.verify(true).lock_timeout(Duration::from_secs(20)).open(file).unwrap()
}

/// What one process has in hands.
struct Worker {
    me: u64,
    cache: Cache,
    space: Namespace,
    oracle: Oracle,
    rng: Rng,
    buffer: Vec<u8>,
}

impl Worker {
    fn act(&mut self) -> Result<(), Error> {
        match self.rng.below(1000) {
            0..=1 => self.cache.flush(),
            2..=3 => {
                let report = self.cache.check()?;
                assert!(report.is_clean(), "worker {}:\n{report}", self.me);
                Ok(())
            }
            4..=6 => self.resize(),
            7..=9 => self.walk(),
            10..=11 => self.space.clear(),
            12..=60 => self.use_space(),
            61..=140 => self.load(),
            141..=220 => self.count(),
            221..=600 => self.write(),
            _ => self.read(),
        }
    }

    /// Up or down, to what holds everything.
    fn resize(&mut self) -> Result<(), Error> {
        let to = SMALLEST + self.rng.below(3 * SMALLEST);
        self.cache
            .resize(to)
            .map(|resized| assert!(resized.to == to && resized.evictions == 0, "{resized:?}"))
    }

    /// One step of a key of this worker's own, by one of the ways to take it.
    fn write(&mut self) -> Result<(), Error> {
        let key = self.rng.below(KEYS / WORKERS) * WORKERS + self.me;
        let (way, cache) = (self.rng.below(6), &self.cache);
        self.oracle.step_by(key, self.me, |name, value| {
            let Some(value) = value else { return cache.remove(name).map(drop) };
            match way {
                0 => cache.set_with(name, value, HOUR),
                1 => cache.set_many(&[(name, value)], Ttl::NEVER),
                2 => {
                    let stored = cache.add(name, value, HOUR)? || cache.replace(name, value, HOUR)?;
                    assert!(stored, "a key of one writer alone was neither there nor missing");
                    Ok(())
                }
                3 => swap(cache, name, value),
                4 => {
                    let (front, back) = value.split_at(value.len() / 2);
                    // Between the two, the key has no whole value: it is written under another name, then as one.
                    let aside = [b"aside of ", name].concat();
                    cache.set(&aside, back)?;
                    cache.prepend(&aside, front)?;
                    let joined = cache.get(&aside)?.unwrap_or_default();
                    cache.remove(&aside)?;
                    cache.set(name, &joined)
                }
                _ => {
                    cache.set(name, value).and_then(|()| cache.touch(name, HOUR).map(|there| assert!(there)))
                }
            }
        })
    }

    /// Reads any key by one of the ways to read it.
    fn read(&mut self) -> Result<(), Error> {
        let key = self.rng.below(KEYS);
        let (way, cache) = (self.rng.below(4), &self.cache);
        let fault = self.oracle.examine_by(key, &mut self.buffer, |name, buffer| {
            let found = match way {
                0 => return cache.get_into(name, buffer),
                1 => {
                    let mut found = None;
                    cache.get_many(&[name], |_, value| found = value.map(<[u8]>::to_vec))?;
                    found
                }
                2 => match cache.get_ref(name) {
                    Err(error) if error.kind() == ErrorKind::Pinned => return cache.get_into(name, buffer),
                    held => held?.map(|held| held.to_vec()).transpose()?,
                },
                _ => cache.get_with_version(name)?.map(|(value, _)| value),
            };
            buffer.clear();
            buffer.extend(found.iter().flatten());
            Ok(found.is_some())
        })?;
        assert!(fault.is_none(), "worker {}, way {way}: {fault:?}", self.me);
        Ok(())
    }

    /// One step of this worker's counter, which nobody else writes.
    fn count(&mut self) -> Result<(), Error> {
        let name = format!("counter {}", self.me).into_bytes();
        let (before, begun) = self.oracle.counted(KEYS + self.me);
        let told = match self.oracle.counting(KEYS + self.me, || self.cache.incr(&name, 1))? {
            Some(told) => told,
            None => {
                assert_eq!(before, 0, "worker {}: the counter is gone", self.me);
                self.cache.add(&name, b"0", Ttl::NEVER)?;
                return Ok(());
            }
        };
        assert!((before + 1..=begun + 1).contains(&told), "worker {}: {told} after {before}", self.me);
        Ok(())
    }

    /// A key that everybody loads, and that soon is stale, then gone.
    fn load(&mut self) -> Result<(), Error> {
        let key = self.rng.below(20);
        let name = format!("loaded {key}").into_bytes();
        let value = || Label { key, writer: 0, sequence: 7 }.value(400);
        let ttl = Ttl::millis(200).stale_after(Duration::from_millis(50));
        let found = match self.rng.below(3) {
            0 => Some(self.cache.get_or_insert_with(&name, ttl, value)?),
            1 => self.cache.get(&name)?,
            _ => match self.cache.lookup(&name)? {
                Lookup::Fresh(value) | Lookup::Stale(value) => Some(value),
                Lookup::StaleYours(old, lease) => {
                    lease.fulfil(&value(), ttl)?;
                    Some(old)
                }
                Lookup::MissingYours(lease) => {
                    lease.fulfil(&value(), ttl)?;
                    None
                }
                _ => None,
            },
        };
        assert!(found.is_none_or(|found| found == value()), "worker {}: a loaded value", self.me);
        Ok(())
    }

    /// Values of a namespace, which anybody clears at any time.
    fn use_space(&mut self) -> Result<(), Error> {
        let key = self.rng.below(50);
        let name = crate::common::oracle::key_bytes(key);
        if self.rng.below(2) == 0 {
            return self.space.set(&name, &Label { key, writer: 99, sequence: self.me }.value(300));
        }
        if let Some(found) = self.space.get(&name)? {
            let label = Label::of(&found);
            assert!(label.is_some_and(|label| label.key == key && label.writer == 99), "{label:?}");
        }
        Ok(())
    }

    /// Everything there is, by walking over it.
    fn walk(&mut self) -> Result<(), Error> {
        for item in self.cache.iter() {
            let item = item?;
            let known = [&b"key "[..], b"aside of ", b"counter ", b"loaded "];
            assert!(known.iter().any(|known| item.key.starts_with(known)), "{}", item.key.escape_ascii());
        }
        Ok(())
    }
}

/// Stores over whatever is there, if only by comparing with it.
fn swap(cache: &Cache, name: &[u8], value: &[u8]) -> Result<(), Error> {
    match cache.get_with_version(name)? {
        None => cache.set(name, value),
        Some((_, version)) => {
            let swap = cache.compare_and_set(name, version, value, Ttl::NEVER)?;
            assert_eq!(swap, Swap::Stored, "nobody else writes this key");
            Ok(())
        }
    }
}

fn oracle_path(file: &Path) -> PathBuf {
    file.with_extension("oracle")
}

/// One of the six. It does nothing in a plain run.
#[test]
#[ignore = "started by the other test as a process of its own"]
fn worker() {
    let (Ok(_), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let file = PathBuf::from(file);
    let cache = open(&file);
    let mut worker = Worker {
        me: number(WORKER, 0),
        space: cache.create_namespace("shared", None).unwrap(),
        cache,
        oracle: Oracle::open(&oracle_path(&file), LONGEST),
        rng: Rng::new(number("SAMOVAR_SEED", 1) ^ u64::from(std::process::id()) << 32),
        buffer: Vec::new(),
    };
    loop {
        match worker.act() {
            Ok(()) => {}
            Err(error) => {
                let refused =
                    matches!(error.kind(), ErrorKind::Busy | ErrorKind::OwnerStopped | ErrorKind::Pinned);
                assert!(refused, "worker {}: {error}", worker.me);
            }
        }
    }
}

fn spawn(file: &Path, number: u64, seed: u64) -> Child {
    let mut command = this_program!(worker, "worker", file);
    command.env(WORKER, number.to_string()).env("SAMOVAR_SEED", seed.to_string());
    command.stdout(std::process::Stdio::null()).spawn().unwrap()
}

#[test]
fn six_processes_use_everything_while_some_die() {
    let _machine = alone();
    let (seed, seconds) = (seed(), number("SAMOVAR_SOAK_SECONDS", 10));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.samovar");
    Oracle::create(&oracle_path(&file), KEYS + WORKERS);
    drop(open(&file));
    let mut workers: Vec<Child> = (0..WORKERS).map(|number| spawn(&file, number, seed)).collect();
    let (mut rng, mut kills) = (Rng::new(seed), 0u64);
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(50 + rng.below(400)));
        let victim = rng.below(WORKERS);
        let child = &mut workers[usize::try_from(victim).unwrap()];
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert_ne!(status.code(), Some(101), "SAMOVAR_SEED={seed}: worker {victim} panicked");
        *child = spawn(&file, victim, seed);
        kills += 1;
    }
    for child in &mut workers {
        child.kill().unwrap();
        assert_ne!(child.wait().unwrap().code(), Some(101), "SAMOVAR_SEED={seed}: a worker panicked");
    }
    let cache = open(&file);
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "SAMOVAR_SEED={seed}:\n{report}");
    if !cache.attachment().warm {
        assert!(samovar_mmap::boot_id().is_none(), "{:?}", cache.attachment());
        return;
    }
    let oracle = Oracle::open(&oracle_path(&file), LONGEST);
    let mut buffer = Vec::new();
    let faults: Vec<String> =
        (0..KEYS).filter_map(|key| oracle.examine(&cache, key, &mut buffer).unwrap()).collect();
    assert!(faults.is_empty(), "SAMOVAR_SEED={seed}: {faults:#?}");
    let stats = cache.stats().unwrap();
    println!("{kills} kills in {seconds} s; {stats:#?}");
    assert_eq!((stats.resets, stats.damaged), (0, 0), "SAMOVAR_SEED={seed}");
    assert_eq!(stats.evictions, 0, "SAMOVAR_SEED={seed}: all of it fits, whatever the size");
    assert!(stats.sets > seconds * 100, "hardly anything was done");
}
