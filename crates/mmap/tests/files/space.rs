//! Reserving space and giving it back.

#[cfg(unix)]
use crate::common::Mounted;
#[cfg(unix)]
use samovar_mmap::AllocGuarantee;
use samovar_mmap::{ErrorKind, disk_bytes, punch, reserve, reserve_range};
#[cfg(unix)]
use std::fs;
use std::io::{Read, Seek, Write};

#[test]
fn reserving_keeps_what_is_there_and_never_shrinks() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"kept").unwrap();
    reserve(&file, 1 << 20).unwrap();
    reserve(&file, 10).unwrap();
    reserve(&file, 0).unwrap();
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len(), 1 << 20);
    assert_eq!(&bytes[..4], b"kept");
    assert!(bytes[4..].iter().all(|byte| *byte == 0));
}

#[test]
#[cfg(unix)]
fn a_sparse_file_gets_its_space() {
    use std::os::unix::fs::MetadataExt;
    let file = tempfile::tempfile().unwrap();
    file.set_len(1 << 20).unwrap();
    let guarantee = reserve(&file, 1 << 20).unwrap();
    let blocks = file.metadata().unwrap().blocks();
    assert!(
        guarantee == AllocGuarantee::None || blocks * 512 >= 1 << 20,
        "{guarantee:?} with {blocks} blocks"
    );
}

#[test]
#[cfg(unix)]
fn a_full_file_system_is_an_error_and_restores_the_size() {
    let Some(tmpfs) = Mounted::tmpfs("4m") else { return };
    let file =
        fs::File::options().read(true).write(true).create_new(true).open(tmpfs.path().join("f")).unwrap();
    assert_eq!(reserve(&file, 1 << 20).unwrap(), AllocGuarantee::Reserved);
    let error = reserve(&file, 64 << 20).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
    assert_eq!(file.metadata().unwrap().len(), 1 << 20);
    assert_eq!(reserve(&file, 2 << 20).unwrap(), AllocGuarantee::Reserved);
}

/// The same on ext4, where a refused reservation leaves the file partly grown.
#[test]
#[cfg(unix)]
fn a_full_ext4_is_an_error_and_restores_the_size() {
    let Some(ext4) = Mounted::ext4(24 << 20) else { return };
    let file =
        fs::File::options().read(true).write(true).create_new(true).open(ext4.path().join("f")).unwrap();
    assert_eq!(reserve(&file, 1 << 20).unwrap(), AllocGuarantee::Reserved);
    let error = reserve(&file, 64 << 20).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
    assert_eq!(file.metadata().unwrap().len(), 1 << 20);
    assert_eq!(reserve(&file, 2 << 20).unwrap(), AllocGuarantee::Reserved);
}

#[test]
fn a_punched_range_reads_as_zeroes_and_takes_no_space() {
    use samovar_mmap::{Access, SharedMap};
    let file = tempfile::tempfile().unwrap();
    reserve(&file, 1 << 20).unwrap();
    let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
    map.view().write_from(0, &vec![7; 1 << 20]).unwrap();
    let before = disk_bytes(&file).unwrap();
    match punch(&file, 1 << 18, 1 << 19) {
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            assert!(map.view().equals(1 << 18, &vec![7; 1 << 19]).unwrap());
        }
        Ok(()) => {
            assert!(disk_bytes(&file).unwrap() + (1 << 19) <= before);
            assert!(map.view().equals(1 << 18, &vec![0; 1 << 19]).unwrap());
        }
    }
    for kept in [0..1 << 18, 3 << 18..1 << 20] {
        assert!(map.view().equals(kept.start, &vec![7; kept.len()]).unwrap());
    }
    assert_eq!(file.metadata().unwrap().len(), 1 << 20);
}

#[test]
#[cfg(unix)]
fn a_reserved_range_keeps_what_it_held() {
    use samovar_mmap::{Access, SharedMap};
    let file = tempfile::tempfile().unwrap();
    file.set_len(1 << 20).unwrap();
    let map = SharedMap::map(&file, Access::ReadWrite, 0, None).unwrap();
    map.view().write_from(1 << 18, b"kept").unwrap();
    let guarantee = reserve_range(&file, 1 << 17, 1 << 19).unwrap();
    assert!(map.view().equals(1 << 18, b"kept").unwrap());
    assert!(guarantee == AllocGuarantee::None || disk_bytes(&file).unwrap() >= 1 << 19, "{guarantee:?}");
}

#[test]
fn ranges_that_leave_the_file_are_refused() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(1 << 16).unwrap();
    for (offset, len) in [(0, (1 << 16) + 1), (1 << 16, 1), (u64::MAX, 1), (1, u64::MAX)] {
        assert_eq!(reserve_range(&file, offset, len).unwrap_err().kind(), ErrorKind::OutOfBounds);
        assert_eq!(punch(&file, offset, len).unwrap_err().kind(), ErrorKind::OutOfBounds);
    }
    reserve_range(&file, 1 << 16, 0).unwrap();
    punch(&file, 1 << 16, 0).unwrap();
}

#[test]
#[cfg(unix)]
fn a_range_of_a_full_file_system_is_an_error() {
    for mounted in [Mounted::tmpfs("4m"), Mounted::ext4(24 << 20)].into_iter().flatten() {
        let path = mounted.path().join("f");
        let file = fs::File::options().read(true).write(true).create_new(true).open(path).unwrap();
        file.set_len(64 << 20).unwrap();
        let error = reserve_range(&file, 1 << 20, 63 << 20).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
        punch(&file, 1 << 20, 63 << 20).unwrap();
        reserve_range(&file, 1 << 20, 2 << 20).unwrap();
    }
}

#[test]
#[cfg(unix)]
fn bytes_stored_behind_the_end_do_not_come_to_light() {
    let Some(tmpfs) = Mounted::tmpfs("4m") else { return };
    let file =
        fs::File::options().read(true).write(true).create_new(true).open(tmpfs.path().join("f")).unwrap();
    file.set_len(4096).unwrap();
    let map = samovar_mmap::SharedMap::map(&file, samovar_mmap::Access::ReadWrite, 0, None).unwrap();
    map.view().write_from(0, &[7; 4096]).unwrap();
    file.set_len(100).unwrap();
    map.view().write_from(200, b"stray").unwrap();
    reserve(&file, 8192).unwrap();
    assert!(map.view().equals(100, &[0; 3996]).unwrap());
    assert!(map.view().equals(0, &[7; 100]).unwrap());
}
