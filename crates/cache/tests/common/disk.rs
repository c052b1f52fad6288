//! A disk that loses power: of every page it has some version since that page was last synced.

use super::Rng;
use samovar_mmap::hooks::{Event, set_thread_hook};
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

pub(crate) const PAGE: usize = 4096;
/// The control page, and where in it the boot id and the inode lie.
const CONTROL: usize = 1;
const BOOT_ID: usize = PAGE + 16;
const INODE: usize = PAGE + 40;
const PROCESSES: usize = 2 * PAGE;

/// What a call makes durable, once it is over.
#[derive(Clone, Copy, PartialEq)]
enum Flushed {
    All,
    Control,
}

/// Every version of every page that the disk may have.
struct Pages {
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

impl Pages {
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

/// The disk under a file, until its power fails: at one of its next stores.
pub(crate) struct Disk {
    pages: Arc<Mutex<Pages>>,
    path: PathBuf,
}

impl Disk {
    /// What is there now is on the disk.
    pub(crate) fn under(path: &Path, seed: u64, stores: u64) -> Self {
        let file = File::open(path).unwrap();
        let mut rng = Rng::new(seed);
        let left = rng.below(stores);
        let (versions, flushing, full_flushes, lost) = (Vec::new(), None, 0, None);
        let mut pages = Pages { file, versions, flushing, full_flushes, left, rng, lost };
        pages.versions = pages.read().chunks(PAGE).map(|page| vec![page.to_vec()]).collect();
        let pages = Arc::new(Mutex::new(pages));
        let hooked = Arc::clone(&pages);
        set_thread_hook(Some(Box::new(move |event| hooked.lock().unwrap().hit(event))));
        Disk { pages, path: path.to_owned() }
    }

    /// The next so many flushes are of everything; those after them of the control page alone.
    pub(crate) fn expect_full_flushes(&self, many: u32) {
        self.pages.lock().unwrap().full_flushes = many;
    }

    /// Has its power failed?
    pub(crate) fn is_lost(&self) -> bool {
        self.pages.lock().unwrap().lost.is_some()
    }

    /// What it has when the power is back. Nothing that is done until then goes to it.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        set_thread_hook(None);
        std::fs::remove_file(&self.path).unwrap();
        self.pages.lock().unwrap().lost.take().unwrap()
    }
}

/// Another boot of a machine with this disk. The boot in the file is not this one, and its processes do not live; its
/// inode is the same.
pub(crate) fn restart(path: &Path, mut bytes: Vec<u8>) {
    bytes[BOOT_ID..BOOT_ID + 16].fill(0xee);
    (0..8).for_each(|slot| bytes[PROCESSES + slot * 16 + 8..][..8].fill(0x11));
    std::fs::write(path, &bytes).unwrap();
    let inode = std::fs::metadata(path).unwrap().ino();
    let file = File::options().write(true).open(path).unwrap();
    file.write_all_at(&inode.to_le_bytes(), INODE as u64).unwrap();
}
