//! Any bytes in the file: flipped, zeroed, overwritten and cut off, before it is opened and while readers and writers run.
//! Nothing panics, everything ends, and what was damaged can be written again.
//!
//! `SAMOVAR_DAMAGES` is how many files are damaged (150), `SAMOVAR_SEED` repeats the choices. The fuzz target in `fuzz/` does the
//! same, guided by coverage.
//!
//! Canary, tried and found: a writer that does not doubt the positions in a ledger (`recover::is_sound`).

use crate::common::{Rng, number, seed};
use samovar::{Cache, Ttl};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

const CAPACITY: u64 = 256 << 10;
/// Where the shard head lies, and where the index begins.
const SHARD_HEAD: u64 = 86_016;
const INDEX: u64 = 102_400;

fn options() -> samovar::Options {
    Cache::options().lock_timeout(Duration::from_millis(5))
}

/// A file with some of everything in it.
fn pristine(path: &Path) -> Vec<u8> {
    let cache = options().capacity(CAPACITY).open(path).unwrap();
    for round in 0..400u64 {
        let key = round % 90;
        cache.set(&key.to_le_bytes(), &vec![9; usize::try_from(round * 13 % 1500).unwrap()]).unwrap();
    }
    cache.set_with(b"expiring", b"value", Ttl::secs(1000)).unwrap();
    cache.remove(&5u64.to_le_bytes()).unwrap();
    drop(cache);
    std::fs::read(path).unwrap()
}

/// Changes bytes somewhere, more often where they matter.
fn damage(file: &File, rng: &mut Rng) {
    let area = match rng.below(8) {
        0 => 0..4096,
        1 => 4096..8192,
        2 => 8192..8192 + 256,
        3 | 4 => SHARD_HEAD..SHARD_HEAD + 512,
        5 => INDEX..INDEX + 16384,
        _ => 0..CAPACITY,
    };
    let at = area.start + rng.below(area.end - area.start);
    match rng.below(5) {
        0 => {
            let mut byte = [0];
            let _ = file.read_exact_at(&mut byte, at);
            let _ = file.write_all_at(&[byte[0] ^ 1 << rng.below(8)], at);
        }
        1 => drop(file.write_all_at(&vec![0; usize::try_from(rng.below(300)).unwrap()], at)),
        2 => drop(file.write_all_at(&rng.next().to_le_bytes(), at & !7)),
        3 => drop(file.write_all_at(&(rng.next() >> rng.below(64)).to_le_bytes(), at & !7)),
        // A word of the same file in another place: every field meets every other's values.
        _ => {
            let mut word = [0; 8];
            let _ = file.read_exact_at(&mut word, (SHARD_HEAD + rng.below(16384)) & !7);
            let _ = file.write_all_at(&word, at & !7);
        }
    }
}

fn use_it(cache: &Cache, rng: &mut Rng) {
    let mut value = Vec::new();
    for _ in 0..60 {
        let key = rng.below(100).to_le_bytes();
        match rng.below(6) {
            0 => drop(cache.remove(&key)),
            1 => drop(cache.set(&key, &vec![3; usize::try_from(rng.below(3000)).unwrap()])),
            2 => drop(cache.set_with(&key, b"short", Ttl::millis(1))),
            _ => drop(cache.get_into(&key, &mut value)),
        }
    }
    let _ = cache.check().map(|report| report.to_string());
    let _ = cache.stats();
}

/// Undoes what a run has left, in place, so that whoever has it mapped sees it.
fn restore(file: &File, bytes: &[u8]) {
    file.set_len(bytes.len() as u64).unwrap();
    file.write_all_at(bytes, 0).unwrap();
}

fn damaged_while_in_use(path: &Path, file: &File, rng: &mut Rng) {
    let (Ok(writer), Ok(other)) = (options().open(path), options().open(path)) else { return };
    let reader = options().read_only(true).open(path);
    let (one, two, three) = (rng.next(), rng.next(), rng.next());
    std::thread::scope(|scope| {
        scope.spawn(|| use_it(&writer, &mut Rng::new(one)));
        scope.spawn(|| use_it(&other, &mut Rng::new(two)));
        if let Ok(reader) = &reader {
            scope.spawn(|| use_it(reader, &mut Rng::new(three)));
        }
        for _ in 0..1 + rng.below(30) {
            damage(file, rng);
        }
        if rng.below(4) == 0 {
            file.set_len(rng.below(CAPACITY)).unwrap();
        }
    });
}

/// Ends the program loudly if a run takes for ever.
fn watch(what: &'static str) -> impl Drop {
    struct Watch(std::sync::mpsc::Sender<()>);
    impl Drop for Watch {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        if receiver.recv_timeout(Duration::from_secs(60)).is_err() {
            eprintln!("{what} does not end");
            std::process::abort();
        }
    });
    Watch(sender)
}

#[test]
fn any_bytes_end_in_errors_or_values() {
    let seed = seed();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let bytes = pristine(&path);
    for round in 0..number("SAMOVAR_DAMAGES", 150) {
        println!("round {round} of SAMOVAR_SEED={seed}");
        let _watch = watch("a round");
        let mut rng = Rng::new(seed ^ round << 32);
        let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        restore(&file, &bytes);
        if rng.below(2) == 0 {
            damaged_while_in_use(&path, &file, &mut rng);
        } else {
            for _ in 0..1 + rng.below(10) {
                damage(&file, &mut rng);
            }
        }
        for read_only in [true, false] {
            if let Ok(cache) = options().read_only(read_only).open(&path) {
                use_it(&cache, &mut rng);
            }
        }
    }
}

#[test]
fn a_salvage_of_any_bytes_ends_and_leaves_accounts_in_order() {
    let seed = seed();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    drop(options().capacity(CAPACITY).seals(true).open(&path).unwrap());
    let mut bytes = pristine(&path);
    // Of another boot, and written since the last flush.
    bytes[4096..4104].fill(0);
    bytes[4096 + 16..4096 + 32].fill(0xee);
    let mut salvaged = 0;
    for round in 0..number("SAMOVAR_DAMAGES", 150) {
        println!("round {round} of SAMOVAR_SEED={seed}");
        let _watch = watch("a salvage");
        let mut rng = Rng::new(seed ^ round << 32);
        let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        restore(&file, &bytes);
        for _ in 0..1 + rng.below(60) {
            damage(&file, &mut rng);
        }
        let Ok(cache) = options().salvage(true).open(&path) else { continue };
        if cache.attachment().salvaged.is_some() {
            let report = cache.check().unwrap();
            assert!(report.is_clean(), "SAMOVAR_SEED={seed}, round {round}: {report}");
            salvaged += 1;
        }
        use_it(&cache, &mut rng);
    }
    assert!(salvaged > 0, "none was salvaged");
}

/// A slot that is damaged names bytes that are no entry, or are none of the file's: its key can be written again all the same.
#[test]
fn a_key_whose_slot_is_damaged_can_be_written_again() {
    let live = |word: u64| word >> 45 & 1 == 1;
    for offset in [1, 1 << 15, (1 << 34) - 1] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        let cache = options().capacity(CAPACITY).open(&path).unwrap();
        // Often enough that most of these go the short way.
        for round in 0..40u64 {
            cache.set(b"k", b"before").unwrap();
            let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
            let (mut word, mut damaged) = ([0; 8], 0);
            for at in (INDEX..CAPACITY / 2 + INDEX).step_by(8) {
                file.read_exact_at(&mut word, at).unwrap();
                if live(u64::from_le_bytes(word)) {
                    let other = u64::from_le_bytes(word) & !((1 << 34) - 1) | offset;
                    file.write_all_at(&other.to_le_bytes(), at).unwrap();
                    damaged += 1;
                    break;
                }
            }
            assert_eq!(damaged, 1, "the slot is somewhere in the index");
            cache
                .set(b"k", b"after")
                .unwrap_or_else(|error| panic!("round {round}, offset {offset}: {error}"));
            assert_eq!(cache.get(b"k").unwrap().as_deref(), Some(&b"after"[..]));
            let report = cache.check().unwrap();
            assert!(report.is_clean(), "round {round}, offset {offset}: the damage stays: {report}");
        }
    }
}

#[test]
fn a_damaged_shard_takes_writes_again() {
    let mut rng = Rng::new(seed());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    let bytes = pristine(&path);
    let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    for _ in 0..30 {
        restore(&file, &bytes);
        for at in (SHARD_HEAD + 64..CAPACITY).step_by(8) {
            if rng.below(3) == 0 {
                file.write_all_at(&rng.next().to_le_bytes(), at).unwrap();
            }
        }
        let cache = options().open(&path).unwrap();
        for key in 0..50u64 {
            cache.set(&key.to_le_bytes(), b"value").unwrap();
            assert_eq!(cache.get(&key.to_le_bytes()).unwrap().as_deref(), Some(&b"value"[..]));
        }
    }
}
