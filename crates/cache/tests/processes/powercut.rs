//! Power lost in a real kernel, by the two programs that `scripts/power-replay` runs. One runs in a kernel that logs
//! every block write. The other one opens the disk as it was after any number of those writes. They do nothing in a
//! plain run.
//!
//! The writer marks in the log when a flush begins and when it is over, so the examiner knows what must be there.

use crate::common::{FILE, Label, ROLE, Rng, number};
use samovar::Cache;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const CAPACITY: u64 = 1 << 20;
const KEYS: u64 = 120;
const ROUNDS: u64 = 12;

fn value(key: u64, round: u64) -> Vec<u8> {
    let len = Rng::new(key << 32 ^ round).below(3000);
    Label { key, writer: 0, sequence: round }.value(usize::try_from(len).unwrap())
}

/// The keys that a round writes anew: a third of them, the first time all.
fn written_in(round: u64) -> impl Iterator<Item = u64> {
    (0..KEYS).filter(move |key| round == 0 || Rng::new(round << 16 ^ key).below(3) == 0)
}

/// The round of a key's latest value after `round`.
fn latest(key: u64, round: u64) -> u64 {
    (0..=round).rev().find(|round| written_in(*round).any(|other| other == key)).unwrap()
}

/// Puts a mark between the blocks that are written.
fn mark(name: &str) {
    let status = Command::new("dmsetup").args(["message", "lw", "0", "mark", name]).status().unwrap();
    assert!(status.success());
}

#[test]
#[ignore = "started by scripts/power-replay, in a kernel of its own"]
fn until_the_power_fails() {
    let (Ok(_), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let cache = Cache::options().capacity(CAPACITY).open(Path::new(&file)).unwrap();
    let pause = Duration::from_millis(number("SAMOVAR_PAUSE_MS", 30));
    for round in 0..ROUNDS {
        mark(&format!("begin-{round}"));
        for (at, key) in written_in(round).enumerate() {
            cache.set(&key.to_le_bytes(), &value(key, round)).unwrap();
            if at % 8 == 0 {
                // So that the kernel writes some pages back before the flush, and others not.
                std::thread::sleep(pause);
            }
        }
        mark(&format!("flush-{round}"));
        cache.flush().unwrap();
        mark(&format!("flushed-{round}"));
        std::thread::sleep(pause);
    }
}

/// The environment says which round's flush was over, if any, and which one may have been.
#[test]
#[ignore = "started by scripts/power-replay"]
fn after_the_power_failed() {
    let (Ok(_), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let round = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let (flushed, maybe) = (round("SAMOVAR_FLUSHED"), round("SAMOVAR_MAYBE"));
    let untouched = std::env::var("SAMOVAR_UNTOUCHED").is_ok();
    let cache = Cache::options().open(Path::new(&file)).unwrap();
    let warm = cache.attachment().warm;
    println!("\nfound: {}", if warm { "warm" } else { "cold" });
    assert!(warm || !untouched, "flushed, not written since, and cold: {:?}", cache.attachment());
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "{report}");
    let holds = |round: u64| {
        (0..KEYS).all(|key| cache.get(&key.to_le_bytes()).unwrap() == Some(value(key, latest(key, round))))
    };
    let entries = cache.stats().unwrap().entries;
    if warm {
        let as_made = flushed.is_none() && entries == 0;
        let right = as_made || [flushed, maybe].into_iter().flatten().any(holds);
        assert!(right, "warm, with {entries} entries, and neither round {flushed:?} nor {maybe:?}");
    } else {
        assert_eq!(entries, 0, "cold, and not empty");
    }
    cache.set(b"after", b"the restart").unwrap();
    assert!(cache.get(b"after").unwrap().is_some());
}
