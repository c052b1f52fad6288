//! Losses of power, real and supposed, as users meet them. What a reader changes, what a writer brings back, what a
//! boot without a name means, and what a dropped handle leaves.

use crate::common::{Bar, bar, number, process};
use samovar_records::{Condition, ErrorKind, Options, RecordFile, RecordSet, WarningKind};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const FILE: &str = "SAMOVAR_TEST_FILE";
const BOOT: usize = 4096 + 24;

fn numbers(file: &RecordFile<Bar>) -> Vec<u32> {
    file.to_vec().unwrap().iter().map(number).collect()
}

/// Writes the file as it would be found after another boot of the machine, had all pages come to the disk.
fn reboot(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    if bytes[BOOT..BOOT + 8] != [0; 8] {
        bytes[BOOT] ^= 0x5a;
    }
    std::fs::write(path, bytes).unwrap();
}

/// A file with 100 bars that were flushed and 50 that were not, whose writer ended without a close.
fn unflushed(dir: &Path) -> PathBuf {
    let path = dir.join("bars");
    let file = Options::new().leave_unflushed().open_or_create::<Bar>(&path).unwrap();
    file.extend_from_slice(&(0..100).map(bar).collect::<Vec<_>>()).unwrap();
    file.flush().unwrap();
    file.set(7, &bar(1007)).unwrap();
    file.set(60, &bar(1060)).unwrap();
    file.update_last(&bar(1099)).unwrap();
    file.extend_from_slice(&(100..150).map(bar).collect::<Vec<_>>()).unwrap();
    path
}

#[test]
fn who_only_reads_changes_nothing_after_a_loss_of_power() {
    let dir = tempfile::tempdir().unwrap();
    let path = unflushed(dir.path());
    reboot(&path);
    let before = std::fs::read(&path).unwrap();
    let reader = RecordFile::<Bar>::open(&path).unwrap();
    assert_eq!(numbers(&reader), (0..100).collect::<Vec<_>>(), "as it was flushed");
    let view = reader.view().unwrap();
    assert_eq!((view.len(), number(&view.get(7).unwrap().unwrap())), (100, 7));
    assert_eq!(number(&reader.last().unwrap().unwrap()), 99);
    assert_eq!(reader.info().unwrap().condition, Condition::PowerLost);
    assert!(std::fs::read(&path).unwrap() == before, "it was changed");
    // The file was only copied from another machine, say: there it is whole.
    let mut bytes = before;
    bytes[BOOT] ^= 0x5a;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(RecordFile::<Bar>::open(&path).unwrap().len().unwrap(), 150);
}

#[test]
fn a_reader_goes_on_with_what_a_writer_brings_back_and_writes() {
    let dir = tempfile::tempdir().unwrap();
    let path = unflushed(dir.path());
    reboot(&path);
    let reader = RecordFile::<Bar>::open(&path).unwrap();
    let (view, iter) = (reader.view().unwrap(), reader.iter().unwrap());
    let mut snapshot = reader.snapshot().unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    let options = Options::new().on_warning(move |warning| tell.lock().unwrap().push(warning.kind()));
    let writer = options.open_writer::<Bar>(&path).unwrap();
    assert_eq!(*told.lock().unwrap(), [WarningKind::Restored]);
    assert_eq!(numbers(&writer), (0..100).collect::<Vec<_>>());
    writer.push(&bar(500)).unwrap();
    writer.set(7, &bar(507)).unwrap();
    assert_eq!(numbers(&reader)[98..], [98, 99, 500]);
    assert_eq!(number(&view.get(7).unwrap().unwrap()), 507);
    assert_eq!(
        iter.map(|bar| number(&bar.unwrap())).filter(|number| *number > 99).collect::<Vec<_>>(),
        [507]
    );
    snapshot.refresh().unwrap();
    assert_eq!((snapshot.len(), number(&snapshot[7])), (101, 507));
}

#[test]
fn what_was_pushed_outlives_a_reboot_though_nobody_closed_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    let file = RecordFile::<Bar>::create(&path).unwrap();
    file.extend_from_slice(&(0..1000).map(bar).collect::<Vec<_>>()).unwrap();
    drop(file);
    reboot(&path);
    assert_eq!(RecordFile::<Bar>::open(&path).unwrap().len().unwrap(), 1000);

    let set = RecordSet::open_or_create(dir.path().join("set")).unwrap();
    let draft = set.draft("today").unwrap();
    draft.create::<Bar>("bars", 1).unwrap().push(&bar(0)).unwrap();
    draft.publish().unwrap();
    let today = set.current().unwrap();
    let table = today.open_writer::<Bar>("bars").unwrap();
    (1..1000).for_each(|number| table.push(&bar(number)).unwrap());
    drop((table, today, set));
    let folder = dir.path().join("set/generations/today");
    reboot(&std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path());
    let set = RecordSet::open(dir.path().join("set")).unwrap();
    assert_eq!(set.current().unwrap().open::<Bar>("bars").unwrap().len().unwrap(), 1000);
}

#[test]
fn a_change_of_an_old_record_takes_nothing_of_what_was_flushed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    let file = Options::new().leave_unflushed().open_or_create::<Bar>(&path).unwrap();
    file.extend_from_slice(&(0..1000).map(bar).collect::<Vec<_>>()).unwrap();
    file.flush().unwrap();
    for index in [0, 5, 2, 999, 0, 3] {
        file.set(index, &bar(5000)).unwrap();
        assert_eq!(file.info().unwrap().durable, 1000, "after a change of {index}");
    }
    drop(file);
    reboot(&path);
    assert_eq!(numbers(&RecordFile::<Bar>::open(&path).unwrap()), (0..1000).collect::<Vec<_>>());
}

#[test]
fn a_flush_comes_every_so_often_where_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    let options = Options::new().leave_unflushed().flush_every(Duration::from_millis(20));
    let file = options.open_or_create::<Bar>(&path).unwrap();
    for count in [10, 20] {
        file.extend_from_slice(&[bar(1); 10]).unwrap();
        let begun = Instant::now();
        while file.info().unwrap().durable < count {
            assert!(begun.elapsed() < Duration::from_secs(20), "nobody flushes");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let flushes = file.info().unwrap().flushes;
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(file.info().unwrap().flushes, flushes, "there was nothing to flush");
}

#[test]
fn one_wrong_bit_of_a_capacity_makes_no_file_grow() {
    let dir = tempfile::tempdir().unwrap();
    let path = unflushed(dir.path());
    reboot(&path);
    let bytes = std::fs::read(&path).unwrap();
    for shape in 0..2 {
        for bit in 0..64 {
            let mut bytes = bytes.clone();
            bytes[4096 + 128 + shape * 32 + 8 + bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bytes).unwrap();
            for opened in [RecordFile::<Bar>::open(&path), RecordFile::<Bar>::open_writer(&path)] {
                match opened {
                    Ok(file) => assert_eq!(numbers(&file), (0..100).collect::<Vec<_>>()),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}"),
                }
                let len = std::fs::metadata(&path).unwrap().len();
                assert!(len == bytes.len() as u64, "bit {bit}: it has {len} bytes by now");
            }
        }
    }
}

#[test]
fn one_senseless_table_does_not_take_the_others_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    let draft = set.draft("today").unwrap();
    for key in ["one", "two", "three"] {
        draft
            .create::<Bar>(key, 200)
            .unwrap()
            .extend_from_slice(&(0..200).map(bar).collect::<Vec<_>>())
            .unwrap();
    }
    draft.publish().unwrap();
    let folder = dir.path().join("generations/today");
    let path = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&path).unwrap();
    // Of the block of `two`, found by its key: what was flushed of it. And as if it was written in another boot.
    let key = bytes.windows(5).position(|five| five == b"two\0\0").unwrap();
    let block = key / 256 * 256 - 512;
    assert_eq!(bytes[block + 192], 1, "its first flush");
    bytes[block + 200 + 24 + 8..][..8].fill(0x77);
    bytes[BOOT] = 0x5a;
    std::fs::write(&path, &bytes).unwrap();
    let told = Arc::new(Mutex::new(String::new()));
    let tell = Arc::clone(&told);
    let options = Options::new().on_warning(move |warning| {
        if warning.kind() == WarningKind::TablesLost {
            *tell.lock().unwrap() = warning.to_string();
        }
    });
    let set = options.open_set(dir.path()).unwrap();
    let today = set.current().unwrap();
    assert_eq!(today.open::<Bar>("two").unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(today.open::<Bar>("one").unwrap().len().unwrap(), 200, "to a reader");
    let one = today.open_writer::<Bar>("one").unwrap();
    one.push(&bar(200)).unwrap();
    assert!(told.lock().unwrap().contains("two"), "{}", told.lock().unwrap());
    assert_eq!(numbers(&one), (0..201).collect::<Vec<_>>());
    assert_eq!(today.open::<Bar>("three").unwrap().len().unwrap(), 200);
    assert_eq!(today.keys().unwrap(), ["one", "three"]);
}

/// A process of its own that does not see which boot it is: in a mount name space where nothing is at /proc. None where that
/// may not be made.
fn process_without_a_boot(test: &str, path: &Path) -> Option<Command> {
    let hide = "mount -t tmpfs none /proc && exec \"$0\" \"$@\"";
    let may = Command::new("unshare").args(["-m", "sh", "-c", hide, "true"]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this test hides /proc from a process, and may not here");
        return None;
    }
    let seen = process(test);
    let mut hidden = Command::new("unshare");
    hidden.args(["-m", "sh", "-c", hide]).arg(seen.get_program()).args(seen.get_args());
    hidden.env(FILE, path).stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(hidden)
}

#[test]
#[ignore = "started by the tests below as a process of its own"]
fn reader_without_a_boot() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let file = RecordFile::<Bar>::open(path).unwrap();
    println!("{} records, {:?}", file.len().unwrap(), file.info().unwrap().condition);
}

#[test]
#[ignore = "started by the tests below as a process of its own"]
fn writer_without_a_boot() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let options =
        Options::new().leave_unflushed().on_warning(|warning| println!("told of {:?}", warning.kind()));
    let file = options.open_or_create::<Bar>(path).unwrap();
    file.extend_from_slice(&(0..1000).map(bar).collect::<Vec<_>>()).unwrap();
    println!("{} records", file.len().unwrap());
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[test]
fn a_boot_that_has_no_name_is_no_loss_of_power() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    let Some(mut reader) = process_without_a_boot("losses::reader_without_a_boot", &path) else { return };
    let file = Options::new().leave_unflushed().open_or_create::<Bar>(&path).unwrap();
    file.extend_from_slice(&(0..1000).map(bar).collect::<Vec<_>>()).unwrap();
    drop(file);
    let said = String::from_utf8(reader.output().unwrap().stdout).unwrap();
    assert!(said.contains("1000 records, BootUnknown"), "{said}");
    assert_eq!(RecordFile::<Bar>::open(&path).unwrap().len().unwrap(), 1000, "for good");
}

#[test]
fn a_living_writer_that_sees_no_boot_makes_nobody_wait() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bars");
    let Some(mut writer) = process_without_a_boot("losses::writer_without_a_boot", &path) else { return };
    let mut writer = writer.stdin(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok);
    let told = lines.by_ref().find(|line| line.contains("told of") || line.contains("records"));
    assert!(told.unwrap().contains("BootUnknown"));
    assert!(lines.any(|line| line.contains("1000 records")));
    let begun = Instant::now();
    let file = RecordFile::<Bar>::open(&path).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5), "it waited {:?}", begun.elapsed());
    assert_eq!(file.len().unwrap(), 1000);
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert_eq!(RecordFile::<Bar>::open_writer(&path).unwrap().len().unwrap(), 1000);
}
