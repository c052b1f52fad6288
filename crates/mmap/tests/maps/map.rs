//! Maps: every offset and length, modes, emptiness, sharing, flushing.

use samovar_mmap::{Access, ErrorKind, SharedMap, file_id, is_remote, open_existing};
use std::fs::File;
use std::io::Write;

fn file_of(len: usize) -> (tempfile::NamedTempFile, Vec<u8>) {
    let bytes: Vec<u8> = (0..len).map(|i| u8::try_from(i % 251).unwrap()).collect();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&bytes).unwrap();
    (file, bytes)
}

fn read_only(file: &tempfile::NamedTempFile) -> File {
    open_existing(file.path(), Access::ReadOnly).unwrap()
}

fn contents(map: &SharedMap) -> Vec<u8> {
    let mut out = vec![0; map.len()];
    map.view().read_into(0, &mut out).unwrap();
    out
}

#[test]
fn every_offset_and_length_can_be_mapped() {
    let (file, bytes) = file_of(20_000);
    for offset in [0, 1, 7, 63, 4095, 4096, 4099, 8195, 12_289, 19_999, 20_000] {
        let rest = bytes.len() - offset;
        for len in [None, Some(0), Some(1.min(rest)), Some(rest / 2), Some(rest)] {
            let map = SharedMap::map(file.as_file(), Access::ReadOnly, offset as u64, len).unwrap();
            assert_eq!(map.len(), len.unwrap_or(rest));
            assert_eq!(contents(&map), bytes[offset..offset + map.len()]);
        }
    }
}

#[test]
fn beyond_the_end_is_an_error() {
    let (file, _) = file_of(5000);
    let too_far = [
        (0, Some(5001)),
        (5000, Some(1)),
        (5001, None),
        (5001, Some(0)),
        (1, Some(5000)),
        (1, Some(usize::MAX)),
        (u64::MAX, None),
        (u64::MAX, Some(usize::MAX)),
    ];
    for (offset, len) in too_far {
        let error = SharedMap::map(file.as_file(), Access::ReadWrite, offset, len).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutOfBounds, "{error}");
    }
    assert_eq!(file.as_file().metadata().unwrap().len(), 5000, "never grown");
}

#[test]
fn empty_files_are_empty_maps() {
    let (file, _) = file_of(0);
    for access in [Access::ReadOnly, Access::ReadWrite] {
        let map = SharedMap::map(file.as_file(), access, 0, None).unwrap();
        assert!(map.is_empty());
        assert!(map.view().is_empty());
        map.flush().unwrap();
        map.view().read_into(0, &mut []).unwrap();
        assert!(map.view().equals(0, b"").unwrap());
        assert!(map.view().window(0, 0).is_ok());
        assert_eq!(map.view().word64(0).unwrap_err().kind(), ErrorKind::OutOfBounds);
        assert_eq!(map.view().read_into(0, &mut [0]).unwrap_err().kind(), ErrorKind::OutOfBounds);
        map.view().prefetch(0);
        map.close().unwrap();
    }
}

#[test]
fn a_map_for_writing_needs_a_file_for_writing() {
    let (file, bytes) = file_of(100);
    let error = SharedMap::map(&read_only(&file), Access::ReadWrite, 0, None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    let map = SharedMap::map(&read_only(&file), Access::ReadOnly, 0, None).unwrap();
    assert_eq!(map.access(), Access::ReadOnly);
    assert_eq!(contents(&map), bytes);
}

#[test]
fn a_read_only_map_refuses_every_write() {
    let (file, bytes) = file_of(256);
    // The file is open for writing: the map alone says no.
    let map = SharedMap::map(file.as_file(), Access::ReadOnly, 0, None).unwrap();
    let view = map.view();
    let writable = SharedMap::map(file.as_file(), Access::ReadWrite, 0, None).unwrap();
    for error in [
        view.write_from(0, b"x").unwrap_err(),
        view.zero(0, 8).unwrap_err(),
        writable.view().copy_to(0, 8, view, 16).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    }
    let words: [fn(samovar_mmap::Word64<'_>); 4] = [
        |word| word.store(1),
        |word| word.store_release(1),
        |word| assert!(word.compare_exchange(0, 1).is_err()),
        |word| assert_eq!(word.fetch_add(1), 0),
    ];
    for write in words {
        let word = view.word64(0).unwrap();
        std::panic::catch_unwind(|| write(word)).unwrap_err();
    }
    assert_eq!(contents(&map), bytes);
    assert_eq!(view.word64(8).unwrap().load(), u64::from_le_bytes(bytes[8..16].try_into().unwrap()));
}

#[test]
fn only_regular_files_are_mapped() {
    for path in ["/", "/dev/zero"] {
        let Ok(file) = File::open(path) else { continue };
        let error = SharedMap::map(&file, Access::ReadOnly, 0, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
}

#[test]
fn maps_of_one_file_share_their_bytes() {
    let (file, bytes) = file_of(9000);
    let one = SharedMap::map(file.as_file(), Access::ReadWrite, 0, None).unwrap();
    let other = SharedMap::map(&read_only(&file), Access::ReadOnly, 4100, Some(100)).unwrap();
    drop(file.as_file().try_clone().unwrap());
    one.view().write_from(4110, b"hello").unwrap();
    assert!(other.view().equals(10, b"hello").unwrap());
    assert_eq!(std::fs::read(file.path()).unwrap()[4110..4115], *b"hello");
    one.view().copy_to(4110, 5, one.view(), 0).unwrap();
    one.view().zero(5, 1).unwrap();
    assert_eq!(&contents(&one)[..7], &[b'h', b'e', b'l', b'l', b'o', 0, bytes[6]]);
    one.flush_range(4110, 5).unwrap();
    one.flush().unwrap();
    assert_eq!(one.flush_range(8999, 2).unwrap_err().kind(), ErrorKind::OutOfBounds);
    assert_eq!(one.flush_range(usize::MAX, 2).unwrap_err().kind(), ErrorKind::OutOfBounds);
}

#[test]
fn maps_live_on_when_the_file_is_closed_and_removed() {
    let (file, bytes) = file_of(5000);
    let map = SharedMap::map(file.as_file(), Access::ReadWrite, 0, None).unwrap();
    file.close().unwrap();
    assert_eq!(contents(&map), bytes);
    map.view().write_from(0, b"still").unwrap();
    map.flush().unwrap();
    map.close().unwrap();
}

#[test]
fn offsets_beyond_four_gigabytes() {
    let file = tempfile::tempfile().unwrap();
    let offset = u64::from(u32::MAX) + 2;
    file.set_len(offset + 5432).unwrap();
    let map = SharedMap::map(&file, Access::ReadWrite, offset, None).unwrap();
    assert_eq!(map.len(), 5432);
    map.view().write_from(5431, b"x").unwrap();
    assert!(map.view().equals(5431, b"x").unwrap());
}

#[test]
fn identities_and_places() {
    let (one, _) = file_of(1);
    let (other, _) = file_of(1);
    assert_eq!(file_id(one.as_file()).unwrap(), file_id(&read_only(&one)).unwrap());
    assert_ne!(file_id(one.as_file()).unwrap(), file_id(other.as_file()).unwrap());
    is_remote(one.as_file()).unwrap();
    let error = open_existing(&one.path().with_extension("not there"), Access::ReadOnly).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("not there"), "{error}");
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::NotFound);
}

/// mmap-go, #7: an address used again between unmapping and forgetting it.
#[test]
fn maps_are_made_and_freed_by_many_threads() {
    let (file, bytes) = file_of(10_000);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (file, bytes) = (file.as_file(), &bytes);
            scope.spawn(move || {
                for round in 0..1000 {
                    let offset = (thread * 2503 + round * 7) % 9000;
                    let map = SharedMap::map(file, Access::ReadOnly, offset as u64, Some(64)).unwrap();
                    assert!(map.view().equals(0, &bytes[offset..offset + 64]).unwrap());
                }
            });
        }
    });
}
