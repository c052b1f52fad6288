//! Records with checksums: what is no whole record is damage and no value, however it is read.
//!
//! Canaries, tried and found: no checksum is looked at; checksums without ordinals.

use crate::common::{Bar, Form, bar};
use samovar_records::{ErrorKind, RawFile, RecordFile, RecordSet, Result};
use std::path::{Path, PathBuf};

const WITH_CHECKSUMS: [Form; 2] = [Form::Checksums, Form::ColumnsWithChecksums];
const COUNT: u32 = 100;

fn file(form: Form, dir: &Path) -> PathBuf {
    let path = dir.join("bars");
    let file = form.options().create::<Bar>(&path, COUNT as usize).unwrap();
    file.extend_from_slice(&(0..COUNT).map(bar).collect::<Vec<_>>()).unwrap();
    file.close().unwrap();
    path
}

/// Where the first record begins, and a byte of record 7.
fn byte_of_the_seventh(form: Form, path: &Path) -> usize {
    let info = RawFile::open(path).unwrap().info().unwrap();
    let begin = usize::try_from(info.records_offset).unwrap();
    match form {
        // The fourth byte of the second field.
        Form::Columns | Form::ColumnsWithChecksums => begin + 8 * info.block_records.unwrap() + 7 * 8 + 3,
        Form::Rows | Form::Checksums => begin + 7 * info.slot_size + 11,
    }
}

#[track_caller]
fn is_damage<T>(read: Result<T>) {
    assert_eq!(read.map(drop).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_damaged_record_is_damage_however_it_is_read() {
    for form in WITH_CHECKSUMS {
        let dir = tempfile::tempdir().unwrap();
        let path = file(form, dir.path());
        RawFile::open(&path).unwrap().check().unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[byte_of_the_seventh(form, &path)] ^= 0x10;
        std::fs::write(&path, bytes).unwrap();

        let file = RecordFile::<Bar>::open(&path).unwrap();
        is_damage(file.get(7));
        is_damage(file.iter().unwrap().collect::<Result<Vec<_>>>());
        is_damage(file.to_vec());
        is_damage(file.snapshot());
        let view = file.view().unwrap();
        is_damage(view.get(7));
        is_damage(view.for_each_column(|bar| &bar.close, |_| ()));
        is_damage(file.follow_from(0).take(&mut Vec::new()));
        is_damage(file.backup(dir.path().join("copy")));
        let told = RawFile::open(&path).unwrap().check().unwrap_err();
        assert!(told.kind() == ErrorKind::Corrupt && told.to_string().contains("record 7"), "{told}");
        assert!(!dir.path().join("copy").exists(), "a backup is whole or not there");
        for index in (0..COUNT).filter(|index| *index != 7) {
            assert_eq!(file.get(index as usize).unwrap(), Some(bar(index)), "the others are as they were");
        }

        let writer = RecordFile::<Bar>::open_writer(&path).unwrap();
        writer.set(7, &bar(7)).unwrap();
        assert_eq!(file.to_vec().unwrap().len(), COUNT as usize, "a new value is no damage");
    }
}

/// What a copy of a file is that was read up to `at` before something was written, and from there on after it.
fn copy_amid(path: &Path, at: usize, write: impl FnOnce()) {
    let mut bytes = std::fs::read(path).unwrap();
    write();
    let after = std::fs::read(path).unwrap();
    bytes.truncate(at);
    bytes.extend_from_slice(&after[at..]);
    std::fs::write(path.with_extension("copy"), bytes).unwrap();
}

fn copied(path: &Path) -> RecordFile<Bar> {
    RecordFile::open(path.with_extension("copy")).unwrap()
}

#[test]
fn a_copy_of_a_file_in_use_has_no_torn_record_that_passes_for_one() {
    for form in Form::ALL {
        let dir = tempfile::tempdir().unwrap();
        let path = file(form, dir.path());
        let at = byte_of_the_seventh(form, &path) - 3;
        let writer = RecordFile::<Bar>::open_writer(&path).unwrap();
        copy_amid(&path, at, || (0..3).for_each(|more| writer.set(7, &bar(1007 + more)).unwrap()));
        let torn = copied(&path).get(7);
        if WITH_CHECKSUMS.contains(&form) {
            is_damage(torn);
        } else {
            let torn = torn.unwrap().unwrap();
            assert!(torn != bar(7) && torn != bar(1009), "without checksums nobody can tell");
        }
    }
}

#[test]
fn a_copy_of_a_ring_in_use_has_no_later_record_in_the_place_of_one() {
    for form in WITH_CHECKSUMS {
        let dir = tempfile::tempdir().unwrap();
        let path = file(form, dir.path());
        let writer = RecordFile::<Bar>::open_writer(&path).unwrap();
        let room = u32::try_from(writer.capacity().unwrap()).unwrap();
        let more: Vec<Bar> = (COUNT..COUNT + room).map(bar).collect();
        copy_amid(&path, 8192, || {
            writer.truncate_front(0).unwrap();
            writer.extend_from_slice(&more).unwrap();
        });
        is_damage(copied(&path).get(7));
    }
}

#[test]
fn tables_of_a_set_have_checksums_too() {
    let dir = tempfile::tempdir().unwrap();
    let set = Form::Checksums.options().open_set(dir.path()).unwrap();
    let draft = set.draft("today").unwrap();
    draft.create::<Bar>("bars", 3).unwrap().extend_from_slice(&[bar(1), bar(2), bar(3)]).unwrap();
    draft.publish().unwrap();
    let pack =
        std::fs::read_dir(dir.path().join("generations/today")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&pack).unwrap();
    let second = bytes.windows(8).rposition(|some| some == 2i64.to_le_bytes()).unwrap();
    bytes[second] ^= 1;
    std::fs::write(&pack, bytes).unwrap();

    let table = RecordSet::open(dir.path()).unwrap().current().unwrap().open::<Bar>("bars").unwrap();
    assert_eq!(table.get(0).unwrap(), Some(bar(1)));
    is_damage(table.get(1));
    assert!(table.info().unwrap().has_checksums);
    let refused = Form::Columns.options().open_set(dir.path()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn a_backup_is_made_as_its_file_was() {
    for form in Form::ALL {
        let dir = tempfile::tempdir().unwrap();
        let path = file(form, dir.path());
        let file = RecordFile::<Bar>::open(&path).unwrap();
        file.backup(dir.path().join("copy")).unwrap();
        let copy = RecordFile::<Bar>::open(dir.path().join("copy")).unwrap();
        assert_eq!(copy.to_vec().unwrap(), file.to_vec().unwrap());
        let form = |file: &RecordFile<Bar>| {
            let info = file.info().unwrap();
            (info.slot_size, info.has_checksums, info.block_records)
        };
        assert_eq!(form(&copy), form(&file));
    }
}
