//! Any bytes in the file: flipped, zeroed, overwritten and cut off, before it is opened and while readers and writers run.
//! Nothing panics, everything ends, and what was damaged can be written again.
//!
//! `SAMOVAR_DAMAGES` is how many files are damaged (150), `SAMOVAR_SEED` repeats the choices. The fuzz target in `fuzz/` does the
//! same, guided by coverage.
//!
//! Canary, tried and found: a writer that trusts the positions in the metadata (`recover::is_sound`).

use crate::common::{Label, Rng, number, seed};
use samovar::{Cache, Ttl};
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const CAPACITY: u64 = 256 << 10;
/// Where the shard head lies, and where the index begins.
const SHARD_HEAD: u64 = 86_016;
const INDEX: u64 = 102_400;
const KEYS: u64 = 100;

fn options() -> samovar::Options {
    Cache::options().lock_timeout(Duration::from_millis(5))
}

/// Values that name their key and the number of the set that wrote them. All their other bytes follow from that.
struct Values {
    next: AtomicUsize,
    longest: u64,
}

impl Values {
    fn new() -> Self {
        Values { next: AtomicUsize::new(0), longest: 3000 }
    }

    fn of(&self, key: u64, sequence: u64) -> Vec<u8> {
        let len = Rng::new(key << 32 ^ sequence).below(self.longest);
        Label { key, writer: 1, sequence }.value(usize::try_from(len).unwrap())
    }

    /// One more value of the key.
    fn fresh(&self, key: u64) -> Vec<u8> {
        self.of(key, self.next.fetch_add(1, Ordering::Relaxed) as u64)
    }

    /// Is it, whole, what was set for the key at some time?
    fn is_of(&self, key: u64, value: &[u8]) -> bool {
        let was_set = |label: &Label| label.sequence < self.next.load(Ordering::Relaxed) as u64;
        let label = Label::of(value).filter(was_set);
        label.is_some_and(|label| value == self.of(key, label.sequence))
    }
}

/// A file with some of everything in it.
fn pristine(path: &Path, values: &Values) -> Vec<u8> {
    let cache = options().capacity(CAPACITY).open(path).unwrap();
    for round in 0..400u64 {
        let key = round % 90;
        cache.set(&key.to_le_bytes(), &values.fresh(key)).unwrap();
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

/// What a handle is expected to make of damage.
#[derive(Clone, Copy, PartialEq)]
enum Trust {
    /// It looks at seals, or nothing that lies under them was damaged: each value is whole, and of its key.
    Whole,
    /// Bytes of a value may have been damaged, and nobody looks; but no value comes of another key.
    OfItsKey,
}

/// Does some of everything; how many values it got. Each of them is looked at.
fn use_it(cache: &Cache, values: &Values, trust: Trust, rng: &mut Rng) -> u64 {
    let (mut value, mut hits) = (Vec::new(), 0);
    for _ in 0..60 {
        let key = rng.below(KEYS);
        let name = key.to_le_bytes();
        match rng.below(6) {
            0 => drop(cache.remove(&name)),
            1 => drop(cache.set(&name, &values.fresh(key))),
            2 => drop(cache.set_with(&name, &values.fresh(key), Ttl::millis(1))),
            _ => {
                if let Ok(true) = cache.get_into(&name, &mut value) {
                    hits += 1;
                    let is_whole = values.is_of(key, &value);
                    let other = Label::of(&value).filter(|label| label.key != key);
                    assert!(other.is_none(), "key {key}: a value of another key, {other:?}");
                    assert!(
                        is_whole || trust == Trust::OfItsKey,
                        "key {key}: {} bytes, not whole",
                        value.len()
                    );
                }
            }
        }
    }
    let _ = cache.check().map(|report| report.to_string());
    drop(cache.stats());
    hits
}

/// Undoes what a run has left, in place, so that every map of the file shows it.
fn restore(file: &File, bytes: &[u8]) {
    file.set_len(bytes.len() as u64).unwrap();
    file.write_all_at(bytes, 0).unwrap();
}

/// A file whose bytes change before it is opened, and while it is used.
struct Victim {
    path: std::path::PathBuf,
    bytes: Vec<u8>,
    values: Values,
    /// Of its handles. Those of a sealed file verify what they find.
    trust: Trust,
}

impl Victim {
    fn new(path: &Path, seals: bool) -> Self {
        drop(options().capacity(CAPACITY).seals(seals).open(path).unwrap());
        let values = Values::new();
        let bytes = pristine(path, &values);
        let trust = if seals { Trust::Whole } else { Trust::OfItsKey };
        Victim { path: path.to_owned(), bytes, values, trust }
    }

    fn options(&self) -> samovar::Options {
        options().verify(self.trust == Trust::Whole)
    }

    fn damaged_while_in_use(&self, file: &File, rng: &mut Rng) -> u64 {
        let open = || self.options().open(&self.path);
        let (Ok(writer), Ok(other)) = (open(), open()) else { return 0 };
        let reader = self.options().read_only(true).open(&self.path).ok();
        let handles = [Some(writer), Some(other), reader];
        std::thread::scope(|scope| {
            let users: Vec<_> = (handles.iter().flatten())
                .map(|handle| {
                    let mut rng = Rng::new(rng.next());
                    scope.spawn(move || use_it(handle, &self.values, self.trust, &mut rng))
                })
                .collect();
            for _ in 0..1 + rng.below(30) {
                damage(file, rng);
            }
            if rng.below(4) == 0 {
                file.set_len(rng.below(CAPACITY)).unwrap();
            }
            users.into_iter().map(|user| user.join().unwrap()).sum()
        })
    }

    /// Damages it once, and uses what is left; how many values were got.
    fn suffer(&self, rng: &mut Rng) -> u64 {
        let file = OpenOptions::new().read(true).write(true).open(&self.path).unwrap();
        restore(&file, &self.bytes);
        let mut hits = 0;
        if rng.below(2) == 0 {
            hits += self.damaged_while_in_use(&file, rng);
        } else {
            for _ in 0..1 + rng.below(10) {
                damage(&file, rng);
            }
        }
        for read_only in [true, false] {
            if let Ok(cache) = self.options().read_only(read_only).open(&self.path) {
                hits += use_it(&cache, &self.values, self.trust, rng);
            }
        }
        hits
    }
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

fn any_bytes(seals: bool) {
    let (seed, damages) = (seed(), number("SAMOVAR_DAMAGES", 150));
    let dir = tempfile::tempdir().unwrap();
    let victim = Victim::new(&dir.path().join("c.samovar"), seals);
    let mut hits = 0;
    for round in 0..damages {
        println!("round {round} of SAMOVAR_SEED={seed}");
        let _watch = watch("a round");
        hits += victim.suffer(&mut Rng::new(seed ^ round << 32));
    }
    println!("{hits} values were got, and looked at");
    // Of 60 operations of a handle 30 are gets, and nine in ten keys are there.
    assert!(hits > 10 * damages, "only {hits} values were got of {damages} files");
}

#[test]
fn any_bytes_end_in_errors_or_values() {
    any_bytes(false);
}

#[test]
fn any_bytes_of_a_sealed_file_end_in_errors_or_whole_values() {
    any_bytes(true);
}

#[test]
fn a_salvage_of_any_bytes_ends_and_leaves_accounts_in_order() {
    let seed = seed();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.samovar");
    drop(options().capacity(CAPACITY).seals(true).open(&path).unwrap());
    let values = Values::new();
    let mut bytes = pristine(&path, &values);
    // Of another boot, and written since the last flush.
    bytes[4096..4104].fill(0);
    bytes[4096 + 16..4096 + 32].fill(0xee);
    let (mut salvaged, mut hits) = (0, 0);
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
        let mut trust = Trust::OfItsKey;
        if cache.attachment().salvaged.is_some() {
            let report = cache.check().unwrap();
            assert!(report.is_clean(), "SAMOVAR_SEED={seed}, round {round}: {report}");
            salvaged += 1;
            trust = Trust::Whole;
        }
        let got = use_it(&cache, &values, trust, &mut rng);
        hits += if trust == Trust::Whole { got } else { 0 };
    }
    println!("{salvaged} were salvaged, {hits} values were got of them");
    assert!(salvaged > 0 && hits > salvaged, "{salvaged} were salvaged, {hits} values were got of them");
}

/// A damaged slot names bytes that are no entry, or that lie outside the file. Its key can be written again all the
/// same.
#[test]
fn a_key_whose_slot_is_damaged_can_be_written_again() {
    let live = |word: u64| word >> 45 & 1 == 1;
    for offset in [1, 1 << 15, (1 << 34) - 1] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.samovar");
        let cache = options().capacity(CAPACITY).open(&path).unwrap();
        // Often enough that most of these take the fast path.
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
    let bytes = pristine(&path, &Values::new());
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
