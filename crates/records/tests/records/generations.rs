//! Generations that come, go and come again under one name, makers that meet, and disks that are full.

use crate::common::{Bar, SmallDisk, bar, number};
use samovar_records::{ErrorKind, Generation, RecordSet};
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

fn publish(set: &RecordSet, name: &str, value: u32) {
    let draft = set.draft(name).unwrap();
    draft.create::<Bar>("bars", 1).unwrap().push(&bar(value)).unwrap();
    draft.publish().unwrap();
}

fn value(generation: &Generation) -> u32 {
    number(&generation.open::<Bar>("bars").unwrap().last().unwrap().unwrap())
}

#[test]
fn a_name_used_again_is_another_generation() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    publish(&set, "blue", 1);
    let reader = RecordSet::open(dir.path()).unwrap();
    let first = reader.current().unwrap();
    assert_eq!(value(&first), 1);
    for round in 2..50 {
        publish(&set, "green", 1000 + round);
        set.remove("blue").unwrap();
        publish(&set, "blue", round);
        set.remove("green").unwrap();
        assert_eq!(value(&reader.current().unwrap()), round);
    }
    assert_eq!(value(&first), 1, "what is held stays");
    let error = first.open_writer::<Bar>("bars").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Replaced, "its writer would write another generation: {error}");
}

#[test]
fn a_generation_that_is_held_outlives_its_removal() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    publish(&set, "blue", 7);
    let held = set.current().unwrap();
    publish(&set, "green", 8);
    set.remove("blue").unwrap();
    assert_eq!(value(&held), 7, "nothing of it was opened before the removal");
    assert_eq!(held.keys().unwrap(), ["bars"]);
    assert_eq!(held.open::<Bar>("none").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(std::fs::read_dir(dir.path().join("generations")).unwrap().count(), 1);
}

#[test]
fn readers_of_generations_that_come_and_go_always_have_a_whole_one() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    publish(&set, "blue", 1);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let reader = RecordSet::open(dir.path()).unwrap();
                let mut newest = 0;
                while !done.load(Ordering::Relaxed) {
                    let seen = value(&reader.current().unwrap());
                    assert!(seen >= newest, "{seen} after {newest}");
                    newest = seen;
                }
            });
        }
        for round in 2..60 {
            let [old, new] = if round % 2 == 0 { ["blue", "green"] } else { ["green", "blue"] };
            publish(&set, new, round);
            set.remove(old).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// Two containers on one volume have processes of the same number, which made drafts of one name. Here that draft is made
/// by hand, as long as the names can be foretold.
#[test]
fn no_draft_is_published_for_another_and_none_is_removed_without_its_lock() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    let pid = std::process::id();
    let theirs: Vec<_> =
        (0..50).map(|count| dir.path().join(format!("generations/.blue.{pid}-{count}.draft"))).collect();
    let locks: Vec<_> = theirs
        .iter()
        .map(|folder| {
            std::fs::create_dir_all(folder).unwrap();
            let lock = std::fs::File::create(folder.join(".lock")).unwrap();
            lock.lock().unwrap();
            lock
        })
        .collect();
    publish(&set, "blue", 1);
    assert!(theirs.iter().all(|folder| folder.join(".lock").is_file()), "a draft of another maker is gone");
    drop(locks);
    drop(set.draft("green").unwrap());
    assert!(!theirs.iter().any(|folder| folder.exists()), "what nobody locks is swept");
}

#[test]
fn makers_and_sweepers_that_meet_lose_no_draft() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    let rounds = 300;
    let barrier = Barrier::new(4);
    std::thread::scope(|scope| {
        for maker in 0..4 {
            let (set, barrier) = (&set, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for round in 0..rounds {
                    let draft = set.draft(&format!("of-{maker}-{round}")).unwrap();
                    draft.create::<Bar>("bars", 1).unwrap().push(&bar(round)).unwrap();
                }
            });
        }
    });
    assert_eq!(std::fs::read_dir(dir.path().join("generations")).unwrap().count(), 0);
}

#[test]
fn a_set_without_a_generation_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    let error = set.current().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let said = error.to_string();
    assert!(
        said.contains("no generation") && said.contains("publish") && !said.contains("os error"),
        "{said}"
    );
}

fn used(root: &Path) -> u64 {
    let folders = std::fs::read_dir(root.join("generations")).unwrap();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

#[test]
fn a_pack_fills_a_small_disk_and_is_published_there() {
    let Some(disk) = SmallDisk::mount() else { return };
    let set = RecordSet::open_or_create(disk.path()).unwrap();
    let draft = set.draft("today").unwrap();
    let table = draft.create::<Bar>("bars", 1).unwrap();
    let mut count = 0;
    let error = loop {
        match table.push(&bar(count)) {
            Ok(()) => count += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
    let others = (0..1000).map(|number| draft.create::<Bar>(&format!("other/{number}"), 8));
    let error = others.flat_map(Result::err).next().unwrap();
    assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
    assert!(
        used(disk.path()) > (1 << 20) * 9 / 10,
        "the disk has room left: {} bytes used",
        used(disk.path())
    );
    drop(table);
    // There is no room to write it a second time.
    draft.publish().unwrap();
    let table = set.current().unwrap().open::<Bar>("bars").unwrap();
    assert_eq!(
        table.to_vec().unwrap().iter().map(number).collect::<Vec<_>>(),
        (0..count).collect::<Vec<_>>()
    );
}

#[test]
fn a_draft_that_could_not_be_published_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let set = RecordSet::open_or_create(dir.path()).unwrap();
    let draft = set.draft("today").unwrap();
    draft.create::<Bar>("bars", 1).unwrap().push(&bar(5)).unwrap();
    std::fs::create_dir(dir.path().join("generations/today")).unwrap();
    assert_eq!(draft.publish().unwrap_err().kind(), ErrorKind::AlreadyExists);
    draft.create::<Bar>("more", 1).unwrap().push(&bar(6)).unwrap();
    std::fs::remove_dir(dir.path().join("generations/today")).unwrap();
    draft.publish().unwrap();
    let today = set.current().unwrap();
    assert_eq!((value(&today), today.keys().unwrap().len()), (5, 2));
    assert_eq!(draft.publish().unwrap_err().kind(), ErrorKind::InvalidArgument);
}
