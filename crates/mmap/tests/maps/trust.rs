//! A promise about one map opens that map, and no other.

use samovar_mmap::{Access, ErrorKind, SharedMap, TrustedMap, TrustedWriters};

fn map_of(file: &std::fs::File) -> SharedMap {
    SharedMap::map(file, Access::ReadWrite, 0, None).unwrap()
}

fn file_of(len: u64) -> std::fs::File {
    let file = tempfile::tempfile().unwrap();
    file.set_len(len).unwrap();
    file
}

fn promised(map: &SharedMap) -> TrustedMap {
    // SAFETY: nobody writes these files while a slice lives, and nobody cuts them.
    map.trust(unsafe { TrustedWriters::promise() })
}

#[test]
fn a_promise_opens_its_map_and_every_window_of_it() {
    let map = map_of(&file_of(10_000));
    map.view().write_from(9_990, b"the end").unwrap();
    let trust = promised(&map);
    assert_eq!(map.view().trusted_slice(trust).unwrap().len(), 10_000);
    let window = map.view().window(9_990, 10).unwrap().read_only();
    assert_eq!(window.trusted_slice(trust).unwrap(), b"the end\0\0\0");
    assert_eq!(map.view().window(10_000, 0).unwrap().trusted_slice(trust).unwrap(), b"");
}

#[test]
fn a_promise_opens_no_other_map() {
    let (file, other) = (file_of(4096), file_of(4096));
    let map = map_of(&file);
    let trust = promised(&map);
    for map in [map_of(&other), map_of(&file)] {
        let refused = map.view().trusted_slice(trust).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument, "{refused}");
        map.view().trusted_slice(promised(&map)).unwrap();
    }
    let nothing = map_of(&file_of(0));
    assert_eq!(nothing.view().trusted_slice(promised(&nothing)).unwrap(), b"");
    assert!(map.view().trusted_slice(promised(&nothing)).is_err());
}

/// Not even when it is gone, and the other one lies where it was.
#[test]
fn a_promise_ends_with_its_map() {
    let file = file_of(4096);
    let mut at_the_same_place = 0;
    for _ in 0..50 {
        let map = map_of(&file);
        let (trust, place) = (promised(&map), map.as_ptr());
        drop(map);
        let later = map_of(&file);
        at_the_same_place += usize::from(later.as_ptr() == place);
        assert!(later.view().trusted_slice(trust).is_err());
    }
    println!("{at_the_same_place} of 50 maps lay where the one before did");
}
