//! Power loss: at a random store, of every page some version since the last flush is what the disk has. What is found after
//! the restart is cold, or exactly what had been flushed.
//!
//! `SAMOVAR_LOSSES` is how many losses (60; 1,000 in CI), `SAMOVAR_SEED` repeats the choices.
//!
//! Canary, tried and found: the clean word cleared without making that durable before the first write. (That `flush` has
//! written everything before it says so is the order that this model assumes of its calls, and so cannot judge.)
#![cfg(all(unix, feature = "inject"))]

mod common;

use common::{Rng, Stamp, number, seed};
use samovar::Cache;
use samovar_mmap::seam::{Event, set_process_hook};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

const CAPACITY: u64 = 256 << 10;
const PAGE: usize = 4096;
/// The control page, and where in it the boot id and the inode lie.
const CONTROL: usize = 1;
const BOOT_ID: usize = PAGE + 16;
const INODE: usize = PAGE + 40;
const PROCESSES: usize = 2 * PAGE;
const KEYS: u64 = 80;

type Model = BTreeMap<u64, Vec<u8>>;

/// What a call makes durable, once it is over.
#[derive(Clone, Copy, PartialEq)]
enum Flushed {
    All,
    Control,
}

/// Every version of every page that the disk may have.
struct Disk {
    file: File,
    versions: Vec<Vec<Vec<u8>>>,
    /// A flush under way, and what was there when it began.
    flushing: Option<(Flushed, Vec<u8>)>,
    /// Flushes of everything that the call at hand has yet to make.
    full_flushes: u32,
    /// Stores until the power fails; then what the disk holds.
    left: u64,
    rng: Rng,
    lost: Option<Vec<u8>>,
}

impl Disk {
    fn new(path: &Path, seed: u64) -> Self {
        let file = File::open(path).unwrap();
        let mut rng = Rng::new(seed);
        let left = rng.below(2500);
        let mut disk =
            Disk { file, versions: Vec::new(), flushing: None, full_flushes: 0, left, rng, lost: None };
        disk.versions = disk.read().chunks(PAGE).map(|page| vec![page.to_vec()]).collect();
        disk
    }

    fn read(&self) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(self.file.metadata().unwrap().len()).unwrap()];
        self.file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }

    fn hit(&mut self, event: Event) {
        if self.lost.is_some() || matches!(event, Event::Load | Event::CopyOut | Event::CopyOutHalf) {
            return;
        }
        let now = self.read();
        if let Some((what, then)) = self.flushing.take() {
            for (number, page) in then.chunks(PAGE).enumerate() {
                if what == Flushed::All || number == CONTROL {
                    self.versions[number] = vec![page.to_vec()];
                }
            }
        }
        for (versions, page) in self.versions.iter_mut().zip(now.chunks(PAGE)) {
            if versions.last().is_none_or(|last| last != page) {
                versions.push(page.to_vec());
            }
        }
        if self.left == 0 {
            let rng = &mut self.rng;
            let choose = |versions: &Vec<Vec<u8>>| {
                versions[usize::try_from(rng.below(versions.len() as u64)).unwrap()].clone()
            };
            self.lost = Some(self.versions.iter().flat_map(choose).collect());
            return;
        }
        self.left -= 1;
        if event == Event::Flush {
            let what = if self.full_flushes > 0 { Flushed::All } else { Flushed::Control };
            self.full_flushes = self.full_flushes.saturating_sub(1);
            self.flushing = Some((what, now));
        }
    }
}

/// Writes and flushes until the power fails; what had been flushed when it did, or was being flushed.
fn until_power_fails(path: &Path, disk: &Arc<Mutex<Disk>>, seed: u64) -> [Model; 2] {
    let mut rng = Rng::new(seed);
    let (mut model, mut flushed) = (Model::new(), [Model::new(), Model::new()]);
    let cache = Cache::options().capacity(CAPACITY).open(path).unwrap();
    for sequence in 0.. {
        if disk.lock().unwrap().lost.is_some() {
            break;
        }
        let key = rng.below(KEYS);
        match rng.below(15) {
            0 => {
                flushed = [flushed[1].clone(), model.clone()];
                disk.lock().unwrap().full_flushes = 2;
                cache.flush().unwrap();
                // Reads leave traces, but none that make the file less clean.
                (0..rng.below(150)).for_each(|_| drop(cache.get(&rng.below(KEYS).to_le_bytes()).unwrap()));
            }
            1..=5 => {
                cache.remove(&key.to_le_bytes()).unwrap();
                model.remove(&key);
            }
            // It becomes another size, which holds everything still.
            7 => drop(cache.resize(228 * 1024 + rng.below(28 * 1024)).unwrap()),
            // Somebody else comes and goes: not the last one out, who alone may say that all is on disk.
            6 => drop(Cache::options().open(path).unwrap()),
            _ => {
                let len = usize::try_from(rng.below(1200)).unwrap();
                let value = Stamp { key, writer: 0, sequence }.value(len);
                cache.set(&key.to_le_bytes(), &value).unwrap();
                model.insert(key, value);
            }
        }
    }
    flushed
}

/// Another boot of a machine with this disk: whether the cache is warm. Fails if it is neither cold nor right.
fn after_restart(path: &Path, mut bytes: Vec<u8>, flushed: &[Model; 2], context: &str) -> bool {
    // The boot that the file remembers is not this one, nor are the lives of its processes; its inode is.
    bytes[BOOT_ID] ^= 0x5a;
    (0..8).for_each(|slot| bytes[PROCESSES + slot * 16 + 15] ^= 0x5a);
    std::fs::write(path, &bytes).unwrap();
    let inode = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap());
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(&inode.to_le_bytes(), INODE as u64).unwrap();
    let cache = Cache::options().open(path).unwrap_or_else(|error| panic!("{context}: {error}"));
    let report = cache.check().unwrap();
    assert!(report.is_clean(), "{context}:\n{report}");
    if !cache.attachment().warm {
        // An emptied cache is as large as it says.
        let (capacity, used) = (cache.capacity().unwrap(), cache.stats().file_bytes);
        assert!(!capacity.pending && used <= capacity.bytes, "{context}: {capacity:?}, {used} bytes used");
    }
    let keys = 0..KEYS;
    let found: Model = keys.filter_map(|key| Some((key, cache.get(&key.to_le_bytes()).unwrap()?))).collect();
    let warm = cache.attachment().warm;
    let right = if warm { flushed.contains(&found) } else { found.is_empty() };
    assert!(right, "{context}: warm {warm}, and neither of what was flushed:\n{report}");
    cache.set(b"after", b"restart").unwrap();
    assert_eq!(cache.get(b"after").unwrap().as_deref(), Some(&b"restart"[..]));
    warm
}

#[test]
fn what_the_disk_has_is_cold_or_right() {
    let (seed, losses) = (seed(), number("SAMOVAR_LOSSES", 60));
    let dir = tempfile::tempdir().unwrap();
    let mut warm = 0;
    for loss in 0..losses {
        let seed = seed.wrapping_add(loss);
        let path = dir.path().join("c.samovar");
        drop(Cache::options().capacity(CAPACITY).open(&path).unwrap());
        let disk = Arc::new(Mutex::new(Disk::new(&path, seed)));
        let hooked = Arc::clone(&disk);
        set_process_hook(Some(Box::new(move |event| hooked.lock().unwrap().hit(event))));
        let flushed = until_power_fails(&path, &disk, seed);
        set_process_hook(None);
        std::fs::remove_file(&path).unwrap();
        let bytes = disk.lock().unwrap().lost.take().unwrap();
        warm += u64::from(after_restart(&path, bytes, &flushed, &format!("SAMOVAR_SEED={seed}")));
        std::fs::remove_file(&path).unwrap();
    }
    println!("{losses} losses: {warm} warm and right, {} cold", losses - warm);
    assert!(warm > 0 && warm < losses, "one of the two was never met");
}
