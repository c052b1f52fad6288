//! A disk that loses power: of every page it has some version since that page was last synced.

use super::Rng;
use samovar_mmap::hooks::{Event, flushed_range, outside, set_thread_hook};
use std::cell::RefCell;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub(crate) const PAGE: usize = 4096;
/// Where the boot id and the inode lie.
const BOOT_ID: usize = PAGE + 16;
const INODE: usize = PAGE + 40;
const PROCESSES: usize = 2 * PAGE;

/// What a test does amid something else.
type Act = Box<dyn FnOnce()>;

/// A page as it was from one event on.
struct Version {
    since: u64,
    bytes: Vec<u8>,
}

/// A flush under way: its pages are on the disk as they were at its event, or later, once it is over.
struct Flushing {
    pages: Range<usize>,
    at: u64,
    depth: u32,
}

/// Every version of every page that the disk may have.
struct Pages {
    file: File,
    versions: Vec<Vec<Version>>,
    flushing: Vec<Flushing>,
    /// Events so far.
    now: u64,
    /// What is done amid what.
    depth: u32,
    /// After how many more events something is done amid what goes on, and what that is.
    amid: Option<(u64, Act)>,
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

    /// Takes note of what is there now.
    fn look(&mut self) {
        self.now += 1;
        let (bytes, since) = (self.read(), self.now);
        self.versions.resize_with(bytes.len() / PAGE, Vec::new);
        for (versions, page) in self.versions.iter_mut().zip(bytes.chunks(PAGE)) {
            if versions.last().is_none_or(|last| last.bytes != page) {
                versions.push(Version { since, bytes: page.to_vec() });
            }
        }
    }

    /// What was flushed here, or amid that, is over.
    fn finish_flushes(&mut self) {
        while let Some(over) = self.flushing.pop_if(|flushing| flushing.depth >= self.depth) {
            for versions in &mut self.versions[over.pages] {
                let last = versions.iter().rposition(|version| version.since <= over.at).unwrap_or(0);
                versions.drain(..last);
            }
        }
    }

    fn lose(&mut self) {
        let rng = &mut self.rng;
        let choose = |versions: &Vec<Version>| {
            versions[usize::try_from(rng.below(versions.len() as u64)).unwrap()].bytes.clone()
        };
        self.lost = Some(self.versions.iter().flat_map(choose).collect());
    }

    /// What the test wants done amid this event.
    fn hit(&mut self, event: Event) -> Option<Act> {
        if self.lost.is_some() || matches!(event, Event::Load | Event::CopyOut | Event::CopyOutHalf) {
            return None;
        }
        self.finish_flushes();
        self.look();
        if self.left == 0 {
            self.lose();
            return None;
        }
        self.left -= 1;
        if event == Event::Flush {
            let bytes = flushed_range();
            let pages = bytes.start / PAGE..bytes.end.div_ceil(PAGE);
            self.flushing.push(Flushing { pages, at: self.now, depth: self.depth });
        }
        match self.amid.take() {
            Some((0, act)) => return Some(act),
            Some((left, act)) => self.amid = Some((left - 1, act)),
            None => {}
        }
        None
    }
}

fn hit(pages: &RefCell<Pages>, event: Event) {
    let act = pages.borrow_mut().hit(event);
    if let Some(act) = act {
        pages.borrow_mut().depth += 1;
        outside(act);
        let mut pages = pages.borrow_mut();
        pages.finish_flushes();
        pages.depth -= 1;
    }
}

/// The disk under a file, until its power fails: at one of its next stores.
#[derive(Clone)]
pub(crate) struct Disk {
    pages: Rc<RefCell<Pages>>,
    path: PathBuf,
}

impl Disk {
    /// What is there now is on the disk.
    pub(crate) fn under(path: &Path, seed: u64, stores: u64) -> Self {
        let file = File::open(path).unwrap();
        let mut rng = Rng::new(seed);
        let left = rng.below(stores);
        let (versions, flushing, lost) = (Vec::new(), Vec::new(), None);
        let mut pages = Pages { file, versions, flushing, now: 0, depth: 0, amid: None, left, rng, lost };
        pages.look();
        let pages = Rc::new(RefCell::new(pages));
        let hooked = Rc::clone(&pages);
        set_thread_hook(Some(Box::new(move |event| hit(&hooked, event))));
        Disk { pages, path: path.to_owned() }
    }

    /// Does something amid what is done next, after so many of its stores; if there are fewer, not at all.
    pub(crate) fn amid(&self, stores: u64, act: impl FnOnce() + 'static, during: impl FnOnce()) {
        self.pages.borrow_mut().amid = Some((stores, Box::new(act)));
        during();
        self.pages.borrow_mut().amid = None;
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Has its power failed?
    pub(crate) fn is_lost(&self) -> bool {
        self.pages.borrow_mut().lost.is_some()
    }

    /// What it has when the power is back. Nothing that is done until then goes to it.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        set_thread_hook(None);
        std::fs::remove_file(&self.path).unwrap();
        self.pages.borrow_mut().lost.take().unwrap()
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
