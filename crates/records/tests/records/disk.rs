//! A full disk is an error, and the file is as it was. Needs a file system of its own, and so the right to mount one.

use crate::common::{Bar, SmallDisk, bar, number};
use samovar_records::{ErrorKind, RecordFile};
use std::path::Path;

fn compare(path: &Path, file: &RecordFile<Bar>, count: u32) {
    let reader = RecordFile::<Bar>::open(path).unwrap();
    for handle in [file, &reader] {
        let numbers: Vec<u32> = handle.to_vec().unwrap().iter().map(number).collect();
        assert_eq!(numbers, (0..count).collect::<Vec<_>>());
    }
}

#[test]
fn a_full_disk_is_an_error_and_the_file_is_as_it_was() {
    let Some(disk) = SmallDisk::mount() else { return };
    let path = disk.path().join("bars");
    let file = RecordFile::<Bar>::create(&path).unwrap();
    let mut count = 0;
    let error = loop {
        match file.push(&bar(count)) {
            Ok(()) => count += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::NoSpace);
    assert!(count > 20_000, "all of the disk was used before: {count}");
    let len = std::fs::metadata(&path).unwrap().len();
    compare(&path, &file, count);
    assert_eq!(file.extend_from_slice(&[bar(1); 3000]).unwrap_err().kind(), ErrorKind::NoSpace);
    assert_eq!(file.reserve(1 << 20).unwrap_err().kind(), ErrorKind::NoSpace);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), len);
    compare(&path, &file, count);
    // What needs no room still works.
    file.update_last(&bar(7)).unwrap();
    file.truncate_front(10).unwrap();
    file.push(&bar(8)).unwrap();
    assert_eq!(number(&file.last().unwrap().unwrap()), 8);
    let other = RecordFile::<Bar>::create_with_capacity(disk.path().join("other"), 100_000).unwrap_err();
    assert_eq!(other.kind(), ErrorKind::NoSpace);
    assert!(!disk.path().join("other").exists());
}
