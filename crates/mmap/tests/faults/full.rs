//! Sparse maps on full devices.

use crate::common::Mounted;
use crate::guarded::{PAGE, guarded, kinds_are_told};
use samovar_mmap::{Access, ErrorKind, FaultKind};
use std::fs::File;

fn fill_a_full_device(dir: &std::path::Path, kind: FaultKind) {
    let file = File::options().read(true).write(true).create_new(true).open(dir.join("sparse")).unwrap();
    file.set_len(64 << 20).unwrap();
    let map = guarded(&file, Access::ReadWrite);
    let fill = |offset| map.view().write_from(offset, &[1; PAGE]);
    let error = (0..(64 << 20) / PAGE).find_map(|page| fill(page * PAGE).err()).expect("it is smaller");
    assert_eq!(error.kind(), ErrorKind::Fault, "{error}");
    assert!(error.fault().unwrap().kind == kind || !kinds_are_told(), "{error}");
    let map = guarded(&file, Access::ReadWrite);
    let mut offset = 0;
    while !map.is_poisoned() {
        map.view().word64(offset).unwrap().store(1);
        offset += PAGE;
    }
    let fault = map.fault().unwrap();
    assert_eq!(fault.offset, offset - PAGE);
    assert!(fault.kind == kind || !kinds_are_told());
}

/// A sparse map on a full device is a fault error. (A tmpfs needs space for reading a hole, too.)
#[test]
fn a_full_tmpfs_is_an_error() {
    if let Some(tmpfs) = Mounted::tmpfs("4m") {
        fill_a_full_device(tmpfs.path(), FaultKind::Missing);
    }
}

/// The same on ext4.
#[test]
fn a_full_ext4_is_an_error() {
    if let Some(ext4) = Mounted::ext4(24 << 20) {
        fill_a_full_device(ext4.path(), FaultKind::NoSpace);
    }
}
