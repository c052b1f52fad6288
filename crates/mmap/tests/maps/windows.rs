//! What only Windows does.

use samovar_mmap::{
    Access, Advice, CowMap, ErrorKind, GrowingMap, GuardState, LockMode, Memory, Pages, SharedMap,
    fault_guard_state, install_fault_guard, remove_fault_guard,
};
use std::io::Write;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, GetProcessHandleCount};

fn file_of(len: usize) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&vec![7; len]).unwrap();
    file
}

fn handles() -> u32 {
    let mut count = 0;
    // SAFETY: asks about this process.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: there is room for the answer.
    assert_ne!(unsafe { GetProcessHandleCount(process, &raw mut count) }, 0);
    count
}

/// mmap-go, #29 and #4: failed maps and maps at offsets leave no handle. One test, since the others open
/// some meanwhile: the least of many differences counts.
#[test]
fn maps_leave_no_handle() {
    let file = file_of(200_000);
    let grown = (0..20)
        .map(|_| {
            let before = handles();
            for _ in 0..20 {
                SharedMap::map(file.as_file(), Access::ReadWrite, 65_537, None).unwrap().close().unwrap();
                drop(CowMap::map(file.as_file(), 65_536, None).unwrap());
                SharedMap::map(file.as_file(), Access::ReadWrite, 0, Some(200_001)).unwrap_err();
                drop(Memory::new(100).unwrap());
            }
            handles().saturating_sub(before)
        })
        .min();
    assert_eq!(grown, Some(0));
}

/// mmap-go flushed on the caller's handle (#14): closed, or used by another file, or open for reading.
#[test]
fn flushing_does_not_need_the_callers_handle() {
    let file = file_of(100);
    let map = SharedMap::map(&file.reopen().unwrap(), Access::ReadWrite, 0, None).unwrap();
    map.view().write_from(0, b"kept").unwrap();
    map.flush().unwrap();
    map.close().unwrap();
    assert_eq!(std::fs::read(file.path()).unwrap()[..4], *b"kept");
    let only = std::fs::File::open(file.path()).unwrap();
    let map = SharedMap::map(&only, Access::ReadOnly, 0, None).unwrap();
    map.flush().unwrap();
    map.close().unwrap();
}

/// A map never makes its file longer, as the system would.
#[test]
fn maps_beyond_the_end_are_refused() {
    let file = file_of(100);
    let error = SharedMap::map_beyond_end(file.as_file(), Access::ReadWrite, 0, 101).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert_eq!(file.as_file().metadata().unwrap().len(), 100);
    assert_eq!(SharedMap::map_beyond_end(file.as_file(), Access::ReadWrite, 0, 100).unwrap().len(), 100);
}

/// A mapped file cannot be cut shorter or renamed over; after the map is closed it can be removed.
#[test]
fn a_mapped_file_keeps_its_length_and_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mapped");
    std::fs::write(&path, vec![7; 100_000]).unwrap();
    let file = samovar_mmap::open_existing(&path, Access::ReadWrite).unwrap();
    let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
    assert_eq!(file.set_len(10).unwrap_err().raw_os_error(), Some(1224));
    assert_eq!(file.metadata().unwrap().len(), 100_000);
    file.set_len(200_000).unwrap();
    assert!(map.view().equals(0, &[7; 100_000]).unwrap(), "longer it may become");
    std::fs::write(dir.path().join("other"), b"x").unwrap();
    std::fs::rename(dir.path().join("other"), &path).unwrap_err();
    map.close().unwrap();
    drop(file);
    std::fs::remove_file(&path).unwrap();
    assert!(!path.exists());
}

#[test]
fn pages_are_locked_and_asked_for() {
    let file = file_of(100_000);
    let map = SharedMap::map(file.as_file(), Access::ReadWrite, 0, None).unwrap();
    map.populate(Access::ReadWrite, 0, map.len()).unwrap();
    let residency = map.residency(0, map.len()).unwrap();
    assert_eq!(
        residency.pages.len() * residency.page_bytes,
        100_000_usize.next_multiple_of(residency.page_bytes)
    );
    assert!(residency.resident_pages() > 0);
    map.lock(LockMode::Now, 0, 4096).unwrap();
    map.unlock(0, 4096).unwrap();
    map.unlock(0, 4096).unwrap();
    assert_eq!(map.lock(LockMode::OnFault, 0, 1).unwrap_err().kind(), ErrorKind::Unsupported);
    map.advise(Advice::Sequential, 0, map.len()).unwrap();
    assert_eq!(map.advise(Advice::Cold, 0, 1).unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(map.view().equals(0, &[7; 100_000]).unwrap());
}

#[test]
fn what_is_missing_says_so() {
    let file = file_of(100);
    let error = GrowingMap::map(file.as_file(), Access::ReadWrite, 1 << 20).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(samovar_mmap::memory_file(10).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[test]
fn the_guard_comes_and_goes() {
    install_fault_guard().unwrap();
    install_fault_guard().unwrap();
    assert_eq!(fault_guard_state(), GuardState::Active);
    remove_fault_guard().unwrap();
    remove_fault_guard().unwrap();
    assert_eq!(fault_guard_state(), GuardState::Absent);
}
