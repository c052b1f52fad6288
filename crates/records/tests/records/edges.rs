//! Handles at their limits: files that lose their name, relative paths, ranges and indices that make no sense, and processes
//! that may open or map no more.

use crate::common::{Bar, bar, number, process};
use samovar_mmap::{Access, SharedMap};
use samovar_records::{ErrorKind, RecordFile};
use std::process::Command;

const FILE: &str = "SAMOVAR_TEST_FILE";

fn numbers(file: &RecordFile<Bar>) -> Vec<u32> {
    file.to_vec().unwrap().iter().map(number).collect()
}

fn root() -> Option<std::path::PathBuf> {
    std::env::var_os(FILE).map(Into::into)
}

#[test]
fn handles_grow_after_their_file_has_lost_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    let writer = RecordFile::<Bar>::create(&path).unwrap();
    let reader = RecordFile::<Bar>::open(&path).unwrap();
    let mut pushed = 0;
    let mut grow = || {
        writer.extend_from_slice(&(pushed..pushed * 4 + 1000).map(bar).collect::<Vec<_>>()).unwrap();
        pushed = pushed * 4 + 1000;
        assert_eq!(numbers(&reader), (0..pushed).collect::<Vec<_>>());
        assert_eq!(number(&writer.last().unwrap().unwrap()), pushed - 1);
    };
    grow();
    std::fs::rename(&path, dir.path().join("renamed")).unwrap();
    grow();
    RecordFile::<Bar>::create(&path).unwrap();
    grow();
    std::fs::remove_file(dir.path().join("renamed")).unwrap();
    grow();
}

#[test]
#[ignore = "started by the test below as a process of its own, which goes elsewhere"]
fn process_that_goes_elsewhere() {
    let Some(root) = root() else { return };
    std::env::set_current_dir(&root).unwrap();
    let writer = RecordFile::<Bar>::create("bars").unwrap();
    let reader = RecordFile::<Bar>::open("bars").unwrap();
    std::env::set_current_dir("/").unwrap();
    writer.extend_from_slice(&vec![bar(7); 100_000]).unwrap();
    assert_eq!(number(&reader.get(99_999).unwrap().unwrap()), 7);
    assert!(reader.path().is_absolute());
    println!("grown");
}

#[test]
fn a_relative_path_is_good_wherever_the_process_goes() {
    let dir = tempfile::tempdir().unwrap();
    let ended = process("edges::process_that_goes_elsewhere").env(FILE, dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(said.contains("grown"), "{said}{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn ranges_and_indices_that_make_no_sense_are_empty() {
    let dir = tempfile::tempdir().unwrap();
    let file = RecordFile::<Bar>::create(dir.path().join("bars")).unwrap();
    file.extend_from_slice(&(0..10).map(bar).collect::<Vec<_>>()).unwrap();
    let view = file.view().unwrap();
    file.truncate_front(6).unwrap();
    let later = file.view().unwrap();
    #[expect(clippy::reversed_empty_ranges, reason = "that is what is tried")]
    let reversed = [5..3, usize::MAX..0, 9..usize::MAX, usize::MAX..usize::MAX];
    for range in reversed {
        assert_eq!(file.range(range.clone()).unwrap().count(), 0, "{range:?}");
        assert_eq!(file.range(range).unwrap().size_hint(), (0, Some(0)));
    }
    assert_eq!(file.range(..=usize::MAX).unwrap().count(), 6);
    assert_eq!(
        file.range((std::ops::Bound::Excluded(usize::MAX), std::ops::Bound::Unbounded)).unwrap().count(),
        0
    );
    for index in [usize::MAX, usize::MAX - 3, usize::MAX / 2, 10, 6] {
        assert_eq!(later.get(index).unwrap(), None, "{index}");
        assert_eq!(file.get(index).unwrap(), None, "{index}");
        assert_eq!(file.set(index, &bar(1)).unwrap_err().kind(), ErrorKind::OutOfRange, "{index}");
    }
    assert_eq!((view.get(usize::MAX).unwrap(), view.get(3).unwrap()), (None, None));
    assert_eq!(number(&view.get(4).unwrap().unwrap()), 4);
}

#[test]
fn a_bad_place_is_told_for_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none/bars");
    for error in [RecordFile::<Bar>::create(&path), RecordFile::<Bar>::open(&path)].map(Result::unwrap_err) {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let said = error.to_string();
        assert!(
            said.contains("no folder") && said.contains(&*dir.path().join("none").to_string_lossy()),
            "{said}"
        );
    }
    std::fs::write(dir.path().join("file"), "").unwrap();
    let path = dir.path().join("file/bars");
    for error in [RecordFile::<Bar>::create(&path), RecordFile::<Bar>::open(&path)].map(Result::unwrap_err) {
        assert!(error.to_string().contains("is no folder"), "{error}");
    }
    let missing = RecordFile::<Bar>::open(dir.path().join("bars")).unwrap_err();
    assert!(missing.kind() == ErrorKind::NotFound && missing.to_string().contains("bars"), "{missing}");
}

#[test]
#[ignore = "started by the tests below as a process of its own, with limits of its own"]
fn process_at_its_limits() {
    let Some(root) = root() else { return };
    let path = root.join("bars");
    if std::env::var_os("SAMOVAR_TEST_MAPS").is_some() {
        // All addresses but some that the program itself still needs.
        let file = std::fs::File::open(&path).unwrap();
        let (mut len, mut maps) = (1 << 30, Vec::new());
        while len > 256 << 10 {
            match SharedMap::map_beyond_end(&file, Access::ReadOnly, 0, len) {
                Ok(map) => maps.push(map),
                Err(_) => len /= 2,
            }
        }
        println!("{:?}", RecordFile::<Bar>::open(&path).unwrap_err());
        drop(maps);
        return;
    }
    let open = || RecordFile::<Bar>::open(&path);
    let (mut files, mut error) = (Vec::new(), None);
    while error.is_none() {
        open().map_or_else(|failed| error = Some(failed), |file| files.push(file));
    }
    drop(files);
    println!("{:?}", error.unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_process_has_too_many_of_is_named() {
    let dir = tempfile::tempdir().unwrap();
    RecordFile::<Bar>::create_with_capacity(dir.path().join("bars"), 100_000).unwrap();
    let told = |command: &mut Command| {
        let ended = command.env(FILE, dir.path()).output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr))
    };
    let under = |limit: &str| {
        let program = process("edges::process_at_its_limits");
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit {limit}; exec \"$0\" \"$@\"")]);
        shell.arg(program.get_program()).args(program.get_args());
        shell
    };
    let said = told(&mut under("-n 64"));
    assert!(said.contains("Limit") && said.contains("ulimit -n"), "{said}");
    let said = told(under("-v 4000000").env("SAMOVAR_TEST_MAPS", "1"));
    let names = ["Limit", "max_map_count"].iter().all(|word| said.contains(word));
    assert!(names && !said.contains("the file is as it was"), "{said}");
}
