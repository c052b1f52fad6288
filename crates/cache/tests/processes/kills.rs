//! Real kills. Eight processes read, write, remove, flush, check and reopen one file. One is killed every 20 to 200 ms,
//! half of them while they hold a writer lock. New ones take their places. Every hit is whole, of its key, and not
//! older than any that ended before it began; every acknowledged write survives; nothing is evicted. In the end all are
//! killed at once, and the file opens warm (where the system tells its boots apart).
//!
//! `SAMOVAR_KILLS` is how many are killed (40; 300 in CI, 10,000 by hand), `SAMOVAR_SEED` repeats the choices.
//!
//! Canaries, each tried, each found: a lock that is taken from the living; the slot exchanged before the bytes are copied.

use crate::common::oracle::Oracle;
use crate::common::{FILE, ROLE, Rng, alone, number, seed, this_program};
use samovar::{Cache, ErrorKind};
use samovar_mmap::{Access, SharedMap, open_existing};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

const WORKERS: u64 = 8;
const WORKER: &str = "SAMOVAR_WORKER";
/// All keys and values take less than half of it.
const CAPACITY: u64 = 1 << 20;
const KEYS: u64 = 400;
const LONGEST: u64 = 1800;
/// Where the process table and the shard heads lie in the file.
const PROCESSES: usize = 8192;
const SHARD_HEADS: usize = 86_016;

fn oracle_path(file: &Path) -> PathBuf {
    file.with_extension("oracle")
}

fn open(file: &Path) -> Cache {
    // Long, so that a machine that is busy with other things is not taken for a stopped owner.
    Cache::options().capacity(CAPACITY).lock_timeout(Duration::from_secs(20)).open(file).unwrap()
}

/// One of the eight. It does nothing in a plain run.
#[test]
#[ignore = "started by the other tests as a process of its own"]
fn worker() {
    let (Ok(_), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let file = PathBuf::from(file);
    let me = number(WORKER, 0);
    let oracle = Oracle::open(&oracle_path(&file), LONGEST);
    let mut rng = Rng::new(number("SAMOVAR_SEED", 1) ^ u64::from(std::process::id()) << 32);
    let mut cache = open(&file);
    let mut buffer = Vec::new();
    loop {
        match rng.below(1000) {
            0..=1 => cache.flush().unwrap(),
            2..=3 => {
                let report = cache.check().unwrap();
                assert!(report.is_clean(), "worker {me}:\n{report}");
            }
            4..=6 => {
                drop(cache);
                cache = open(&file);
                let attachment = cache.attachment();
                assert!(attachment.warm || attachment.created, "worker {me}: {attachment:?}");
            }
            7..=500 => {
                let key = rng.below(KEYS / WORKERS) * WORKERS + me;
                if let Err(error) = oracle.step(&cache, key, me) {
                    let refused = matches!(error.kind(), ErrorKind::Busy | ErrorKind::OwnerStopped);
                    assert!(refused, "worker {me}: {error}");
                }
            }
            _ => match oracle.examine(&cache, rng.below(KEYS), &mut buffer) {
                Ok(None) => {}
                Ok(Some(fault)) => panic!("worker {me}: {fault}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Busy, "worker {me}: {error}"),
            },
        }
    }
}

/// The eight processes and what is seen of them from outside.
struct Storm {
    file: PathBuf,
    seed: u64,
    workers: Vec<Child>,
    map: SharedMap,
    rng: Rng,
}

impl Storm {
    fn start(file: PathBuf, seed: u64) -> Self {
        Oracle::create(&oracle_path(&file), KEYS);
        drop(open(&file));
        let map = SharedMap::map(&open_existing(&file, Access::ReadOnly).unwrap(), Access::ReadOnly, 0, None)
            .unwrap();
        let mut storm = Storm { file, seed, workers: Vec::new(), map, rng: Rng::new(seed) };
        storm.workers = (0..WORKERS).map(|number| storm.spawn(number)).collect();
        storm
    }

    fn spawn(&self, number: u64) -> Child {
        let mut command = this_program!(worker, "worker", &self.file);
        command.env(WORKER, number.to_string()).env("SAMOVAR_SEED", self.seed.to_string());
        command.stdout(std::process::Stdio::null()).spawn().unwrap()
    }

    /// The process slot that holds the only shard's writer lock at this moment, and its process.
    fn holder(&self) -> Option<(u32, u32)> {
        let lock = self.map.view().word32(SHARD_HEADS).unwrap().load();
        let slot = (lock >> 1 & 0x1fff).checked_sub(1)?;
        let pid = self.map.view().word32(PROCESSES + slot as usize * 16 + 4).unwrap().load();
        Some((lock, pid))
    }

    /// Kills one of the eight and starts another; whether it held the writer lock when it died.
    fn kill_one(&mut self) -> bool {
        let mut victim = usize::try_from(self.rng.below(WORKERS)).unwrap();
        let until = Instant::now() + Duration::from_millis(20 + self.rng.below(180));
        let hunting = self.rng.below(2) == 0;
        std::thread::sleep(until.saturating_duration_since(Instant::now()) / if hunting { 2 } else { 1 });
        while hunting && Instant::now() < until {
            let holder = self.holder().map(|(_, pid)| pid);
            let found = self.workers.iter().position(|worker| Some(worker.id()) == holder);
            if let Some(found) = found {
                victim = found;
                break;
            }
        }
        let pid = self.workers[victim].id();
        self.workers[victim].kill().unwrap();
        let status = self.workers[victim].wait().unwrap();
        assert!(was_killed(status), "SAMOVAR_SEED={}: worker {victim} ended by itself: {status}", self.seed);
        let held = self.holder().is_some_and(|(_, holder)| holder == pid);
        self.workers[victim] = self.spawn(victim as u64);
        held
    }

    fn kill_all(&mut self) {
        for worker in &mut self.workers {
            worker.kill().unwrap();
        }
        for worker in &mut self.workers {
            assert!(was_killed(worker.wait().unwrap()), "a worker ended by itself");
        }
    }
}

/// It did not end by a panic, and it does not end otherwise. (Some systems give the killed an exit code, too.)
fn was_killed(status: ExitStatus) -> bool {
    !status.success() && status.code() != Some(101)
}

impl Drop for Storm {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            let _ = worker.kill();
            let _ = worker.wait();
        }
    }
}

#[test]
fn eight_processes_and_many_kills() {
    let _machine = alone();
    let (seed, kills) = (seed(), number("SAMOVAR_KILLS", 40));
    let dir = tempfile::tempdir().unwrap();
    let mut storm = Storm::start(dir.path().join("c.samovar"), seed);
    let held = (0..kills).filter(|_| storm.kill_one()).count();
    storm.kill_all();
    let cache = open(&storm.file);
    if samovar_mmap::boot_id().is_none() && !cache.attachment().warm {
        println!("cold: nobody flushed after the last write, and this system does not tell its boots apart");
        assert!(cache.check().unwrap().is_clean());
        return;
    }
    assert!(cache.attachment().warm, "SAMOVAR_SEED={seed}: {:?}", cache.attachment());
    let faults = Oracle::open(&oracle_path(&storm.file), LONGEST).examine_all(&cache);
    assert!(faults.is_empty(), "SAMOVAR_SEED={seed}: {faults:#?}");
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "SAMOVAR_SEED={seed}:\n{report}");
    let stats = cache.stats().unwrap();
    println!("{kills} kills, {held} of them while holding the writer lock; {stats:#?}");
    assert_eq!((stats.evictions, stats.resets), (0, 0), "SAMOVAR_SEED={seed}");
    assert!(stats.refusals <= kills, "SAMOVAR_SEED={seed}: more refusals than there were dead owners");
    assert!(held > 0 || kills < 20, "nobody was killed while holding the lock");
}
