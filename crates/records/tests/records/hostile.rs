//! Files that are not what they should be: each has its own error, none is changed, none ends the process.

use crate::common::{Bar, Form, bar};
use proptest::prelude::{any, prop, proptest};
use proptest::test_runner::Config;
use samovar_records::{ErrorKind, RawFile, RecordFile, RecordSet, schema};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use zerocopy::{FromBytes, Immutable, IntoBytes};

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Small {
    time: i64,
    close: f64,
}
schema!(Small { time, close });

#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Other {
    time: i64,
    first: f64,
    second: f64,
    third: f64,
    fourth: u64,
}
schema!(Other { time, first, second, third, fourth });

fn file() -> (TempDir, PathBuf) {
    file_of(Form::Rows)
}

fn file_of(form: Form) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    let bars: Vec<Bar> = (0..120).map(bar).collect();
    let file = form.options().create::<Bar>(&path, 0).unwrap();
    file.extend_from_slice(&bars).unwrap();
    file.truncate_front(100).unwrap();
    file.set(5, &bar(77)).unwrap();
    (dir, path)
}

/// Both ways of opening refuse it with this kind and leave it as it is.
#[track_caller]
fn refused(path: &Path, kind: ErrorKind) {
    let before = std::fs::read(path).unwrap();
    assert_eq!(RecordFile::<Bar>::open(path).unwrap_err().kind(), kind);
    assert_eq!(RecordFile::<Bar>::open_writer(path).unwrap_err().kind(), kind);
    assert_eq!(RecordFile::<Bar>::open_or_create(path).unwrap_err().kind(), kind);
    assert!(std::fs::read(path).unwrap() == before, "it was changed");
}

#[test]
fn each_open_check_has_its_error() {
    for (at, kind) in [
        (0, ErrorKind::NotRecords),
        (8, ErrorKind::UnsupportedVersion),
        (16, ErrorKind::WrongEndianness),
        (24, ErrorKind::UnsupportedVersion),
        (40, ErrorKind::Corrupt),
        (100, ErrorKind::Corrupt),
    ] {
        let (_dir, path) = file();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[at] ^= 3;
        std::fs::write(&path, bytes).unwrap();
        refused(&path, kind);
    }
}

#[test]
fn another_size_and_another_type_are_told_apart() {
    let (_dir, path) = file();
    let before = std::fs::read(&path).unwrap();
    assert_eq!(RecordFile::<Small>::open(&path).unwrap_err().kind(), ErrorKind::WrongSize);
    assert_eq!(RecordFile::<Small>::open_writer(&path).unwrap_err().kind(), ErrorKind::WrongSize);
    let error = RecordFile::<Other>::open_or_create(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongType);
    assert!(error.to_string().contains("fourth:u64") && error.to_string().contains("close:f64"), "{error}");
    assert!(std::fs::read(&path).unwrap() == before);
}

#[test]
fn a_file_cut_short_is_told() {
    for len in [10, 4095, 4096, 8191, 8192, 12_287] {
        let (_dir, path) = file();
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(len).unwrap();
        refused(&path, ErrorKind::Truncated);
    }
    let (_dir, path) = file();
    std::fs::write(&path, b"").unwrap();
    refused(&path, ErrorKind::EmptyFile);
    std::fs::write(&path, b"time,open\n1,2\n").unwrap();
    refused(&path, ErrorKind::NotRecords);
}

#[test]
fn a_folder_and_nothing_are_told() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(RecordFile::<Bar>::open(dir.path()).unwrap_err().kind(), ErrorKind::NotRegularFile);
    let missing = dir.path().join("missing");
    assert_eq!(RecordFile::<Bar>::open(&missing).unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(RecordFile::<Bar>::open_writer(&missing).unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!missing.exists());
}

#[test]
fn a_file_cut_short_while_it_is_read_is_an_error() {
    let (_dir, path) = file();
    let reader = RecordFile::<Bar>::open(&path).unwrap();
    assert_eq!(reader.to_vec().unwrap().len(), 100);
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(8192).unwrap();
    assert_eq!(reader.get(3).unwrap_err().kind(), ErrorKind::Fault);
    assert_eq!(reader.to_vec().unwrap_err().kind(), ErrorKind::Fault);
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    let after = reader.get(3);
    assert!(!matches!(after, Ok(Some(_))), "{after:?}");
}

/// A pack is damaged, and opened and used, or refused.
fn exercise_pack(damage: impl Fn(&mut Vec<u8>)) {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    let draft = set.draft("today").unwrap();
    for key in ["one", "two", "three"] {
        draft.create::<Bar>(key, 3).unwrap().push(&bar(1)).unwrap();
    }
    draft.publish().unwrap();
    let folder = dir.path().join("generations/today");
    let path = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&path).unwrap();
    damage(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    let today = set.current().unwrap();
    let _ = today.keys();
    for key in ["two", "four"] {
        if let Ok(table) = today.open::<Bar>(key) {
            let _ = (table.last(), table.to_vec(), table.view().map(|view| view.get(0).is_ok()));
        }
        if let Ok(table) = today.open_writer::<Bar>(key) {
            let _ = (table.set(0, &bar(2)), table.extend_from_slice(&[bar(3); 9]), table.flush());
        }
    }
}

/// Whatever it holds, the file is opened and used, or refused; nothing else happens.
fn exercise(path: &Path) {
    for writer in [false, true] {
        let opened =
            if writer { RecordFile::<Bar>::open_writer(path) } else { RecordFile::<Bar>::open(path) };
        let Ok(file) = opened else { continue };
        let _ = (file.len(), file.capacity(), file.last(), file.get(0), file.get(99));
        if let Ok(view) = file.view() {
            let _ = (view.get(0), view.get(99), view.for_each_column(|bar| &bar.close, |_| ()));
        }
        let _ = file.range(..1000).map(|bars| bars.take(2000).count());
        let _ = file.binary_search_by_key(&50, |bar| bar.time);
        let _ =
            (file.update_last(&bar(1)), file.set(3, &bar(1)), file.push(&bar(1)), file.truncate_front(10));
        let _ = file.to_vec();
    }
    if let Ok(raw) = RawFile::open(path) {
        let _ = (raw.info(), raw.get_bytes(7, &mut vec![0; raw.schema().record_size()]));
    }
}

/// Found by the properties below, which seldom come by it.
#[test]
fn a_pack_that_says_all_numbers_are_used_takes_no_more() {
    exercise_pack(|bytes| bytes[4096 + 9 * 8..][..8].fill(0xff));
}

proptest! {
    #![proptest_config(Config { cases: 300, failure_persistence: None, ..Config::default() })]

    #[test]
    fn no_control_words_end_the_process(
        words in prop::collection::vec((0usize..32, prop_word()), 1..6),
        form in prop_form(),
    ) {
        let (_dir, path) = file_of(form);
        let mut bytes = std::fs::read(&path).unwrap();
        for (word, value) in words {
            let at = 4096 + word * 8;
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        std::fs::write(&path, bytes).unwrap();
        exercise(&path);
    }

    #[test]
    fn no_words_of_a_pack_end_the_process(
        words in prop::collection::vec((0usize..2000, prop_word()), 1..6),
    ) {
        // The control page, the directory that follows, and the first blocks.
        exercise_pack(|bytes| for (word, value) in &words {
            let at = (4096 + word * 8) % (bytes.len() - 8);
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        });
    }

    #[test]
    fn no_bytes_end_the_process(
        changes in prop::collection::vec((0usize..20_000, any::<u8>()), 1..40),
        len in 0usize..20_000,
        form in prop_form(),
    ) {
        let (_dir, path) = file_of(form);
        let mut bytes = std::fs::read(&path).unwrap();
        for (at, value) in changes {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        bytes.truncate(len.max(4096));
        std::fs::write(&path, bytes).unwrap();
        exercise(&path);
    }

    #[test]
    fn no_schema_ends_the_process(text in "[a-z0-9:,\\[\\]]{0,60}|([a-z]{1,3}:(i64|u8|f32)(\\[[0-9]{1,22}\\])?,){0,4}") {
        if let Ok(schema) = text.parse::<samovar_records::Schema>() {
            assert_eq!(schema.to_string().parse::<samovar_records::Schema>().unwrap(), schema);
        }
    }
}

fn prop_form() -> impl proptest::strategy::Strategy<Value = Form> {
    proptest::sample::select(&Form::ALL[..])
}

/// Numbers near what a word can sensibly be, and numbers that it cannot.
fn prop_word() -> impl proptest::strategy::Strategy<Value = u64> {
    use proptest::prelude::{Just, prop_oneof};
    prop_oneof![
        0u64..300,
        any::<u64>(),
        Just(u64::MAX),
        Just(u64::MAX - 1),
        Just(1 << 62),
        Just((1 << 62) - 1),
        Just(1 << 63),
    ]
}
