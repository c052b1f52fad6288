//! What can be asked of pages: advice, population, residency, locking, discarding, huge pages, sealing, sharing with
//! children.

use crate::common::{forked, is_emulated};
use samovar_mmap::{
    Access, Advice, CowMap, Discard, ErrorKind, LockMode, Memory, Pages, SharedMap, SharedMemory,
};

const PAGE: usize = 4096;

fn map_of(pages: usize) -> (std::fs::File, SharedMap) {
    let file = tempfile::tempfile().unwrap();
    file.set_len((pages * PAGE) as u64).unwrap();
    let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
    (file, map)
}

const ALL: [Advice; 16] = [
    Advice::Normal,
    Advice::Random,
    Advice::Sequential,
    Advice::WillNeed,
    Advice::Cold,
    Advice::PageOut,
    Advice::HugePage,
    Advice::NoHugePage,
    Advice::Collapse,
    Advice::Mergeable,
    Advice::Unmergeable,
    Advice::DontFork,
    Advice::DoFork,
    Advice::DontDump,
    Advice::DoDump,
    Advice::KeepOnFork,
];

/// memmap2 advise: every advice is taken or refused with a reason, on every kind, and changes no byte.
#[test]
fn advice_changes_no_byte() {
    let (_file, map) = map_of(4);
    let mut memory = Memory::new(4 * PAGE).unwrap();
    map.view().write_from(0, &[3; 4 * PAGE]).unwrap();
    memory.fill(3);
    for advice in ALL {
        for outcome in [map.advise(advice, 0, 4 * PAGE), memory.advise(advice, PAGE, 100)] {
            if let Err(error) = outcome {
                let kinds = [ErrorKind::Unsupported, ErrorKind::InvalidArgument, ErrorKind::WouldBlock];
                assert!(kinds.contains(&error.kind()), "{advice:?}: {error}");
                assert!(!ALL[..4].contains(&advice), "{advice:?} works everywhere: {error}");
            }
        }
        assert!(map.view().equals(0, &[3; 4 * PAGE]).unwrap(), "{advice:?}");
        assert!(memory.iter().all(|byte| *byte == 3), "{advice:?}");
    }
}

/// RUSTSEC-2026-0186 of a peer; every ranged call one byte outside is an error.
#[test]
fn every_ranged_call_is_checked_to_the_byte() {
    let (_file, map) = map_of(2);
    let memory = Memory::new(2 * PAGE).unwrap();
    for (offset, len) in [(0, 2 * PAGE + 1), (1, 2 * PAGE), (2 * PAGE, 1), (2 * PAGE + 1, 0), (usize::MAX, 2)]
    {
        for pages in [&map as &dyn DynPages, &memory] {
            for error in pages.all(offset, len) {
                assert_eq!(error.unwrap_err().kind(), ErrorKind::OutOfBounds, "{offset} {len}");
            }
        }
        assert_eq!(map.discard(Discard::DontNeed, offset, len).unwrap_err().kind(), ErrorKind::OutOfBounds);
    }
}

trait DynPages {
    fn all(&self, offset: usize, len: usize) -> [samovar_mmap::Result<()>; 5];
}

impl<T: Pages> DynPages for T {
    fn all(&self, offset: usize, len: usize) -> [samovar_mmap::Result<()>; 5] {
        [
            self.advise(Advice::Normal, offset, len),
            self.populate(Access::ReadOnly, offset, len),
            self.residency(offset, len).map(drop),
            self.lock(LockMode::Now, offset, len),
            self.unlock(offset, len),
        ]
    }
}

#[test]
fn populated_pages_are_resident() {
    if is_emulated() {
        return println!("SKIPPED: the emulator does not pass on advice");
    }
    let (_file, map) = map_of(16);
    map.populate(Access::ReadWrite, 5 * PAGE + 7, PAGE).unwrap();
    let residency = map.residency(0, 16 * PAGE).unwrap();
    assert_eq!(residency.pages.len() * residency.page_bytes, 16 * PAGE);
    let page = 5 * PAGE / residency.page_bytes;
    assert!(residency.pages[page]);
    map.populate(Access::ReadOnly, 0, 16 * PAGE).unwrap();
    let residency = map.residency(0, 16 * PAGE).unwrap();
    assert_eq!(residency.resident_pages(), residency.pages.len());
    let mut only = map;
    only.protect(Access::ReadOnly).unwrap();
    let error = only.populate(Access::ReadWrite, 0, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
}

/// mmap-go Lock, Unlock; memmap2 lock: locking twice and unlocking twice are no errors, and the system says that it is so.
#[test]
#[cfg(target_os = "linux")]
fn locked_pages_stay_in_memory() {
    fn locked_kilobytes(map: &SharedMap) -> usize {
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let start = format!("{:x}-", map.as_ptr().addr());
        let area = smaps.split(&start).nth(1).expect("the map is listed");
        let line = area.lines().find(|line| line.starts_with("Locked:")).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
    }
    let (_file, map) = map_of(8);
    if is_emulated() {
        return println!("SKIPPED: the emulator does not list maps so");
    }
    for _ in 0..2 {
        map.lock(LockMode::Now, 0, 8 * PAGE).unwrap();
        assert!(locked_kilobytes(&map) > 0);
    }
    for _ in 0..2 {
        map.unlock(0, 8 * PAGE).unwrap();
        assert_eq!(locked_kilobytes(&map), 0);
    }
    map.lock(LockMode::OnFault, 0, 8 * PAGE).unwrap();
    map.view().write_from(0, &[1]).unwrap();
    assert!(locked_kilobytes(&map) > 0);
    map.unlock(0, 8 * PAGE).unwrap();
}

/// Locking over the limit is an error that names the limit.
#[test]
#[cfg(target_os = "linux")]
fn the_limit_on_locking_is_in_the_error() {
    let mut child = crate::common::this_program("pages::lock_too_much");
    if is_emulated() {
        return println!("SKIPPED: the emulator does not keep the limit");
    }
    assert!(child.status().unwrap().success());
}

#[test]
#[ignore = "started by the test above as a process of its own"]
#[cfg(target_os = "linux")]
fn lock_too_much() {
    let limit = libc::rlimit { rlim_cur: 65_536, rlim_max: 65_536 };
    // SAFETY: sets a limit of this process, which is the test's own.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const limit) }, 0);
    // SAFETY: asks for a number.
    let is_root = unsafe { libc::geteuid() == 0 };
    // SAFETY: gives up root's right to lock without a limit, in this process alone.
    let dropped = !is_root || unsafe { libc::setuid(65_534) } == 0;
    if !dropped {
        return println!("SKIPPED: root's rights cannot be given up");
    }
    let memory = Memory::new(1 << 20).unwrap();
    let error = memory.lock(LockMode::Now, 0, 1 << 20).unwrap_err();
    assert!(error.to_string().contains("65536"), "{error}");
    assert!([ErrorKind::NoMemory, ErrorKind::PermissionDenied].contains(&error.kind()), "{error:?}");
}

/// memmap2 advise_writes_unsafely: giving private pages up zeroes exactly the whole pages of the range.
#[test]
fn discarded_private_memory_is_zero() {
    let mut memory = Memory::new(4 * PAGE).unwrap();
    memory.fill(9);
    assert_eq!(memory.discard(Discard::DontNeed, PAGE - 1, 2 * PAGE + 1).unwrap(), 2 * PAGE);
    assert!(memory[..PAGE].iter().chain(&memory[3 * PAGE..]).all(|byte| *byte == 9));
    assert!(memory[PAGE..3 * PAGE].iter().all(|byte| *byte == 0));
    assert_eq!(memory.discard(Discard::Remove, 0, PAGE).unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn discarding_a_shared_map_loses_nothing_and_removing_frees_space() {
    let (file, map) = map_of(4);
    map.view().write_from(0, &[9; 4 * PAGE]).unwrap();
    assert_eq!(map.discard(Discard::DontNeed, 0, 4 * PAGE).unwrap(), 4 * PAGE);
    assert!(map.view().equals(0, &[9; 4 * PAGE]).unwrap());
    if !cfg!(target_os = "linux") || is_emulated() {
        return println!("SKIPPED: no space is freed here");
    }
    map.discard(Discard::Remove, PAGE, 2 * PAGE).unwrap();
    assert!(map.view().equals(PAGE, &[0; 2 * PAGE]).unwrap());
    assert!(map.view().equals(0, &[9; PAGE]).unwrap());
    assert_eq!(file.metadata().unwrap().len(), 4 * PAGE as u64);
    let mut only = map;
    only.protect(Access::ReadOnly).unwrap();
    assert_eq!(only.discard(Discard::Remove, 0, PAGE).unwrap_err().kind(), ErrorKind::PermissionDenied);
}

/// mmap-io "hugepage fallback": asking is never wrong, and what it achieved is told.
#[test]
#[cfg(target_os = "linux")]
fn huge_pages_say_what_they_achieved() {
    const LEN: usize = 8 << 20;
    let mut memory = Memory::new(LEN).unwrap();
    let asked = memory.advise(Advice::HugePage, 0, LEN);
    memory.fill(1);
    let huge = memory.huge_bytes().unwrap();
    println!("{asked:?}: {huge} of {LEN} bytes in huge pages");
    assert!(huge <= LEN && huge.is_multiple_of(1 << 21));
    let (_file, map) = map_of(4);
    assert_eq!(map.huge_bytes().unwrap(), 0);
}

/// A page that was set aside and never touched must not become huge as it is: it is brought in first, and so cleared.
#[test]
#[cfg(target_os = "linux")]
fn pages_are_brought_in_before_they_become_huge() {
    const LEN: usize = 4 << 20;
    let file = tempfile::tempfile().unwrap();
    samovar_mmap::reserve(&file, LEN as u64).unwrap();
    let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
    let _ = map.advise(Advice::HugePage, 0, LEN);
    println!("{:?}", map.advise(Advice::Collapse, 0, LEN));
    let residency = map.residency(0, LEN).unwrap();
    assert!(is_emulated() || residency.resident_pages() == residency.pages.len());
    for at in (0..LEN).step_by(8) {
        assert_eq!(map.view().word64(at).unwrap().load(), 0);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn maps_of_files_lie_where_huge_pages_fit() {
    const HUGE: usize = 2 << 20;
    let file = tempfile::tempfile().unwrap();
    file.set_len(4 * HUGE as u64).unwrap();
    for (offset, len) in [(0, 4 * HUGE), (3 * PAGE, HUGE), (HUGE, HUGE + 1), (PAGE, 2 * HUGE - 5)] {
        for access in [Access::ReadWrite, Access::ReadOnly] {
            let map = SharedMap::map(&file, access, offset as u64, Some(len)).unwrap();
            // SAFETY: nobody writes to the file, or cuts it, while the slice lives.
            let at = unsafe { map.view().as_slice() }.as_ptr().addr();
            assert_eq!(at % HUGE, offset % HUGE, "{len} bytes from {offset}");
            assert!(map.view().equals(len - 1, &[0]).unwrap());
        }
    }
}

/// mmap-go ANON: shared with children, and private.
#[test]
fn children_share_shared_memory_and_no_other() {
    let shared = SharedMemory::new(PAGE).unwrap();
    let mut private = Memory::new(PAGE).unwrap();
    private[0] = 1;
    let word = shared.view().word64(8).unwrap();
    assert!(forked(|| {
        private[0] = 2;
        word.store_release(5);
        word.load() == 5
    }));
    assert_eq!((word.load_acquire(), private[0]), (5, 1));
    assert_eq!((shared.len(), shared.is_empty()), (PAGE, false));
    shared.close().unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn memory_wiped_on_fork_is_zero_in_the_child() {
    if is_emulated() {
        return println!("SKIPPED: the emulator does not pass on advice");
    }
    let mut memory = Memory::new(PAGE).unwrap();
    memory.fill(3);
    memory.discard(Discard::WipeOnFork, 0, PAGE).unwrap();
    assert!(forked(|| memory.iter().all(|byte| *byte == 0)));
    assert!(memory.iter().all(|byte| *byte == 3));
    memory.advise(Advice::KeepOnFork, 0, PAGE).unwrap();
    assert!(forked(|| memory.iter().all(|byte| *byte == 3)));
}

#[test]
#[cfg(target_os = "linux")]
fn sealed_files_cannot_change_and_their_maps_are_slices() {
    use samovar_mmap::{Seal, SealedMap, memory_file, seal};
    let file = memory_file(3 * PAGE as u64).unwrap();
    let writer = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
    writer.view().write_from(PAGE + 5, b"sealed").unwrap();
    assert_eq!(SealedMap::map(&file, 0, None).unwrap_err().kind(), ErrorKind::InvalidArgument);
    seal(&file, Seal::Shrink).unwrap();
    file.set_len(PAGE as u64).unwrap_err();
    file.set_len(4 * PAGE as u64).unwrap();
    seal(&file, Seal::Resize).unwrap();
    file.set_len(5 * PAGE as u64).unwrap_err();
    assert_eq!(SealedMap::map(&file, 0, None).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(seal(&file, Seal::Write).unwrap_err().kind(), ErrorKind::WouldBlock, "a writer lives");
    writer.close().unwrap();
    seal(&file, Seal::Write).unwrap();
    let map = SealedMap::map(&file, PAGE as u64 + 5, Some(6)).unwrap();
    assert_eq!(&*map, b"sealed");
    SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap_err();
    std::os::unix::fs::FileExt::write_at(&file, b"x", 0).unwrap_err();
    map.close().unwrap();
    let plain = tempfile::NamedTempFile::new_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    assert_eq!(SealedMap::map(plain.as_file(), 0, None).unwrap_err().kind(), ErrorKind::Unsupported);
}

/// One writer, many readers: a map from before the seal goes on writing.
#[test]
#[cfg(target_os = "linux")]
fn the_writer_before_a_future_write_seal_goes_on() {
    use samovar_mmap::{Seal, memory_file, seal};
    let file = memory_file(PAGE as u64).unwrap();
    let writer = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
    seal(&file, Seal::FutureWrite).unwrap();
    writer.view().write_from(0, b"on").unwrap();
    let reader = SharedMap::map(&file, Access::ReadOnly, 0, None).unwrap();
    assert!(reader.view().equals(0, b"on").unwrap());
    SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap_err();
}

#[test]
#[cfg(target_os = "linux")]
fn writing_back_can_be_started() {
    let (file, map) = map_of(4);
    map.view().write_from(0, &[1; 4 * PAGE]).unwrap();
    samovar_mmap::start_writeback(&file, 0, 0).unwrap();
    samovar_mmap::start_writeback(&file, PAGE as u64, 100).unwrap();
    map.flush().unwrap();
    assert_eq!(
        samovar_mmap::start_writeback(&file, u64::MAX, 1).unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
}

/// By the kind of the file system, not by the speed of the call.
#[test]
#[cfg(target_os = "linux")]
fn a_flush_tells_a_device_from_memory() {
    use crate::common::Mounted;
    use samovar_mmap::{Durability, GrowingMap, memory_file};
    let flushed = |file: &std::fs::File| {
        let map = SharedMap::map(file, Access::ReadWrite, 100, None).unwrap();
        map.view().write_from(PAGE, b"kept").unwrap();
        let told = map.flush().unwrap();
        let growing = GrowingMap::map(file, Access::ReadWrite, 1 << 20).unwrap();
        assert_eq!(growing.flush_range(0, 1).unwrap(), told);
        told
    };
    assert_eq!(flushed(&memory_file(3 * PAGE as u64).unwrap()), Durability::Memory);
    let in_dir = |dir: &std::path::Path| {
        let file = tempfile::tempfile_in(dir).unwrap();
        file.set_len(3 * PAGE as u64).unwrap();
        flushed(&file)
    };
    if let Some(tmpfs) = Mounted::tmpfs("1m") {
        assert_eq!(in_dir(tmpfs.path()), Durability::Memory);
    }
    if let Some(ext4) = Mounted::ext4(24 << 20) {
        assert_eq!(in_dir(ext4.path()), Durability::Full);
    }
}

#[test]
fn cow_maps_are_locked_and_advised_as_others() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(2 * PAGE as u64).unwrap();
    let map = CowMap::map(&file, 100, None).unwrap();
    map.advise(Advice::Random, 0, map.len()).unwrap();
    map.lock(LockMode::Now, 10, 20).unwrap();
    map.unlock(10, 20).unwrap();
    assert_eq!(map.residency(0, map.len()).unwrap().pages.len() * PAGE, 2 * PAGE);
}
