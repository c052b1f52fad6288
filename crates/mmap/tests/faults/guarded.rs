//! Maps under the guard, and what a fault in one has to be.

use crate::common::is_emulated;
use samovar_mmap::{Access, ErrorKind, FaultKind, SharedMap, install_fault_guard};
use std::fs::File;

pub(crate) const PAGE: usize = 4096;

/// A copy that met a fault leaves the map as it was; elsewhere it poisons it, as words do. It is an error everywhere.
pub(crate) const COPIES_LEAVE_NO_TRACE: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

pub(crate) fn file_of(pages: usize) -> File {
    let file = tempfile::tempfile().unwrap();
    file.set_len((pages * PAGE) as u64).unwrap();
    file
}

pub(crate) fn guarded(file: &File, access: Access) -> SharedMap {
    install_fault_guard().unwrap();
    SharedMap::map(file, access, 0, None).unwrap()
}

/// Emulators do not pass on the question by which a full device is told from a file cut short.
pub(crate) fn kinds_are_told() -> bool {
    !is_emulated()
}

#[track_caller]
pub(crate) fn assert_fault(error: &samovar_mmap::Error, offset: usize, kind: FaultKind) {
    assert_eq!(error.kind(), ErrorKind::Fault, "{error}");
    let fault = error.fault().unwrap();
    assert_eq!(fault.offset, offset, "{error}");
    assert!(fault.kind == kind || !kinds_are_told(), "{error}");
}
