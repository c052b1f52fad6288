//! The kinds of maps: what a thin mapping package's tests hold it to, and more. The names in the comments are theirs:
//! those of mmap-go, memmap2, CPython's `mmap` and mio.

use samovar_mmap::{
    Access, CodeMap, CowMap, Discard, Durability, ErrorKind, FrozenMemory, GrowingMap, Memory, Pages,
    SharedMap, SharedMemory, open_existing,
};
use std::fs::File;
use std::io::{Read, Seek, Write};

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn hex_file() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(HEX).unwrap();
    file
}

fn read_only(file: &tempfile::NamedTempFile) -> File {
    open_existing(file.path(), Access::ReadOnly).unwrap()
}

fn bytes(view: samovar_mmap::View<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    view.append_to(0, view.len(), &mut out).unwrap();
    out
}

/// mmap-go TestUnmap: a read-only map of a read-only file unmaps without an error.
#[test]
fn read_only_maps_close_without_an_error() {
    let file = hex_file();
    SharedMap::map(&read_only(&file), Access::ReadOnly, 0, None).unwrap().close().unwrap();
}

/// mmap-go TestReadWrite, ExampleMap; memmap2 file_write, map_file: equal to the file; a write and a flush are seen by a read.
#[test]
fn what_is_written_and_flushed_is_read_from_the_file() {
    let mut file = hex_file();
    let map = SharedMap::map(file.as_file(), Access::ReadWrite, 0, None).unwrap();
    assert_eq!(bytes(map.view()), HEX);
    map.view().write_from(9, b"X").unwrap();
    map.flush().unwrap();
    let mut read = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut read).unwrap();
    assert_eq!(read, b"012345678XABCDEF");
    map.view().write_from(9, b"9").unwrap();
    map.close().unwrap();
    assert_eq!(std::fs::read(file.path()).unwrap(), HEX);
}

/// mmap-go TestProtFlagsAndErr; CPython "prot conflicts".
#[test]
fn a_mode_mismatch_is_an_error_at_map_time() {
    let file = hex_file();
    let error = SharedMap::map(&read_only(&file), Access::ReadWrite, 0, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
}

/// mmap-go TestFlags; memmap2 map_copy: neither the file nor another map sees what a copy-on-write map writes.
#[test]
fn copy_on_write_leaves_the_file_unchanged() {
    let file = hex_file();
    let other = SharedMap::map(file.as_file(), Access::ReadOnly, 0, None).unwrap();
    for source in [file.as_file(), &read_only(&file)] {
        let map = CowMap::map(source, 0, None).unwrap();
        map.view().write_from(9, b"X").unwrap();
        assert_eq!(bytes(map.view()), b"012345678XABCDEF");
        assert_eq!(bytes(other.view()), HEX);
        assert_eq!(std::fs::read(file.path()).unwrap(), HEX);
        assert!(!map.is_poisoned() && map.fault().is_none() && !map.is_empty());
        map.close().unwrap();
    }
}

/// memmap2 map_copy_read_only, and giving written pages up.
#[test]
#[cfg(unix)]
fn a_discarded_copy_shows_the_file_again() {
    let file = hex_file();
    file.as_file().set_len(3 * 4096).unwrap();
    let map = CowMap::map(&read_only(&file), 0, None).unwrap();
    map.view().write_from(0, b"abc").unwrap();
    assert_eq!(map.discard(Discard::DontNeed, 0, 3 * 4096).unwrap(), 3 * 4096);
    assert!(map.view().equals(0, HEX).unwrap());
    assert_eq!(map.discard(Discard::DontNeed, 1, 4095).unwrap(), 0, "no whole page");
    assert_eq!(map.discard(Discard::DontNeed, 1, 3 * 4096).unwrap_err().kind(), ErrorKind::OutOfBounds);
}

/// mmap-go TestNonZeroOffset, and the offset that it must refuse is fine here; mio's offsets around pages.
#[test]
fn every_kind_maps_at_every_offset() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let content: Vec<u8> =
        (0..3 * 65_536_u32).map(|i| (i / 65_536 * 100 + i % 97).to_le_bytes()[0]).collect();
    file.write_all(&content).unwrap();
    for offset in [0, 1, 4096 - 3, 4096 + 3, 2 * 4096 + 3, 65_536, 65_537, 2 * 65_536] {
        let shared = SharedMap::map(file.as_file(), Access::ReadOnly, offset as u64, Some(65_536)).unwrap();
        assert_eq!(bytes(shared.view()), content[offset..offset + 65_536]);
        let copy = CowMap::map(file.as_file(), offset as u64, None).unwrap();
        assert_eq!(bytes(copy.view()), content[offset..]);
        shared.close().unwrap();
        copy.close().unwrap();
    }
    let beyond = CowMap::map(file.as_file(), 100 * content.len() as u64, None).unwrap_err();
    assert_eq!(beyond.kind(), ErrorKind::OutOfBounds);
}

/// mmap-go TestAnonymousMapping, ExampleMapRegion; memmap2 map_anon: every byte can be written; it is a slice.
#[test]
fn anonymous_memory_is_zero_and_writable() {
    let mut memory = Memory::new(4096).unwrap();
    assert!(memory.iter().all(|byte| *byte == 0));
    memory.fill(7);
    memory[4095] = 8;
    assert_eq!((memory.len(), memory[0], memory[4095]), (4096, 7, 8));
    memory.close().unwrap();
    assert_eq!(Memory::new(100).unwrap().len(), 100);
}

/// memmap2 map_anon_zero_len, map_anon_len_overflow.
#[test]
fn lengths_that_no_memory_has() {
    let empty = Memory::new(0).unwrap();
    assert!(empty.is_empty());
    empty.close().unwrap();
    assert!(SharedMemory::new(0).unwrap().is_empty());
    for len in [usize::MAX, isize::MAX as usize + 1] {
        let error = Memory::new(len).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
    if cfg!(target_pointer_width = "32") {
        return; // there may be so much
    }
    let error = Memory::new(isize::MAX as usize - 4096).unwrap_err();
    assert!([ErrorKind::NoMemory, ErrorKind::InvalidArgument].contains(&error.kind()), "{error}");
}

/// memmap2 map_empty_file; CPython "empty file", "length 0 with offset".
#[test]
fn empty_files_are_empty_maps_of_every_kind() {
    let file = tempfile::tempfile().unwrap();
    assert!(CowMap::map(&file, 0, None).unwrap().is_empty());
    // SAFETY: it has no bytes, and nobody jumps into it.
    assert!(unsafe { CodeMap::map(&file, 0, None) }.unwrap().is_empty());
    let mut map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
    map.lock(samovar_mmap::LockMode::Now, 0, 0).unwrap();
    map.unlock(0, 0).unwrap();
    map.populate(Access::ReadWrite, 0, 0).unwrap();
    assert_eq!(map.residency(0, 0).unwrap().resident_pages(), 0);
    map.protect(Access::ReadOnly).unwrap();
    assert_eq!(map.discard(Discard::DontNeed, 0, 0).unwrap(), 0);
    map.close().unwrap();
}

/// memmap2 mprotect_file: rw -> ro -> rw, write, flush, a second map sees it.
#[test]
fn protection_of_a_file_map_changes_and_changes_back() {
    let file = hex_file();
    let mut map = SharedMap::map(file.as_file(), Access::ReadWrite, 3, None).unwrap();
    map.protect(Access::ReadOnly).unwrap();
    assert_eq!(map.access(), Access::ReadOnly);
    assert_eq!(map.view().write_from(0, b"x").unwrap_err().kind(), ErrorKind::PermissionDenied);
    map.protect(Access::ReadWrite).unwrap();
    map.view().write_from(0, b"x").unwrap();
    map.flush().unwrap();
    let other = SharedMap::map(file.as_file(), Access::ReadOnly, 0, None).unwrap();
    assert_eq!(bytes(other.view()), b"012x456789ABCDEF");
    let mut only = SharedMap::map(&read_only(&file), Access::ReadOnly, 0, None).unwrap();
    assert_eq!(only.protect(Access::ReadWrite).unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(only.access(), Access::ReadOnly, "as it was");
}

/// memmap2 mprotect_anon, mprotect_copy.
#[test]
fn frozen_memory_keeps_its_bytes() {
    let mut memory = Memory::new(10_000).unwrap();
    memory[9_999] = 5;
    let frozen: FrozenMemory = memory.freeze().unwrap();
    assert_eq!(frozen[9_999], 5);
    let mut thawed = frozen.thaw().unwrap();
    thawed[0] = 6;
    assert_eq!((thawed[0], thawed[9_999]), (6, 5));
    thawed.freeze().unwrap().close().unwrap();
}

/// memmap2 jit_x86_anon, jit_x86_file.
#[test]
#[cfg(target_arch = "x86_64")]
fn code_runs_from_memory_and_from_a_file() {
    const CODE: [u8; 6] = [0xB8, 0xAB, 0, 0, 0, 0xC3]; // mov eax, 0xAB; ret
    type Function = extern "C" fn() -> u32;
    let mut memory = Memory::new(CODE.len()).unwrap();
    memory.copy_from_slice(&CODE);
    // SAFETY: the bytes are a function.
    let code = unsafe { memory.into_code() }.unwrap();
    // SAFETY: the bytes are this function.
    assert_eq!(unsafe { std::mem::transmute::<*const u8, Function>(code.as_ptr()) }(), 0xAB);
    code.close().unwrap();

    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&[&[0x90; 77], &CODE[..]].concat()).unwrap();
    // SAFETY: the bytes are a function, and nobody else has the file.
    let code = match unsafe { CodeMap::map(file.as_file(), 77, None) } {
        Ok(code) => code,
        Err(error) => return println!("SKIPPED: the file system is mounted noexec: {error}"),
    };
    assert_eq!(code.len(), CODE.len());
    // SAFETY: the bytes are this function.
    assert_eq!(unsafe { std::mem::transmute::<*const u8, Function>(code.as_ptr()) }(), 0xAB);
}

/// A derived view cannot outlive or unmap its map, a second close cannot be written: both are errors of
/// compilation (see the crate's page). Here: close gives the result, once.
#[test]
fn closing_is_final_and_says_so() {
    let file = hex_file();
    let map = SharedMap::map(file.as_file(), Access::ReadWrite, 0, None).unwrap();
    map.view().write_from(0, b"z").unwrap();
    let closed: Result<(), samovar_mmap::Error> = map.close();
    closed.unwrap();
    assert_eq!(std::fs::read(file.path()).unwrap()[0], b'z', "in the page cache without a flush");
}

/// A flush after the file was closed, which the user may do.
#[test]
fn flush_and_close_do_not_need_the_file() {
    let file = hex_file();
    let map = SharedMap::map(&file.reopen().unwrap(), Access::ReadWrite, 0, None).unwrap();
    map.view().write_from(0, b"q").unwrap();
    map.flush().unwrap();
    map.close().unwrap();
    let copy = CowMap::map(&file.reopen().unwrap(), 0, None).unwrap();
    copy.view().write_from(0, b"r").unwrap();
    copy.close().unwrap();
    assert_eq!(std::fs::read(file.path()).unwrap()[0], b'q');
}

/// memmap2 flush_range; also one byte outside.
#[test]
fn flush_ranges_are_checked_to_the_byte() {
    let file = hex_file();
    let map = SharedMap::map(file.as_file(), Access::ReadWrite, 0, None).unwrap();
    map.view().write_from(2, b"flush").unwrap();
    map.flush_range(2, 6).unwrap();
    assert_eq!(map.flush_range(16, 0).unwrap(), Durability::Nothing);
    for (offset, len) in [(0, 17), (16, 1), (17, 0), (usize::MAX, 1), (1, usize::MAX)] {
        assert_eq!(map.flush_range(offset, len).unwrap_err().kind(), ErrorKind::OutOfBounds);
    }
}

/// A flush says how far the bytes have come: where there is a device, as far as it; and every kind says the same.
#[test]
fn a_flush_says_what_it_did() {
    let file = hex_file();
    let map = SharedMap::map(file.as_file(), Access::ReadWrite, 0, None).unwrap();
    map.view().write_from(0, b"kept").unwrap();
    let told = map.flush().unwrap();
    assert_ne!(told, Durability::Nothing);
    assert_eq!(map.flush_range(3, 5).unwrap(), told);
    let empty = tempfile::tempfile().unwrap();
    let empty = SharedMap::map(&empty, Access::ReadWrite, 0, None).unwrap();
    assert_eq!(empty.flush().unwrap(), Durability::Nothing);
    let reader = SharedMap::map(file.as_file(), Access::ReadOnly, 0, None).unwrap();
    let by_readers = if cfg!(windows) { Durability::Nothing } else { Durability::Data };
    assert!([by_readers, told].contains(&reader.flush().unwrap()));
    #[cfg(unix)]
    assert_eq!(
        GrowingMap::map(file.as_file(), Access::ReadWrite, 1 << 20).unwrap().flush_range(0, 9).unwrap(),
        told
    );
}

/// mmap-go #29: maps that fail leave nothing open.
#[test]
#[cfg(target_os = "linux")]
fn failed_maps_leave_no_descriptor_and_no_map() {
    let file = hex_file();
    let opened = read_only(&file);
    let count = |path: &str| std::fs::read_dir(path).unwrap().count();
    let attempt = || {
        SharedMap::map(&opened, Access::ReadWrite, 0, None).unwrap_err();
        SharedMap::map(&opened, Access::ReadOnly, 17, None).unwrap_err();
        CowMap::map(&opened, 0, Some(17)).unwrap_err();
        Memory::new(isize::MAX as usize + 1).unwrap_err();
    };
    attempt();
    // Other tests of this program open files meanwhile: the least of many differences counts.
    let grown = (0..50)
        .map(|_| {
            let before = count("/proc/self/fd");
            (0..20).for_each(|_| attempt());
            count("/proc/self/fd").saturating_sub(before)
        })
        .min();
    assert_eq!(grown, Some(0));
}

/// memmap2 sync_send, owning_ref: maps go to other threads, and their bytes do not move.
#[test]
fn maps_go_between_threads_and_stay_in_place() {
    fn moves<T: Send + Sync>() {}
    moves::<(SharedMap, CowMap, Memory, FrozenMemory, SharedMemory, CodeMap, GrowingMap)>();
    let mut memory = Memory::new(4096).unwrap();
    memory[1] = 1;
    let at = memory.as_ptr();
    let memory = std::thread::spawn(move || memory).join().unwrap();
    assert_eq!((memory.as_ptr(), memory[1]), (at, 1));
}

/// memmap2 raw, raw_read_only; the doors for those who must have the slice.
#[test]
fn slices_have_a_visible_door() {
    let file = hex_file();
    let map = SharedMap::map(file.as_file(), Access::ReadWrite, 0, None).unwrap();
    // SAFETY: nobody else has the file, and no view is used while the slice lives.
    unsafe { map.view().slice_mut(10, 3) }.unwrap().copy_from_slice(b"abc");
    // SAFETY: nobody else has the file, and no view is used while the slice lives.
    assert_eq!(unsafe { map.view().slice(8, 6) }.unwrap(), b"89abcD");
    // SAFETY: as above.
    assert_eq!(unsafe { map.view().slice(8, 9) }.unwrap_err().kind(), ErrorKind::OutOfBounds);
    let only = SharedMap::map(&read_only(&file), Access::ReadOnly, 0, None).unwrap();
    // SAFETY: it is refused.
    assert_eq!(unsafe { only.view().slice_mut(0, 1) }.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert!(!only.as_ptr().is_null());
}

/// A length beyond the end is an error unless it is asked for (CPython "length+1"), and asking does not grow the
/// file.
#[test]
#[cfg(unix)]
fn beyond_the_end_only_when_asked() {
    let file = hex_file();
    assert_eq!(
        SharedMap::map(file.as_file(), Access::ReadWrite, 0, Some(17)).unwrap_err().kind(),
        ErrorKind::OutOfBounds
    );
    let map = SharedMap::map_beyond_end(file.as_file(), Access::ReadWrite, 0, 1 << 16).unwrap();
    assert_eq!(map.len(), 1 << 16);
    assert!(map.view().equals(0, HEX).unwrap());
    assert_eq!(file.as_file().metadata().unwrap().len(), 16, "the file is as long as it was");
    file.as_file().set_len(1 << 16).unwrap();
    map.view().write_from(60_000, b"now").unwrap();
    assert_eq!(&std::fs::read(file.path()).unwrap()[60_000..60_003], b"now");
}

/// Growth keeps the base address, and every view stays good (memmap2 remap_grow).
#[test]
#[cfg(unix)]
fn growth_keeps_its_place() {
    let file = hex_file();
    let map = GrowingMap::map(file.as_file(), Access::ReadWrite, 1 << 30).unwrap();
    let (early, word) = (map.view(), map.view().word64(0).unwrap());
    for size in [17, 5000, 4096, 100_000, 100_001, 1 << 24] {
        let before = map.len();
        samovar_mmap::reserve(file.as_file(), size).unwrap();
        let len = map.grow(file.as_file()).unwrap();
        assert_eq!(len, before.max(usize::try_from(size).unwrap()));
        map.view().write_from(len - 1, &[9]).unwrap();
        assert!(early.equals(0, HEX).unwrap());
        assert_eq!(word.load(), u64::from_le_bytes(HEX[..8].try_into().unwrap()));
        assert_eq!(std::fs::read(file.path()).unwrap()[len - 1], 9);
    }
    assert_eq!(early.len(), 16, "a view ends where it ended");
    assert_eq!(early.read_into(16, &mut [0]).unwrap_err().kind(), ErrorKind::OutOfBounds);
    map.flush_range(0, 1 << 24).unwrap();
    assert!(!map.is_poisoned() && map.fault().is_none() && !map.is_empty());
    file.as_file().set_len((1 << 30) + 1).unwrap();
    assert_eq!(map.grow(file.as_file()).unwrap_err().kind(), ErrorKind::InvalidArgument);
    map.close().unwrap();
}

/// Threads use the map while it grows.
#[test]
#[cfg(unix)]
fn growth_under_readers() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(4096).unwrap();
    let map = GrowingMap::map(&file, Access::ReadWrite, 1 << 26).unwrap();
    std::thread::scope(|scope| {
        let reader = || {
            let mut out = [1; 64];
            while map.len() < 1 << 24 {
                let len = map.len();
                map.view().read_into(len - 64, &mut out).unwrap();
                assert_eq!(out, [0; 64]);
            }
        };
        scope.spawn(reader);
        scope.spawn(reader);
        for pages in (8..=1 << 12).step_by(8) {
            file.set_len(pages * 4096).unwrap();
            map.grow(&file).unwrap();
        }
    });
}
